// SPDX-License-Identifier: MIT
/** @file __sizeof__() of standard types. Internal to runtime/cpython. */
#ifndef RS_CPYTHON_SIZE_RULES_H
#define RS_CPYTHON_SIZE_RULES_H

#include "runtime/cpython/decode/types.h"

/** @return The number of the rule for @p base or what it inherits from; 0:
 * none. */
uint8_t rs_py_size_rule(struct rs_cpython *py, uint64_t base);

/**
 * Bytes that @p object has beside its type's basicsize and the head, by the
 * rule t->size_rule, which is not 0. Items are in them.
 */
uint64_t rs_py_size_by_rule(struct rs_cpython *py, const struct rs_py_type *t,
			    uint64_t object);

#endif /* RS_CPYTHON_SIZE_RULES_H */
