// SPDX-License-Identifier: MIT
#include "base/json.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { RS_FLUSH = 256 * 1024 }; // bytes buffered before a write()

void rs_json_init(struct rs_json *json, int fd)
{
	*json = (struct rs_json){.fd = fd};
}

void rs_json_fini(struct rs_json *json)
{
	rs_vec_fini(&json->text);
}

// Write out the buffer. After a failure everything else is dropped.
static void flush(struct rs_json *json)
{
	const char *text = json->text.data;
	size_t left = json->failed ? 0 : json->text.used;

	while (left) {
		const ssize_t n = write(json->fd, text, left);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			json->failed = n < 0 ? errno : EIO;
			break;
		}
		text += n;
		left -= (size_t)n;
		json->written += (size_t)n;
	}
	json->text.used = 0;
}

static void put(struct rs_json *json, const char *bytes, size_t size)
{
	if (!size || json->failed)
		return;
	if (json->fd >= 0 && json->text.used >= RS_FLUSH)
		flush(json);
	char *slot = rs_vec_push(&json->text, size);
	if (!slot) {
		json->failed = ENOMEM;
		return;
	}
	memcpy(slot, bytes, size);
	json->last = bytes[size - 1];
}

// The comma before a value or a key, if one is needed.
static void separate(struct rs_json *json)
{
	switch (json->last) {
	case '\0': // nothing written yet
	case '\n': // between top-level values
	case '{':
	case '[':
	case ':':
		break;
	default:
		put(json, ",", 1);
	}
}

static void open_bracket(struct rs_json *json, char bracket)
{
	separate(json);
	put(json, &bracket, 1);
	json->depth++;
}

static void close_bracket(struct rs_json *json, char bracket)
{
	assert(json->depth && json->last != ':');
	put(json, &bracket, 1);
	json->depth--;
}

void rs_json_begin_object(struct rs_json *json)
{
	open_bracket(json, '{');
}

void rs_json_end_object(struct rs_json *json)
{
	close_bracket(json, '}');
}

void rs_json_begin_array(struct rs_json *json)
{
	open_bracket(json, '[');
}

void rs_json_end_array(struct rs_json *json)
{
	close_bracket(json, ']');
}

// Whether @p byte continues a UTF-8 sequence.
static bool is_tail(unsigned char byte)
{
	return (byte & 0xc0) == 0x80;
}

// Length of the UTF-8 sequence at @p s, or 0 when it is not well-formed: an
// overlong form, a surrogate or above U+10FFFF (RFC 3629, section 4).
static size_t sequence(const unsigned char *s, size_t left)
{
	if (left >= 2 && s[0] >= 0xc2 && s[0] <= 0xdf)
		return is_tail(s[1]) ? 2 : 0;
	if (left >= 3 && (s[0] & 0xf0) == 0xe0) {
		if ((s[0] == 0xe0 && s[1] < 0xa0) ||
		    (s[0] == 0xed && s[1] > 0x9f))
			return 0;
		return is_tail(s[1]) && is_tail(s[2]) ? 3 : 0;
	}
	if (left >= 4 && s[0] >= 0xf0 && s[0] <= 0xf4) {
		if ((s[0] == 0xf0 && s[1] < 0x90) ||
		    (s[0] == 0xf4 && s[1] > 0x8f))
			return 0;
		return is_tail(s[1]) && is_tail(s[2]) && is_tail(s[3]) ? 4 : 0;
	}
	return 0;
}

// Bytes that need no escape inside a string.
static bool is_plain(unsigned char byte)
{
	return byte >= 0x20 && byte < 0x7f && byte != '"' && byte != '\\';
}

static void put_escape(struct rs_json *json, unsigned char byte)
{
	static const char hex[] = "0123456789abcdef";
	char text[6] = {'\\', 'u', '0', '0', hex[byte >> 4], hex[byte & 15]};

	switch (byte) {
	case '"':
	case '\\':
		text[1] = (char)byte;
		break;
	case '\b':
		text[1] = 'b';
		break;
	case '\f':
		text[1] = 'f';
		break;
	case '\n':
		text[1] = 'n';
		break;
	case '\r':
		text[1] = 'r';
		break;
	case '\t':
		text[1] = 't';
		break;
	default:
		put(json, text, 6);
		return;
	}
	put(json, text, 2);
}

static void put_quoted(struct rs_json *json, const char *text, size_t size)
{
	const unsigned char *s = (const unsigned char *)text;
	size_t done = 0; // written up to here
	size_t i = 0;

	put(json, "\"", 1);
	while (i < size) {
		if (is_plain(s[i])) {
			i++;
			continue;
		}
		const size_t n = s[i] >= 0x80 ? sequence(s + i, size - i) : 0;
		if (n) {
			i += n;
			continue;
		}
		put(json, text + done, i - done);
		if (s[i] >= 0x80)
			put(json, "\xef\xbf\xbd", 3);
		else
			put_escape(json, s[i]);
		done = ++i;
	}
	put(json, text + done, size - done);
	put(json, "\"", 1);
}

void rs_json_key(struct rs_json *json, const char *key)
{
	assert(json->depth && json->last != ':');
	separate(json);
	put_quoted(json, key, strlen(key));
	put(json, ":", 1);
}

void rs_json_stringn(struct rs_json *json, const char *text, size_t size)
{
	separate(json);
	put_quoted(json, text, size);
}

void rs_json_string(struct rs_json *json, const char *text)
{
	if (text)
		rs_json_stringn(json, text, strlen(text));
	else
		rs_json_null(json);
}

// Write the digits of @p value to the end of @p text. @return the first.
static char *decimal(uint64_t value, char *text, size_t size)
{
	char *at = text + size;

	do {
		*--at = (char)('0' + value % 10);
		value /= 10;
	} while (value);
	return at;
}

void rs_json_uint(struct rs_json *json, uint64_t value)
{
	char text[20];
	const char *at = decimal(value, text, sizeof(text));

	separate(json);
	put(json, at, (size_t)(text + sizeof(text) - at));
}

void rs_json_int(struct rs_json *json, int64_t value)
{
	char text[21];
	// Negated as unsigned, so that INT64_MIN has an absolute value too.
	const uint64_t size = value < 0 ? -(uint64_t)value : (uint64_t)value;
	char *at = decimal(size, text, sizeof(text));

	if (value < 0)
		*--at = '-';
	separate(json);
	put(json, at, (size_t)(text + sizeof(text) - at));
}

void rs_json_bool(struct rs_json *json, bool value)
{
	separate(json);
	put(json, value ? "true" : "false", value ? 4 : 5);
}

void rs_json_null(struct rs_json *json)
{
	separate(json);
	put(json, "null", 4);
}

void rs_json_address(struct rs_json *json, uint64_t address)
{
	static const char hex[] = "0123456789abcdef";
	char text[20];
	char *at = text + sizeof(text);

	*--at = '"';
	do {
		*--at = hex[address & 15];
		address >>= 4;
	} while (address);
	*--at = 'x';
	*--at = '0';
	*--at = '"';
	separate(json);
	put(json, at, (size_t)(text + sizeof(text) - at));
}

void rs_json_newline(struct rs_json *json)
{
	assert(json->depth == 0);
	put(json, "\n", 1);
	if (json->fd >= 0 && json->text.used >= RS_FLUSH)
		flush(json);
}

void rs_json_key_string(struct rs_json *json, const char *key, const char *text)
{
	rs_json_key(json, key);
	rs_json_string(json, text);
}

void rs_json_key_uint(struct rs_json *json, const char *key, uint64_t value)
{
	rs_json_key(json, key);
	rs_json_uint(json, value);
}

void rs_json_key_int(struct rs_json *json, const char *key, int64_t value)
{
	rs_json_key(json, key);
	rs_json_int(json, value);
}

void rs_json_key_bool(struct rs_json *json, const char *key, bool value)
{
	rs_json_key(json, key);
	rs_json_bool(json, value);
}

void rs_json_key_address(struct rs_json *json, const char *key,
			 uint64_t address)
{
	rs_json_key(json, key);
	rs_json_address(json, address);
}

struct rs_error *rs_json_finish(struct rs_json *json)
{
	assert(json->failed || json->depth == 0);
	if (json->fd >= 0)
		flush(json);
	if (json->failed == ENOMEM)
		return &rs_enomem;
	if (json->failed)
		return rs_error_new(RS_EIO, "cannot write: %s",
				    strerror(json->failed));
	return NULL;
}

struct rs_error *rs_json_take(struct rs_json *json, char **ret)
{
	assert(json->fd < 0);
	struct rs_error *err = rs_json_finish(json);
	if (err)
		return err;

	char *text = malloc(json->text.used + 1);
	if (!text)
		return &rs_enomem;
	if (json->text.used)
		memcpy(text, json->text.data, json->text.used);
	text[json->text.used] = '\0';
	rs_vec_fini(&json->text);
	json->last = '\0';
	*ret = text;
	return NULL;
}
