// SPDX-License-Identifier: MIT
//
// The only place that names the runtimes. To add one, add its folder and a row
// here.
#include "runtime/cpython/open.h"
#include "runtime/native/native_open.h"

const struct rs_runtime_kind rs_runtime_kinds[] = {
	{rs_cpython_open, "a CPython"},
	{rs_native_open, "the registry of a program that links librefscope"},
};

const size_t rs_runtime_kinds_count =
	sizeof(rs_runtime_kinds) / sizeof(rs_runtime_kinds[0]);
