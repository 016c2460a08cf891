// SPDX-License-Identifier: MIT
//
// Literals of Python, as keys in names. Each function below reads one at p->at
// and compares it with an object; 0 stands for no object: then it only reads.
#include "runtime/cpython/text/name_key.h"
#include "runtime/cpython/decode/decode.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>

enum { RS_KEY_DEPTH = 4, RS_KEY_TEXT = sizeof(((struct rs_py_key *)0)->text) };

struct literal {
	struct rs_cpython *py;
	const char *at;
	struct rs_py_key *key; // what was read
	bool bad;
};

static bool read_key(struct literal *p, uint64_t object, unsigned depth);

static void skip_spaces(struct literal *p)
{
	while (*p->at == ' ' || *p->at == '\t')
		p->at++;
}

static bool take_word(struct literal *p, const char *word)
{
	const size_t n = strlen(word);

	if (strncmp(p->at, word, n) != 0 || rs_py_is_word(p->at[n]))
		return false;
	p->at += n;
	return true;
}

static int hex(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *found =
		c ? strchr(digits, tolower((unsigned char)c)) : NULL;

	return found ? (int)(found - digits) : -1;
}

// What follows a backslash, as a character below 256; -1: nothing special.
static int escaped(struct literal *p)
{
	static const char plain[] = "\\\\''\"\"n\nt\tr\r";

	for (size_t i = 0; i + 1 < sizeof(plain); i += 2) {
		if (*p->at == plain[i]) {
			p->at++;
			return (unsigned char)plain[i + 1];
		}
	}
	if (*p->at != 'x' || hex(p->at[1]) < 0 || hex(p->at[2]) < 0)
		return -1;
	const int c = hex(p->at[1]) * 16 + hex(p->at[2]);
	p->at += 3;
	return c;
}

/**
 * Read a text in quotes into p->key->text.
 * @param wide Characters from 128 on become UTF-8; otherwise they stay bytes.
 * @return Its bytes.
 */
static size_t read_quoted(struct literal *p, bool wide)
{
	const char quote = *p->at++;
	char *text = p->key->text;
	size_t n = 0;

	while (*p->at && *p->at != quote && n + 2 < RS_KEY_TEXT) {
		int c = (unsigned char)*p->at++;
		const int special = c == '\\' ? escaped(p) : -1;

		if (special >= 128 && wide) {
			text[n++] = (char)(0xc0 | special >> 6);
			c = 0x80 | (special & 0x3f);
		} else if (special >= 0) {
			c = special;
		}
		text[n++] = (char)c;
	}
	text[n] = '\0';
	p->bad |= *p->at != quote;
	p->at += *p->at == quote;
	return n;
}

static bool is_text(struct rs_cpython *py, uint64_t object, const char *text)
{
	char got[2 * RS_KEY_TEXT];

	return rs_py_string(py, object, got, sizeof(got)) &&
	       strcmp(got, text) == 0;
}

static bool
is_bytes(struct rs_cpython *py, uint64_t object, const char *bytes, size_t n)
{
	const int32_t at =
		rs_py_off(py, py->known->old ? RS_F_PyStringObject__ob_sval
					     : RS_F_PyBytesObject__ob_sval);

	// In 2.7 text and bytes may be equal.
	if (py->known->old && rs_py_is(py, object, RS_TPF_UNICODE))
		return is_text(py, object, bytes);
	if (at < 0 || !rs_py_is(py, object, RS_TPF_BYTES) ||
	    rs_py_length(py, object) != (int64_t)n)
		return false;
	const uint8_t *got =
		rs_memory_at(py->base.memory, object + (uint64_t)at, n + 1);
	return got && memcmp(got, bytes, n) == 0;
}

static bool is_none(struct rs_cpython *py, uint64_t object)
{
	const struct rs_py_type *t = rs_py_known_of(py, object);

	return t && strcmp(t->name, "NoneType") == 0;
}

static bool is_number(struct rs_cpython *py, uint64_t object, int64_t number)
{
	int64_t got;

	return rs_py_integer(py, object, &got) && got == number;
}

static bool read_number(struct literal *p, uint64_t object)
{
	char *end;

	errno = 0;
	p->key->kind = RS_PY_KEY_NUMBER;
	p->key->number = strtoll(p->at, &end, 0);
	p->bad |= end == p->at || errno || rs_py_is_word(*end) || *end == '.';
	p->at = end;
	return object && is_number(p->py, object, p->key->number);
}

static bool read_text(struct literal *p, uint64_t object)
{
	const char prefix = (char)tolower((unsigned char)*p->at);
	const bool bytes = prefix == 'b';

	p->at += prefix == 'b' || prefix == 'u';
	const size_t n = read_quoted(p, !bytes);
	p->key->kind = bytes ? RS_PY_KEY_OTHER : RS_PY_KEY_TEXT;
	if (!object)
		return false;
	return bytes ? is_bytes(p->py, object, p->key->text, n)
		     : is_text(p->py, object, p->key->text);
}

// The keys before `close`, which is taken too: how many, or whether they are
// the items of the tuple.
static size_t read_items(struct literal *p, uint64_t tuple, char close,
			 unsigned depth, bool *comma, bool *same)
{
	size_t n = 0;

	*comma = false;
	for (skip_spaces(p); !p->bad && *p->at != close; n++) {
		p->bad |= n && !*comma;
		*same &= read_key(p,
				  tuple ? rs_py_tuple_item(p->py, tuple, n) : 0,
				  depth);
		skip_spaces(p);
		*comma = *p->at == ',';
		p->at += *comma;
		skip_spaces(p);
	}
	p->at += !p->bad;
	return n;
}

// One key, or several with commas, which are a tuple.
static bool
read_list(struct literal *p, uint64_t object, char close, unsigned depth)
{
	const char *const start = p->at;
	bool comma, same = true;
	const size_t n = read_items(p, 0, close, depth, &comma, &same);

	if (p->bad || (n == 1 && !comma)) {
		const char *const end = p->at;

		p->at = start;
		skip_spaces(p);
		same = !p->bad && read_key(p, object, depth);
		p->at = end;
		return same;
	}
	p->key->kind = RS_PY_KEY_OTHER;
	if (!object || !rs_py_is(p->py, object, RS_TPF_TUPLE) ||
	    rs_py_length(p->py, object) != (int64_t)n)
		return false;
	same = true;
	p->at = start;
	read_items(p, object, close, depth, &comma, &same);
	p->key->kind = RS_PY_KEY_OTHER;
	return same;
}

static bool is_quote(char c)
{
	return c == '\'' || c == '"';
}

static bool read_key(struct literal *p, uint64_t object, unsigned depth)
{
	if (is_quote(*p->at) ||
	    (*p->at && strchr("bBuU", *p->at) && is_quote(p->at[1])))
		return read_text(p, object);
	if (*p->at == '(' && depth < RS_KEY_DEPTH) {
		p->at++;
		return read_list(p, object, ')', depth + 1);
	}
	if (take_word(p, "None")) {
		p->key->kind = RS_PY_KEY_OTHER;
		return object && is_none(p->py, object);
	}
	const bool yes = take_word(p, "True");
	if (yes || take_word(p, "False")) {
		p->key->kind = RS_PY_KEY_NUMBER;
		p->key->number = yes;
		return object && is_number(p->py, object, yes);
	}
	return read_number(p, object);
}

void rs_py_key_parse(const char *text, struct rs_py_key *ret)
{
	struct literal p = {.at = text, .key = ret};
	const size_t n = strcspn(text, "]");

	*ret = (struct rs_py_key){.kind = RS_PY_KEY_BAD, .start = text};
	read_list(&p, 0, ']', 0);
	ret->end = p.at;
	if (!p.bad && p.at > text + 1)
		return;
	ret->kind = text[n] ? RS_PY_KEY_BAD : RS_PY_KEY_OPEN;
	ret->end = text + n;
	if (n == 0 || n >= RS_KEY_TEXT || !text[n] ||
	    strcspn(text, "'\"()") < n)
		return;
	ret->kind = RS_PY_KEY_TEXT;
	memcpy(ret->text, text, n);
	ret->text[n] = '\0';
	ret->end++;
}

bool rs_py_key_is(struct rs_cpython *py, const struct rs_py_key *key,
		  uint64_t object)
{
	struct rs_py_key read;
	struct literal p = {.py = py, .at = key->start, .key = &read};

	return read_list(&p, object, ']', 0) && !p.bad;
}
