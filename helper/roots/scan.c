// SPDX-License-Identifier: MIT
#include "roots/scan.h"

enum { RS_PIECE = 1 << 16 }; // bytes that are scanned at once

static uint32_t hash_of(uint64_t address)
{
	return (uint32_t)(address >> 3) & (RS_FILTER_BITS - 1);
}

// Mark the objects of whose count something is left.
static void open_objects(struct rs_scan *scan)
{
	const struct rs_graph *g = scan->source->graph;

	scan->low = UINT64_MAX;
	for (uint32_t i = 0; i < g->objects; i++) {
		const struct rs_ledger_row row = rs_ledger_row(scan->ledger, i);
		const uint64_t a = g->address[i];

		if (row.unexplained <= 0)
			continue;
		scan->open[i] = 1;
		scan->opens++;
		scan->filter[hash_of(a) / 64] |= UINT64_C(1) << hash_of(a) % 64;
		scan->low = a < scan->low ? a : scan->low;
		scan->high = a > scan->high ? a : scan->high;
	}
}

static struct rs_error *add_root_slots(struct rs_scan *scan)
{
	const struct rs_graph *g = scan->source->graph;
	const struct rs_root *root = rs_vec_items(&g->root, struct rs_root);
	const size_t n = rs_vec_count(&g->root, struct rs_root);
	struct rs_error *err = NULL;

	for (size_t i = 0; i < n && !err; i++)
		if (root[i].slot && rs_addrmap_takes(root[i].slot))
			err = rs_addrmap_add(&scan->root, root[i].slot, NULL);
	return err;
}

struct rs_error *rs_scan_init(struct rs_scan *scan,
			      const struct rs_ledger_source *source,
			      struct rs_ledger *ledger)
{
	struct rs_error *err;

	*scan = (struct rs_scan){.source = source, .ledger = ledger};
	if ((err = rs_addrmap_init(&scan->root)) ||
	    (err = rs_block_new(RS_FILTER_BITS / 64, sizeof(*scan->filter),
				&scan->filter)) ||
	    (err = rs_block_new(source->graph->objects, 1, &scan->open)))
		return err;
	open_objects(scan);
	return add_root_slots(scan);
}

void rs_scan_fini(struct rs_scan *scan)
{
	if (!scan->source)
		return;
	rs_block_free(scan->open, scan->source->graph->objects, 1);
	rs_block_free(scan->filter, RS_FILTER_BITS / 64, sizeof(*scan->filter));
	rs_addrmap_fini(&scan->root);
}

// Whether the word at @p slot is a part of an object.
static bool is_in_object(const struct rs_scan *scan, uint64_t slot)
{
	const struct rs_graph *g = scan->source->graph;
	const uint64_t start = rs_addrmap_floor(&g->map, slot);
	const uint32_t n = start ? rs_graph_find(g, start) : RS_NONE;

	if (n == RS_NONE)
		return false;
	struct rs_runtime *rt = scan->source->runtime[rs_graph_runtime(g, n)];
	const uint64_t size = rs_graph_size(g, n);

	return slot - start <
	       (rt->ops->own_size ? rt->ops->own_size(rt, start, size) : size);
}

static struct rs_error *add_hit(struct rs_scan *scan, uint64_t slot,
				uint64_t value, const struct rs_place *like)
{
	const uint32_t n = rs_graph_find(scan->source->graph, value);

	if (n == RS_NONE || !scan->open[n] ||
	    rs_addrmap_has(&scan->root, slot) || is_in_object(scan, slot))
		return NULL;
	struct rs_place *place =
		rs_vec_push(&scan->ledger->place, sizeof(*place));
	if (!place)
		return &rs_enomem;
	*place = *like;
	place->slot = slot;
	place->object = n;
	return NULL;
}

// Scan @p words words, the first of which is that at @p slot.
static struct rs_error *scan_words(struct rs_scan *scan, const uint8_t *at,
				   uint64_t slot, size_t words,
				   const struct rs_place *like)
{
	const uint64_t low = scan->low, span = scan->high - scan->low;
	const uint64_t *const filter = scan->filter;

	for (size_t i = 0; i < words; i++) {
		uint64_t v;

		memcpy(&v, at + 8 * i, sizeof(v));
		if (v - low > span || (v & 7) ||
		    !(filter[hash_of(v) / 64] >> hash_of(v) % 64 & 1))
			continue;
		struct rs_error *err = add_hit(scan, slot + 8 * i, v, like);
		if (err)
			return err;
	}
	return NULL;
}

struct rs_error *rs_scan_range(struct rs_scan *scan, struct rs_extent range,
			       const struct rs_place *place, bool *missing)
{
	uint64_t at = (range.start + 7) & ~UINT64_C(7);

	while (scan->opens && at + 8 <= range.end) {
		const uint64_t stop = (at | (RS_PIECE - 1)) + 1;
		uint64_t size = (stop < range.end ? stop : range.end) - at;
		const uint8_t *p = rs_memory_at(scan->source->memory, at, size);

		if (!p) { // a part of it may be there: go page by page
			const uint64_t page = (at | 4095) + 1;

			size = (page < range.end ? page : range.end) - at;
			p = rs_memory_at(scan->source->memory, at, size);
		}
		if (!p)
			*missing = true;
		struct rs_error *err =
			p ? scan_words(scan, p, at, size / 8, place) : NULL;
		if (err)
			return err;
		at += size;
	}
	return NULL;
}
