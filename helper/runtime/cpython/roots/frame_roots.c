// SPDX-License-Identifier: MIT
//
// Up to 3.10 a frame is an object, to which the C function that executes it has
// a reference. From 3.11 on it is a struct on a stack of the thread, and the
// references in it are the thread's. The frame of a generator always belongs to
// the generator.
#include "runtime/cpython/roots/roots.h"

#include <stdio.h>

enum { RS_CO_GENERATOR = 0x20, RS_OWNED_BY_GENERATOR = 1, RS_TEXT = 512 };

static bool old_generator_frame(const struct rs_cpython *py,
				const struct rs_py_frame *frame)
{
	const int32_t at = rs_py_off(py, RS_F_PyCodeObject__co_flags);
	uint32_t flags = 0;

	if (rs_py_off(py, RS_F_PyFrameObject__f_gen) >= 0)
		return rs_py_get(py, frame->address,
				 RS_F_PyFrameObject__f_gen) != 0;
	return rs_memory_u32(py->base.memory, frame->code + (uint64_t)at,
			     &flags) &&
	       (flags & RS_CO_GENERATOR);
}

static bool
generator_frame(const struct rs_cpython *py, const struct rs_py_frame *frame)
{
	const int32_t at = rs_py_off(py, RS_F__PyInterpreterFrame__owner);
	const uint8_t *owner =
		rs_memory_at(py->base.memory, frame->address + (uint64_t)at, 1);

	return owner && *owner == RS_OWNED_BY_GENERATOR;
}

static struct rs_error *
add_slots(struct rs_py_roots *r, const struct rs_py_frame *frame,
	  uint32_t number, const char *text, struct rs_refs *refs)
{
	struct rs_error *err = NULL;

	refs->n = 0;
	rs_py_iframe_refs(r->py, frame->address, frame->executing, refs);
	for (uint32_t i = 0; i < refs->n && !err; i++) {
		const uint32_t what = refs->label[i].kind;
		const bool local =
			what == RS_LABEL_LOCAL || what == RS_LABEL_CELL;
		char label[RS_TEXT];

		// The slot does not own it: something else holds it.
		if (refs->kind[i] == RS_WEAK)
			continue;
		rs_py_label(&r->py->base, &refs->label[i], label,
			    sizeof(label));
		err = rs_roots_add(r->roots, refs->target[i], 0,
				   local ? RS_ROOT_LOCAL : RS_ROOT_FRAME,
				   frame->thread, local ? number : RS_NONE,
				   "%s in %s", label, text);
	}
	return err;
}

static struct rs_error *add_frame(struct rs_py_roots *r,
				  const struct rs_py_frame *frame,
				  uint32_t number, struct rs_refs *refs)
{
	char text[RS_TEXT];

	if (r->py->version < RS_PY(3, 11)) {
		if (old_generator_frame(r->py, frame))
			return NULL;
		rs_py_frame_text(r->py, frame, text, sizeof(text));
		return rs_roots_add(r->roots, frame->address, 0, RS_ROOT_FRAME,
				    frame->thread, number, "running %s", text);
	}
	if (generator_frame(r->py, frame))
		return NULL;
	rs_py_frame_text(r->py, frame, text, sizeof(text));
	return add_slots(r, frame, number, text, refs);
}

struct rs_error *rs_py_frame_roots(struct rs_py_roots *r)
{
	struct rs_refs refs;
	struct rs_vec frames = {0};
	struct rs_error *err = rs_refs_init(&refs, true);

	if (err)
		return err;
	err = rs_py_frames(r->py, &frames);

	const struct rs_py_frame *frame =
		rs_vec_items(&frames, struct rs_py_frame);
	const size_t n = rs_vec_count(&frames, struct rs_py_frame);
	for (size_t i = 0; i < n && !err; i++)
		err = add_frame(r, &frame[i], (uint32_t)i, &refs);
	rs_vec_fini(&frames);
	rs_refs_fini(&refs);
	return err;
}
