// SPDX-License-Identifier: MIT
#include "runtime/native/native.h"

static struct rs_error *
load_block(struct rs_native *native, const struct rs_extension_block *block)
{
	for (int i = 0; i < RS_EXTENSION_BLOCK; i++) {
		const struct rs_extension *e = &block->item[i];
		struct rs_native_type *type;

		if (!e->python_type || !e->description)
			continue;
		struct rs_error *err = rs_native_type_load(
			native, (uint64_t)(uintptr_t)e->description, &type);
		if (err)
			return err;
		struct rs_native_extension *x =
			rs_vec_push(&native->extension, sizeof(*x));
		if (!x)
			return &rs_enomem;
		x->python_type = (uint64_t)(uintptr_t)e->python_type;
		x->description = type;
	}
	return NULL;
}

struct rs_error *rs_native_overlays_load(struct rs_native *native)
{
	for (size_t r = 0; r < rs_native_registries(native); r++) {
		uint64_t at = (uint64_t)(uintptr_t)rs_native_registry(native)[r]
				      .raw.extension;

		for (int i = 0; at; i++) {
			struct rs_extension_block block;

			if (i == RS_NATIVE_BLOCKS ||
			    !rs_memory_read(native->base.memory, at, &block,
					    sizeof(block))) {
				rs_memory_gap(
					native->base.memory,
					"a list of described Python types is "
					"damaged, or has more than %d blocks: "
					"references that C code holds for "
					"objects of the others are missing",
					RS_NATIVE_BLOCKS);
				native->base.incomplete = true;
				break;
			}
			struct rs_error *err = load_block(native, &block);
			if (err)
				return err;
			at = (uint64_t)(uintptr_t)block.next;
		}
	}
	return NULL;
}

const void *rs_native_overlay(struct rs_runtime *rt, uint64_t type_address)
{
	const struct rs_vec *v = &rs_native_of(rt)->extension;
	const struct rs_native_extension *x =
		rs_vec_items(v, const struct rs_native_extension);
	const size_t n = rs_vec_count(v, struct rs_native_extension);

	for (size_t i = 0; i < n; i++) {
		if (x[i].python_type == type_address)
			return x[i].description;
	}
	return NULL;
}

/** A label that any runtime can print: with a name in this process. */
static struct rs_label
plain_label(struct rs_native *native, const struct rs_label *label)
{
	const size_t paths = rs_vec_count(&native->path, struct rs_native_path);
	const uint64_t path = label->a >> 40;
	char text[RS_NATIVE_NAME];

	if (label->kind != RS_LABEL_PATH || !path || path > paths)
		return (struct rs_label){0, RS_LABEL_NONE};
	struct rs_native_path *p =
		&rs_vec_items(&native->path, struct rs_native_path)[path - 1];
	if (!p->text) {
		rs_native_path_text(native, (uint32_t)path, 0, text,
				    sizeof(text));
		p->text = strdup(text);
	}
	return (struct rs_label){(uint64_t)(uintptr_t)p->text,
				 p->text ? RS_LABEL_FIELD : RS_LABEL_NONE};
}

void rs_native_overlay_refs(struct rs_runtime *rt, const void *description,
			    uint64_t object, int strong, struct rs_refs *refs)
{
	struct rs_native *native = rs_native_of(rt);
	const uint32_t first = refs->n;

	rs_native_references(native, description, object, strong, refs, NULL);
	for (uint32_t i = first; refs->label && i < refs->n; i++)
		refs->label[i] = plain_label(native, &refs->label[i]);
}
