// SPDX-License-Identifier: MIT
#include "runtime/cpython/decode/decode.h"

enum { RS_INT_DIGIT_BITS = 30, RS_INT_DIGITS = 3 };

uint64_t rs_py_tuple_size(struct rs_cpython *py, uint64_t tuple)
{
	const uint64_t at = tuple + (uint64_t)py->known->tuple_item;
	int64_t size;

	if (!tuple || !rs_py_is(py, tuple, RS_TPF_TUPLE))
		return 0;
	size = rs_py_length(py, tuple);
	if (size <= 0 || size > RS_PY_ITEMS_MAX ||
	    !rs_memory_at(py->base.memory, at, (uint64_t)size * 8))
		return 0;
	return (uint64_t)size;
}

uint64_t rs_py_tuple_item(struct rs_cpython *py, uint64_t tuple, uint64_t i)
{
	uint64_t value = 0;

	if (i >= rs_py_tuple_size(py, tuple))
		return 0;
	rs_memory_u64(py->base.memory,
		      tuple + (uint64_t)py->known->tuple_item + i * 8, &value);
	return value;
}

// Append a character as UTF-8. @return false when it does not fit.
static bool put(char *buf, size_t size, size_t *n, uint32_t c)
{
	unsigned char utf[4];
	size_t length;

	if (c < 0x80) {
		utf[0] = (unsigned char)c;
		length = 1;
	} else if (c < 0x800) {
		utf[0] = (unsigned char)(0xc0 | c >> 6);
		utf[1] = (unsigned char)(0x80 | (c & 0x3f));
		length = 2;
	} else if (c < 0x10000) {
		utf[0] = (unsigned char)(0xe0 | c >> 12);
		utf[1] = (unsigned char)(0x80 | (c >> 6 & 0x3f));
		utf[2] = (unsigned char)(0x80 | (c & 0x3f));
		length = 3;
	} else {
		utf[0] = (unsigned char)(0xf0 | (c >> 18 & 7));
		utf[1] = (unsigned char)(0x80 | (c >> 12 & 0x3f));
		utf[2] = (unsigned char)(0x80 | (c >> 6 & 0x3f));
		utf[3] = (unsigned char)(0x80 | (c & 0x3f));
		length = 4;
	}
	if (*n + length >= size)
		return false;
	memcpy(buf + *n, utf, length);
	*n += length;
	return true;
}

// Convert `length` characters of `width` bytes at `data`.
static bool copy_text(struct rs_cpython *py, uint64_t data, uint64_t length,
		      unsigned width, char *buf, size_t size)
{
	size_t n = 0;

	if (length > size)
		length = size;
	const uint8_t *p =
		length ? rs_memory_at(py->base.memory, data, length * width)
		       : (const uint8_t *)"";
	if (!p)
		return false;
	for (uint64_t i = 0; i < length; i++) {
		uint32_t c = 0;
		for (unsigned b = 0; b < width; b++)
			c |= (uint32_t)p[i * width + b] << (8 * b);
		if (!put(buf, size, &n, c ? c : ' '))
			break;
	}
	buf[n] = '\0';
	return true;
}

// A bit field of a compact str.
static unsigned state_bits(const uint8_t *p, int32_t bit, int32_t width)
{
	uint32_t word;

	memcpy(&word, p + (size_t)(bit / 32) * 4, sizeof(word));
	return word >> bit % 32 & ((1U << width) - 1);
}

static bool
string_3(struct rs_cpython *py, uint64_t object, char *buf, size_t size)
{
	const int32_t ascii_size = rs_py_off(py, RS_F_PyASCIIObject___size);
	const int32_t length_at = rs_py_off(py, RS_F_PyASCIIObject__length);
	const int32_t kind_bit =
		rs_py_off(py, RS_F_PyASCIIObject__state__kind__bit);
	const int32_t ascii_bit =
		rs_py_off(py, RS_F_PyASCIIObject__state__ascii__bit);
	const int32_t compact_bit =
		rs_py_off(py, RS_F_PyASCIIObject__state__compact__bit);
	const uint8_t *p;

	if (ascii_size <= 0 || length_at < 0 || kind_bit < 0 || ascii_bit < 0 ||
	    compact_bit < 0)
		return false;
	p = rs_memory_at(py->base.memory, object, (uint64_t)ascii_size);
	if (!p)
		return false;
	const uint64_t length = rs_py_word(p + length_at);
	const unsigned kind = state_bits(p, kind_bit, 3);
	const bool ascii = state_bits(p, ascii_bit, 1);
	if (length > INT64_MAX || (kind != 1 && kind != 2 && kind != 4))
		return false;
	uint64_t data;
	if (!state_bits(p, compact_bit, 1))
		data = rs_py_get(py, object, RS_F_PyUnicodeObject__data);
	else if (ascii)
		data = object + (uint64_t)ascii_size;
	else
		data = object + (uint64_t)rs_py_off(
					py, RS_F_PyCompactUnicodeObject___size);
	return copy_text(py, data, length, kind, buf, size);
}

static bool string_27(struct rs_cpython *py, uint64_t object, uint64_t flags,
		      char *buf, size_t size)
{
	if (flags & RS_TPF_UNICODE) {
		const uint64_t length =
			rs_py_get(py, object, RS_F_PyUnicodeObject__length);
		const uint64_t data =
			rs_py_get(py, object, RS_F_PyUnicodeObject__str);

		// The usual build has 4 bytes for each character.
		return length <= INT64_MAX &&
		       copy_text(py, data, length, 4, buf, size);
	}
	const int64_t length = rs_py_length(py, object);
	return length >= 0 &&
	       copy_text(py,
			 object + (uint64_t)rs_py_off(
					  py, RS_F_PyStringObject__ob_sval),
			 (uint64_t)length, 1, buf, size);
}

bool rs_py_string(struct rs_cpython *py, uint64_t object, char *buf,
		  size_t size)
{
	if (size == 0)
		return false;
	buf[0] = '\0';
	if (py->base.unread)
		return rs_py_type(py, object) == py->type_unicode &&
		       string_3(py, object, buf, size);
	const uint64_t flags = rs_py_flags_of(py, object);
	if (py->known->old) {
		if (!(flags & (RS_TPF_UNICODE | RS_TPF_BYTES)))
			return false;
		return string_27(py, object, flags, buf, size);
	}
	return (flags & RS_TPF_UNICODE) && string_3(py, object, buf, size);
}

// Digits of 30 bits, lowest first.
static bool from_digits(struct rs_cpython *py, uint64_t at, uint64_t digits,
			bool negative, int64_t *ret)
{
	uint64_t value = 0;

	if (digits > RS_INT_DIGITS)
		return false;
	for (uint64_t i = digits; i-- > 0;) {
		uint32_t digit;
		if (!rs_memory_u32(py->base.memory, at + i * 4, &digit) ||
		    value >> (63 - RS_INT_DIGIT_BITS))
			return false;
		value = value << RS_INT_DIGIT_BITS | digit;
	}
	*ret = negative ? -(int64_t)value : (int64_t)value;
	return true;
}

bool rs_py_integer(struct rs_cpython *py, uint64_t object, int64_t *ret)
{
	const uint64_t flags = rs_py_flags_of(py, object);
	const int32_t tag_at =
		rs_py_off(py, RS_F__longobject__long_value__lv_tag);

	if (py->known->old && (flags & RS_TPF_INT)) {
		*ret = (int64_t)rs_py_get(py, object,
					  RS_F_PyIntObject__ob_ival);
		return true;
	}
	if (!(flags & RS_TPF_LONG))
		return false;
	if (tag_at >= 0) {
		const uint64_t tag = rs_py_get(
			py, object, RS_F__longobject__long_value__lv_tag);
		return from_digits(
			py,
			object +
				(uint64_t)rs_py_off(
					py,
					RS_F__longobject__long_value__ob_digit),
			tag >> 3, (tag & 3) == 2, ret);
	}
	const int64_t size = rs_py_length(py, object);
	if (size < -RS_INT_DIGITS || size > RS_INT_DIGITS)
		return false;
	return from_digits(
		py,
		object + (uint64_t)rs_py_off(py, RS_F__longobject__ob_digit),
		(uint64_t)(size < 0 ? -size : size), size < 0, ret);
}
