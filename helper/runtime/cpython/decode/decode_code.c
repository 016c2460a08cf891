// SPDX-License-Identifier: MIT
#include "runtime/cpython/decode/decode.h"

enum {
	RS_FRAME_CLEARED = 4, // gi_frame_state
	RS_FRAME_CLEARED_315 = 5,
	RS_OWNED_BY_FRAME_OBJECT = 2, // _PyInterpreterFrame.owner
	RS_SETUP_LOOP = 120, // 2.7: a block that needs no cleaning up
	RS_SLOTS_MAX = 1 << 24, // locals and stack of a frame
	RS_KIND_CELL = 0x40, // bits of co_localspluskinds
	RS_KIND_FREE = 0x80,
};

// Code objects are on no collector's list; without their constants nested
// code would hang in the air.
static const struct {
	enum rs_field field;
	const char *label;
} code_fields[] = {
	{RS_F_PyCodeObject__co_consts, "co_consts"},
	{RS_F_PyCodeObject__co_names, "co_names"},
	{RS_F_PyCodeObject__co_localsplusnames, "co_localsplusnames"},
	{RS_F_PyCodeObject__co_localspluskinds, "co_localspluskinds"},
	{RS_F_PyCodeObject__co_varnames, "co_varnames"},
	{RS_F_PyCodeObject__co_freevars, "co_freevars"},
	{RS_F_PyCodeObject__co_cellvars, "co_cellvars"},
	{RS_F_PyCodeObject__co_code, "co_code"},
	{RS_F_PyCodeObject___co_code, "_co_code"},
	{RS_F_PyCodeObject__co_filename, "co_filename"},
	{RS_F_PyCodeObject__co_name, "co_name"},
	{RS_F_PyCodeObject__co_qualname, "co_qualname"},
	{RS_F_PyCodeObject__co_lnotab, "co_lnotab"},
	{RS_F_PyCodeObject__co_linetable, "co_linetable"},
	{RS_F_PyCodeObject__co_exceptiontable, "co_exceptiontable"},
};

static const struct {
	enum rs_field field;
	const char *label;
} cached_fields[] = {
	{RS_F__PyCoCached___co_code, "_co_code"},
	{RS_F__PyCoCached___co_varnames, "_co_varnames"},
	{RS_F__PyCoCached___co_cellvars, "_co_cellvars"},
	{RS_F__PyCoCached___co_freevars, "_co_freevars"},
};

void rs_py_code_refs(struct rs_cpython *py, uint64_t code, struct rs_refs *refs)
{
	const bool visited = py->known->threaded_bits != 0;
	const uint64_t cached =
		rs_py_get(py, code, RS_F_PyCodeObject___co_cached);

	for (size_t i = 0; i < sizeof(code_fields) / sizeof(code_fields[0]);
	     i++)
		rs_refs_add(refs, rs_py_get(py, code, code_fields[i].field),
			    visited && i == 0 ? RS_STRONG : RS_OWNED,
			    RS_LABEL_FIELD, (uintptr_t)code_fields[i].label);
	rs_py_code_executor_refs(py, code, refs);
	if (!cached)
		return;
	for (size_t i = 0; i < sizeof(cached_fields) / sizeof(cached_fields[0]);
	     i++)
		rs_refs_add(refs, rs_py_get(py, cached, cached_fields[i].field),
			    RS_OWNED, RS_LABEL_FIELD,
			    (uintptr_t)cached_fields[i].label);
}

bool rs_py_names_open(struct rs_cpython *py, uint64_t code,
		      struct rs_py_names *ret)
{
	const int32_t nlocals = rs_py_off(py, RS_F_PyCodeObject__co_nlocals);
	uint32_t n = 0;

	*ret = (struct rs_py_names){0};
	if (!code)
		return false;
	if (rs_py_off(py, RS_F_PyCodeObject__co_localsplusnames) >= 0) {
		ret->tuple[0] = rs_py_get(
			py, code, RS_F_PyCodeObject__co_localsplusnames);
		ret->kinds = rs_py_get(py, code,
				       RS_F_PyCodeObject__co_localspluskinds);
		ret->count[0] = rs_py_tuple_size(py, ret->tuple[0]);
	} else {
		ret->tuple[0] =
			rs_py_get(py, code, RS_F_PyCodeObject__co_varnames);
		ret->tuple[1] =
			rs_py_get(py, code, RS_F_PyCodeObject__co_cellvars);
		ret->tuple[2] =
			rs_py_get(py, code, RS_F_PyCodeObject__co_freevars);
		if (nlocals < 0 || !rs_memory_u32(py->base.memory,
						  code + (uint64_t)nlocals, &n))
			return false;
		ret->count[0] = n;
		ret->count[1] = rs_py_tuple_size(py, ret->tuple[1]);
		ret->count[2] = rs_py_tuple_size(py, ret->tuple[2]);
	}
	ret->slots = ret->count[0] + ret->count[1] + ret->count[2];
	return ret->slots <= RS_SLOTS_MAX;
}

uint64_t rs_py_names_at(struct rs_cpython *py, const struct rs_py_names *names,
			uint64_t i, bool *cell)
{
	const int32_t at = rs_py_off(py, RS_F_PyBytesObject__ob_sval);
	unsigned part = 0;

	*cell = false;
	if (names->kinds && at >= 0) {
		const uint8_t *kind = rs_memory_at(
			py->base.memory, names->kinds + (uint64_t)at + i, 1);
		*cell = kind && (*kind & (RS_KIND_CELL | RS_KIND_FREE));
		return rs_py_tuple_item(py, names->tuple[0], i);
	}
	while (part < 2 && i >= names->count[part])
		i -= names->count[part++];
	*cell = part > 0;
	return rs_py_tuple_item(py, names->tuple[part], i);
}

// A slot of locals or of the value stack.
static void slot_ref(struct rs_cpython *py, const struct rs_py_names *names,
		     uint64_t i, uint64_t value, enum rs_kind kind,
		     struct rs_refs *refs)
{
	bool cell = false;
	uint64_t name = 0;

	if (!value)
		return;
	if (refs->label && i < names->slots)
		name = rs_py_names_at(py, names, i, &cell);
	if (i >= names->slots)
		rs_refs_add(refs, value, kind, RS_LABEL_STACK,
			    i - names->slots);
	else
		rs_refs_add(refs, value, kind,
			    cell ? RS_LABEL_CELL : RS_LABEL_LOCAL, name);
}

static const struct {
	enum rs_field field;
	const char *label;
} frame_fields[] = {
	{RS_F_PyFrameObject__f_back, "f_back"},
	{RS_F_PyFrameObject__f_code, "f_code"},
	{RS_F_PyFrameObject__f_builtins, "f_builtins"},
	{RS_F_PyFrameObject__f_globals, "f_globals"},
	{RS_F_PyFrameObject__f_locals, "f_locals"},
	{RS_F_PyFrameObject__f_trace, "f_trace"},
	{RS_F_PyFrameObject__f_exc_type, "f_exc_type"},
	{RS_F_PyFrameObject__f_exc_value, "f_exc_value"},
	{RS_F_PyFrameObject__f_exc_traceback, "f_exc_traceback"},
	{RS_F_PyFrameObject__f_extra_locals, "f_extra_locals"},
	{RS_F_PyFrameObject__f_locals_cache, "f_locals_cache"},
	{RS_F_PyFrameObject__f_overwritten_fast_locals,
	 "f_overwritten_fast_locals"},
};

// Entries on the value stack of a frame object up to 3.10; 0 while it runs.
static uint64_t
stack_depth(struct rs_cpython *py, uint64_t frame, uint64_t stack)
{
	const int32_t at = rs_py_off(py, RS_F_PyFrameObject__f_stackdepth);
	uint64_t top;
	uint32_t depth = 0;

	if (at >= 0) {
		if (!rs_memory_u32(py->base.memory, frame + (uint64_t)at,
				   &depth) ||
		    depth > RS_SLOTS_MAX)
			return 0;
		return depth;
	}
	top = rs_py_get(py, frame, RS_F_PyFrameObject__f_stacktop);
	if (top <= stack || (top - stack) / 8 > RS_SLOTS_MAX)
		return 0;
	return (top - stack) / 8;
}

static void
old_frame_refs(struct rs_cpython *py, uint64_t frame, struct rs_refs *refs)
{
	const int32_t at = rs_py_off(py, RS_F_PyFrameObject__f_localsplus);
	const uint64_t code = rs_py_get(py, frame, RS_F_PyFrameObject__f_code);
	const uint64_t stack =
		rs_py_get(py, frame, RS_F_PyFrameObject__f_valuestack);
	const uint64_t depth = stack_depth(py, frame, stack);
	struct rs_py_names names;
	uint64_t value;

	if (at < 0 || !rs_py_names_open(py, code, &names)) {
		refs->incomplete = true;
		return;
	}
	const uint64_t slots = names.slots + depth;
	for (uint64_t i = 0; i < slots; i++) {
		const uint64_t slot = i < names.slots
					      ? frame + (uint64_t)at + i * 8
					      : stack + (i - names.slots) * 8;

		if (!rs_memory_u64(py->base.memory, slot, &value)) {
			refs->incomplete = true;
			return;
		}
		slot_ref(py, &names, i, value, RS_STRONG, refs);
	}
}

void rs_py_frame_refs(struct rs_cpython *py, uint64_t frame,
		      struct rs_refs *refs)
{
	const int32_t owner_at = rs_py_off(py, RS_F__PyInterpreterFrame__owner);
	uint64_t data;
	const uint8_t *owner;

	for (size_t i = 0; i < sizeof(frame_fields) / sizeof(frame_fields[0]);
	     i++)
		rs_refs_add(refs, rs_py_get(py, frame, frame_fields[i].field),
			    RS_STRONG, RS_LABEL_FIELD,
			    (uintptr_t)frame_fields[i].label);
	if (rs_py_minor(py) < 11) {
		old_frame_refs(py, frame, refs);
		return;
	}
	// Only a frame that has left the stack is part of its object.
	data = rs_py_get(py, frame, RS_F_PyFrameObject__f_frame);
	owner = owner_at < 0 || !data
			? NULL
			: rs_memory_at(py->base.memory,
				       data + (uint64_t)owner_at, 1);
	if (owner && (*owner & 7) == RS_OWNED_BY_FRAME_OBJECT)
		rs_py_iframe_refs(py, data, false, refs);
}

static const struct {
	const char *label;
	enum rs_field field;
	bool tagged; // from 3.14 on
} iframe_fields[] = {
	{"frame_obj", RS_F__PyInterpreterFrame__frame_obj, false},
	{"f_locals", RS_F__PyInterpreterFrame__f_locals, false},
	{"f_func", RS_F__PyInterpreterFrame__f_func, false},
	{"f_funcobj", RS_F__PyInterpreterFrame__f_funcobj, true},
	{"f_code", RS_F__PyInterpreterFrame__f_code, false},
	{"f_executable", RS_F__PyInterpreterFrame__f_executable, true},
};

/*
 * 3.14 tags what stands in a frame: 3 in the low bits is a small int, 1 alone
 * is nothing, bit 0 means that the slot does not own what it refers to.
 */
static uint64_t untag(struct rs_cpython *py, uint64_t value, enum rs_kind *kind)
{
	const enum rs_field counted = py->known->threaded_bits
					      ? RS_F__object__ob_ref_local
					      : RS_F__object__ob_refcnt;
	uint32_t count = 0;

	if (rs_py_minor(py) < 14)
		return value;
	if (value == 1 || (value & 3) == 3)
		return 0;
	if (!(value & 1))
		return value;
	value &= ~UINT64_C(1);
	// Immortal objects are never counted: an ordinary reference. Another
	// one is borrowed from a slot that holds it anyway; or, without the
	// GIL, held without being counted, which py->deferred_counts makes up
	// for.
	if (py->threaded && py->deferred_known)
		return value;
	if (rs_memory_u32(py->base.memory,
			  value + (uint64_t)rs_py_off(py, counted), &count) &&
	    !(count >> 31))
		*kind = RS_WEAK;
	return value;
}

static void iframe_slots(struct rs_cpython *py, uint64_t frame,
			 const struct rs_py_names *names, uint64_t from,
			 uint64_t to, enum rs_kind as, struct rs_refs *refs)
{
	const uint64_t base =
		frame +
		(uint64_t)rs_py_off(py, RS_F__PyInterpreterFrame__localsplus);
	uint64_t value;

	for (uint64_t i = from; i < to; i++) {
		enum rs_kind kind = as;

		if (!rs_memory_u64(py->base.memory, base + i * 8, &value)) {
			refs->incomplete = true;
			return;
		}
		value = untag(py, value, &kind);
		slot_ref(py, names, i, value, kind, refs);
	}
}

// How many slots, locals and stack, are in use; -1: not known.
static int64_t iframe_top(struct rs_cpython *py, uint64_t frame)
{
	const int32_t top_at =
		rs_py_off(py, RS_F__PyInterpreterFrame__stacktop);
	const uint64_t base =
		frame +
		(uint64_t)rs_py_off(py, RS_F__PyInterpreterFrame__localsplus);
	uint32_t top = 0;

	if (top_at >= 0) {
		if (!rs_memory_u32(py->base.memory, frame + (uint64_t)top_at,
				   &top) ||
		    top > RS_SLOTS_MAX)
			return -1;
		return top;
	}
	const uint64_t pointer =
		rs_py_get(py, frame, RS_F__PyInterpreterFrame__stackpointer);
	if (pointer < base || (pointer - base) / 8 > RS_SLOTS_MAX)
		return -1;
	return (int64_t)((pointer - base) / 8);
}

void rs_py_iframe_refs(struct rs_cpython *py, uint64_t frame, bool executing,
		       struct rs_refs *refs)
{
	struct rs_py_names names;
	uint64_t code = 0;
	int64_t top;

	if (rs_py_off(py, RS_F__PyInterpreterFrame__localsplus) < 0)
		return;
	for (size_t i = 0; i < sizeof(iframe_fields) / sizeof(iframe_fields[0]);
	     i++) {
		enum rs_kind kind = RS_STRONG;
		uint64_t value = rs_py_get(py, frame, iframe_fields[i].field);

		if (iframe_fields[i].tagged)
			value = untag(py, value, &kind);
		if (iframe_fields[i].field ==
			    RS_F__PyInterpreterFrame__f_code ||
		    iframe_fields[i].field ==
			    RS_F__PyInterpreterFrame__f_executable)
			code = value ? value : code;
		rs_refs_add(refs, value, kind, RS_LABEL_FIELD,
			    (uintptr_t)iframe_fields[i].label);
	}
	if (!rs_py_names_open(py, code, &names)) {
		refs->incomplete |= code != 0;
		names = (struct rs_py_names){0};
	}
	top = executing ? -1 : iframe_top(py, frame);
	// What is above a valid top is owned by nobody, what is below it is
	// visited; without a top only the locals are certain, and the frame
	// owns them without visiting them.
	if (top >= 0)
		iframe_slots(py, frame, &names, 0, (uint64_t)top, RS_STRONG,
			     refs);
	else
		iframe_slots(py, frame, &names, 0, names.slots, RS_OWNED, refs);
}

static const struct {
	enum rs_field field;
	const char *label;
} generator_fields[] = {
	{RS_F_PyGenObject__gi_frame, "gi_frame"},
	{RS_F_PyGenObject__gi_code, "gi_code"},
	{RS_F_PyGenObject__gi_name, "__name__"},
	{RS_F_PyGenObject__gi_qualname, "__qualname__"},
	{RS_F_PyGenObject__gi_exc_state__exc_type, "exc_type"},
	{RS_F_PyGenObject__gi_exc_state__exc_value, "exc_value"},
	{RS_F_PyGenObject__gi_exc_state__exc_traceback, "exc_traceback"},
};

// Beyond a plain generator: where it was made, or who is to finish it.
static void generator_extra(struct rs_cpython *py, const struct rs_py_type *t,
			    uint64_t generator, struct rs_refs *refs)
{
	const bool async = strncmp(t->name, "async_gen", 9) == 0;

	if (async) {
		rs_refs_add(refs,
			    rs_py_get(py, generator,
				      RS_F_PyAsyncGenObject__ag_finalizer),
			    RS_STRONG, RS_LABEL_FIELD,
			    (uintptr_t) "ag_finalizer");
		rs_refs_add(
			refs,
			rs_py_get(
				py, generator,
				RS_F_PyAsyncGenObject__ag_origin_or_finalizer),
			RS_STRONG, RS_LABEL_FIELD, (uintptr_t) "ag_finalizer");
	} else if (strcmp(t->name, "coroutine") == 0) {
		rs_refs_add(
			refs,
			rs_py_get(py, generator, RS_F_PyCoroObject__cr_origin),
			RS_OWNED, RS_LABEL_FIELD, (uintptr_t) "cr_origin");
		rs_refs_add(
			refs,
			rs_py_get(py, generator,
				  RS_F_PyCoroObject__cr_origin_or_finalizer),
			RS_OWNED, RS_LABEL_FIELD, (uintptr_t) "cr_origin");
	}
}

void rs_py_generator_refs(struct rs_cpython *py, const struct rs_py_type *t,
			  uint64_t generator, struct rs_refs *refs)
{
	const int32_t iframe = rs_py_off(py, RS_F_PyGenObject__gi_iframe);
	const int32_t state_at =
		rs_py_off(py, RS_F_PyGenObject__gi_frame_state);
	const int8_t *state;

	for (size_t i = 0;
	     i < sizeof(generator_fields) / sizeof(generator_fields[0]); i++)
		rs_refs_add(refs,
			    rs_py_get(py, generator, generator_fields[i].field),
			    RS_STRONG, RS_LABEL_FIELD,
			    (uintptr_t)generator_fields[i].label);
	generator_extra(py, t, generator, refs);
	if (iframe < 0 || state_at < 0)
		return;
	state = rs_memory_at(py->base.memory, generator + (uint64_t)state_at,
			     1);
	if (state && *state < (rs_py_minor(py) >= 15 ? RS_FRAME_CLEARED_315
						     : RS_FRAME_CLEARED)) {
		rs_py_iframe_refs(py, generator + (uint64_t)iframe, false,
				  refs);
	} else if (state && rs_py_minor(py) >= 14) {
		enum rs_kind kind = RS_STRONG;
		const uint64_t code =
			untag(py,
			      rs_py_get(py, generator + (uint64_t)iframe,
					RS_F__PyInterpreterFrame__f_executable),
			      &kind);
		rs_refs_add(refs, code, kind, RS_LABEL_FIELD,
			    (uintptr_t) "f_executable");
	}
}

bool rs_py_generator_finalizer(struct rs_cpython *py, uint64_t generator)
{
	const uint64_t frame =
		rs_py_get(py, generator, RS_F_PyGenObject__gi_frame);
	const int32_t count_at = rs_py_off(py, RS_F_PyFrameObject__f_iblock);
	const int32_t stack_at =
		rs_py_off(py, RS_F_PyFrameObject__f_blockstack);
	const int32_t stride = rs_py_off(py, RS_F_PyTryBlock___size);
	uint32_t count, type;

	if (!frame || count_at < 0 || stack_at < 0 || stride <= 0 ||
	    !rs_py_get(py, frame, RS_F_PyFrameObject__f_stacktop) ||
	    !rs_memory_u32(py->base.memory, frame + (uint64_t)count_at,
			   &count) ||
	    count > 20)
		return false;
	for (uint32_t i = 0; i < count; i++)
		if (rs_memory_u32(py->base.memory,
				  frame + (uint64_t)stack_at +
					  (uint64_t)i * (uint32_t)stride,
				  &type) &&
		    type != RS_SETUP_LOOP)
			return true;
	return false;
}
