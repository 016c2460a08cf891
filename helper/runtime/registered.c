// SPDX-License-Identifier: MIT
//
// The one place that names the runtimes: to add one, write its folder and add
// a row here.
#include "runtime/cpython/open.h"
#include "runtime/native/native_open.h"

const struct rs_runtime_kind rs_runtime_kinds[] = {
	{rs_cpython_open, "a CPython"},
	{rs_native_open, "the registry of a program that links librefscope"},
};

const size_t rs_runtime_kinds_count =
	sizeof(rs_runtime_kinds) / sizeof(rs_runtime_kinds[0]);
