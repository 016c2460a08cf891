// SPDX-License-Identifier: MIT
#include "answer/verify.h"

#include "base/search.h"

static bool push(struct rs_vec *vec, uint64_t address)
{
	uint64_t *slot = rs_vec_push(vec, sizeof(*slot));

	if (slot)
		*slot = address;
	return slot != NULL;
}

// Whether a reference is compared. Where functions find what no field
// describes, reading has only guesses, which may be any words: only those that
// lead to an object are compared.
static bool is_compared(const struct rs_verify *v, bool adds, uint64_t target)
{
	return !adds || rs_graph_find(v->report->graph, target) != RS_NONE;
}

bool rs_verify_load(struct rs_verify *v, size_t part, uint64_t row,
		    uint32_t number)
{
	const struct rs_image_answer *a = &v->part[part].answer;
	const bool adds = v->part[part].rt->ops->query_adds;
	const uint8_t kind = adds ? RS_GUESS : RS_STRONG;

	v->traversed.used = v->read.used = 0;
	for (uint64_t i = a->first[row]; i < a->first[row + 1]; i++)
		if (is_compared(v, adds, a->edge[i]) &&
		    !push(&v->traversed, a->edge[i]))
			return false;
	rs_session_read_refs(v->report->session, v->report->graph, number,
			     &v->refs);
	for (uint32_t i = 0; i < v->refs.n; i++)
		if (v->refs.kind[i] == kind &&
		    is_compared(v, adds, v->refs.target[i]) &&
		    !push(&v->read, v->refs.target[i]))
			return false;
	rs_vec_sort_u64(&v->traversed);
	rs_vec_sort_u64(&v->read);
	return true;
}
