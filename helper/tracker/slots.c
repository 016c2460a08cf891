// SPDX-License-Identifier: MIT
#include "tracker/slots.h"
#include "tracker/arena.h"
#include "tracker/lock.h"

#include <string.h>

_Static_assert(RS_TABLE_MAX + 2 <= RS_ARENA_MAX, "a table is a block");

/*
 * Every change of a table is one store that a reader of a stopped process may
 * find done or not done:
 * - an object enters by the store of its entry;
 * - one leaves by the store that overwrites its entry, with 0 or with a copy
 *   of an entry from further on, whose own slot is overwritten next;
 * - a table is replaced, when the new one is complete, by the store of its
 *   address, which has the number of slots in its low bits.
 * `used` is for the thread that has the lock.
 */

enum {
	RS_LONG_PROBE = 16, // a cache line of entries
	RS_SPARSE = 4, // a long probe may grow a table to 8 slots an object
	RS_SHRINK = 32, // below one object in so many slots
};

static inline uint32_t *table_slots(uint64_t table)
{
	return (uint32_t *)(uintptr_t)(table & ~(uint64_t)RS_TABLE_LOG);
}

static inline unsigned table_log2(uint64_t table)
{
	return (unsigned)(table & RS_TABLE_LOG);
}

static struct rs_leaf *leaf_new(struct rs_leaf **slot, uint64_t address)
{
	rs_lock(&rs_registry.lock);
	struct rs_leaf *leaf = *slot;
	if (!leaf)
		leaf = rs_arena_map(sizeof(*leaf));
	if (leaf && !*slot) {
		leaf->base = address >> RS_LEAF_SHIFT << RS_LEAF_SHIFT;
		leaf->next = rs_registry.leaf;
		// Into the list first: the child of a fork in between may then
		// have two of one base, but never objects in one that is in no
		// list.
		RS_PUBLISH(&rs_registry.leaf, leaf);
		RS_PUBLISH(slot, leaf);
	}
	rs_unlock(&rs_registry.lock);
	return leaf;
}

static inline struct rs_region *region_of(uint64_t address, bool make)
{
	struct rs_leaf **slot = &rs_registry.top[address >> RS_LEAF_SHIFT];
	struct rs_leaf *leaf = __atomic_load_n(slot, __ATOMIC_ACQUIRE);

	if (__builtin_expect(!leaf, 0)) {
		leaf = make ? leaf_new(slot, address) : NULL;
		if (!leaf)
			return NULL;
	}
	return &leaf->region[address >> RS_REGION_SHIFT & (RS_LEAF_SIZE - 1)];
}

/** The slot of the object at @p offset, or the empty one where it would go. */
static inline uint32_t
probe(const uint32_t *slots, unsigned log2, uint32_t offset, uint32_t *steps)
{
	const uint32_t mask = (UINT32_C(1) << log2) - 1;
	uint32_t i = rs_entry_home(offset, log2);
	uint32_t n = 0;

	// A full table of 2^13 has a slot for each offset: the first step hits.
	while (slots[i] && rs_entry_offset(slots[i]) != offset) {
		i = (i + 1) & mask;
		n++;
	}
	*steps = n;
	return i;
}

static bool resize(struct rs_region *region, unsigned log2)
{
	const uint64_t old = region->table;
	uint32_t *slots = rs_arena_get(log2 + 2);
	uint32_t steps;

	if (!slots)
		return false;
	const uint32_t *from = table_slots(old);
	const uint32_t n = from ? UINT32_C(1) << table_log2(old) : 0;
	for (uint32_t i = 0; i < n; i++) {
		if (from[i])
			slots[probe(slots, log2, rs_entry_offset(from[i]),
				    &steps)] = from[i];
	}
	RS_PUBLISH(&region->table, (uint64_t)(uintptr_t)slots | log2);
	rs_arena_put(table_slots(old), table_log2(old) + 2);
	return true;
}

/** Whether the table is to grow before an object that found its slot after
 * @p steps is added. */
static inline bool
is_tight(const struct rs_region *region, unsigned log2, uint32_t steps)
{
	const uint32_t slots = UINT32_C(1) << log2;

	if (log2 == RS_TABLE_MAX)
		return false;
	return region->used + 1 > slots / 4 * 3 ||
	       (steps > RS_LONG_PROBE && slots < region->used * RS_SPARSE);
}

/**
 * How many slots to begin with: as the region below has, which spares a heap
 * that grows upwards all the tables in between; half as many when those are
 * not used, so that one crowded region does not cost its neighbours much.
 */
static unsigned first_log2(const struct rs_region *region, uint64_t address)
{
	if (!(address >> RS_REGION_SHIFT & (RS_LEAF_SIZE - 1)))
		return RS_TABLE_MIN; // the first of its leaf
	const struct rs_region *below = region - 1;
	const uint64_t table = __atomic_load_n(&below->table, __ATOMIC_RELAXED);
	const uint32_t used = __atomic_load_n(&below->used, __ATOMIC_RELAXED);
	unsigned log2 = table_log2(table);

	if (log2 && used < (1U << log2) / 4)
		log2--;
	return log2 < RS_TABLE_MIN ? RS_TABLE_MIN : log2;
}

static int put_locked(struct rs_region *region, uint64_t address,
		      uint32_t entry, bool *added)
{
	if (!region->table && !resize(region, first_log2(region, address)))
		return RS_ENOMEM;
	for (;;) {
		const uint64_t table = region->table;
		const unsigned log2 = table_log2(table);
		uint32_t *slots = table_slots(table);
		uint32_t steps;
		const uint32_t i =
			probe(slots, log2, rs_entry_offset(entry), &steps);

		*added = !slots[i];
		if (!*added || !is_tight(region, log2, steps)) {
			region->used += *added;
			RS_PUBLISH(&slots[i],
				   entry | (slots[i] & RS_ENTRY_HELD));
			return 0;
		}
		if (!resize(region, log2 + 1))
			return RS_ENOMEM;
	}
}

// The ways that are not the common one are functions of their own, called last:
// the common one then has no registers to save.

__attribute__((__noinline__)) static int
put_and_unlock(struct rs_region *region, uint64_t address, uint32_t entry,
	       bool *added)
{
	const int rc = put_locked(region, address, entry, added);

	rs_unlock(&region->lock);
	return rc;
}

__attribute__((__noinline__)) static int
put_slowly(uint64_t address, uint32_t entry, bool *added)
{
	struct rs_region *region = region_of(address, true);

	if (!region)
		return RS_ENOMEM;
	rs_lock(&region->lock);
	return put_and_unlock(region, address, entry, added);
}

int rs_slots_put(uint64_t address, uint32_t type, bool *added)
{
	const uint32_t entry = rs_entry_make(address, type);
	struct rs_region *region = region_of(address, false);

	if (!region || !rs_lock_grab(&region->lock))
		return put_slowly(address, entry, added);
	const uint64_t table = region->table;
	const unsigned log2 = table_log2(table);
	uint32_t *slot =
		table_slots(table) + rs_entry_home((uint32_t)address, log2);

	// Most find their preferred slot free, in a table that need not grow.
	if (!table || *slot || is_tight(region, log2, 0))
		return put_and_unlock(region, address, entry, added);
	region->used++;
	RS_PUBLISH(slot, entry);
	rs_unlock(&region->lock);
	*added = true;
	return 0;
}

/** Close the gap at @p gap, so that every probe still ends at its object. */
static void close_gap(uint32_t *slots, unsigned log2, uint32_t gap)
{
	const uint32_t mask = (UINT32_C(1) << log2) - 1;
	uint32_t i = gap;

	for (uint32_t j = (i + 1) & mask; log2 < RS_TABLE_MAX && slots[j];
	     j = (j + 1) & mask) {
		const uint32_t home =
			rs_entry_home(rs_entry_offset(slots[j]), log2);

		if (((j - home) & mask) >= ((j - i) & mask)) {
			RS_PUBLISH(&slots[i], slots[j]);
			i = j;
		}
	}
	RS_PUBLISH(&slots[i], 0);
}

static inline bool is_sparse(const struct rs_region *region, unsigned log2)
{
	return log2 > RS_TABLE_MIN + 1 &&
	       region->used < (1U << log2) / RS_SHRINK;
}

__attribute__((__noinline__)) static uint32_t
remove_and_unlock(struct rs_region *region, uint64_t address)
{
	uint32_t entry = 0;
	const uint64_t table = region->table;
	const unsigned log2 = table_log2(table);
	uint32_t *slots = table_slots(table);
	uint32_t steps;
	const uint32_t i =
		slots ? probe(slots, log2, address & 0xffff, &steps) : 0;
	if (slots && slots[i]) {
		entry = slots[i];
		close_gap(slots, log2, i);
		region->used--;
		// Best effort: a table that stays too large is still right.
		if (is_sparse(region, log2))
			(void)resize(region, log2 - 2);
	}
	rs_unlock(&region->lock);
	return entry;
}

__attribute__((__noinline__)) static uint32_t remove_slowly(uint64_t address)
{
	struct rs_region *region = region_of(address, false);

	if (!region)
		return 0;
	rs_lock(&region->lock);
	return remove_and_unlock(region, address);
}

uint32_t rs_slots_remove(uint64_t address)
{
	struct rs_region *region = region_of(address, false);

	if (!region || !rs_lock_grab(&region->lock))
		return remove_slowly(address);
	const uint64_t table = region->table;
	const unsigned log2 = table_log2(table);
	const uint32_t mask = (UINT32_C(1) << log2) - 1;
	const uint32_t home = rs_entry_home((uint32_t)address, log2);
	uint32_t *slots = table_slots(table);
	const uint32_t entry = table ? slots[home] : 0;

	// Most are in their preferred slot, and the next is free or does not
	// matter: in a table of the largest size each has a slot of its own.
	if (!entry || rs_entry_offset(entry) != (address & 0xffff) ||
	    (slots[(home + 1) & mask] && log2 < RS_TABLE_MAX) ||
	    is_sparse(region, log2))
		return remove_and_unlock(region, address);
	RS_PUBLISH(&slots[home], 0);
	region->used--;
	rs_unlock(&region->lock);
	return entry;
}

static uint32_t get_locked(const struct rs_region *region, uint64_t address)
{
	const uint64_t table = region->table;
	uint32_t steps;

	if (!table)
		return 0;
	return table_slots(table)[probe(table_slots(table), table_log2(table),
					address & 0xffff, &steps)];
}

uint32_t rs_slots_get(uint64_t address)
{
	struct rs_region *region =
		rs_slots_can_hold(address) ? region_of(address, false) : NULL;

	if (!region)
		return 0;
	rs_lock(&region->lock);
	const uint32_t entry = get_locked(region, address);
	rs_unlock(&region->lock);
	return entry;
}

int rs_slots_try_get(uint64_t address, struct rs_patience *patience,
		     uint32_t *ret)
{
	struct rs_region *region =
		rs_slots_can_hold(address) ? region_of(address, false) : NULL;

	*ret = 0;
	if (!region)
		return 0;
	if (!rs_lock_try(&region->lock, patience))
		return RS_EBUSY;
	*ret = get_locked(region, address);
	rs_unlock(&region->lock);
	return 0;
}

uint32_t rs_slots_mark(uint64_t address, uint32_t bits, bool on)
{
	struct rs_region *region =
		rs_slots_can_hold(address) ? region_of(address, false) : NULL;
	uint32_t steps;

	if (!region)
		return 0;
	rs_lock(&region->lock);
	const uint64_t table = region->table;
	uint32_t *slots = table_slots(table);
	const uint32_t i = slots ? probe(slots, table_log2(table),
					 address & 0xffff, &steps)
				 : 0;
	const uint32_t entry = slots ? slots[i] : 0;
	if (entry)
		RS_PUBLISH(&slots[i], on ? entry | bits : entry & ~bits);
	rs_unlock(&region->lock);
	return entry;
}

static int each_in_region(struct rs_region *region, uint64_t base,
			  struct rs_patience *patience, rs_slots_fn fn,
			  void *context)
{
	uint32_t copy[1 << RS_TABLE_MAX];
	uint32_t n = 0;

	if (!rs_lock_try(&region->lock, patience))
		return RS_EBUSY;
	const uint32_t *slots = table_slots(region->table);
	const uint32_t size =
		slots ? UINT32_C(1) << table_log2(region->table) : 0;
	for (uint32_t i = 0; i < size; i++) {
		if (slots[i])
			copy[n++] = slots[i];
	}
	rs_unlock(&region->lock);
	for (uint32_t i = 0; i < n; i++) {
		const int rc =
			fn(base + rs_entry_offset(copy[i]), copy[i], context);
		if (rc)
			return rc;
	}
	return 0;
}

int rs_slots_each(struct rs_patience *patience, rs_slots_fn fn, void *context)
{
	struct rs_leaf *leaf =
		__atomic_load_n(&rs_registry.leaf, __ATOMIC_ACQUIRE);

	for (; leaf; leaf = leaf->next) {
		for (uint64_t i = 0; i < RS_LEAF_SIZE; i++) {
			struct rs_region *region = &leaf->region[i];

			if (!__atomic_load_n(&region->table, __ATOMIC_RELAXED))
				continue;
			const int rc = each_in_region(
				region, leaf->base + (i << RS_REGION_SHIFT),
				patience, fn, context);
			if (rc)
				return rc;
		}
	}
	return 0;
}

/** Whoever held the lock may have left an entry twice, and `used` wrong. */
static void reset_region(struct rs_region *region)
{
	const unsigned log2 = table_log2(region->table);
	uint32_t n = 0;

	// Out of memory leaves the entry there twice: harmless to readers.
	if (region->table)
		(void)resize(region, log2);
	const uint32_t *slots = table_slots(region->table);
	for (uint32_t i = 0; slots && i < 1U << log2; i++)
		n += slots[i] != 0;
	region->used = n;
	rs_unlock(&region->lock);
}

void rs_slots_reset(void)
{
	for (struct rs_leaf *leaf = rs_registry.leaf; leaf; leaf = leaf->next) {
		for (uint32_t i = 0; i < RS_LEAF_SIZE; i++) {
			if (leaf->region[i].lock)
				reset_region(&leaf->region[i]);
		}
	}
}
