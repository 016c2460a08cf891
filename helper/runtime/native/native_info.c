// SPDX-License-Identifier: MIT
#include "runtime/native/native.h"

struct rs_error *
rs_native_info(struct rs_runtime *rt, struct rs_runtime_info *ret)
{
	struct rs_native *native = rs_native_of(rt);
	const struct rs_native_registry *first = rs_native_registry(native);
	const size_t n = rs_native_registries(native);
	uint64_t mapped = 0, refused = 0;

	for (size_t r = 0; r < n; r++) {
		mapped += first[r].raw.mapped;
		refused += first[r].raw.refused;
	}
	const struct rs_fact fact[] = {
		{"registries", RS_FACT_NUMBER, n},
		{"registry", RS_FACT_ADDRESS, first->address},
		{"tracked", RS_FACT_NUMBER, native->map.count},
		{"callbacks", RS_FACT_NUMBER, rs_native_callbacks(rt)},
		{"refused", RS_FACT_NUMBER, refused},
		{"registry_bytes", RS_FACT_NUMBER, mapped},
		{"incomplete", RS_FACT_FLAG, native->base.incomplete},
	};
	struct rs_error *err = NULL;

	ret->version = rt->version;
	ret->layout = "registry";
	ret->module = first->module;
	for (size_t i = 0; i < sizeof(fact) / sizeof(fact[0]) && !err; i++)
		err = rs_fact_add(ret, fact[i].name, fact[i].kind,
				  fact[i].value);
	return err;
}

int64_t rs_native_collector_id(struct rs_runtime *rt, unsigned number)
{
	(void)rt;
	return number;
}

const char *rs_native_collector_name(struct rs_runtime *rt, unsigned number)
{
	const char *module =
		rs_native_registry(rs_native_of(rt))[number].module;

	return module ? module : "?";
}

enum rs_rules rs_native_collector_rules(struct rs_runtime *rt, unsigned number)
{
	const struct rs_native_registry *registry =
		rs_native_registry(rs_native_of(rt));

	return registry[number].raw.gc.policy == RS_GC_FINALIZE ? RS_RULES_34
								: RS_RULES_27;
}

void rs_native_collector_settings(struct rs_runtime *rt, uint64_t address,
				  struct rs_collector_settings *ret)
{
	const struct rs_native *native = rs_native_of(rt);
	const uint32_t i = rs_addrmap_number(&native->map, address);

	if (i == RS_NONE)
		return;
	const uint32_t number = rs_native_entry_registry(native->entry[i]);
	const struct rs_gc_state *gc =
		&rs_native_registry(native)[number].raw.gc;

	*ret = (struct rs_collector_settings){
		.rules = rs_native_collector_rules(rt, number),
		.disabled = !(gc->enabled & RS_GC_ENABLED),
		.saveall = (gc->debug & RS_GC_DEBUG_SAVEALL) != 0,
	};
}

uint64_t rs_native_unknown(struct rs_runtime *rt)
{
	return rs_native_of(rt)->unknown;
}

const char *rs_native_why_unfreeable(struct rs_runtime *rt, uint64_t address)
{
	const struct rs_native_type *type =
		rs_native_type_at(rs_native_of(rt), address, NULL);
	const char *why = type ? rs_native_unfreeable(type) : NULL;

	return why ? why : "constant count";
}

static void list_flags(uint32_t debug, struct rs_gc_info *ret)
{
	static const struct {
		uint32_t flag;
		const char *name;
	} names[] = {
		{RS_GC_DEBUG_STATS, "stats"},
		{RS_GC_DEBUG_COLLECTABLE, "collectable"},
		{RS_GC_DEBUG_UNCOLLECTABLE, "uncollectable"},
		{RS_GC_DEBUG_OBJECTS, "objects"},
		{RS_GC_DEBUG_SAVEALL, "saveall"},
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (debug & names[i].flag)
			ret->flag[ret->flags++] = names[i].name;
}

struct rs_error *
rs_native_gc(struct rs_runtime *rt, unsigned number, struct rs_gc_info *ret)
{
	const struct rs_native *native = rs_native_of(rt);
	const struct rs_native_registry *registry =
		&rs_native_registry(native)[number];
	const struct rs_gc_state *gc = &registry->raw.gc;

	*ret = (struct rs_gc_info){
		.enabled = (gc->enabled & RS_GC_ENABLED) != 0,
		.collecting = gc->collecting != 0,
		.policy = gc->policy == RS_GC_FINALIZE ? "finalize" : "keep",
		.generations = 1, // every collection is a full one
		.generation[0] =
			{
				.has_threshold = true,
				.has_count = true,
				.threshold = (int64_t)gc->threshold,
				.count = (int64_t)gc->pending,
				.objects = registry->tracked,
				.collections = (int64_t)gc->collections,
				.collected = (int64_t)gc->collected,
				.uncollectable = (int64_t)gc->uncollectable,
			},
		.frozen = RS_GC_UNKNOWN,
		.garbage = registry->raw.garbage_count,
	};
	list_flags(gc->debug, ret);
	return NULL;
}
