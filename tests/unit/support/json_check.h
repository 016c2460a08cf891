// SPDX-License-Identifier: MIT
/**
 * @file
 * Whether a text is JSON, and what stands at a path in it.
 *
 * A path is "cycles[0].path[1].label". Made for what the engine writes: small
 * enough to trust at a glance, and independent of its writer.
 */
#ifndef RS_JSON_CHECK_H
#define RS_JSON_CHECK_H

#include "rs_check.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>

enum { RS_JSON_DEPTH = 256 };

/** @return The end of the string that begins at @p p, or NULL. */
static inline const char *json_string_end(const char *p)
{
	if (*p++ != '"')
		return NULL;
	for (; *p != '"'; p++) {
		if ((unsigned char)*p < 0x20)
			return NULL;
		if (*p != '\\')
			continue;
		p++;
		if (*p == 'u') {
			for (int i = 0; i < 4; i++)
				if (!isxdigit((unsigned char)*++p))
					return NULL;
		} else if (!*p || !strchr("\"\\/bfnrt", *p)) {
			return NULL;
		}
	}
	return p + 1;
}

/** @return The end of the number, literal or string at @p p, or NULL. */
static inline const char *json_scalar_end(const char *p)
{
	static const char *const word[] = {"true", "false", "null"};

	if (*p == '"')
		return json_string_end(p);
	for (size_t i = 0; i < 3; i++)
		if (strncmp(p, word[i], strlen(word[i])) == 0)
			return p + strlen(word[i]);
	if (*p == '-')
		p++;
	if (!isdigit((unsigned char)*p) ||
	    (*p == '0' && isdigit((unsigned char)p[1])))
		return NULL;
	while (isdigit((unsigned char)*p))
		p++;
	return p;
}

/** @return The end of the value at @p p, or NULL when it is malformed. */
static inline const char *json_end(const char *p)
{
	char open[RS_JSON_DEPTH];
	size_t depth = 0;

	for (;;) {
		// A value is due, or the end of an empty bracket.
		if (*p == '{' || *p == '[') {
			if (depth == RS_JSON_DEPTH)
				return NULL;
			open[depth++] = *p++;
			if (*p != '}' && *p != ']')
				goto member;
		} else if (!(p = json_scalar_end(p))) {
			return NULL;
		}
		while (depth && *p == (open[depth - 1] == '{' ? '}' : ']')) {
			p++;
			depth--;
		}
		if (!depth)
			return p;
		if (*p++ != ',')
			return NULL;
	member:
		if (open[depth - 1] != '{')
			continue;
		p = json_string_end(p);
		if (!p || *p++ != ':')
			return NULL;
	}
}

static inline bool json_is_valid(const char *text)
{
	const char *end = json_end(text);

	return end && *end == '\0';
}

/** @return The value of member @p key of the object at @p p, or NULL. */
static inline const char *
json_member(const char *p, const char *key, size_t size)
{
	if (*p++ != '{' || *p == '}')
		return NULL;
	for (;;) {
		const char *end = json_string_end(p);
		if ((size_t)(end - p) == size + 2 &&
		    memcmp(p + 1, key, size) == 0)
			return end + 1;
		p = json_end(end + 1);
		if (!p || *p++ != ',')
			return NULL;
	}
}

/** @return Element @p i of the array at @p p, or NULL. */
static inline const char *json_element(const char *p, unsigned long i)
{
	if (*p++ != '[' || *p == ']')
		return NULL;
	for (; i; i--) {
		p = json_end(p);
		if (!p || *p++ != ',')
			return NULL;
	}
	return p;
}

/** @return Where the value at @p path begins in @p text (valid), or NULL. */
static inline const char *json_at(const char *text, const char *path)
{
	const char *p = text;

	while (p && *path) {
		if (*path == '.') {
			path++;
		} else if (*path == '[') {
			char *end;
			p = json_element(p, strtoul(path + 1, &end, 10));
			path = end + 1;
		} else {
			const size_t size = strcspn(path, ".[");
			p = json_member(p, path, size);
			path += size;
		}
	}
	return p;
}

/** Number of elements of the array at @p path. */
static inline unsigned long json_length(const char *text, const char *path)
{
	const char *p = json_at(text, path);
	unsigned long n = 0;

	ck_assert_msg(p && *p == '[', "no array at %s in %s", path, text);
	while (json_element(p, n))
		n++;
	return n;
}

/** Assert that the value at @p path is @p want, as it stands in the text. */
#define rs_ck_json(text, path, want)                                           \
	do {                                                                   \
		const char *rs_ck_at = json_at((text), (path));                \
		ck_assert_msg(rs_ck_at != NULL, "no %s in %s", (path),         \
			      (text));                                         \
		const char *rs_ck_end = json_end(rs_ck_at);                    \
		ck_assert_msg(                                                 \
			(size_t)(rs_ck_end - rs_ck_at) == strlen(want) &&      \
				!strncmp(rs_ck_at, (want), strlen(want)),      \
			"%s is %.*s, not %s, in %s", (path),                   \
			(int)(rs_ck_end - rs_ck_at), rs_ck_at, (want),         \
			(text));                                               \
	} while (0)

/** Assert that each of the paths is there; the list ends in NULL. */
static inline void json_has(const char *text, const char *const *path)
{
	ck_assert_msg(json_is_valid(text), "not JSON: %s", text);
	for (; *path; path++)
		ck_assert_msg(json_at(text, *path) != NULL, "no %s in %s",
			      *path, text);
}

#endif /* RS_JSON_CHECK_H */
