// SPDX-License-Identifier: MIT
/** @file Where bits of a core are worth a flip. */
#ifndef RS_FUZZ_AIM_H
#define RS_FUZZ_AIM_H

#include "session/session.h"

enum rs_aim { RS_HEADERS, RS_NOTES, RS_TYPES, RS_LISTS, RS_KINDS };

/** Aim at @p n bytes at address @p at, if the core itself has them. */
void rs_aim_add(struct rs_memory *memory, enum rs_aim kind, uint64_t at,
		uint64_t n);

/**
 * Aim at the types and at what the objects are listed by. A type is aimed at
 * once an object: those of most objects are met most. In two files: both
 * runtimes know an rs_field.
 */
void rs_aim_at_cpython(struct rs_session *s, const struct rs_graph *graph);
void rs_aim_at_native(struct rs_session *s, const struct rs_graph *graph);

#endif /* RS_FUZZ_AIM_H */
