// SPDX-License-Identifier: MIT
#include "action/rehearsed.h"

#include "base/search.h"

#include <string.h>

enum { RS_HEX = 16, RS_DECIMAL = 10, RS_TYPE_MAX = 255 };

/** The rest of a line. */
struct words {
	const char *at, *end;
};

// Take the next word off. @return Its length, 0 at the end.
static size_t take_word(struct words *w, const char **ret)
{
	while (w->at < w->end && *w->at == ' ')
		w->at++;
	*ret = w->at;
	while (w->at < w->end && *w->at != ' ')
		w->at++;
	return (size_t)(w->at - *ret);
}

static bool is_word(const char *word, size_t size, const char *text)
{
	return size == strlen(text) && memcmp(word, text, size) == 0;
}

// @return Whether there was a number.
static bool take_number(struct words *w, unsigned base, uint64_t *ret)
{
	const char *word;
	size_t size = take_word(w, &word), i = 0;
	uint64_t value = 0;

	if (base == RS_HEX && size > 2 && word[0] == '0' && word[1] == 'x')
		i = 2;
	if (i == size)
		return false;
	for (; i < size; i++) {
		const char c = word[i];
		const unsigned digit =
			c >= '0' && c <= '9' ? (unsigned)(c - '0')
			: c >= 'a' && c <= 'f'
				? (unsigned)(c - 'a' + RS_DECIMAL)
				: RS_HEX;

		if (digit >= base || value >> 59)
			return false;
		value = value * base + digit;
	}
	*ret = value;
	return true;
}

static struct rs_error *add_object(struct rs_rehearsed *r, struct words *w)
{
	struct rs_rehearsed_object object = {0};
	const char *state;
	const size_t size = take_word(w, &state);

	object.uncollectable = is_word(state, size, "uncollectable");
	if (!take_number(w, RS_HEX, &object.address))
		return NULL;
	while (w->at < w->end && *w->at == ' ')
		w->at++;
	object.type = w->at;
	object.type_size =
		(uint32_t)(w->end - w->at < RS_TYPE_MAX ? w->end - w->at
							: RS_TYPE_MAX);
	r->uncollectable += object.uncollectable;
	return rs_vec_append(&r->object, &object, sizeof(object));
}

static struct rs_error *add_address(struct rs_vec *vec, struct words *w)
{
	uint64_t address;

	if (!take_number(w, RS_HEX, &address))
		return NULL;
	return rs_vec_append(vec, &address, sizeof(address));
}

static struct rs_error *
parse_line(struct rs_rehearsed *r, struct rs_vec *alive, struct words *w)
{
	const char *word;
	const size_t size = take_word(w, &word);

	if (is_word(word, size, "returned"))
		r->has_returned = take_number(w, RS_DECIMAL, &r->returned);
	else if (is_word(word, size, "garbage"))
		(void)take_number(w, RS_DECIMAL, &r->garbage_before);
	else if (is_word(word, size, "after"))
		(void)take_number(w, RS_DECIMAL, &r->garbage);
	else if (is_word(word, size, "cleared"))
		(void)take_number(w, RS_DECIMAL, &r->cleared);
	else if (is_word(word, size, "found"))
		return add_object(r, w);
	else if (is_word(word, size, "alive"))
		return add_address(alive, w);
	else if (is_word(word, size, "dropped"))
		return add_address(&r->dropped, w);
	else if (is_word(word, size, "freed"))
		return add_address(&r->freed, w);
	return NULL;
}

static void mark_alive(struct rs_rehearsed *r, struct rs_vec *alive)
{
	struct rs_rehearsed_object *object =
		rs_vec_items(&r->object, struct rs_rehearsed_object);
	const size_t n = rs_vec_count(&r->object, struct rs_rehearsed_object);

	rs_vec_sort_u64(alive);
	for (size_t i = 0; i < n; i++) {
		object[i].alive = rs_vec_has_u64(alive, object[i].address);
		r->alive += object[i].alive && !object[i].uncollectable;
	}
}

struct rs_error *
rs_rehearsed_parse(const char *text, size_t size, struct rs_rehearsed *ret)
{
	const char *const end = text + size;
	struct rs_vec alive = {0};
	struct rs_error *err = NULL;

	*ret = (struct rs_rehearsed){0};
	while (text < end && !err) {
		const char *stop = memchr(text, '\n', (size_t)(end - text));
		struct words w = {text, stop ? stop : end};

		text = w.end + 1;
		err = parse_line(ret, &alive, &w);
	}
	if (!err)
		mark_alive(ret, &alive);
	rs_vec_fini(&alive);
	return err;
}

void rs_rehearsed_fini(struct rs_rehearsed *rehearsed)
{
	rs_vec_fini(&rehearsed->object);
	rs_vec_fini(&rehearsed->dropped);
	rs_vec_fini(&rehearsed->freed);
}
