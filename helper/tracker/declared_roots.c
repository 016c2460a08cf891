// SPDX-License-Identifier: MIT
#include "refscope/refscope.h"
#include "refscope/registry.h"
#include "tracker/arena.h"
#include "tracker/lock.h"

/** The first entry whose slot is @p slot; with NULL: one that is free. */
static struct rs_root_slot *find_root(const void *slot)
{
	for (struct rs_root_block *b = rs_registry.root; b; b = b->next) {
		for (int i = 0; i < RS_ROOT_BLOCK; i++) {
			if (b->item[i].slot == slot)
				return &b->item[i];
		}
	}
	return NULL;
}

static int root_add_locked(const void *slot, size_t count, const char *name)
{
	struct rs_root_slot *entry = find_root(slot);

	if (entry) { // named again: never a new name with the old count
		RS_PUBLISH(&entry->slot, NULL);
	} else if (!(entry = find_root(NULL))) {
		struct rs_root_block *block = rs_arena_get(12);

		_Static_assert(sizeof(*block) <= 1 << 12, "fits the arena's");
		if (!block)
			return RS_ENOMEM;
		block->next = rs_registry.root;
		RS_PUBLISH(&rs_registry.root, block);
		entry = &block->item[0];
	}
	entry->name = name;
	entry->count = count;
	RS_PUBLISH(&entry->slot, slot);
	return 0;
}

int rs_root_add_array(const void *slot, size_t count, const char *name)
{
	if (!slot || !name || !count)
		return RS_EARGUMENT;
	rs_lock(&rs_registry.lock);
	const int rc = root_add_locked(slot, count, name);
	rs_unlock(&rs_registry.lock);
	return rc;
}

int rs_root_add(const void *slot, const char *name)
{
	return rs_root_add_array(slot, 1, name);
}

int rs_root_remove(const void *slot)
{
	if (!slot)
		return RS_ENOTFOUND;
	rs_lock(&rs_registry.lock);
	struct rs_root_slot *entry = find_root(slot);
	if (entry)
		RS_PUBLISH(&entry->slot, NULL);
	rs_unlock(&rs_registry.lock);
	return entry ? 0 : RS_ENOTFOUND;
}
