// SPDX-License-Identifier: MIT
#include "session/exact_consent.h"

#include "base/cleanup.h"

#include <stdlib.h>

enum {
	RS_NAMED_MAX = 5, // types named one by one
	RS_WALLS_TEXT = 256,
};

/** Objects of one type that were not asked. */
struct rs_refused_type {
	uint32_t type; // in the session's table
	uint64_t function, objects;
};

static uint64_t refused_function(struct rs_runtime *rt,
				 const struct rs_image_answer *answer,
				 uint64_t object)
{
	uint64_t function[2] = {0, 0};

	if (rt->ops->query_functions)
		rt->ops->query_functions(rt, object, function);
	for (int i = 0; i < 2; i++)
		if (rs_image_answer_refused(answer, function[i]))
			return function[i];
	return 0;
}

bool rs_exact_refused(struct rs_runtime *rt,
		      const struct rs_image_answer *answer, uint64_t object)
{
	return refused_function(rt, answer, object) != 0;
}

static bool add_functions(struct rs_memory *memory, uint64_t type,
			  const struct rs_image_question *question,
			  struct rs_vec *function)
{
	uint64_t *slot = rs_vec_push(function, 2 * sizeof(*slot));

	if (!slot)
		return false;
	slot[0] = slot[1] = 0;
	(void)rs_memory_u64(memory, type + question->tp_traverse, &slot[0]);
	(void)rs_memory_u64(memory, type + question->tp_is_gc, &slot[1]);
	return true;
}

struct rs_error *rs_exact_expect(const struct rs_session *session,
				 const struct rs_runtime *rt,
				 const struct rs_image_question *question,
				 struct rs_process_image *image)
{
	RS_CLEANUP(rs_vec_fini) struct rs_vec function = {0};
	const struct rs_type_row *type =
		rs_vec_items(&session->types.row, struct rs_type_row);
	const size_t n = rs_vec_count(&session->types.row, struct rs_type_row);

	for (size_t i = 0; !question->function && i < n; i++)
		if (type[i].runtime == rt->index &&
		    !add_functions(session->memory, type[i].address, question,
				   &function))
			return &rs_enomem;
	return rs_image_expect(image, rs_vec_items(&function, uint64_t),
			       rs_vec_count(&function, uint64_t));
}

/** What was not asked, by type. */
struct rs_refused_types {
	struct rs_vec type; // struct rs_refused_type, as they are met
	// uint32_t: by number of a type 1 more than its index in type; 0: none
	struct rs_vec index;
};

static void refused_types_fini(struct rs_refused_types *refused)
{
	rs_vec_fini(&refused->type);
	rs_vec_fini(&refused->index);
}

// A core may have a type for each of its objects.
static uint32_t *index_of(struct rs_refused_types *refused, uint32_t type)
{
	const size_t n = rs_vec_count(&refused->index, uint32_t);
	const size_t more = type < n ? 0 : (type + 1 - n) * sizeof(uint32_t);
	void *fresh = rs_vec_push(&refused->index, more);

	if (!fresh)
		return NULL;
	memset(fresh, 0, more);
	return rs_vec_items(&refused->index, uint32_t) + type;
}

static bool
count(struct rs_refused_types *refused, uint32_t type, uint64_t function)
{
	uint32_t *index = index_of(refused, type);
	struct rs_refused_type *known;

	if (!index)
		return false;
	if (!*index) {
		known = rs_vec_push(&refused->type, sizeof(*known));
		if (!known)
			return false;
		*known = (struct rs_refused_type){type, function, 0};
		*index = (uint32_t)rs_vec_count(&refused->type,
						struct rs_refused_type);
	}
	known = rs_vec_items(&refused->type, struct rs_refused_type);
	known[*index - 1].objects++;
	return true;
}

static int most_first(const void *a, const void *b)
{
	const struct rs_refused_type *x = a, *y = b;

	if (x->objects != y->objects)
		return x->objects > y->objects ? -1 : 1;
	return (x->type > y->type) - (x->type < y->type);
}

static const char *name_of(const struct rs_session *session, uint32_t type)
{
	return type < rs_vec_count(&session->types.row, struct rs_type_row)
		       ? rs_vec_items(&session->types.row,
				      struct rs_type_row)[type]
				 .name
		       : "?";
}

static void name_types(struct rs_session *session, struct rs_vec *refused)
{
	struct rs_refused_type *type =
		rs_vec_items(refused, struct rs_refused_type);
	const size_t n = rs_vec_count(refused, struct rs_refused_type);
	uint64_t rest = 0;

	if (n)
		qsort(type, n, sizeof(*type), most_first);
	for (size_t i = 0; i < n && i < RS_NAMED_MAX; i++)
		rs_memory_problem(
			session->memory,
			"%llu objects of type %s were read, not traversed: no "
			"file on this machine with the core's build-id has a "
			"function that starts at %#llx, to which the type "
			"leads; if you trust the core: set refs run on",
			(unsigned long long)type[i].objects,
			name_of(session, type[i].type),
			(unsigned long long)type[i].function);
	for (size_t i = RS_NAMED_MAX; i < n; i++)
		rest += type[i].objects;
	if (rest)
		rs_memory_problem(session->memory,
				  "%llu objects of %zu other types were not "
				  "traversed for the same reason",
				  (unsigned long long)rest, n - RS_NAMED_MAX);
}

struct rs_error *
rs_exact_consent(struct rs_session *session, struct rs_runtime *rt)
{
	struct rs_exact_answer *exact = &session->exact[rt->index];
	const struct rs_image_answer *a = &exact->answer;
	RS_CLEANUP(refused_types_fini)
	struct rs_refused_types refused = {0};

	for (uint64_t i = 0; a->refused && i < a->objects; i++) {
		struct rs_row row = {0};
		uint64_t function;

		if (a->first[i] < a->first[i + 1] || !exact->reported[i] ||
		    !(function = refused_function(rt, a, a->object[i])))
			continue;
		exact->reported[i] = 0;
		exact->objects--;
		exact->not_traversed++;
		rt->ops->read(rt, a->object[i], &row, false, NULL);
		if (!count(&refused, row.type, function))
			return &rs_enomem;
	}
	name_types(session, &refused.type);
	return NULL;
}

void rs_session_missing_walls(struct rs_session *session, uint32_t missing)
{
	char text[RS_WALLS_TEXT];

	if (!missing)
		return;
	rs_image_missing_text(missing, text, sizeof(text));
	rs_memory_problem(session->memory,
			  "this machine does not allow a part of the isolation "
			  "for code of the core (seccomp and the limits are in "
			  "force): %s",
			  text);
}
