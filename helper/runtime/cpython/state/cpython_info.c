// SPDX-License-Identifier: MIT
#include "runtime/cpython/decode/decode.h"
#include "runtime/cpython/state/discover.h"

enum {
	RS_TEXT = 1024,
	RS_FRAMES_TOLD = 200, // most frames of a thread to report
	RS_COLLECTED = 3, // generations with a threshold
};

// Source: CPython Modules/gcmodule.c, the DEBUG_ bits of 2.7 and 3.x.
static const struct {
	int bit;
	const char *name;
} debug_names[] = {
	{1, "stats"},	  {2, "collectable"}, {4, "uncollectable"},
	{8, "instances"}, {16, "objects"},    {32, "saveall"},
};

static struct rs_error *add_text(struct rs_cpython *py,
				 struct rs_runtime_info *info, uint64_t code,
				 enum rs_field field, uint32_t *ret)
{
	char text[RS_TEXT];

	*ret = RS_INFO_NO_TEXT;
	if (!rs_py_string(py, rs_py_get(py, code, field), text, sizeof(text)))
		return NULL;
	return rs_info_text_add(info, text, ret);
}

static struct rs_error *add_frame(struct rs_cpython *py,
				  struct rs_runtime_info *info,
				  const struct rs_py_frame *frame)
{
	struct rs_info_frame *f = rs_vec_push(&info->frame, sizeof(*f));
	struct rs_error *err;

	if (!f)
		return &rs_enomem;
	f->line = rs_py_frame_line(py, frame);
	err = add_text(py, info, frame->code, RS_F_PyCodeObject__co_name,
		       &f->function);
	if (!err)
		err = add_text(py, info, frame->code,
			       RS_F_PyCodeObject__co_filename, &f->file);
	return err;
}

// @param[in,out] at Where to continue in the frames, which are in the order of
// the threads.
static struct rs_error *add_frames(struct rs_cpython *py,
				   struct rs_runtime_info *info,
				   const struct rs_vec *frames, uint32_t thread,
				   size_t *at, uint32_t *added)
{
	const struct rs_py_frame *frame =
		rs_vec_items(frames, struct rs_py_frame);
	const size_t n = rs_vec_count(frames, struct rs_py_frame);
	struct rs_error *err = NULL;

	*added = 0;
	while (*at < n && frame[*at].thread < thread)
		++*at;
	for (size_t i = *at; i < n && frame[i].thread == thread && !err; i++) {
		if (*added == RS_FRAMES_TOLD)
			break;
		err = add_frame(py, info, &frame[i]);
		++*added;
	}
	return err;
}

static struct rs_error *measure_queue(struct rs_cpython *py,
				      const struct rs_py_thread *thread,
				      struct rs_info_thread *ret)
{
	struct rs_vec slots = {0};
	struct rs_error *err = rs_py_merge_queue(py, thread, &slots);
	const uint64_t *slot = rs_vec_items(&slots, uint64_t);

	ret->queues = py->threaded;
	ret->queued = rs_vec_count(&slots, uint64_t);
	for (size_t i = 0; i < ret->queued && !err; i++) {
		const uint64_t object = rs_py_word_at(py, slot[i]);
		const struct rs_py_type *t = rs_py_known_of(py, object);

		ret->queued_bytes += t ? rs_py_size(py, t, object) : 0;
	}
	rs_vec_fini(&slots);
	return err;
}

static void describe_wait(struct rs_cpython *py,
			  const struct rs_py_thread *thread,
			  struct rs_info_thread *ret)
{
	struct rs_py_wait wait;

	rs_py_wait(py, thread, &wait);
	ret->call = wait.call;
	ret->call_name = wait.name;
	ret->waits_ns = wait.for_ns;
	ret->ran_ms = wait.ran_ms;
	ret->age_ms = wait.age_ms;
}

static struct rs_error *
add_thread(struct rs_cpython *py, struct rs_runtime_info *info,
	   const struct rs_py_thread *thread, const struct rs_vec *frames,
	   uint32_t index, size_t *at)
{
	struct rs_info_thread *t = rs_vec_push(&info->thread, sizeof(*t));
	struct rs_error *err;

	if (!t)
		return &rs_enomem;
	*t = (struct rs_info_thread){
		.tid = thread->tid,
		.ident = thread->ident,
		.interpreter = py->interpreter[thread->interpreter].id,
		.holds_gil = thread->holds_gil,
		.frame = (uint32_t)rs_vec_count(&info->frame,
						struct rs_info_frame),
	};
	describe_wait(py, thread, t);
	if (py->threaded && (err = measure_queue(py, thread, t)))
		return err;
	return add_frames(py, info, frames, index, at, &t->frames);
}

static struct rs_error *
add_threads(struct rs_cpython *py, struct rs_runtime_info *info)
{
	struct rs_vec threads = {0}, frames = {0};
	struct rs_error *err = rs_py_threads(py, &threads);
	const struct rs_py_thread *thread =
		rs_vec_items(&threads, struct rs_py_thread);
	const size_t n = rs_vec_count(&threads, struct rs_py_thread);
	size_t at = 0;

	if (!err)
		err = rs_py_frames(py, &frames);
	for (size_t i = 0; i < n && !err; i++)
		err = add_thread(py, info, &thread[i], &frames, (uint32_t)i,
				 &at);
	rs_vec_fini(&threads);
	rs_vec_fini(&frames);
	return err;
}

static void
describe_allocator(const struct rs_cpython *py, struct rs_info_allocator *ret)
{
	const struct rs_py_heap *heap = &py->heap;
	const char *debug =
		heap->mimalloc ? "mimalloc_debug" : "pymalloc_debug";
	const char *usual = heap->mimalloc ? "mimalloc" : "pymalloc";

	if (!heap->swept)
		return;
	*ret = (struct rs_info_allocator){
		.name = !heap->arenas ? "malloc"
			: heap->debug ? debug
				      : usual,
		.arenas = heap->arenas,
		.pools = heap->pools,
		.blocks = heap->blocks,
		.objects = heap->objects,
		.free_list = heap->dead,
		.other = heap->other,
		.large = heap->large,
	};
}

struct rs_error *rs_py_info(struct rs_runtime *rt, struct rs_runtime_info *ret)
{
	struct rs_cpython *py = rs_cpython(rt);
	struct rs_error *err;

	ret->version = py->version_text;
	ret->layout = py->layout_text;
	ret->module = py->module->path;
	ret->has_threads = true;
	describe_allocator(py, &ret->allocator);
	err = rs_fact_add(ret, "interpreters", RS_FACT_NUMBER,
			  py->interpreters);
	return err ? err : add_threads(py, ret);
}

static void list_debug(int64_t debug, struct rs_gc_info *ret)
{
	if (debug < 0) {
		ret->flags = RS_GC_UNKNOWN;
		return;
	}
	for (size_t i = 0; i < sizeof(debug_names) / sizeof(*debug_names); i++)
		if (debug & debug_names[i].bit)
			ret->flag[ret->flags++] = debug_names[i].name;
}

static bool read_int(struct rs_cpython *py, uint64_t head, enum rs_field field,
		     int64_t *ret)
{
	uint32_t value = 0;

	if (!rs_memory_u32(py->base.memory,
			   head + (uint64_t)rs_py_off(py, field), &value))
		return false;
	*ret = (int32_t)value;
	return true;
}

static void describe_generation(struct rs_cpython *py,
				const struct rs_py_interpreter *of, unsigned g,
				struct rs_gc_generation *ret)
{
	// Free-threaded builds have counters, but no lists.
	const uint64_t counters =
		of->gc +
		(uint64_t)rs_py_off(py, RS_F__gc_runtime_state__generations);
	const uint64_t at = py->threaded ? counters + g * py->generation_stride
					 : of->head[g];

	ret->has_threshold = read_int(py, at, RS_F_gc_generation__threshold,
				      &ret->threshold);
	ret->has_count =
		read_int(py, at, RS_F_gc_generation__count, &ret->count);
	rs_py_generation_stats(py, (unsigned)(of - py->interpreter), g, ret);
}

static void describe_generations(struct rs_cpython *py,
				 const struct rs_py_interpreter *of,
				 const uint64_t count[RS_PY_GENERATIONS],
				 struct rs_gc_info *ret)
{
	ret->generations = RS_COLLECTED;
	for (unsigned g = 0; g < RS_COLLECTED; g++) {
		describe_generation(py, of, g, &ret->generation[g]);
		ret->generation[g].objects = count[g];
	}
	ret->frozen = of->head[RS_COLLECTED] || py->threaded
			      ? (int64_t)count[RS_COLLECTED]
			      : RS_GC_UNKNOWN;
}

// The state of the collector of an interpreter, which may be that of all.
struct rs_error *
rs_py_gc(struct rs_runtime *rt, unsigned number, struct rs_gc_info *ret)
{
	struct rs_cpython *py = rs_cpython(rt);
	const bool alone = rt->collectors <= 1;
	struct rs_found found = {0};
	struct rs_vec garbage = {0};
	uint64_t count[RS_PY_GENERATIONS] = {0};
	struct rs_py_gcstate state;
	struct rs_error *err = alone ? rs_py_find(rt, NULL, &found, NULL)
				     : rs_py_members(rt, number, &found, NULL);

	*ret = (struct rs_gc_info){0};
	if (!err)
		err = alone ? rs_py_garbage(rt, &garbage)
			    : rs_py_garbage_of(py, number, &garbage);
	const uint16_t *mark = rs_vec_items(&found.mark, uint16_t);
	for (size_t i = 0; i < rs_vec_count(&found.mark, uint16_t); i++)
		count[mark[i] & RS_OBJ_GENERATION]++;

	rs_py_gcstate(py, number, &state);
	if (alone)
		state.collecting = rt->gc_collecting	  ? 1
				   : py->collecting_known ? 0
							  : RS_GC_UNKNOWN;
	ret->enabled = state.enabled;
	ret->collecting = state.collecting;
	list_debug(state.debug, ret);
	describe_generations(py, &py->interpreter[number], count, ret);
	ret->garbage = rs_vec_count(&garbage, uint64_t);
	rs_py_last_collections(py, number, ret);
	rs_vec_fini(&garbage);
	rs_found_fini(&found);
	return err;
}
