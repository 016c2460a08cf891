// SPDX-License-Identifier: MIT
//
// Calling a C program's own traverse callbacks, in an image of its core. The
// code that runs there needs no more than their addresses: a callback has the
// shape of CPython's tp_traverse.
//
// rs_walk() and rs_collect() call the same callbacks in the program itself and
// read the fields by its descriptions (tracker/visit.c). In an image only the
// callbacks are called; the fields are left to native_read.c, which reads them
// of a core, of a live process and over a remote connection alike.
#include "runtime/native/native.h"
#include "sandbox/image.h"

// The callback of tracked object number @p i, or 0.
static uint64_t callback_of(const struct rs_native *native, uint32_t i)
{
	const struct rs_native_type *type =
		rs_native_entry_is(native, native->entry[i]);

	return type->unknown ? 0 : (uint64_t)(uintptr_t)type->raw.traverse;
}

uint64_t rs_native_callbacks(struct rs_runtime *rt)
{
	const struct rs_native *native = rs_native_of(rt);
	uint64_t found = 0;

	for (uint32_t i = 0; i < native->map.count; i++)
		found += callback_of(native, i) != 0;
	return found;
}

void rs_native_query_functions(struct rs_runtime *rt, uint64_t object,
			       uint64_t ret[2])
{
	const struct rs_native *native = rs_native_of(rt);
	const uint32_t i = rs_addrmap_number(&native->map, object);

	ret[0] = i < native->map.count ? callback_of(native, i) : 0;
	ret[1] = 0;
}

// Those that have one, in front, and their callbacks.
static uint32_t list_callbacks(const struct rs_native *native, uint64_t *object,
			       uint64_t *function)
{
	uint32_t n = 0;

	rs_addrmap_list(&native->map, object);
	for (uint32_t i = 0; i < native->map.count; i++) {
		const uint64_t callback = callback_of(native, i);

		if (!callback)
			continue;
		object[n] = object[i];
		function[n++] = callback;
	}
	return n;
}

static struct rs_error *
ask(struct rs_runtime *rt, const struct rs_image_options *options,
    const struct rs_image_question *question, struct rs_image_answer *ret)
{
	struct rs_process_image *image = NULL;
	struct rs_error *err = rs_image_from_core(rt->memory, options, &image);

	if (!err)
		err = rs_image_walk(image, question, ret);
	rs_image_close(image);
	return err;
}

struct rs_error *
rs_native_ask(struct rs_runtime *rt, const struct rs_image_options *options,
	      const struct rs_progress *progress, struct rs_image_answer *ret)
{
	const struct rs_native *native = rs_native_of(rt);
	const uint32_t n = native->map.count;
	uint64_t *object = NULL, *function = NULL;
	struct rs_error *err = rs_block_new(n, sizeof(*object), &object);

	if (!err)
		err = rs_block_new(n, sizeof(*function), &function);
	if (!err) {
		const struct rs_image_question question = {
			.objects = list_callbacks(native, object, function),
			.object = object,
			.function = function,
			.progress = progress,
		};

		if (question.objects)
			err = ask(rt, options, &question, ret);
		else
			*ret = (struct rs_image_answer){0};
	}
	rs_block_free(object, n, sizeof(*object));
	rs_block_free(function, n, sizeof(*function));
	return err;
}

struct rs_error *rs_native_image(struct rs_runtime *rt,
				 const struct rs_image_options *options,
				 struct rs_image_question *question,
				 struct rs_process_image **image)
{
	struct rs_native *native = rs_native_of(rt);
	const uint64_t *object = question->object;
	const size_t n = question->objects;
	struct rs_vec *callback = &native->callback;

	callback->used = 0;
	uint64_t *function = rs_vec_push(callback, n * sizeof(*function));
	if (!function && n)
		return &rs_enomem;
	for (size_t i = 0; i < n; i++)
		function[i] = callback_of(
			native, rs_addrmap_number(&native->map, object[i]));
	*question = (struct rs_image_question){.function = function};
	return rs_image_from_core(rt->memory, options, image);
}
