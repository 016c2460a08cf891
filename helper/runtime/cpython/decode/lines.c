// SPDX-License-Identifier: MIT
//
// Finding the line of an instruction. The format of the table depends on the
// version: pairs of unsigned steps (2.7), pairs with signed line steps (3.6 to
// 3.9), ranges (3.10, PEP 626), location entries (3.11 and later).
//
// Source: CPython Objects/lnotab_notes.txt of 3.6 and 3.10,
// Objects/locations.md of 3.11.
#include "runtime/cpython/state/discover.h"

enum { RS_TABLE_MAX = 1 << 20 };

struct table {
	const uint8_t *p, *end;
};

static bool open_table(struct rs_cpython *py, uint64_t bytes, struct table *ret)
{
	const enum rs_field data = py->version < RS_PY(3, 0)
					   ? RS_F_PyStringObject__ob_sval
					   : RS_F_PyBytesObject__ob_sval;
	const uint64_t size = rs_py_get(py, bytes, RS_F_PyVarObject__ob_size);

	if (rs_py_type(py, bytes) != py->type_bytes || size > RS_TABLE_MAX)
		return false;
	ret->p = rs_memory_at(py->base.memory,
			      bytes + (uint64_t)rs_py_off(py, data), size);
	ret->end = ret->p + size;
	return ret->p != NULL;
}

static int64_t line_by_steps(struct table t, int64_t at, bool is_signed)
{
	int64_t line = 0, address = 0;

	for (; t.end - t.p >= 2; t.p += 2) {
		address += t.p[0];
		if (address > at)
			break;
		line += is_signed ? (int8_t)t.p[1] : t.p[1];
	}
	return line;
}

static int64_t line_by_ranges(struct table t, int64_t at)
{
	int64_t line = 0, end = 0;

	for (; t.end - t.p >= 2; t.p += 2) {
		end += t.p[0];
		if ((int8_t)t.p[1] != -128) // -128: no line, skip
			line += (int8_t)t.p[1];
		if (at < end)
			break;
	}
	return line;
}

// Six bits in each byte, lowest first; bit 6: more bytes follow.
static uint64_t read_varint(struct table *t)
{
	uint64_t value = 0;

	for (unsigned shift = 0; t->p < t->end && shift < 60; shift += 6) {
		const uint8_t byte = *t->p++;

		value |= (uint64_t)(byte & 63) << shift;
		if (!(byte & 64))
			break;
	}
	return value;
}

static int64_t read_signed(struct table *t)
{
	const uint64_t value = read_varint(t);

	return value & 1 ? -(int64_t)(value >> 1) : (int64_t)(value >> 1);
}

static int64_t line_by_locations(struct table t, int64_t at)
{
	enum { RS_ONE_LINE = 10, RS_NO_COLUMNS = 13, RS_LONG = 14 };
	int64_t line = 0, address = 0;

	while (t.p < t.end) {
		const uint8_t first = *t.p++;
		const unsigned code = first >> 3 & 15;

		if (code == RS_LONG || code == RS_NO_COLUMNS)
			line += read_signed(&t);
		else if (code >= RS_ONE_LINE && code < RS_NO_COLUMNS)
			line += code - RS_ONE_LINE;
		address += 2 * (int64_t)((first & 7) + 1);
		if (at < address)
			break;
		// Only the first byte of an entry has bit 7.
		while (t.p < t.end && !(*t.p & 0x80))
			t.p++;
	}
	return line;
}

// The byte offset of the instruction at which a frame is.
static int64_t
instruction(struct rs_cpython *py, const struct rs_py_frame *frame)
{
	uint32_t last = 0;

	if (py->version < RS_PY(3, 11)) {
		const int32_t at = rs_py_off(py, RS_F_PyFrameObject__f_lasti);

		if (!rs_memory_u32(py->base.memory,
				   frame->address + (uint64_t)at, &last))
			return 0;
		// 3.10 counts instructions.
		return (int32_t)last *
		       (py->version >= RS_PY(3, 10) ? INT64_C(2) : 1);
	}
	const enum rs_field field =
		py->version >= RS_PY(3, 13)
			? RS_F__PyInterpreterFrame__instr_ptr
			: RS_F__PyInterpreterFrame__prev_instr;
	const uint64_t start =
		frame->code +
		(uint64_t)rs_py_off(py, RS_F_PyCodeObject__co_code_adaptive);
	const uint64_t now = rs_py_get(py, frame->address, field);
	return (int64_t)(now - start);
}

uint32_t
rs_py_frame_line(struct rs_cpython *py, const struct rs_py_frame *frame)
{
	const enum rs_field field = py->version >= RS_PY(3, 10)
					    ? RS_F_PyCodeObject__co_linetable
					    : RS_F_PyCodeObject__co_lnotab;
	const int32_t first_at =
		rs_py_off(py, RS_F_PyCodeObject__co_firstlineno);
	const int64_t at = instruction(py, frame);
	uint32_t first = 0;
	struct table t;
	int64_t line = 0;

	if (!rs_memory_u32(py->base.memory, frame->code + (uint64_t)first_at,
			   &first))
		return 0;
	if (at < 0)
		return first;
	if (!open_table(py, rs_py_get(py, frame->code, field), &t))
		return 0;
	if (py->version < RS_PY(3, 10))
		line = line_by_steps(t, at, py->version >= RS_PY(3, 6));
	else if (py->version < RS_PY(3, 11))
		line = line_by_ranges(t, at);
	else
		line = line_by_locations(t, at);
	line += first;
	return line > 0 && line <= INT32_MAX ? (uint32_t)line : first;
}
