// SPDX-License-Identifier: MIT
#include "runtime/native/native.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

// What could not be read of the roots: objects that they alone hold are called
// unreachable.
RS_PRINTF(2, 3)
static void missing(struct rs_native *native, const char *format, ...)
{
	char what[RS_NATIVE_NAME + 128];
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(what, sizeof(what), format, ap);
	va_end(ap);
	rs_memory_gap(native->base.memory,
		      "%s: objects that only the others hold may seem "
		      "unreachable",
		      what);
	native->base.incomplete = true;
}

static struct rs_error *each_word(struct rs_native *native,
				  const struct rs_root_slot *root,
				  rs_native_root_fn fn, void *context)
{
	const uint64_t slot = (uint64_t)(uintptr_t)root->slot;
	char cut[RS_NATIVE_NAME];
	const char *name = rs_native_name(native, root->name, cut);
	char text[RS_NATIVE_NAME + 32];

	for (uint64_t i = 0; i < root->count; i++) {
		uint64_t target;
		struct rs_error *err;

		if (i == RS_NATIVE_ROOT_WORDS ||
		    !rs_memory_u64(native->base.memory, slot + 8 * i,
				   &target)) {
			missing(native,
				"the root %s has %" PRIu64 " words, of which "
				"the first %" PRIu64 " are read",
				name ? name : "?", root->count, i);
			break;
		}
		if (!target)
			continue;
		if (root->count == 1)
			(void)snprintf(text, sizeof(text), "%s",
				       name ? name : "?");
		else
			(void)snprintf(text, sizeof(text), "%s[%" PRIu64 "]",
				       name ? name : "?", i);
		err = fn(context, slot + 8 * i, target, text);
		if (err)
			return err;
	}
	return NULL;
}

struct rs_error *rs_native_each_root(struct rs_native *native,
				     rs_native_root_fn fn, void *context)
{
	for (size_t r = 0; r < rs_native_registries(native); r++) {
		uint64_t at = (uint64_t)(uintptr_t)rs_native_registry(native)[r]
				      .raw.root;

		for (int i = 0; at; i++) {
			struct rs_root_block block;

			if (i == RS_NATIVE_BLOCKS ||
			    !rs_memory_read(native->base.memory, at, &block,
					    sizeof(block))) {
				missing(native,
					"a list of roots is damaged, or has "
					"more than %d blocks",
					RS_NATIVE_BLOCKS);
				break;
			}
			for (int k = 0; k < RS_ROOT_BLOCK; k++) {
				struct rs_error *err =
					block.item[k].slot
						? each_word(native,
							    &block.item[k], fn,
							    context)
						: NULL;
				if (err)
					return err;
			}
			at = (uint64_t)(uintptr_t)block.next;
		}
	}
	return NULL;
}

static struct rs_error *
add_root(void *context, uint64_t slot, uint64_t target, const char *name)
{
	return rs_roots_add(context, target, slot, RS_ROOT_NATIVE, 0, RS_NONE,
			    "%s", name);
}

static struct rs_error *
add_garbage(void *context, uint64_t slot, uint64_t target, const char *name)
{
	return rs_roots_add(context, target, slot, RS_ROOT_GARBAGE, 0, RS_NONE,
			    "%s", name);
}

/** Call @p fn for each entry of each garbage list. */
static struct rs_error *
each_garbage(struct rs_native *native, rs_native_root_fn fn, void *context)
{
	char name[48];

	for (size_t r = 0; r < rs_native_registries(native); r++) {
		const struct rs_registry *registry =
			&rs_native_registry(native)[r].raw;
		const uint64_t list = (uint64_t)(uintptr_t)registry->garbage;

		for (uint64_t i = 0; i < registry->garbage_count; i++) {
			uint64_t target;
			struct rs_error *err;

			if (i == RS_NATIVE_GARBAGE ||
			    !rs_memory_u64(native->base.memory, list + 8 * i,
					   &target)) {
				missing(native,
					"a garbage list has %" PRIu64
					" entries, of which the first %" PRIu64
					" are read",
					registry->garbage_count, i);
				break;
			}
			(void)snprintf(name, sizeof(name),
				       "garbage list [%" PRIu64 "]", i);
			err = fn(context, list + 8 * i, target, name);
			if (err)
				return err;
		}
	}
	return NULL;
}

struct rs_error *rs_native_roots(struct rs_runtime *rt, struct rs_roots *roots)
{
	struct rs_native *native = rs_native_of(rt);
	struct rs_error *err = rs_native_each_root(native, add_root, roots);

	// The list counts one reference of each.
	return err ? err : each_garbage(native, add_garbage, roots);
}

static struct rs_error *
add_address(void *context, uint64_t slot, uint64_t target, const char *name)
{
	(void)slot;
	(void)name;
	return rs_vec_append(context, &target, sizeof(target));
}

struct rs_error *rs_native_garbage(struct rs_runtime *rt, struct rs_vec *ret)
{
	return each_garbage(rs_native_of(rt), add_address, ret);
}
