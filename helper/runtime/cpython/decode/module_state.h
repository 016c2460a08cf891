// SPDX-License-Identifier: MIT
/**
 * @file
 * What a module written in C refers to by its own block (md_state): its
 * m_traverse knows, and a table says it for those of the standard library.
 */
#ifndef RS_CPYTHON_MODULE_STATE_H
#define RS_CPYTHON_MODULE_STATE_H

#include "runtime/cpython/decode/decode.h"

/** Of one module, from one release of Python on. */
struct rs_py_module_row {
	const char *name; // m_name
	uint64_t told; // bit i: m_traverse tells of word i
	uint16_t from; // minor << 8 | micro
	uint16_t size; // m_size
	bool type; // it tells of the module's type as well
};

/** By name and size; those of one name and size by release. */
extern const struct rs_py_module_row rs_py_module_rows[];
extern const size_t rs_py_module_row_count;

#endif /* RS_CPYTHON_MODULE_STATE_H */
