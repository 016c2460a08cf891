// SPDX-License-Identifier: MIT
#include "runtime/cpython/decode/chain.h"
#include "runtime/cpython/decode/decode.h"
#include "runtime/cpython/state/discover.h"

#include <stdio.h>

enum { RS_OWNER_C_STACK_312 = 3, RS_TEXT = 256 };

static bool add_frame(struct rs_vec *ret, struct rs_py_frame frame)
{
	struct rs_py_frame *slot = rs_vec_push(ret, sizeof(*slot));

	if (slot)
		*slot = frame;
	return slot != NULL;
}

// Whether the frame is to be looked at: new on its chain, and not too many.
static bool go_on(struct rs_cpython *py, struct rs_py_chain *chain,
		  uint64_t frame, const struct rs_vec *frames)
{
	if (rs_vec_count(frames, struct rs_py_frame) >= RS_PY_MAX_FRAMES) {
		rs_memory_gap(
			py->base.memory,
			"CPython %s: more than %d frames; references from the "
			"others are missing",
			py->version_text, RS_PY_MAX_FRAMES);
		return false;
	}
	if (rs_py_chain_step(chain, frame))
		return true;
	rs_py_tell_loop(py, "frames");
	return false;
}

// Up to 3.10: frame objects. A frame on this chain is being executed: its
// stack's top is in a register.
static struct rs_error *old_frames(struct rs_cpython *py, uint64_t thread,
				   uint32_t index, struct rs_vec *ret)
{
	uint64_t frame = rs_py_get(py, thread, RS_F__ts__frame);
	struct rs_py_chain chain = {0};

	while (frame && go_on(py, &chain, frame, ret)) {
		const uint64_t code =
			rs_py_get(py, frame, RS_F_PyFrameObject__f_code);

		if (rs_py_type(py, frame) != py->type_frame ||
		    rs_py_type(py, code) != py->type_code)
			return NULL;
		if (!add_frame(ret,
			       (struct rs_py_frame){frame, code, index, true}))
			return &rs_enomem;
		frame = rs_py_get(py, frame, RS_F_PyFrameObject__f_back);
	}
	return NULL;
}

static uint64_t innermost(const struct rs_cpython *py, uint64_t thread)
{
	if (rs_py_off(py, RS_F__ts__current_frame) >= 0)
		return rs_py_get(py, thread, RS_F__ts__current_frame);
	return rs_py_get(py, rs_py_get(py, thread, RS_F__ts__cframe),
			 RS_F__PyCFrame__current_frame);
}

static uint64_t code_of(const struct rs_cpython *py, uint64_t frame)
{
	const enum rs_field field =
		rs_py_off(py, RS_F__PyInterpreterFrame__f_executable) >= 0
			? RS_F__PyInterpreterFrame__f_executable
			: RS_F__PyInterpreterFrame__f_code;
	uint64_t code = rs_py_get(py, frame, field);

	if (py->version >= RS_PY(3, 14))
		code &= ~UINT64_C(3); // tagged
	return rs_py_type(py, code) == py->type_code ? code : 0;
}

// Whether a frame only stands for C code between Python frames. Up to 3.11
// there is none; 3.14 has two kinds.
static bool is_shim(const struct rs_cpython *py, uint64_t frame)
{
	const int32_t at = rs_py_off(py, RS_F__PyInterpreterFrame__owner);
	const uint8_t *owner =
		rs_memory_at(py->base.memory, frame + (uint64_t)at, 1);

	return !owner ||
	       (py->version >= RS_PY(3, 12) && *owner >= RS_OWNER_C_STACK_312);
}

// 3.11 to 3.13 say so: -1. 3.14 saves the top before each call that may
// escape; of the frame that the holder of the GIL runs it may be out of date.
static bool
is_executing(const struct rs_cpython *py, uint64_t frame, bool running)
{
	const int32_t at = rs_py_off(py, RS_F__PyInterpreterFrame__stacktop);
	uint32_t top = 0;

	if (at < 0)
		return running;
	return !rs_memory_u32(py->base.memory, frame + (uint64_t)at, &top) ||
	       (int32_t)top < 0;
}

static struct rs_error *new_frames(struct rs_cpython *py,
				   const struct rs_py_thread *thread,
				   uint32_t index, struct rs_vec *ret)
{
	uint64_t frame = innermost(py, thread->address);
	bool running = thread->holds_gil;
	struct rs_py_chain chain = {0};

	while (frame && go_on(py, &chain, frame, ret)) {
		const uint64_t code = code_of(py, frame);

		if (code && !is_shim(py, frame)) {
			const bool executing = is_executing(py, frame, running);
			if (!add_frame(ret,
				       (struct rs_py_frame){frame, code, index,
							    executing}))
				return &rs_enomem;
			running = false;
		}
		frame = rs_py_get(py, frame,
				  RS_F__PyInterpreterFrame__previous);
	}
	return NULL;
}

struct rs_error *rs_py_frames(struct rs_cpython *py, struct rs_vec *ret)
{
	struct rs_vec threads = {0};
	struct rs_error *err = rs_py_threads(py, &threads);
	const struct rs_py_thread *thread =
		rs_vec_items(&threads, struct rs_py_thread);
	const size_t n = rs_vec_count(&threads, struct rs_py_thread);

	for (size_t i = 0; !err && i < n; i++) {
		if (py->version < RS_PY(3, 11))
			err = old_frames(py, thread[i].address, (uint32_t)i,
					 ret);
		else
			err = new_frames(py, &thread[i], (uint32_t)i, ret);
	}
	rs_vec_fini(&threads);
	return err;
}

void rs_py_frame_text(struct rs_cpython *py, const struct rs_py_frame *frame,
		      char *buf, size_t size)
{
	char name[RS_TEXT] = "?", file[RS_TEXT] = "?";
	const uint64_t code = frame->code;

	(void)rs_py_string(py, rs_py_get(py, code, RS_F_PyCodeObject__co_name),
			   name, sizeof(name));
	(void)rs_py_string(py,
			   rs_py_get(py, code, RS_F_PyCodeObject__co_filename),
			   file, sizeof(file));
	const uint32_t line = rs_py_frame_line(py, frame);
	if (line)
		(void)snprintf(buf, size, "%s (%s:%u)", name,
			       rs_base_name(file), line);
	else
		(void)snprintf(buf, size, "%s (%s:?)", name,
			       rs_base_name(file));
}
