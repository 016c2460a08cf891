// SPDX-License-Identifier: MIT
/** @file The hash table of a dict. Internal to runtime/cpython. */
#ifndef RS_CPYTHON_DICT_H
#define RS_CPYTHON_DICT_H

#include "runtime/cpython/decode/types.h"

/** The entries of a dict, or the keys that the instances of a class share: a
 * view, which owns nothing. Pointers are to the memory's own bytes. */
struct rs_py_table {
	const uint8_t *entry; // [entries] of `stride` bytes
	const uint8_t *values; // [entries] words, apart from the keys, or NULL
	uint64_t entries;
	uint64_t used; // live entries, according to the dict
	uint32_t stride, key_at, value_at; // bytes; _at: from an entry's start
	bool general; // keys may be of any type; the collector visits them
	bool shared; // keys belong to a class
	bool embedded; // values are part of an instance
};

/** Read the dict at address @p dict. @return false when it is not readable. */
bool rs_py_table_open(struct rs_cpython *py, uint64_t dict,
		      struct rs_py_table *ret);

/** Read the PyDictKeysObject at address @p keys (3.6 and later). @return false
 * when it is not readable. */
bool rs_py_keys_open(struct rs_cpython *py, uint64_t keys,
		     struct rs_py_table *ret);

/** The addresses of the key and of the value of entry @p i, less than entries;
 * 0: there is none. */
static inline uint64_t rs_py_table_key(const struct rs_py_table *t, uint64_t i)
{
	return rs_py_word(t->entry + i * t->stride + t->key_at);
}

static inline uint64_t
rs_py_table_value(const struct rs_py_table *t, uint64_t i)
{
	return t->values ? rs_py_word(t->values + i * 8)
			 : rs_py_word(t->entry + i * t->stride + t->value_at);
}

#endif /* RS_CPYTHON_DICT_H */
