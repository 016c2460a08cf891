// SPDX-License-Identifier: MIT
#include "base/pair_set.h"

#include <string.h>

enum {
	RS_FEW = 16, // pairs that are searched one by one
	RS_FIRST_SLOTS = 256,
	RS_MOST = UINT32_MAX / 4,
};

struct pair {
	uint64_t a, b;
};

void rs_pair_set_fini(struct rs_pair_set *set)
{
	rs_vec_fini(&set->pair);
	rs_vec_fini(&set->slot);
	*set = (struct rs_pair_set){0};
}

static uint32_t *find(const struct rs_pair_set *set, uint64_t a, uint64_t b)
{
	const struct pair *pair = rs_vec_items(&set->pair, const struct pair);
	uint32_t *slot = rs_vec_items(&set->slot, uint32_t);
	uint64_t i = (a ^ b << 1) * UINT64_C(0x9E3779B97F4A7C15) >> 32;

	for (;; i++) {
		i &= set->slots - 1;
		const uint32_t n = slot[i];

		if (!n || (pair[n - 1].a == a && pair[n - 1].b == b))
			return &slot[i];
	}
}

static bool rehash(struct rs_pair_set *set)
{
	const struct pair *pair = rs_vec_items(&set->pair, const struct pair);
	const size_t n = rs_vec_count(&set->pair, struct pair);
	const uint32_t slots = set->slots ? 2 * set->slots : RS_FIRST_SLOTS;

	set->slot.used = 0;
	uint32_t *slot = rs_vec_push(&set->slot, slots * sizeof(*slot));
	if (!slot)
		return false;
	memset(slot, 0, slots * sizeof(*slot));
	set->slots = slots;
	for (size_t i = 0; i < n; i++)
		*find(set, pair[i].a, pair[i].b) = (uint32_t)i + 1;
	return true;
}

static bool is_among(const struct rs_pair_set *set, uint64_t a, uint64_t b)
{
	const struct pair *pair = rs_vec_items(&set->pair, const struct pair);
	const size_t n = rs_vec_count(&set->pair, struct pair);

	for (size_t i = 0; i < n; i++) {
		if (pair[i].a == a && pair[i].b == b)
			return true;
	}
	return false;
}

bool rs_pair_set_add(struct rs_pair_set *set, uint64_t a, uint64_t b,
		     bool *added)
{
	const size_t n = rs_vec_count(&set->pair, struct pair);
	uint32_t *slot = NULL;

	if (n >= RS_MOST ||
	    (n >= RS_FEW && n >= set->slots / 2 && !rehash(set)))
		return false;
	if (set->slots) {
		slot = find(set, a, b);
		*added = !*slot;
	} else {
		*added = !is_among(set, a, b);
	}
	if (!*added)
		return true;
	struct pair *pair = rs_vec_push(&set->pair, sizeof(*pair));
	if (!pair)
		return false;
	*pair = (struct pair){a, b};
	if (slot)
		*slot = (uint32_t)n + 1;
	return true;
}
