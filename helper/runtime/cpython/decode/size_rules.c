// SPDX-License-Identifier: MIT
//
// The types of the standard library that define __sizeof__(): what their
// objects have beside the body that the type states. Of an object that cannot
// be read, or whose numbers make no sense, nothing is added.
//
// Source: CPython, the __sizeof__ methods of each, 2.7 to 3.15.
#include "runtime/cpython/decode/size_rules.h"

#include "runtime/cpython/decode/chain.h"
#include "runtime/cpython/decode/decode.h"
#include "runtime/cpython/decode/numpy.h"

#include <stdlib.h>

enum {
	RS_WORD = 8,
	RS_BYTES_OVERHEAD = 17, // of a bytes object: length, hash, end
	RS_CODES_MAX = 1 << 20, // of a struct.Struct
	RS_DATA_FLAGS = 0xe0, // MPD_DATAFLAGS: the digits are not its own block
	RS_TEXT_MAX = 1 << 20, // bytes of a string of C
	RS_DIMENSIONS_MAX = 1 << 20,
};

static uint64_t sane(uint64_t bytes)
{
	return bytes < UINT64_C(1) << 47 ? bytes : 0;
}

static uint64_t
bytearray_size(struct rs_cpython *py, const struct rs_py_type *t, uint64_t o)
{
	const uint64_t n = rs_py_get(py, o, RS_F_PyByteArrayObject__ob_alloc);

	(void)t;
	if (n && rs_py_off(py, RS_F_PyByteArrayObject__ob_bytes_object) >= 0)
		return sane(n + py->header_size + RS_BYTES_OVERHEAD);
	return sane(n);
}

static uint64_t
array_size(struct rs_cpython *py, const struct rs_py_type *t, uint64_t o)
{
	const uint64_t allocated = rs_py_body_word(py, o, 16);
	uint32_t itemsize = 0;

	(void)t;
	return rs_memory_u32(py->base.memory, rs_py_body_word(py, o, 24) + 4,
			     &itemsize) &&
			       itemsize <= 16 && allocated < RS_PY_ITEMS_MAX
		       ? allocated * itemsize
		       : 0;
}

static uint64_t
deque_size(struct rs_cpython *py, const struct rs_py_type *t, uint64_t o)
{
	const uint64_t block = (uint64_t)rs_py_off(py, RS_F_BLOCK___size);
	const uint64_t items = (uint64_t)rs_py_off(py, RS_F_BLOCK__data__count);
	const uint64_t left = rs_py_get(py, o, RS_F_dequeobject__leftindex);
	const uint64_t n = rs_py_off(py, RS_F_dequeobject__len) >= 0 // 2.7
				   ? rs_py_get(py, o, RS_F_dequeobject__len)
				   : (uint64_t)rs_py_length(py, o);

	(void)t;
	if (left > items || n > RS_PY_ITEMS_MAX)
		return 0;
	return (left + n + items - 1) / items * block;
}

static uint64_t
odict_size(struct rs_cpython *py, const struct rs_py_type *t, uint64_t o)
{
	const uint64_t fast =
		rs_py_get(py, o, RS_F__odictobject__od_fast_nodes_size);
	const uint64_t n = rs_py_get(py, o, RS_F_PyDictObject__ma_used);
	const int32_t node = rs_py_off(py, RS_F__odictnode___size);

	(void)t;
	if (node < 0 || fast > RS_PY_ITEMS_MAX || n > RS_PY_ITEMS_MAX)
		return 0;
	return fast * RS_WORD + n * (uint64_t)node;
}

// Records up to one that is empty, and that one; 2.7 has no repeat in them.
static uint64_t
struct_size(struct rs_cpython *py, const struct rs_py_type *t, uint64_t o)
{
	const uint64_t record = rs_py_minor(py) ? 32 : 24;
	const uint64_t codes = rs_py_body_word(py, o, 16);
	uint64_t n = 0;

	(void)t;
	while (codes && n < RS_CODES_MAX &&
	       rs_py_word_at(py, codes + n * record))
		n++;
	py->size_cut |= n == RS_CODES_MAX;
	return (n + 1) * record;
}

static uint64_t
decimal_size(struct rs_cpython *py, const struct rs_py_type *t, uint64_t o)
{
	(void)t;
	return (rs_py_body_word(py, o, 8) & RS_DATA_FLAGS) ||
			       rs_py_body_word(py, o, 40) > RS_PY_ITEMS_MAX
		       ? 0
		       : rs_py_body_word(py, o, 40) * RS_WORD;
}

// The bytes that it has, unless somebody else has them too.
static uint64_t
bytesio_size(struct rs_cpython *py, const struct rs_py_type *t, uint64_t o)
{
	const uint64_t buffer = rs_py_body_word(py, o, 0);
	const uint8_t *header =
		rs_memory_at(py->base.memory, buffer, py->header_size);
	bool immortal = false;

	(void)t;
	if (!rs_py_minor(py)) // buf_size stays when buf is closed
		return buffer ? sane(rs_py_body_word(py, o, 24)) : 0;
	if (!buffer || !header || rs_py_type(py, buffer) != py->type_bytes ||
	    rs_py_count(py, buffer, header, &immortal) != 1)
		return 0;
	return sane(py->header_size + RS_BYTES_OVERHEAD +
		    (uint64_t)rs_py_length(py, buffer));
}

static uint64_t
buffered_size(struct rs_cpython *py, const struct rs_py_type *t, uint64_t o)
{
	(void)t;
	return rs_py_body_word(py, o, 40) ? sane(rs_py_body_word(py, o, 104))
					  : 0;
}

static uint64_t pool_length(struct rs_cpython *py, uint64_t pool)
{
	const int64_t n = rs_py_length(py, pool);

	return rs_py_type(py, pool) == py->type_tuple && n > 0 &&
			       n < RS_PY_ITEMS_MAX
		       ? (uint64_t)n
		       : 0;
}

static uint64_t indices(uint64_t n)
{
	return n < RS_PY_ITEMS_MAX ? n * RS_WORD : 0;
}

static uint64_t
product_size(struct rs_cpython *py, const struct rs_py_type *t, uint64_t o)
{
	(void)t;
	return indices(
		pool_length(py, rs_py_get(py, o, RS_F_productobject__pools)));
}

static uint64_t
combinations_size(struct rs_cpython *py, const struct rs_py_type *t, uint64_t o)
{
	(void)t;
	return indices(rs_py_get(py, o, RS_F_combinationsobject__r));
}

static uint64_t
cwr_size(struct rs_cpython *py, const struct rs_py_type *t, uint64_t o)
{
	(void)t;
	return indices(rs_py_get(py, o, RS_F_cwrobject__r));
}

static uint64_t
permutations_size(struct rs_cpython *py, const struct rs_py_type *t, uint64_t o)
{
	(void)t;
	return indices(rs_py_get(py, o, RS_F_permutationsobject__r)) +
	       indices(pool_length(
		       py, rs_py_get(py, o, RS_F_permutationsobject__pool)));
}

// A string of C that is counted with what holds it.
static uint64_t held_text(struct rs_cpython *py, uint64_t at)
{
	const char *text =
		at ? rs_memory_text(py->base.memory, at, RS_TEXT_MAX) : NULL;

	py->size_cut |= at && !text;
	return text ? strlen(text) + 1 : 0;
}

// What _ctypes knows of a type of its own (StgDict up to 3.12, behind a dict;
// StgInfo from 3.13 on, behind a type), @p at bytes behind the header.
static uint64_t
stg_size(struct rs_cpython *py, uint64_t o, unsigned at, unsigned format_at)
{
	const uint64_t length = rs_py_body_word(py, o, at);
	const uint64_t elements = rs_py_body_word(py, o, at + 24);
	const uint64_t format = rs_py_body_word(py, o, format_at);
	const uint64_t dimensions =
		rs_py_body_word(py, o, format_at + 8) & UINT32_MAX;
	py->size_cut |= dimensions > RS_DIMENSIONS_MAX;
	return (elements && length < RS_PY_ITEMS_MAX ? (length + 1) * RS_WORD
						     : 0) +
	       held_text(py, format) +
	       (dimensions <= RS_DIMENSIONS_MAX ? dimensions * RS_WORD : 0);
}

static uint64_t
stg_dict_size(struct rs_cpython *py, const struct rs_py_type *t, uint64_t o)
{
	return t->basicsize -
	       (uint64_t)rs_py_off(py, RS_F_PyDictObject___size) +
	       stg_size(py, o, 48, 152);
}

static uint64_t
ctype_size(struct rs_cpython *py, const struct rs_py_type *t, uint64_t o)
{
	(void)t;
	if (py->threaded && rs_py_minor(py) == 13) {
		// Behind the type, which is larger.
		const uint64_t type = rs_py_type_field(
			py, py->type_type, RS_F__typeobject__tp_basicsize);
		const unsigned info =
			(unsigned)((type + 15) / 16 * 16) - py->header_size;

		return stg_size(py, o, info + 24, info + 136);
	}
	if (py->threaded)
		return 0;
	return rs_py_minor(py) == 13 ? stg_size(py, o, 936, 1048)
				     : stg_size(py, o, 952, 1072);
}

// Slots of a frame that runs @p code, from 3.11 on.
static uint64_t frame_slots(struct rs_cpython *py, uint64_t code)
{
	const int32_t stack_at = rs_py_off(py, RS_F_PyCodeObject__co_stacksize);
	const int32_t locals_at =
		rs_py_off(py, RS_F_PyCodeObject__co_nlocalsplus);
	uint32_t stack = 0, locals = 0;

	if (stack_at < 0 || locals_at < 0 ||
	    rs_py_type(py, code) != py->type_code ||
	    !rs_memory_u32(py->base.memory, code + (uint64_t)stack_at,
			   &stack) ||
	    !rs_memory_u32(py->base.memory, code + (uint64_t)locals_at,
			   &locals))
		return 0;
	return ((uint64_t)stack + locals) * RS_WORD;
}

static uint64_t code_of(struct rs_cpython *py, uint64_t iframe)
{
	uint64_t code;

	if (rs_py_off(py, RS_F__PyInterpreterFrame__f_executable) < 0)
		return rs_py_get(py, iframe, RS_F__PyInterpreterFrame__f_code);
	code = rs_py_get(py, iframe, RS_F__PyInterpreterFrame__f_executable);
	return code & ~UINT64_C(3); // tagged from 3.14 on
}

// From 3.11 on, instead of the body: up to @p from, a frame without slots, and
// those. @return what that is more than the body.
static uint64_t iframe_size(struct rs_cpython *py, const struct rs_py_type *t,
			    enum rs_field from, uint64_t iframe)
{
	const uint64_t whole =
		(uint64_t)rs_py_off(py, from) +
		(uint64_t)rs_py_off(py, RS_F__PyInterpreterFrame__localsplus) +
		frame_slots(py, code_of(py, iframe));

	return whole > t->basicsize ? whole - t->basicsize : 0;
}

// Up to 3.10 the body has the first slot.
static uint64_t
old_frame_size(struct rs_cpython *py, const struct rs_py_type *t, uint64_t o)
{
	const int32_t stack_at = rs_py_off(py, RS_F_PyCodeObject__co_stacksize);
	const uint64_t code = rs_py_get(py, o, RS_F_PyFrameObject__f_code);
	struct rs_py_names names;
	uint32_t stack = 0;

	(void)t;
	if (!rs_py_names_open(py, code, &names) ||
	    !rs_memory_u32(py->base.memory, code + (uint64_t)stack_at,
			   &stack) ||
	    stack + names.slots > RS_PY_ITEMS_MAX || stack + names.slots == 0)
		return 0;
	return (stack + names.slots - 1) * RS_WORD;
}

static uint64_t
frame_size(struct rs_cpython *py, const struct rs_py_type *t, uint64_t o)
{
	if (rs_py_minor(py) < 11)
		return old_frame_size(py, t, o);
	return iframe_size(py, t, RS_F_PyFrameObject___f_frame_data,
			   rs_py_get(py, o, RS_F_PyFrameObject__f_frame));
}

static uint64_t
generator_size(struct rs_cpython *py, const struct rs_py_type *t, uint64_t o)
{
	const int32_t at = rs_py_off(py, RS_F_PyGenObject__gi_iframe);

	return at < 0 ? 0
		      : iframe_size(py, t, RS_F_PyGenObject__gi_iframe,
				    o + (uint64_t)at);
}

enum {
	// Of a code object of 3.6 to 3.10, from co_cellvars on.
	RS_CELL2ARG = 8,
	RS_EXTRA = 56, // _PyCodeObjectExtra, which begins with a length
	RS_OPCACHE = 72, // 3.8 on: of 32 bytes for each instruction that has it
	RS_OPCACHE_SIZE = 84, // one byte
	RS_OPCACHE_ITEM = 32,
};

// The tables of 3.6 to 3.10: of cells that are arguments, of what debuggers
// and profilers keep with code, of what hot code was specialized for.
static uint64_t
old_code_size(struct rs_cpython *py, const struct rs_py_type *t, uint64_t o)
{
	const uint64_t cellvars =
		o + (uint64_t)rs_py_off(py, RS_F_PyCodeObject__co_cellvars);
	const uint64_t extra = rs_py_word_at(py, cellvars + RS_EXTRA);
	const uint64_t extras = rs_py_word_at(py, extra);
	uint64_t size = 0;
	uint8_t cached = 0;

	(void)t;
	if (rs_py_word_at(py, cellvars + RS_CELL2ARG))
		size += pool_length(py, rs_py_word_at(py, cellvars)) * RS_WORD;
	if (extra && extras < RS_PY_ITEMS_MAX) // 3.6 leaves out the length
		size += (extras + (rs_py_minor(py) > 6)) * RS_WORD;
	if (rs_py_minor(py) < 8 || !rs_py_word_at(py, cellvars + RS_OPCACHE) ||
	    !rs_memory_read(py->base.memory, cellvars + RS_OPCACHE_SIZE,
			    &cached, sizeof(cached)))
		return size;
	const uint64_t code = (uint64_t)rs_py_length(
		py, rs_py_get(py, o, RS_F_PyCodeObject__co_code));
	return size + (code < RS_PY_ITEMS_MAX ? code / 2 : 0) +
	       (uint64_t)cached * RS_OPCACHE_ITEM;
}

// From 3.11 on a code object ends with its bytecode, rounded up to a word.
static uint64_t
code_size(struct rs_cpython *py, const struct rs_py_type *t, uint64_t o)
{
	if (rs_py_minor(py) < 11)
		return old_code_size(py, t, o);
	const uint64_t n = (uint64_t)rs_py_length(py, o);

	if (!t->itemsize || n > RS_PY_ITEMS_MAX)
		return 0;
	return (t->basicsize + n * t->itemsize + RS_WORD - 1) / RS_WORD *
		       RS_WORD -
	       t->basicsize;
}

static uint64_t
ndarray_size(struct rs_cpython *py, const struct rs_py_type *t, uint64_t o)
{
	return t->how == RS_PY_NDARRAY ? rs_py_ndarray_size(py, o) : 0;
}

static uint64_t
void_size(struct rs_cpython *py, const struct rs_py_type *t, uint64_t o)
{
	(void)t;
	return rs_py_dtype_itemsize(py, rs_py_body_word(py, o, 16));
}

// numpy counts the value of a scalar twice: in the body, and beside it.
static uint64_t
scalar_size(struct rs_cpython *py, const struct rs_py_type *t, uint64_t o)
{
	const char *name = rs_py_type_name(py, t->base);
	const size_t digits = name ? strcspn(name, "0123456789") : 0;
	const unsigned long bits =
		name && name[digits] ? strtoul(name + digits, NULL, 10) : 0;

	(void)o;
	if (!name)
		return 0;
	if (bits)
		return bits <= 512 ? bits / 8 : 0;
	return strstr(name, "bool")	     ? 1
	       : strstr(name, "clongdouble") ? 32
	       : strstr(name, "longdouble")  ? 16
					     : 8;
}

// Of ElementTree: {attrib, length, allocated, children, 4 children}, and those
// that are more.
static uint64_t
element_size(struct rs_cpython *py, const struct rs_py_type *t, uint64_t o)
{
	enum {
		RS_EXTRA_SIZE = 64,
		RS_ALLOCATED = 16,
		RS_CHILDREN = 24,
		RS_OWN = 32
	};
	const uint64_t extra = rs_py_body_word(py, o, 24);
	const uint64_t children = rs_py_word_at(py, extra + RS_CHILDREN);

	(void)t;
	if (!extra)
		return 0;
	return RS_EXTRA_SIZE +
	       (children == extra + RS_OWN
			? 0
			: indices(rs_py_word_at(py, extra + RS_ALLOCATED)));
}

// The memo, whose entries have two words, and what is not yet written.
static uint64_t
pickler_size(struct rs_cpython *py, const struct rs_py_type *t, uint64_t o)
{
	enum { RS_MEMO_SIZE = 32, RS_ALLOCATED = 16, RS_LAST = 48 };
	const uint64_t memo = rs_py_body_word(py, o, 0);
	uint64_t size = 0;

	(void)t;
	if (memo)
		size = RS_MEMO_SIZE +
		       2 * indices(rs_py_word_at(py, memo + RS_ALLOCATED));
	// Its place differs; nothing before it is of that type.
	for (unsigned at = RS_WORD; at <= RS_LAST; at += RS_WORD) {
		const uint64_t buffer = rs_py_body_word(py, o, at);

		if (buffer && rs_py_type(py, buffer) == py->type_bytes)
			return size + sane(py->header_size + RS_BYTES_OVERHEAD +
					   (uint64_t)rs_py_length(py, buffer));
	}
	return size;
}

// The size of the objects of the class @p name that @p type inherits from.
static uint64_t
base_size(struct rs_cpython *py, uint64_t type, const char *name)
{
	struct rs_py_chain chain = {0};

	while (type && rs_py_chain_step(&chain, type)) {
		const char *own = rs_py_type_name(py, type);

		if (own && strcmp(own, name) == 0)
			return rs_py_type_field(py, type,
						RS_F__typeobject__tp_basicsize);
		type = rs_py_type_field(py, type, RS_F__typeobject__tp_base);
	}
	return 0;
}

// The struct has another size wherever its fields have other places, patch
// releases of 3.13 and 3.14 included.
static uint64_t
unpickler_size(struct rs_cpython *py, const struct rs_py_type *t, uint64_t o)
{
	static const struct {
		uint16_t size;
		uint8_t line, encoding; // behind the header
	} layout[] = {
		{256, 136, 192}, {272, 136, 208}, {264, 128, 200},
		{296, 136, 224}, {304, 144, 232},
	};
	enum { RS_MEMO_SIZE = 16, RS_ERRORS = 8, RS_MARKS_SIZE = 32 };
	const uint64_t size = base_size(py, t->address, "_pickle.Unpickler");

	for (size_t i = 0; i < sizeof(layout) / sizeof(*layout); i++) {
		const unsigned at = layout[i].encoding;

		if (layout[i].size != size)
			continue;
		return indices(rs_py_body_word(py, o, RS_MEMO_SIZE)) +
		       indices(rs_py_body_word(py, o, at + RS_MARKS_SIZE)) +
		       held_text(py, rs_py_body_word(py, o, layout[i].line)) +
		       held_text(py, rs_py_body_word(py, o, at)) +
		       held_text(py, rs_py_body_word(py, o, at + RS_ERRORS));
	}
	py->size_cut = true;
	return 0;
}

static uint64_t
simple_queue_size(struct rs_cpython *py, const struct rs_py_type *t, uint64_t o)
{
	(void)t;
	return indices(rs_py_body_word(py, o, 32)); // items_cap
}

static const struct {
	const char *name; // tp_name
	uint8_t first; // minor version from which on it is defined; 0: 2.7
	uint64_t (*size)(struct rs_cpython *py, const struct rs_py_type *t,
			 uint64_t object);
} rules[] = {
	{NULL, 0, NULL}, // 0 is none
	{"bytearray", 0, bytearray_size},
	{"array.array", 0, array_size},
	{"collections.deque", 0, deque_size},
	{"collections.OrderedDict", 3, odict_size},
	{"Struct", 0, struct_size},
	{"_struct.Struct", 3, struct_size},
	{"decimal.Decimal", 3, decimal_size},
	{"_io.BytesIO", 0, bytesio_size},
	{"_io.BufferedReader", 0, buffered_size},
	{"_io.BufferedWriter", 0, buffered_size},
	{"_io.BufferedRandom", 0, buffered_size},
	{"itertools.product", 3, product_size},
	{"itertools.combinations", 3, combinations_size},
	{"itertools.combinations_with_replacement", 3, cwr_size},
	{"itertools.permutations", 3, permutations_size},
	{"xml.etree.ElementTree.Element", 3, element_size},
	{"_pickle.Pickler", 3, pickler_size},
	{"_pickle.Unpickler", 3, unpickler_size},
	{"_queue.SimpleQueue", 15, simple_queue_size},
	{"StgDict", 7, stg_dict_size},
	{"_ctypes.CType_Type", 13, ctype_size},
	{"frame", 0, frame_size},
	{"generator", 11, generator_size},
	{"coroutine", 11, generator_size},
	{"async_generator", 11, generator_size},
	{"code", 6, code_size},
	{"numpy.ndarray", 0, ndarray_size},
	{"numpy.void", 0, void_size},
	{"numpy.number", 0, scalar_size},
	{"numpy.bool_", 0, scalar_size},
	{"numpy.bool", 0, scalar_size},
	{"numpy.datetime64", 0, scalar_size},
};

uint8_t rs_py_size_rule(struct rs_cpython *py, uint64_t base)
{
	struct rs_py_chain chain = {0};

	while (base && rs_py_chain_step(&chain, base)) {
		const char *name = rs_py_type_name(py, base);

		for (size_t i = 1; name && i < sizeof(rules) / sizeof(*rules);
		     i++)
			if (rules[i].first <= rs_py_minor(py) &&
			    strcmp(rules[i].name, name) == 0)
				return (uint8_t)i;
		base = rs_py_type_field(py, base, RS_F__typeobject__tp_base);
	}
	return 0;
}

uint64_t rs_py_size_by_rule(struct rs_cpython *py, const struct rs_py_type *t,
			    uint64_t object)
{
	return rules[t->size_rule].size(py, t, object);
}
