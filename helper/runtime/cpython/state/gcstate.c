// SPDX-License-Identifier: MIT
//
// The variables of the collector. From 3.7 on they are fields of a struct. In
// 2.7 and 3.6 they are static variables: `garbage` and `callbacks` are also in
// the dict of the gc module; the addresses of `enabled` and `debug` are taken
// from the code of gc.isenabled() and gc.get_debug(), whose first instruction
// with an address loads them.
#include "runtime/cpython/state/discover.h"

enum { RS_CODE = 48 };

static bool read_int(const struct rs_cpython *py, uint64_t base,
		     enum rs_field field, int *ret)
{
	uint32_t value;

	if (rs_py_off(py, field) < 0 ||
	    !rs_memory_u32(py->base.memory,
			   base + (uint64_t)rs_py_off(py, field), &value))
		return false;
	*ret = (int32_t)value;
	return true;
}

// The address from which `mov disp(%rip), %r32` or `movslq disp(%rip), %r64`
// loads.
bool rs_py_loads_from(const uint8_t *code, uint64_t at, unsigned i,
		      uint64_t *ret)
{
	unsigned end;
	int32_t displacement;

	if (code[i] == 0x8b && (code[i + 1] & 0xc7) == 0x05)
		end = i + 6;
	else if (code[i] == 0x48 && code[i + 1] == 0x63 &&
		 (code[i + 2] & 0xc7) == 0x05)
		end = i + 7;
	else
		return false;
	memcpy(&displacement, code + end - 4, sizeof(displacement));
	*ret = at + end + (uint64_t)(int64_t)displacement;
	return true;
}

// The address of the variable that the built-in @p function returns, or 0.
// x86-64 only.
static uint64_t static_behind(struct rs_cpython *py, uint64_t function)
{
	const uint64_t def =
		rs_py_get(py, function, RS_F_PyCFunctionObject__m_ml);
	const uint64_t at = rs_py_get(py, def, RS_F_PyMethodDef__ml_meth);
	const uint8_t *code = rs_memory_at(py->base.memory, at, RS_CODE);
	uint64_t variable;

	if (rs_py_type(py, function) != py->type_cfunction || !code)
		return 0;
	for (unsigned i = 0; i + 8 <= RS_CODE; i++) {
		if (!rs_py_loads_from(code, at, i, &variable))
			continue;
		return rs_memory_module(py->base.memory, at) == py->module
			       ? variable
			       : 0;
	}
	return 0;
}

static bool read_static(struct rs_cpython *py, uint64_t function, int *ret)
{
	const uint64_t variable = static_behind(py, function);
	uint32_t value;

	if (!variable || !rs_memory_u32(py->base.memory, variable, &value))
		return false;
	*ret = (int32_t)value;
	return true;
}

// The dict of the module gc, if it was imported.
static uint64_t gc_module_dict(struct rs_cpython *py)
{
	const uint64_t modules =
		rs_py_get(py, py->interpreter[0].address, RS_F__is__modules);
	const uint64_t module = rs_py_dict_get(py, modules, "gc");

	return module ? rs_py_get(py, module, RS_F_PyModuleObject__md_dict) : 0;
}

uint64_t rs_py_gc_enabled_at(struct rs_cpython *py, unsigned interpreter)
{
	const uint64_t gc = py->interpreter[interpreter].gc;
	const int32_t at = rs_py_off(py, RS_F__gc_runtime_state__enabled);

	if (py->runtime)
		return gc && at >= 0 ? gc + (uint64_t)at : 0;
	return static_behind(
		py, rs_py_dict_get(py, gc_module_dict(py), "isenabled"));
}

static void old_gcstate(struct rs_cpython *py, struct rs_py_gcstate *ret)
{
	const uint64_t dict = gc_module_dict(py);
	int value = 0;

	if (!dict) {
		// It is enabled: there is no C API to disable it.
		ret->enabled = 1;
		ret->debug = 0;
		return;
	}
	ret->garbage = rs_py_dict_get(py, dict, "garbage");
	ret->callbacks = rs_py_dict_get(py, dict, "callbacks");
	if (read_static(py, rs_py_dict_get(py, dict, "isenabled"), &value))
		ret->enabled = value != 0;
	if (read_static(py, rs_py_dict_get(py, dict, "get_debug"), &value))
		ret->debug = value;
}

// The program may have set the module's attribute to another object (gc.garbage
// = []); the collector's own is always a list.
static void keep_list(const struct rs_cpython *py, uint64_t *list)
{
	if (rs_py_type(py, *list) != py->type_list)
		*list = 0;
}

void rs_py_gcstate(struct rs_cpython *py, unsigned interpreter,
		   struct rs_py_gcstate *ret)
{
	const uint64_t gc = py->interpreter[interpreter].gc;
	int value;

	*ret = (struct rs_py_gcstate){-1, -1, -1, 0, 0};
	if (!py->runtime) {
		old_gcstate(py, ret);
	} else if (gc) {
		if (read_int(py, gc, RS_F__gc_runtime_state__enabled, &value))
			ret->enabled = value != 0;
		if (read_int(py, gc, RS_F__gc_runtime_state__debug, &value))
			ret->debug = value;
		if (read_int(py, gc, RS_F__gc_runtime_state__collecting,
			     &value))
			ret->collecting = value != 0;
		ret->garbage =
			rs_py_get(py, gc, RS_F__gc_runtime_state__garbage);
		ret->callbacks =
			rs_py_get(py, gc, RS_F__gc_runtime_state__callbacks);
	}
	keep_list(py, &ret->garbage);
	keep_list(py, &ret->callbacks);
}

struct rs_error *rs_py_garbage_of(struct rs_cpython *py, unsigned interpreter,
				  struct rs_vec *ret)
{
	struct rs_py_gcstate state;

	rs_py_gcstate(py, interpreter, &state);
	const uint64_t n =
		rs_py_get(py, state.garbage, RS_F_PyVarObject__ob_size);
	const uint64_t items =
		rs_py_get(py, state.garbage, RS_F_PyListObject__ob_item);
	for (uint64_t k = 0; state.garbage && k < n; k++) {
		uint64_t item;

		if (!rs_memory_u64(py->base.memory, items + k * 8, &item))
			break;
		struct rs_error *err = rs_vec_append(ret, &item, sizeof(item));
		if (err)
			return err;
	}
	return NULL;
}

struct rs_error *rs_py_garbage(struct rs_runtime *rt, struct rs_vec *ret)
{
	struct rs_cpython *py = rs_cpython(rt);
	const unsigned collectors = py->runtime ? py->interpreters : 1;
	struct rs_error *err = NULL;

	for (unsigned i = 0; i < collectors && !err; i++)
		err = rs_py_garbage_of(py, i, ret);
	return err;
}

struct rs_error *rs_py_garbage_lists(struct rs_runtime *rt, struct rs_vec *ret)
{
	struct rs_cpython *py = rs_cpython(rt);
	const unsigned collectors = py->runtime ? py->interpreters : 1;
	struct rs_error *err = NULL;

	for (unsigned i = 0; i < collectors && !err; i++) {
		struct rs_py_gcstate state;

		rs_py_gcstate(py, i, &state);
		if (state.garbage)
			err = rs_vec_append(ret, &state.garbage,
					    sizeof(state.garbage));
	}
	return err;
}

void rs_py_was_collecting(struct rs_cpython *py)
{
	py->base.gc_collecting = true;
	rs_memory_problem(py->base.memory,
			  "CPython %s was in the middle of a collection, so "
			  "answers about its garbage may be incomplete",
			  py->version_text);
}
