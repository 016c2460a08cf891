// SPDX-License-Identifier: MIT
#include "runtime/native/native_open.h"

#include "runtime/native/native.h"

#include <stdlib.h>

enum {
	RS_ALIGNMENT = 64, // of a registry
	RS_MOST_SCANNED = 64 << 20, // bytes of writable module data
	RS_BUCKETS = 1 << 18, // as in types.c
};

static const struct rs_runtime_ops native_ops;

/** Take the registry at @p address, if one is there. */
static struct rs_error *try_registry(struct rs_native *native, uint64_t address)
{
	struct rs_registry *registry = &native->registry[native->registries];
	struct rs_memory *memory = native->base.memory;

	for (size_t i = 0; i < native->registries; i++) {
		if (native->at[i] == address)
			return NULL;
	}
	if (native->registries == RS_NATIVE_REGISTRIES || address % 8 ||
	    !rs_memory_read(memory, address, registry,
			    offsetof(struct rs_registry, type_size)) ||
	    memcmp(registry->magic, RS_REGISTRY_MAGIC,
		   sizeof(registry->magic)) != 0 ||
	    (uint64_t)(uintptr_t)registry->self != address)
		return NULL;
	if (registry->version != RS_REGISTRY_VERSION)
		return rs_error_new(
			RS_EUNSUPPORTED,
			"the registry at 0x%llx is version %u; this refscope "
			"reads version %d",
			(unsigned long long)address, registry->version,
			RS_REGISTRY_VERSION);
	if (registry->size < sizeof(*registry) ||
	    !rs_memory_read(memory, address, registry, sizeof(*registry)) ||
	    registry->type_size != sizeof(struct rs_type) ||
	    registry->field_size != sizeof(struct rs_field) ||
	    !registry->types || registry->types > RS_TYPES_MAX)
		return rs_error_new(RS_EBAD,
				    "the registry at 0x%llx is damaged",
				    (unsigned long long)address);
	native->at[native->registries++] = address;
	return NULL;
}

/** By symbol, or by section where the symbols were stripped. */
static struct rs_error *try_modules(struct rs_native *native)
{
	struct rs_memory *memory = native->base.memory;

	for (size_t i = 0; i < memory->modules; i++) {
		const struct rs_module *module = &memory->module[i];
		uint64_t address;
		struct rs_error *err = rs_memory_symbol(
			memory, module, "rs_registry", &address, NULL);

		if (err) {
			rs_error_free(err);
			err = rs_memory_section(memory, module,
						RS_REGISTRY_SECTION, &address,
						NULL);
		}
		if (err) {
			rs_error_free(err);
			continue;
		}
		err = try_registry(native, address);
		if (err)
			return err;
	}
	return NULL;
}

static struct rs_error *
scan(struct rs_native *native, uint64_t start, uint64_t end)
{
	struct rs_memory *memory = native->base.memory;

	start = (start + RS_ALIGNMENT - 1) & ~(uint64_t)(RS_ALIGNMENT - 1);
	for (uint64_t at = start; at + RS_ALIGNMENT <= end;
	     at += RS_ALIGNMENT) {
		const char *data = rs_memory_at(memory, at, RS_ALIGNMENT);

		if (!data) { // not to be read: on to the next page
			at = (at | 4095) + 1 - RS_ALIGNMENT;
			continue;
		}
		if (memcmp(data, RS_REGISTRY_MAGIC,
			   sizeof(RS_REGISTRY_MAGIC)) != 0)
			continue;
		struct rs_error *err = try_registry(native, at);
		if (err)
			return err;
	}
	return NULL;
}

/** Without the file: by the magic, in the writable data of modules. */
static struct rs_error *try_memory(struct rs_native *native)
{
	struct rs_memory *memory = native->base.memory;
	uint64_t scanned = 0;

	for (size_t i = 0; i < memory->segments; i++) {
		const struct rs_segment *s = &memory->segment[i];
		const bool data = memory->modules == 0 ||
				  rs_memory_module(memory, s->start) != NULL;

		// Bit 1 is PROT_WRITE; 0: the backend does not know.
		if (s->from_file || !data || (s->prot && !(s->prot & 2)))
			continue;
		const uint64_t start = s->start;
		const uint64_t end = s->end;
		if (end - start > RS_MOST_SCANNED - scanned)
			continue;
		scanned += end - start;
		struct rs_error *err = scan(native, start, end);
		if (err)
			return err;
	}
	return NULL;
}

static void native_free(struct rs_runtime *rt)
{
	struct rs_native *native = rs_native_of(rt);

	rs_block_free(native->entry, native->map.count, sizeof(*native->entry));
	rs_addrmap_fini(&native->map);
	rs_native_types_free(native);
	rs_native_paths_free(native);
	rs_vec_fini(&native->extension);
	free(native->bucket);
	free(native);
}

static struct rs_error *load(struct rs_native *native)
{
	const struct rs_gc_state *gc = &native->registry[0].gc;
	struct rs_error *err = NULL;

	native->bucket = calloc(RS_BUCKETS, sizeof(*native->bucket));
	if (!native->bucket)
		return &rs_enomem;
	for (size_t r = 0; !err && r < native->registries; r++)
		err = rs_native_types_load(native, r);
	if (!err)
		err = rs_native_objects_load(native);
	if (!err)
		err = rs_native_overlays_load(native);
	native->base.rules =
		gc->policy == RS_GC_FINALIZE ? RS_RULES_34 : RS_RULES_27;
	native->base.gc_disabled = !gc->enabled;
	native->base.gc_collecting = gc->collecting != 0;
	native->base.gc_saveall = (gc->debug & RS_GC_DEBUG_SAVEALL) != 0;
	return err;
}

struct rs_error *rs_native_open(struct rs_memory *memory,
				struct rs_types *types, uint8_t index,
				struct rs_runtime **ret)
{
	struct rs_native *native = calloc(1, sizeof(*native));

	*ret = NULL;
	if (!native)
		return &rs_enomem;
	native->base = (struct rs_runtime){
		.ops = &native_ops,
		.memory = memory,
		.types = types,
		.index = index,
		.version = "1",
	};
	struct rs_error *err = try_modules(native);
	if (!err && !native->registries)
		err = try_memory(native);
	if (!err && native->registries) {
		err = load(native);
		if (!err)
			*ret = &native->base;
	}
	if (!*ret)
		native_free(&native->base);
	return err;
}

static const struct rs_runtime_ops native_ops = {
	.name = "native",
	.find = rs_native_find,
	.is_object = rs_native_is_object,
	.read = rs_native_read,
	.prefetch = rs_native_prefetch,
	.roots = rs_native_roots,
	.label = rs_native_label,
	.text = rs_native_text,
	.info = rs_native_info,
	.gc = rs_native_gc,
	.garbage = rs_native_garbage,
	.is_namespace = rs_native_is_namespace,
	.query = rs_native_ask,
	.query_adds = true,
	.query_objects = rs_native_callbacks,
	.flag = "native",
	.resolve = rs_native_resolve,
	.extension_type = rs_native_overlay,
	.extension_refs = rs_native_overlay_refs,
	.free = native_free,
};
