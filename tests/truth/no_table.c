// SPDX-License-Identifier: MIT
/**
 * @file
 * Instead of runtime/cpython/layout/generated/table.c: an engine to which each
 * release of CPython is unknown.
 */
#include "runtime/cpython/layout/layout.h"

const struct rs_layout rs_layouts[] = {{.release = "none"}};
const size_t rs_layouts_count = 0;
