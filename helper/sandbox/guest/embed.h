// SPDX-License-Identifier: MIT
/** @file Bytes of a file as a constant of the program. */
#ifndef RS_SANDBOX_EMBED_H
#define RS_SANDBOX_EMBED_H

/** Define @p name and @p name _end, hidden, around what @p bytes emits. */
#define RS_EMBED(name, bytes)                                                  \
	__asm__(".pushsection .rodata\n"                                       \
		".balign 64\n"                                                 \
		".globl " name ", " name "_end\n"                              \
		".hidden " name ", " name "_end\n" name ":\n" bytes name       \
		"_end:\n"                                                      \
		".byte 0\n"                                                    \
		".popsection\n")

#define RS_EMBED_FILE(path) ".incbin \"" path "\"\n"

#endif /* RS_SANDBOX_EMBED_H */
