// SPDX-License-Identifier: MIT
//
// One finding that is being made.
#include "answer/leaks/findings.h"

#include "graph/unreachable_any.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RS_KEY_TEXT = 2 * RS_KEY_SIZE }; // bytes of a key, or of a line

const char *rs_finding_kind_text(unsigned kind)
{
	static const char *const name[] = {
		[RS_FINDING_MISSING_DECREF] = "missing-decref",
		[RS_FINDING_LOST] = "lost",
		[RS_FINDING_OVER_DECREF] = "over-decref",
		[RS_FINDING_DANGLING] = "dangling",
		[RS_FINDING_DEAD_RING] = "dead-ring",
		[RS_FINDING_HIDDEN_RING] = "hidden-ring",
		[RS_FINDING_GARBAGE] = "garbage",
		[RS_FINDING_HELD_BY_C] = "held-by-c",
	};

	return name[kind];
}

void rs_finding_key_evidence(struct rs_json *json,
			     const struct rs_findings *findings,
			     const struct rs_finding *finding)
{
	const char *line = rs_vec_items(&findings->text, char) + finding->line;

	rs_json_key(json, "evidence");
	rs_json_begin_array(json);
	for (uint32_t i = 0; i < finding->lines; i++, line += strlen(line) + 1)
		rs_json_string(json, line);
	rs_json_end_array(json);
}

const char *rs_grade_text(unsigned grade)
{
	static const char *const name[] = {
		[RS_CERTAIN] = "certain",
		[RS_LIKELY] = "likely",
		[RS_POSSIBLE] = "possible",
	};

	return name[grade];
}

static int by_key(const void *left, const void *right)
{
	const struct rs_grouped *a = left, *b = right;

	if (a->key != b->key)
		return a->key < b->key ? -1 : 1;
	return a->object < b->object ? -1 : a->object > b->object;
}

struct rs_error *rs_grouped_make(struct rs_finder *finder,
				 struct rs_vec *grouped, rs_finding_fn make)
{
	struct rs_grouped *g = rs_vec_items(grouped, struct rs_grouped);
	const size_t n = rs_vec_count(grouped, struct rs_grouped);
	struct rs_vec object = {0};
	struct rs_error *err = NULL;

	if (n)
		qsort(g, n, sizeof(*g), by_key);
	for (size_t i = 0; i < n && !err; i++) {
		err = rs_vec_append(&object, &g[i].object, sizeof(g->object));
		if (err || (i + 1 < n && g[i + 1].key == g[i].key))
			continue;
		err = make(finder, rs_vec_items(&object, uint32_t),
			   (uint32_t)rs_vec_count(&object, uint32_t), g[i].key);
		object.used = 0;
	}
	rs_vec_fini(&object);
	return err;
}

struct rs_error *rs_finding_begin(struct rs_finder *finder,
				  enum rs_finding_kind kind,
				  const uint32_t *object, uint32_t objects,
				  struct rs_finding **ret)
{
	struct rs_findings *f = finder->ret;
	const struct rs_graph *g = finder->report->graph;
	const uint32_t first = (uint32_t)rs_vec_count(&f->object, uint32_t);
	struct rs_finding *finding = rs_vec_push(&f->finding, sizeof(*finding));
	struct rs_error *err;

	if (!finding)
		return &rs_enomem;
	*finding = (struct rs_finding){
		.kind = (uint8_t)kind,
		.type = g->type[object[0]],
		.example = object[0],
		.object = first,
		.objects = objects,
		.ring = RS_NONE,
	};
	err = rs_vec_append(&f->object, object, objects * sizeof(*object));
	if (!err)
		err = rs_graph_bytes_with(g, object, objects, finder->left,
					  &finder->queue, &finding->bytes);
	*ret = finding;
	return err;
}

// `type@0x7f..` is a type without a name: where it is differs from run to run.
static void drop_addresses(char *key)
{
	static const char nameless[] = "type@";
	char *at = key;

	while ((at = strstr(at, nameless))) {
		const char *end = at += sizeof(nameless) - 1;

		if (strncmp(end, "0x", 2) == 0)
			end += 2 + strspn(end + 2, "0123456789abcdef");
		memmove(at, end, strlen(end) + 1);
	}
}

struct rs_error *rs_finding_key(struct rs_finder *finder,
				struct rs_finding *finding, const char *format,
				...)
{
	char key[RS_KEY_TEXT];
	va_list list;

	va_start(list, format);
	(void)vsnprintf(key, sizeof(key), format, list);
	va_end(list);
	drop_addresses(key);
	finding->key = (uint32_t)finder->ret->text.used;
	return rs_vec_append(&finder->ret->text, key, strlen(key) + 1);
}

struct rs_error *rs_finding_say(struct rs_finder *finder,
				struct rs_finding *finding, const char *format,
				...)
{
	char line[RS_KEY_TEXT];
	va_list list;

	va_start(list, format);
	(void)vsnprintf(line, sizeof(line), format, list);
	va_end(list);
	if (!finding->lines++)
		finding->line = (uint32_t)finder->ret->text.used;
	return rs_vec_append(&finder->ret->text, line, strlen(line) + 1);
}
