// SPDX-License-Identifier: MIT
//
// Suspended greenlets, from CPython 3.11 on. The frames of one are on a data
// stack of its own, whose place is in its C++ state together with the frame
// object of the innermost. It owns what they hold and tells no collector. One
// that runs has no such frame object: its frames are those of its thread.
// Source: greenlet 2.0 and 3.0, TPythonState.cpp; CPython
// Include/cpython/pystate.h, struct _stack_chunk.
#include "runtime/cpython/decode/chain.h"
#include "runtime/cpython/decode/decode.h"

enum {
	RS_STATE_WORDS = 64, // of the C++ state, which has about 25
	RS_CHUNKS_MAX = 1 << 12, // 16 KiB each, or more
	RS_CHUNK_SIZE = 8, // struct _stack_chunk: previous, size, top
	RS_CHUNK_HEAD = 24,
	RS_PAGE = 4096,
};

struct stack {
	struct rs_cpython *py;
	uint64_t chunk; // the newest one
	bool cut; // it has more chunks than are looked at
};

// Whether there is a chunk at @p chunk that ends at @p end.
static bool is_chunk(struct rs_cpython *py, uint64_t chunk, uint64_t end)
{
	uint64_t size = 0;

	return chunk && chunk % RS_PAGE == 0 && end > chunk &&
	       (end - chunk) % RS_PAGE == 0 &&
	       rs_memory_u64(py->base.memory, chunk + RS_CHUNK_SIZE, &size) &&
	       size == end - chunk;
}

static bool is_on_stack(struct stack *s, uint64_t frame)
{
	uint64_t chunk = s->chunk;

	for (int i = 0; chunk && i < RS_CHUNKS_MAX; i++) {
		uint64_t size = 0;

		if (!rs_memory_u64(s->py->base.memory, chunk + RS_CHUNK_SIZE,
				   &size))
			return false;
		if (frame >= chunk + RS_CHUNK_HEAD && frame - chunk < size)
			return true;
		chunk = rs_py_word_at(s->py, chunk);
	}
	s->cut |= chunk != 0;
	return false;
}

// The innermost frame, by the state at @p state; 0 if it tells of none.
static uint64_t
find_innermost(struct rs_cpython *py, uint64_t state, struct stack *s)
{
	uint64_t word[RS_STATE_WORDS] = {0};

	for (int i = 0; i < RS_STATE_WORDS; i++)
		if (!rs_memory_u64(py->base.memory, state + 8 * (uint64_t)i,
				   &word[i]))
			break;
	s->chunk = 0;
	for (int i = 0; i + 2 < RS_STATE_WORDS && !s->chunk; i++)
		if (word[i + 1] > word[i] && word[i + 1] <= word[i + 2] &&
		    is_chunk(py, word[i], word[i + 2]))
			s->chunk = word[i];
	for (int i = 0; s->chunk && i < RS_STATE_WORDS; i++) {
		if (word[i] & 7 || !py->type_frame ||
		    rs_py_type(py, word[i]) != py->type_frame)
			continue;
		const uint64_t frame =
			rs_py_get(py, word[i], RS_F_PyFrameObject__f_frame);
		if (is_on_stack(s, frame))
			return frame;
	}
	return 0;
}

static bool is_greenlet(struct rs_cpython *py, const struct rs_py_type *t)
{
	const char *name = rs_py_type_name(py, t->base);

	return name && strcmp(name, "greenlet.greenlet") == 0;
}

void rs_py_greenlet_refs(struct rs_cpython *py, const struct rs_py_type *t,
			 uint64_t object, struct rs_refs *refs)
{
	struct stack s = {.py = py};
	struct rs_py_chain chain = {0};
	uint64_t frame = 0;

	if (rs_py_minor(py) < 11 || !is_greenlet(py, t))
		return;
	for (uint32_t at = (uint32_t)py->header_size;
	     at + 8 <= t->body_end && !frame; at += 8)
		frame = find_innermost(py, rs_py_word_at(py, object + at), &s);
	while (frame && rs_py_chain_step(&chain, frame)) {
		const uint32_t first = refs->n;

		// Those of generators are elsewhere, and theirs.
		if (is_on_stack(&s, frame))
			rs_py_iframe_refs(py, frame, false, refs);
		for (uint32_t i = first; i < refs->n; i++)
			if (refs->kind[i] == RS_STRONG)
				refs->kind[i] = RS_OWNED;
		frame = rs_py_get(py, frame,
				  RS_F__PyInterpreterFrame__previous);
	}
	// Too many frames or chunks, or a ring: some are missing.
	refs->incomplete |= frame != 0 || s.cut;
}
