// SPDX-License-Identifier: MIT
/** @file Keys in names: `['key']`, `[(1, None)]`. Internal. */
#ifndef RS_CPYTHON_NAME_KEY_H
#define RS_CPYTHON_NAME_KEY_H

#include "runtime/cpython/decode/types.h"

#include <ctype.h>

/** Whether @p c can be in a word of a name. */
static inline bool rs_py_is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_' || (c & 0x80);
}

enum rs_py_key_kind {
	RS_PY_KEY_BAD, // not a key
	RS_PY_KEY_OPEN, // the `]` is missing
	RS_PY_KEY_TEXT, // a str: `text`
	RS_PY_KEY_NUMBER, // an int or bool: `number`
	RS_PY_KEY_OTHER, // to be compared with rs_py_key_is()
};

/** A key as it is written between brackets. */
struct rs_py_key {
	enum rs_py_key_kind kind;
	const char *start, *end; // behind `[`; behind `]`
	int64_t number;
	char text[256]; // UTF-8
};

/**
 * Read the key that begins at @p text, behind the `[`: 'text', b'bytes', a
 * number, None, True, False, a tuple of keys with or without parentheses, or a
 * word, which is text without quotes.
 */
void rs_py_key_parse(const char *text, struct rs_py_key *ret);

/** Whether the object at @p object equals @p key. */
bool rs_py_key_is(struct rs_cpython *py, const struct rs_py_key *key,
		  uint64_t object);

#endif /* RS_CPYTHON_NAME_KEY_H */
