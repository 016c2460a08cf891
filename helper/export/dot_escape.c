// SPDX-License-Identifier: MIT
#include "export/dot_escape.h"

#include <stddef.h>
#include <stdint.h>

// Length of the UTF-8 character at @p s; 0 if it is not well-formed (RFC 3629).
static size_t character(const unsigned char *s)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	const size_t n = s[0] < 0x80   ? 1
			 : s[0] < 0xc2 ? 0
			 : s[0] < 0xe0 ? 2
			 : s[0] < 0xf0 ? 3
			 : s[0] < 0xf5 ? 4
				       : 0;
	uint32_t code = n > 1 ? s[0] & (0x7fU >> n) : s[0];

	for (size_t i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0; // the NUL at the end too
		code = code << 6 | (s[i] & 0x3f);
	}
	if (n > 1 && (code < least[n] || code > 0x10ffff ||
		      (code >= 0xd800 && code < 0xe000)))
		return 0;
	return n;
}

void rs_dot_escape(const char *text, FILE *out)
{
	const unsigned char *p = (const unsigned char *)text;

	while (*p) {
		const size_t n = character(p);

		if (*p == '"' || *p == '\\')
			(void)fputc('\\', out);
		if (!n || *p < 0x20 || *p == 0x7f)
			(void)fputc('?', out);
		else
			(void)fwrite(p, 1, n, out);
		p += n ? n : 1;
	}
}
