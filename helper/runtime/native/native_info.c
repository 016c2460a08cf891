// SPDX-License-Identifier: MIT
#include "runtime/native/native.h"

struct rs_error *
rs_native_info(struct rs_runtime *rt, struct rs_runtime_info *ret)
{
	struct rs_native *native = rs_native_of(rt);
	const struct rs_module *module =
		rs_memory_module(rt->memory, native->at[0]);
	uint64_t mapped = 0;

	for (size_t r = 0; r < native->registries; r++)
		mapped += native->registry[r].mapped;
	const struct rs_fact fact[] = {
		{"registries", RS_FACT_NUMBER, native->registries},
		{"registry", RS_FACT_ADDRESS, native->at[0]},
		{"tracked", RS_FACT_NUMBER, native->map.count},
		{"callbacks", RS_FACT_NUMBER, rs_native_callbacks(rt)},
		{"registry_bytes", RS_FACT_NUMBER, mapped},
		{"incomplete", RS_FACT_FLAG, native->incomplete},
	};
	struct rs_error *err = NULL;

	ret->version = rt->version;
	ret->layout = "registry";
	ret->module = module ? module->path : NULL;
	for (size_t i = 0; i < sizeof(fact) / sizeof(fact[0]) && !err; i++)
		err = rs_fact_add(ret, fact[i].name, fact[i].kind,
				  fact[i].value);
	return err;
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
	const struct rs_registry *registry = &native->registry[0];
	const struct rs_gc_state *gc = &registry->gc;

	(void)number; // there is one
	*ret = (struct rs_gc_info){
		.enabled = gc->enabled != 0,
		.collecting = gc->collecting != 0,
		.policy = gc->policy == RS_GC_FINALIZE ? "finalize" : "keep",
		.generations = 1, // every collection is a full one
		.generation[0] =
			{
				.has_threshold = true,
				.has_count = true,
				.threshold = (int64_t)gc->threshold,
				.count = (int64_t)gc->pending,
				.objects = native->map.count,
				.collections = (int64_t)gc->collections,
				.collected = (int64_t)gc->collected,
				.uncollectable = (int64_t)gc->uncollectable,
			},
		.frozen = RS_GC_UNKNOWN,
		.garbage = registry->garbage_count,
	};
	list_flags(gc->debug, ret);
	return NULL;
}
