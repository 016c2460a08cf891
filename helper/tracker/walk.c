// SPDX-License-Identifier: MIT
#include "base/addrmap.h"
#include "refscope/registry.h"
#include "tracker/lock.h"
#include "tracker/slots.h"
#include "tracker/snapshot.h"
#include "tracker/type_numbers.h"
#include "tracker/visit.h"

static void *object_at(uint64_t address)
{
	return (void *)(uintptr_t)address;
}

static bool is_known(struct rs_visitor *visitor, uint64_t address,
		     const struct rs_type *type)
{
	return type && rs_is_readable(&visitor->readable, address, type->size);
}

// What is passed to a caller's function: never NULL, for its sake, nor a type
// whose memory is gone.
static const struct rs_type *type_of(struct rs_visitor *visitor, uint32_t entry)
{
	static const struct rs_type unknown = {.name = "?"};
	const struct rs_type *type = rs_entry_type_known(visitor, entry);

	if (type)
		return type;
	type = __atomic_load_n(&rs_type_by_id[rs_entry_type(entry)],
			       __ATOMIC_ACQUIRE);
	if (!type ||
	    !rs_is_readable(&visitor->readable, (uint64_t)(uintptr_t)type,
			    sizeof(*type)) ||
	    !rs_type_is_there(type))
		return &unknown;
	return type; // a stand-in
}

struct walk {
	struct rs_addrmap seen;
	struct rs_vec queue; // uint64_t addresses
	struct rs_visitor visitor;
	struct rs_patience patience;
	bool unreadable; // something that was met was
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
	int rc = rs_slots_try_get(address, &walk->patience, &entry);
	if (rc || !entry)
		return rc;
	rc = rs_tracker_code(rs_addrmap_add(&walk->seen, address, &added));
	if (rc || !added)
		return rc;
	uint64_t *q = rs_vec_push(&walk->queue, sizeof(*q));
	if (!q)
		return RS_ENOMEM;
	*q = address;
	return 0;
}

static int meet_all(struct walk *walk, uint64_t address, uint32_t entry)
{
	const struct rs_type *type = rs_entry_type_known(&walk->visitor, entry);
	int rc = RS_EBAD;

	if (is_known(&walk->visitor, address, type))
		rc = rs_visit_references(&walk->visitor, type,
					 object_at(address), true, meet, walk);
	walk->unreadable |= rc == RS_EBAD;
	return rc == RS_EBAD ? 0 : rc;
}

static int run_walk(struct walk *walk, rs_object_fn fn, void *context)
{
	for (size_t i = 0; i < rs_vec_count(&walk->queue, uint64_t); i++) {
		const uint64_t address =
			rs_vec_items(&walk->queue, uint64_t)[i];
		uint32_t entry;
		int rc = rs_slots_try_get(address, &walk->patience, &entry);

		if (rc)
			return rc;
		if (!entry) // untracked by fn
			continue;
		// First its references: fn may free it.
		rc = meet_all(walk, address, entry);
		if (!rc)
			rc = fn(object_at(address),
				type_of(&walk->visitor, entry), context);
		if (rc)
			return rc;
	}
	return walk->unreadable ? RS_EBAD : 0;
}

int rs_walk(const void *from, rs_object_fn fn, void *context)
{
	struct walk walk = {.patience = RS_PATIENCE_CALL};
	uint32_t entry;
	int rc = rs_slots_try_get((uint64_t)(uintptr_t)from, &walk.patience,
				  &entry);

	if (rc || !entry)
		return rc ? rc : RS_ENOTFOUND;
	rc = rs_tracker_code(rs_addrmap_init(&walk.seen));
	if (!rc)
		rc = meet((void *)(uintptr_t)from, RS_HOLD_STRONG, &walk);
	if (!rc)
		rc = run_walk(&walk, fn, context);
	rs_addrmap_fini(&walk.seen);
	rs_vec_fini(&walk.queue);
	rs_visitor_fini(&walk.visitor);
	return rc;
}

struct each {
	rs_object_fn fn;
	void *context;
	const void *wanted; // of rs_referrers()
	uint64_t address; // object whose references are being visited
	uint32_t entry;
	struct rs_visitor visitor;
	bool unreadable;
};

static int call_back(uint64_t address, uint32_t entry, void *context)
{
	struct each *each = context;

	return each->fn(object_at(address), type_of(&each->visitor, entry),
			each->context);
}

int rs_each(rs_object_fn fn, void *context)
{
	struct rs_patience patience = RS_PATIENCE_CALL;
	struct each each = {.fn = fn, .context = context};

	const int rc = rs_slots_each(&patience, call_back, &each);

	rs_visitor_fini(&each.visitor);
	return rc;
}

static int compare(void *referent, unsigned hold, void *context)
{
	struct each *each = context;

	if (referent != each->wanted || hold == RS_HOLD_WEAK)
		return 0;
	return each->fn(object_at(each->address),
			type_of(&each->visitor, each->entry), each->context);
}

static int search(uint64_t address, uint32_t entry, void *context)
{
	struct each *each = context;
	const struct rs_type *type = rs_entry_type_known(&each->visitor, entry);
	int rc = RS_EBAD;

	each->address = address;
	each->entry = entry;
	if (is_known(&each->visitor, address, type))
		rc = rs_visit_references(&each->visitor, type,
					 object_at(address), true, compare,
					 each);
	each->unreadable |= rc == RS_EBAD;
	return rc == RS_EBAD ? 0 : rc;
}

int rs_referrers(const void *object, rs_object_fn fn, void *context)
{
	struct rs_patience patience = RS_PATIENCE_CALL;
	struct each each = {.fn = fn, .context = context, .wanted = object};
	int rc = rs_slots_each(&patience, search, &each);

	if (!rc && each.unreadable)
		rc = RS_EBAD;
	rs_visitor_fini(&each.visitor);
	return rc;
}

int64_t rs_count(const void *object)
{
	const uint64_t address = (uint64_t)(uintptr_t)object;
	struct rs_patience patience = RS_PATIENCE_CALL;
	struct rs_type type;
	uint64_t value = 0;
	uint32_t entry;
	const int rc = rs_slots_try_get(address, &patience, &entry);

	if (rc || !entry)
		return rc ? -rc : -1;
	const struct rs_type *at = rs_type_by_id[rs_entry_type(entry)];
	if (!rs_copy_readable(&type, at, sizeof(type)) || type.reserved != at ||
	    !type.count_width || type.count_width > sizeof(value) ||
	    !rs_copy_readable(&value, (const char *)object + type.count_offset,
			      type.count_width))
		return -RS_EBAD;
	type.count_offset = 0;
	const int64_t count = rs_count_read(&type, &value);
	return count < 0 ? 0 : count;
}

bool rs_is_finalized(const void *object)
{
	return rs_slots_get((uint64_t)(uintptr_t)object) & RS_ENTRY_FINALIZED;
}
