// SPDX-License-Identifier: MIT
//
// Asking a C program's own traverse callbacks, in an image of its core. The
// probe needs no more than their addresses: a callback has the shape of
// CPython's tp_traverse.
//
// A program asks the same of itself with rs_walk() and rs_collect(), in
// place. These do not run the probe: they have the program's descriptions and
// read its fields as well (tracker/visit.c), where an image calls what only
// code can tell and leaves the fields to reading (read.c), which sees the
// same of a core, of a live process and over a remote connection. What the
// two share is the callback itself, and so its answer.
#include "runtime/native/native.h"
#include "sandbox/image.h"

// The callback of tracked object number @p i, or 0.
static uint64_t callback_of(const struct rs_native *native, uint32_t i)
{
	const uint32_t e = native->entry[i];

	return (uint64_t)(uintptr_t)native->by_id[e >> 16 & 0x7fff][e & 0xffff]
		->raw.traverse;
}

uint64_t rs_native_callbacks(struct rs_runtime *rt)
{
	const struct rs_native *native = rs_native_of(rt);
	uint64_t found = 0;

	for (uint32_t i = 0; i < native->map.count; i++)
		found += callback_of(native, i) != 0;
	return found;
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
