// SPDX-License-Identifier: MIT
/**
 * @file The references in the C state (md_state) of a module. Only its
 * m_traverse knows the layout; for the modules of the standard library there is
 * a table.
 */
#ifndef RS_CPYTHON_MODULE_STATE_H
#define RS_CPYTHON_MODULE_STATE_H

#include "runtime/cpython/decode/decode.h"

/** A row: a module, from a release of Python on. */
struct rs_py_module_row {
	const char *name; // m_name
	uint64_t visited; // bit i: m_traverse visits word i
	uint16_t from; // minor << 8 | micro
	uint16_t size; // m_size
	bool type; // it also visits the type of the module
};

/** Sorted by name, size and release. */
extern const struct rs_py_module_row rs_py_module_rows[];
extern const size_t rs_py_module_row_count;

#endif /* RS_CPYTHON_MODULE_STATE_H */
