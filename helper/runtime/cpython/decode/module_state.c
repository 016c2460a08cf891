// SPDX-License-Identifier: MIT
#include "runtime/cpython/decode/module_state.h"

enum { RS_PY_STATE_MAX = 1 << 30 }; // bytes; a longer one is damage

enum {
	RS_CALLBACKS_MAX = 1 << 16, // of atexit
	RS_CONDITIONS_MAX = 64, // of decimal
	RS_CONDITION = 32, // bytes: {name, full name, flag, exception}
	RS_CONDITION_EXCEPTION = 24,
	RS_NAME_MAX = 64,
};

// Find the row of a module for the nearest release that is not later.
static const struct rs_py_module_row *
find_row(const struct rs_cpython *py, const char *name, uint64_t size)
{
	const unsigned version = py->version >> 8 & 0xffff;
	const struct rs_py_module_row *found = NULL;

	for (size_t i = 0; i < rs_py_module_row_count; i++) {
		const struct rs_py_module_row *row = &rs_py_module_rows[i];

		if (row->size == size && strcmp(row->name, name) == 0 &&
		    (row->from <= version || !found))
			found = row;
	}
	return found;
}

// Up to 3.9: pointers to {func, args, kwargs}; NULL for removed ones.
static void
atexit_refs(struct rs_cpython *py, uint64_t state, struct rs_refs *refs)
{
	const uint64_t array = rs_py_word_at(py, state);
	uint32_t count = 0;

	if (!rs_memory_u32(py->base.memory, state + 8, &count) ||
	    count > RS_CALLBACKS_MAX) {
		refs->incomplete = true;
		return;
	}
	for (uint32_t i = 0; i < count; i++) {
		const uint64_t callback = rs_py_word_at(py, array + i * 8);

		if (callback)
			rs_py_array_refs(py, callback, 3, 0, RS_STRONG,
					 RS_LABEL_INDEX, refs);
	}
}

static const char *text_at(struct rs_cpython *py, uint64_t address)
{
	return rs_memory_text(py->base.memory, address, RS_NAME_MAX);
}

// One of decimal's arrays; the last entry has no name.
static void
condition_refs(struct rs_cpython *py, uint64_t at, struct rs_refs *refs)
{
	for (unsigned i = 0; i < RS_CONDITIONS_MAX; i++) {
		if (!rs_py_word_at(py, at))
			return;
		rs_refs_add(refs,
			    rs_py_word_at(py, at + RS_CONDITION_EXCEPTION),
			    RS_STRONG, RS_LABEL_FIELD, (uintptr_t) "condition");
		at += RS_CONDITION;
	}
	refs->incomplete = true;
}

// 3.13 and later: two words side by side, for the signals and the conditions.
// The first condition is also a signal, and is visited only as that.
static void decimal_refs(struct rs_cpython *py, uint64_t state, uint64_t size,
			 struct rs_refs *refs)
{
	for (uint64_t at = state; at + 16 <= state + size; at += 8) {
		const uint64_t signals = rs_py_word_at(py, at);
		const char *name =
			signals ? text_at(py, rs_py_word_at(py, signals))
				: NULL;

		if (!name || strcmp(name, "InvalidOperation") != 0)
			continue;
		condition_refs(py, signals, refs);
		condition_refs(py, rs_py_word_at(py, at + 8) + RS_CONDITION,
			       refs);
		return;
	}
}

static void told_refs(struct rs_cpython *py, uint64_t module, uint64_t state,
		      const struct rs_py_module_row *row, struct rs_refs *refs)
{
	for (unsigned i = 0; i < row->size / 8U; i++) {
		const uint64_t at = state + i * UINT64_C(8);

		if (row->visited >> i & 1)
			rs_refs_add(refs, rs_py_word_at(py, at), RS_STRONG,
				    RS_LABEL_WORD, i * UINT64_C(8));
		else
			rs_py_guess_refs(py, NULL, state, at, at + 8, refs);
	}
	if (row->type)
		rs_refs_add(refs, rs_py_type(py, module), RS_STRONG,
			    RS_LABEL_TYPE, 0);
}

// In 3.15 there is no module definition; its fields are in the module object.
static bool is_own_definition(const struct rs_cpython *py)
{
	return rs_py_off(py, RS_F_PyModuleObject__md_state_size) >= 0;
}

static int64_t state_size(struct rs_cpython *py, uint64_t module)
{
	if (is_own_definition(py))
		return (int64_t)rs_py_get(py, module,
					  RS_F_PyModuleObject__md_state_size);
	const uint64_t def = rs_py_get(py, module, RS_F_PyModuleObject__md_def);
	return def ? (int64_t)rs_py_get(py, def, RS_F_PyModuleDef__m_size) : 0;
}

// The address of the module's state; 0: there is none, or it is unreadable.
static uint64_t state_of(struct rs_cpython *py, uint64_t module, uint64_t *size)
{
	const uint64_t state =
		rs_py_get(py, module, RS_F_PyModuleObject__md_state);
	const int64_t bytes = state_size(py, module);

	if (bytes <= 0 || bytes > RS_PY_STATE_MAX)
		return 0;
	*size = (uint64_t)bytes;
	return state;
}

static const struct rs_py_module_row *
row_of(struct rs_cpython *py, uint64_t module, uint64_t size)
{
	char text[RS_NAME_MAX];

	if (is_own_definition(py)) {
		if (!rs_py_get(py, module,
			       RS_F_PyModuleObject__md_state_traverse) ||
		    !rs_py_string(
			    py,
			    rs_py_get(py, module, RS_F_PyModuleObject__md_name),
			    text, sizeof(text)))
			return NULL;
		return find_row(py, text, size);
	}
	const uint64_t def = rs_py_get(py, module, RS_F_PyModuleObject__md_def);
	const char *name =
		text_at(py, rs_py_get(py, def, RS_F_PyModuleDef__m_name));

	if (!name || !rs_py_get(py, def, RS_F_PyModuleDef__m_traverse))
		return NULL;
	return find_row(py, name, size);
}

bool rs_py_module_guessed(struct rs_cpython *py, uint64_t module)
{
	uint64_t size;

	return state_of(py, module, &size) && !row_of(py, module, size);
}

// The state of an unknown module may contain anything: guess.
void rs_py_module_refs(struct rs_cpython *py, uint64_t module,
		       struct rs_refs *refs)
{
	uint64_t size;
	const uint64_t state = state_of(py, module, &size);
	const struct rs_py_module_row *row =
		state ? row_of(py, module, size) : NULL;

	if (!state) {
		refs->incomplete |= state_size(py, module) > RS_PY_STATE_MAX;
		return;
	}
	if (!row) {
		rs_py_guess_refs(py, NULL, state, state, state + size, refs);
		return;
	}
	told_refs(py, module, state, row, refs);
	if (strcmp(row->name, "atexit") == 0)
		atexit_refs(py, state, refs);
	else if (strcmp(row->name, "decimal") == 0 ||
		 strcmp(row->name, "_decimal") == 0)
		decimal_refs(py, state, size, refs);
}
