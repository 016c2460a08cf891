// SPDX-License-Identifier: MIT
#include "runtime/native/native.h"

bool rs_native_read_width(struct rs_memory *memory, uint64_t address,
			  unsigned width, uint64_t *ret)
{
	*ret = 0;
	// Little-endian: the low bytes come first.
	return rs_memory_read(memory, address, ret, width);
}

int64_t rs_native_decode_count(const struct rs_type *raw, uint64_t value)
{
	const unsigned bits = 8U * raw->count_width;

	if (bits >= 32 && value >> (bits - 1)) {
		// Negative: fill the bits above with ones.
		const uint64_t sign = bits == 64 ? 0 : ~UINT64_C(0) << bits;
		return ((int64_t)(value | sign) >> raw->count_shift) +
		       raw->count_bias;
	}
	return (int64_t)(value >> raw->count_shift) + raw->count_bias;
}
