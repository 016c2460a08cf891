// SPDX-License-Identifier: MIT
#include "runtime/native/native.h"

#include "base/json.h"

void rs_native_info(struct rs_runtime *rt, struct rs_json *json)
{
	struct rs_native *native = rs_native_of(rt);
	const struct rs_module *module =
		rs_memory_module(rt->memory, native->at[0]);
	uint64_t mapped = 0;

	for (size_t r = 0; r < native->registries; r++)
		mapped += native->registry[r].mapped;
	rs_json_key_string(json, "version", rt->version);
	rs_json_key_string(json, "layout", "registry");
	rs_json_key(json, "module");
	if (module)
		rs_json_string(json, module->path);
	else
		rs_json_null(json);
	rs_json_key_uint(json, "registries", native->registries);
	rs_json_key_address(json, "registry", native->at[0]);
	rs_json_key_uint(json, "tracked", native->map.count);
	rs_json_key_uint(json, "callbacks", rs_native_callbacks(rt));
	rs_json_key_uint(json, "registry_bytes", mapped);
	rs_json_key_bool(json, "incomplete", native->incomplete);
}

static void debug_flags(struct rs_json *json, uint32_t debug)
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

	rs_json_key(json, "debug");
	rs_json_begin_array(json);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (debug & names[i].flag)
			rs_json_string(json, names[i].name);
	}
	rs_json_end_array(json);
}

void rs_native_gc(struct rs_runtime *rt, struct rs_json *json)
{
	const struct rs_native *native = rs_native_of(rt);
	const struct rs_registry *registry = &native->registry[0];
	const struct rs_gc_state *gc = &registry->gc;

	rs_json_key_bool(json, "enabled", gc->enabled != 0);
	rs_json_key_bool(json, "collecting", gc->collecting != 0);
	debug_flags(json, gc->debug);
	rs_json_key_string(json, "policy",
			   gc->policy == RS_GC_FINALIZE ? "finalize" : "keep");
	rs_json_key(json, "generations");
	rs_json_begin_array(json);
	rs_json_begin_object(json); // one: every collection is a full one
	rs_json_key_uint(json, "threshold", gc->threshold);
	rs_json_key_uint(json, "count", gc->pending);
	rs_json_key_uint(json, "objects", native->map.count);
	rs_json_key_uint(json, "collections", gc->collections);
	rs_json_key_uint(json, "collected", gc->collected);
	rs_json_key_uint(json, "uncollectable", gc->uncollectable);
	rs_json_end_object(json);
	rs_json_end_array(json);
	rs_json_key(json, "frozen");
	rs_json_null(json);
	rs_json_key_uint(json, "garbage", registry->garbage_count);
}
