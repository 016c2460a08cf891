// SPDX-License-Identifier: MIT
#include "session/exact_answer.h"

#include "base/search.h"

void rs_exact_answer_fini(struct rs_exact_answer *exact)
{
	rs_block_free(exact->reported, exact->answer.objects, 1);
	rs_image_answer_fini(&exact->answer);
	rs_vec_fini(&exact->sorted);
	rs_vec_fini(&exact->taken);
	*exact = (struct rs_exact_answer){0};
}

static uint64_t
lower_bound(const uint64_t *array, uint64_t size, uint64_t value)
{
	uint64_t low = 0, high = size;

	while (low < high) {
		const uint64_t middle = low + (high - low) / 2;

		if (array[middle] < value)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

bool rs_exact_answer_find(const struct rs_exact_answer *exact, uint64_t address,
			  uint64_t *row)
{
	const struct rs_image_answer *a = &exact->answer;

	*row = lower_bound(a->object, a->objects, address);
	return *row < a->objects && a->object[*row] == address &&
	       exact->reported[*row];
}

struct rs_error *rs_exact_answer_take(struct rs_exact_answer *exact,
				      struct rs_image_answer *answer,
				      uint64_t wanted)
{
	const struct rs_image_answer *a = &exact->answer;
	const bool nameless = answer->faults < answer->faults_total;
	struct rs_error *err =
		rs_block_new(answer->objects, 1, &exact->reported);

	if (err)
		return err;
	exact->answer = *answer;
	*answer = (struct rs_image_answer){0};
	for (uint64_t i = 0; i < a->objects; i++)
		exact->reported[i] = !nameless || a->first[i] < a->first[i + 1];
	for (uint64_t i = 0; i < a->faults; i++) {
		const uint64_t row =
			lower_bound(a->object, a->objects, a->fault[i].object);
		if (row < a->objects)
			exact->reported[row] = 0;
	}
	for (uint64_t i = 0; i < a->objects; i++)
		exact->objects += exact->reported[i];
	// Rows that are not believed are those of faults, which have none.
	exact->references = a->edges;
	exact->not_traversed =
		wanted > exact->objects ? wanted - exact->objects : 0;
	return NULL;
}

// The usual case: reading knows the same targets in the same order.
static bool same(const struct rs_refs *refs, const uint64_t *target, uint32_t n)
{
	uint32_t k = 0;

	for (uint32_t i = 0; i < refs->n; i++) {
		if (refs->kind[i] != RS_STRONG)
			continue;
		if (k == n || refs->target[i] != target[k])
			return false;
		k++;
	}
	return k == n;
}

static bool
prepare(struct rs_exact_answer *exact, const uint64_t *target, uint32_t n)
{
	uint64_t *sorted;
	uint32_t *taken;

	exact->sorted.used = exact->taken.used = 0;
	sorted = rs_vec_push(&exact->sorted, n * sizeof(*sorted));
	taken = rs_vec_push(&exact->taken, n * sizeof(*taken));
	if (n && (!sorted || !taken))
		return false;
	if (n) {
		memcpy(sorted, target, n * sizeof(*sorted));
		memset(taken, 0, n * sizeof(*taken));
		qsort(sorted, n, sizeof(*sorted), rs_by_u64);
	}
	return true;
}

// Use up one reported reference to @p target. @return false if there is none.
static bool take(struct rs_exact_answer *exact, uint64_t target)
{
	const uint64_t *sorted = rs_vec_items(&exact->sorted, uint64_t);
	uint32_t *taken = rs_vec_items(&exact->taken, uint32_t);
	const uint64_t n = rs_vec_count(&exact->sorted, uint64_t);
	const uint64_t at = lower_bound(sorted, n, target);

	if (at == n || sorted[at] != target || at + taken[at] >= n ||
	    sorted[at + taken[at]] != target)
		return false;
	taken[at]++;
	return true;
}

static void keep(struct rs_refs *refs, uint32_t from, uint32_t *to)
{
	refs->target[*to] = refs->target[from];
	refs->kind[*to] = refs->kind[from];
	if (refs->label)
		refs->label[*to] = refs->label[from];
	++*to;
}

static uint8_t kind_of(const struct rs_exact_answer *exact, uint64_t target)
{
	struct rs_runtime *rt = exact->adds_to;

	return !rt || rt->ops->is_object(rt, target) ? RS_STRONG : RS_OWNED;
}

// Append the reported references that are left over, without labels.
static void add_rest(struct rs_exact_answer *exact, struct rs_refs *refs)
{
	const uint64_t *sorted = rs_vec_items(&exact->sorted, uint64_t);
	const uint32_t *taken = rs_vec_items(&exact->taken, uint32_t);
	const uint64_t n = rs_vec_count(&exact->sorted, uint64_t);

	for (uint64_t i = 0, end; i < n; i = end) {
		for (end = i + 1; end < n && sorted[end] == sorted[i];)
			end++;
		for (uint64_t k = i + taken[i]; k < end; k++)
			rs_refs_add(refs, sorted[i], kind_of(exact, sorted[i]),
				    exact->adds_to ? RS_LABEL_TRAVERSE
						   : RS_LABEL_NONE,
				    0);
	}
}

// What a callback visits comes on top of what the fields describe. A word that
// reading guessed names the reference if it is visited, and is none otherwise.
static void merge_added(struct rs_exact_answer *exact, const uint64_t *target,
			uint32_t n, struct rs_refs *refs)
{
	uint32_t kept = 0;

	if (!prepare(exact, target, n)) {
		refs->incomplete = true;
		refs->no_memory = true;
		return;
	}
	for (uint32_t i = 0; i < refs->n; i++) {
		if (refs->kind[i] == RS_GUESS) {
			if (!take(exact, refs->target[i]))
				continue;
			refs->kind[i] = kind_of(exact, refs->target[i]);
		}
		keep(refs, i, &kept);
	}
	refs->n = kept;
	add_rest(exact, refs);
}

/*
 * Of several that reading knows of one target, those that it calls strong are
 * matched first, then those that it guessed, calls owned, or calls weak:
 * reading was wrong there, or does not know this version.
 *
 * What a traverse function reports and what is owned are two facts. A reference
 * that reading knows and the type does not report is still owned: a type may
 * keep its own type to itself. A guess stays a guess: of a str that an object
 * holds its type has nothing to report.
 */
void rs_exact_answer_merge(struct rs_exact_answer *exact, uint64_t row,
			   struct rs_refs *refs)
{
	static const uint8_t order[] = {RS_STRONG, RS_GUESS, RS_OWNED, RS_WEAK};
	enum { RS_MATCHED = 0x80 }; // beside the kind
	const uint64_t *target;
	const uint32_t n = rs_exact_answer_targets(exact, row, &target);

	if (exact->adds_to) {
		merge_added(exact, target, n, refs);
		return;
	}
	refs->incomplete = false;
	if (same(refs, target, n))
		return;
	if (!prepare(exact, target, n)) {
		refs->incomplete = true;
		refs->no_memory = true;
		return;
	}
	for (size_t p = 0; p < sizeof(order); p++)
		for (uint32_t i = 0; i < refs->n; i++)
			if (refs->kind[i] == order[p] &&
			    take(exact, refs->target[i]))
				refs->kind[i] = RS_MATCHED | RS_STRONG;
	for (uint32_t i = 0; i < refs->n; i++) {
		if (refs->kind[i] == RS_STRONG)
			refs->kind[i] = RS_OWNED;
		refs->kind[i] &= (uint8_t)~RS_MATCHED;
	}
	add_rest(exact, refs);
}
