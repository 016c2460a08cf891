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

/** A registry that cannot be read. */
struct left_out {
	uint64_t address;
	struct rs_error *why; // owned
};

static bool is_known(const struct rs_native *native, uint64_t address)
{
	const struct left_out *l =
		rs_vec_items(&native->left_out, const struct left_out);

	for (size_t i = 0; i < rs_native_registries(native); i++) {
		if (rs_native_registry(native)[i].address == address)
			return true;
	}
	for (size_t i = 0; i < rs_vec_count(&native->left_out, *l); i++) {
		if (l[i].address == address)
			return true;
	}
	return false;
}

static const char *module_at(const struct rs_memory *memory, uint64_t address)
{
	const struct rs_module *module = rs_memory_module(memory, address);

	return module ? module->path : "?";
}

static struct rs_error *
damaged(const struct rs_memory *memory, uint64_t address)
{
	return rs_error_new(RS_EBAD, "the registry at 0x%llx (%s) is damaged",
			    (unsigned long long)address,
			    module_at(memory, address));
}

/** Read what is there of the registry at @p address: an older one is shorter.
 */
static struct rs_error *read_registry(struct rs_memory *memory,
				      uint64_t address,
				      struct rs_registry *registry)
{
	const uint32_t size = registry->size;

	if (registry->version != RS_REGISTRY_VERSION)
		return rs_error_new(
			RS_EUNSUPPORTED,
			"the registry at 0x%llx (%s) is version %u; this "
			"refscope reads version %d",
			(unsigned long long)address, module_at(memory, address),
			registry->version, RS_REGISTRY_VERSION);
	*registry = (struct rs_registry){0};
	if (size < RS_REGISTRY_SIZE_MIN ||
	    !rs_memory_read(memory, address, registry,
			    size < sizeof(*registry) ? size
						     : sizeof(*registry)) ||
	    registry->type_size != sizeof(struct rs_type) ||
	    registry->field_size != sizeof(struct rs_field) ||
	    !registry->types || registry->types > RS_TYPES_MAX)
		return damaged(memory, address);
	registry->refused_why[RS_REFUSED_SIZE - 1] = '\0';
	return NULL;
}

/** Of a registry that cannot be read: the others may be fine. @p err, why, is
 * consumed. Errors: RS_ENOMEM. */
static struct rs_error *
leave_out(struct rs_native *native, uint64_t address, struct rs_error *err)
{
	struct left_out *l = rs_vec_push(&native->left_out, sizeof(*l));

	if (!l) {
		rs_error_free(err);
		return &rs_enomem;
	}
	*l = (struct left_out){address, err};
	return NULL;
}

/** Tell of each that was left out; where there is no other, fail with the first
 * reason. */
static struct rs_error *tell_left_out(struct rs_native *native)
{
	struct left_out *l = rs_vec_items(&native->left_out, struct left_out);
	const size_t n = rs_vec_count(&native->left_out, struct left_out);
	struct rs_error *err = NULL;

	for (size_t i = 0; i < n; i++) {
		if (!i && !rs_native_registries(native)) {
			err = l[i].why;
			l[i].why = NULL;
			continue;
		}
		rs_memory_gap(native->base.memory,
			      "%s: what it tracks is missing",
			      rs_error_message(l[i].why));
		native->base.incomplete = true;
	}
	return err;
}

static void free_left_out(struct rs_native *native)
{
	struct left_out *l = rs_vec_items(&native->left_out, struct left_out);
	const size_t n = rs_vec_count(&native->left_out, struct left_out);

	for (size_t i = 0; i < n; i++)
		rs_error_free(l[i].why);
	rs_vec_fini(&native->left_out);
}

/** Take the registry at @p address, if one is there. */
static struct rs_error *try_registry(struct rs_native *native, uint64_t address)
{
	struct rs_memory *memory = native->base.memory;
	struct rs_registry registry;

	if (is_known(native, address) || address % 8 ||
	    !rs_memory_read(memory, address, &registry,
			    offsetof(struct rs_registry, type_size)) ||
	    memcmp(registry.magic, RS_REGISTRY_MAGIC, sizeof(registry.magic)) !=
		    0 ||
	    (uint64_t)(uintptr_t)registry.self != address)
		return NULL;
	if (rs_native_registries(native) +
		    rs_vec_count(&native->left_out, struct left_out) ==
	    RS_NATIVE_REGISTRIES) {
		if (!native->incomplete)
			rs_memory_gap(memory,
				      "more than %d registries: what the "
				      "others track is missing",
				      RS_NATIVE_REGISTRIES);
		native->incomplete = true;
		return NULL;
	}
	struct rs_error *err = read_registry(memory, address, &registry);
	if (err)
		return leave_out(native, address, err);
	struct rs_native_registry *r =
		rs_vec_push(&native->registry, sizeof(*r));
	if (!r)
		return &rs_enomem;
	const struct rs_module *module = rs_memory_module(memory, address);
	*r = (struct rs_native_registry){
		.raw = registry,
		.address = address,
		.module = module ? module->path : NULL,
	};
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

/**
 * Without the file: by the magic, in writable data of @p module, or of all
 * modules, or, where none is known, anywhere.
 */
static struct rs_error *try_memory(struct rs_native *native,
				   const struct rs_module *module,
				   uint64_t *scanned)
{
	struct rs_memory *memory = native->base.memory;

	for (size_t i = 0; i < memory->segments; i++) {
		const struct rs_segment *s = &memory->segment[i];
		const struct rs_module *of = rs_memory_module(memory, s->start);
		const bool data =
			module ? of == module : of || memory->modules == 0;

		// Bit 1 is PROT_WRITE; 0: the backend does not know.
		if (s->from_file || !data || (s->prot && !(s->prot & 2)))
			continue;
		const uint64_t start = s->start;
		const uint64_t end = s->end;
		if (end - start > RS_MOST_SCANNED - *scanned) {
			rs_memory_gap(memory,
				      "more than %d MiB of variables are not "
				      "searched for registries of librefscope; "
				      "objects may be missing",
				      RS_MOST_SCANNED >> 20);
			continue;
		}
		*scanned += end - start;
		struct rs_error *err = scan(native, start, end);
		if (err)
			return err;
	}
	return NULL;
}

/** By symbol, or by section where the symbols were stripped. @p found is false
 * where neither could be looked up. */
static struct rs_error *find_in_file(struct rs_memory *memory,
				     const struct rs_module *module,
				     uint64_t *address, bool *found)
{
	struct rs_error *err =
		rs_memory_symbol(memory, module, "rs_registry", address, NULL);

	if (err) {
		rs_error_free(err);
		err = rs_memory_section(memory, module, RS_REGISTRY_SECTION,
					address, NULL);
	}
	*found = !err;
	if (err && rs_error_code(err) == RS_ENOMEM)
		return err;
	rs_error_free(err);
	return NULL;
}

// Each module may have a copy of the library, and so a registry.
static struct rs_error *try_modules(struct rs_native *native)
{
	struct rs_memory *memory = native->base.memory;
	uint64_t scanned = 0;

	for (size_t i = 0; i < memory->modules; i++) {
		const struct rs_module *module = &memory->module[i];
		uint64_t address;
		bool found;
		struct rs_error *err =
			find_in_file(memory, module, &address, &found);

		if (!err && found)
			err = try_registry(native, address);
		else if (!err && !module->file)
			err = try_memory(native, module, &scanned);
		if (err)
			return err;
	}
	return NULL;
}

static void native_free(struct rs_runtime *rt)
{
	struct rs_native *native = rs_native_of(rt);

	rs_block_free(native->entry, native->map.count, sizeof(*native->entry));
	rs_block_free(native->health, native->map.count, 1);
	rs_addrmap_fini(&native->map);
	rs_native_types_free(native);
	rs_native_paths_free(native);
	rs_vec_fini(&native->extension);
	rs_vec_fini(&native->registry);
	free_left_out(native);
	rs_vec_fini(&native->callback);
	rs_native_reader_free(native);
	free(native->bucket);
	free(native);
}

static void note_problems(struct rs_native *native)
{
	struct rs_memory *memory = native->base.memory;

	for (size_t r = 0; r < rs_native_registries(native); r++) {
		const struct rs_registry *raw =
			&rs_native_registry(native)[r].raw;
		char why[RS_REFUSED_SIZE];
		char *p = why;

		if (!raw->refused)
			continue;
		memcpy(why, raw->refused_why, sizeof(why));
		for (; *p; p++) {
			if ((unsigned char)*p < ' ' || *p == 0x7f)
				*p = '?';
		}
		rs_memory_problem(memory,
				  "a description was refused (%llu in all), so "
				  "its objects are not tracked: %s",
				  (unsigned long long)raw->refused, why);
	}
	if (native->incomplete)
		rs_memory_gap(memory,
			      "parts of the registry could not be read: "
			      "tracked objects are missing");
	native->base.incomplete |= native->incomplete;
}

static struct rs_error *load(struct rs_native *native)
{
	struct rs_error *err = rs_native_reader_new(native);

	native->bucket = calloc(RS_BUCKETS, sizeof(*native->bucket));
	if (!native->bucket)
		return &rs_enomem;
	for (size_t r = 0; !err && r < rs_native_registries(native); r++)
		err = rs_native_types_load(native, r);
	if (!err)
		err = rs_native_objects_load(native);
	if (!err)
		err = rs_native_overlays_load(native);
	if (!err)
		err = rs_native_parts_load(native);
	if (err)
		return err;
	rs_native_learn_blocks(native);
	note_problems(native);
	const struct rs_gc_state *gc = &rs_native_registry(native)->raw.gc;
	native->base.rules = rs_native_collector_rules(&native->base, 0);
	native->base.gc_disabled = !(gc->enabled & RS_GC_ENABLED);
	native->base.gc_saveall = (gc->debug & RS_GC_DEBUG_SAVEALL) != 0;
	for (size_t r = 0; r < rs_native_registries(native); r++)
		native->base.gc_collecting |=
			rs_native_registry(native)[r].raw.gc.collecting != 0;
	if (rs_native_registries(native) > 1)
		native->base.collectors =
			(unsigned)rs_native_registries(native);
	return NULL;
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
	if (!err && !rs_native_registries(native)) {
		uint64_t scanned = 0;

		err = try_memory(native, NULL, &scanned);
	}
	if (!err)
		err = tell_left_out(native);
	if (!err && rs_native_registries(native)) {
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
	.members = rs_native_members,
	.collector_id = rs_native_collector_id,
	.collector_name = rs_native_collector_name,
	.collector_rules = rs_native_collector_rules,
	.collector_settings = rs_native_collector_settings,
	.image = rs_native_image,
	.unfreeable = rs_native_why_unfreeable,
	.unknown = rs_native_unknown,
	.is_namespace = rs_native_is_namespace,
	.is_own_namespace = rs_native_is_own_namespace,
	.query = rs_native_ask,
	.query_functions = rs_native_query_functions,
	.query_adds = true,
	.query_objects = rs_native_callbacks,
	.flag = "native",
	.resolve = rs_native_resolve,
	.complete = rs_native_complete,
	.extension_type = rs_native_overlay,
	.extension_refs = rs_native_overlay_refs,
	.free = native_free,
};
