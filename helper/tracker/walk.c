// SPDX-License-Identifier: MIT
#include "base/addrmap.h"
#include "refscope/registry.h"
#include "tracker/slots.h"
#include "tracker/snapshot.h"
#include "tracker/visit.h"

static const struct rs_type *type_of(uint32_t entry)
{
	return rs_registry.type[rs_entry_type(entry)];
}

static void *object_at(uint64_t address)
{
	return (void *)(uintptr_t)address;
}

struct walk {
	struct rs_addrmap seen;
	struct rs_vec queue; // uint64_t addresses
};

/** Queue @p referent when it is tracked and was not met before. */
static int meet(void *referent, unsigned hold, void *context)
{
	const uint64_t address = (uint64_t)(uintptr_t)referent;
	struct walk *walk = context;
	uint32_t entry;
	bool added;

	if (hold == RS_HOLD_WEAK)
		return 0;
	int rc = rs_slots_try_get(address, &entry);
	if (rc || !entry)
		return rc;
	rc = rs_target_code(rs_addrmap_add(&walk->seen, address, &added));
	if (rc || !added)
		return rc;
	uint64_t *q = rs_vec_push(&walk->queue, sizeof(*q));
	if (!q)
		return RS_ENOMEM;
	*q = address;
	return 0;
}

static int run_walk(struct walk *walk, rs_object_fn fn, void *context)
{
	for (size_t i = 0; i < rs_vec_count(&walk->queue, uint64_t); i++) {
		const uint64_t address =
			rs_vec_items(&walk->queue, uint64_t)[i];
		uint32_t entry;
		int rc = rs_slots_try_get(address, &entry);

		if (rc)
			return rc;
		if (!entry) // untracked by fn
			continue;
		// First its references: fn may free it.
		rc = rs_visit_references(type_of(entry), object_at(address),
					 meet, walk);
		if (!rc)
			rc = fn(object_at(address), type_of(entry), context);
		if (rc)
			return rc;
	}
	return 0;
}

int rs_walk(const void *from, rs_object_fn fn, void *context)
{
	struct walk walk = {0};
	uint32_t entry;
	int rc = rs_slots_try_get((uint64_t)(uintptr_t)from, &entry);

	if (rc || !entry)
		return rc ? rc : RS_ENOTFOUND;
	rc = rs_target_code(rs_addrmap_init(&walk.seen));
	if (!rc)
		rc = meet((void *)(uintptr_t)from, RS_HOLD_STRONG, &walk);
	if (!rc)
		rc = run_walk(&walk, fn, context);
	rs_addrmap_fini(&walk.seen);
	rs_vec_fini(&walk.queue);
	return rc;
}

struct each {
	rs_object_fn fn;
	void *context;
	const void *wanted; // of rs_referrers()
	uint64_t address; // object whose references are being told
	uint32_t entry;
};

static int tell(uint64_t address, uint32_t entry, void *context)
{
	const struct each *each = context;

	return each->fn(object_at(address), type_of(entry), each->context);
}

int rs_each(rs_object_fn fn, void *context)
{
	struct each each = {.fn = fn, .context = context};

	return rs_slots_each(tell, &each);
}

static int compare(void *referent, unsigned hold, void *context)
{
	const struct each *each = context;

	if (referent != each->wanted || hold == RS_HOLD_WEAK)
		return 0;
	return each->fn(object_at(each->address), type_of(each->entry),
			each->context);
}

static int search(uint64_t address, uint32_t entry, void *context)
{
	struct each *each = context;

	each->address = address;
	each->entry = entry;
	return rs_visit_references(type_of(entry), object_at(address), compare,
				   each);
}

int rs_referrers(const void *object, rs_object_fn fn, void *context)
{
	struct each each = {.fn = fn, .context = context, .wanted = object};

	return rs_slots_each(search, &each);
}

int64_t rs_count(const void *object)
{
	uint32_t entry;
	const int rc = rs_slots_try_get((uint64_t)(uintptr_t)object, &entry);

	if (rc)
		return -rc;
	return entry ? rs_count_read(type_of(entry), object) : -1;
}

bool rs_is_finalized(const void *object)
{
	return rs_slots_get((uint64_t)(uintptr_t)object) & RS_ENTRY_FINALIZED;
}
