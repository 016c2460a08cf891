// SPDX-License-Identifier: MIT
#include "runtime/cpython/ask/ask.h"

#include "base/cleanup.h"
#include "runtime/cpython/decode/types.h"
#include "runtime/cpython/state/discover.h"

enum { RS_QUERY_LISTS_MAX = RS_PY_INTERPRETERS * RS_PY_GENERATIONS };

// The thread pointer of the thread that runs Python code, or else of one
// that could.
static struct rs_error *find_fs(struct rs_cpython *py, uint64_t *ret)
{
	struct rs_vec threads = {0};
	struct rs_error *err = rs_py_threads(py, &threads);
	const struct rs_py_thread *thread =
		rs_vec_items(&threads, struct rs_py_thread);

	for (size_t i = 0; i < rs_vec_count(&threads, struct rs_py_thread); i++)
		if (!*ret || thread[i].holds_gil) {
			const struct rs_thread *own =
				rs_py_os_thread(py, &thread[i]);
			*ret = own && own->fs_base ? own->fs_base : *ret;
		}
	rs_vec_fini(&threads);
	return err;
}

static struct rs_error *
walk(struct rs_cpython *py, struct rs_process_image *image,
     struct rs_image_question *question, struct rs_image_answer *ret)
{
	uint64_t list[RS_QUERY_LISTS_MAX];
	struct rs_found found = {0};
	struct rs_error *err = NULL;

	for (unsigned i = 0; i < py->interpreters; i++)
		for (unsigned g = 0; g < RS_PY_GENERATIONS; g++)
			if (py->interpreter[i].head[g])
				list[question->lists++] =
					py->interpreter[i].head[g];
	question->list = list;
	// A collector without lists: its objects are found by other means.
	if (!question->lists) {
		err = py->base.ops->find(&py->base, NULL, &found,
					 question->progress);
		question->object = rs_vec_items(&found.address, uint64_t);
		question->objects = rs_vec_count(&found.address, uint64_t);
	}
	if (!err)
		err = rs_image_walk(image, question, ret);
	question->list = NULL;
	rs_found_fini(&found);
	return err;
}

// The functions of all types met so far.
static struct rs_error *expect_types(struct rs_cpython *py,
				     const struct rs_image_question *question,
				     struct rs_process_image *image)
{
	struct rs_memory *memory = py->base.memory;
	struct rs_py_type *const *type =
		rs_vec_items(&py->known->all, struct rs_py_type *);
	const size_t n = rs_vec_count(&py->known->all, struct rs_py_type *);
	RS_CLEANUP(rs_vec_fini) struct rs_vec function = {0};
	uint64_t *slot = rs_vec_push(&function, (2 * n + 1) * sizeof(*slot));

	if (!slot)
		return &rs_enomem;
	memset(slot, 0, (2 * n + 1) * sizeof(*slot));
	for (size_t i = 0; i < n; i++) {
		(void)rs_memory_u64(memory,
				    type[i]->address + question->tp_traverse,
				    &slot[2 * i]);
		(void)rs_memory_u64(memory,
				    type[i]->address + question->tp_is_gc,
				    &slot[2 * i + 1]);
	}
	return rs_image_expect(image, slot, 2 * n);
}

static struct rs_image_question where_types_are(const struct rs_cpython *py)
{
	return (struct rs_image_question){
		.head_size = py->head_size,
		.ob_type = (uint64_t)rs_py_off(py, RS_F__object__ob_type),
		.tp_traverse =
			(uint64_t)rs_py_off(py, RS_F__typeobject__tp_traverse),
		.tp_flags = (uint64_t)rs_py_off(py, RS_F__typeobject__tp_flags),
		.tp_is_gc = (uint64_t)rs_py_off(py, RS_F__typeobject__tp_is_gc),
		.gc_flag = RS_TPF_GC,
	};
}

void rs_py_query_functions(struct rs_runtime *rt, uint64_t object,
			   uint64_t ret[2])
{
	const struct rs_image_question q = where_types_are(rs_cpython(rt));
	uint64_t type = 0, flags = 0;

	ret[0] = ret[1] = 0;
	if (!rs_memory_u64(rt->memory, object + q.ob_type, &type) ||
	    !rs_memory_u64(rt->memory, type + q.tp_flags, &flags) ||
	    !(flags & q.gc_flag) ||
	    !rs_memory_u64(rt->memory, type + q.tp_traverse, &ret[0]) ||
	    !rs_memory_u64(rt->memory, type + q.tp_is_gc, &ret[1]))
		ret[0] = ret[1] = 0;
}

struct rs_error *
rs_py_image(struct rs_runtime *rt, const struct rs_image_options *options,
	    struct rs_image_question *question, struct rs_process_image **image)
{
	struct rs_cpython *py = rs_cpython(rt);
	struct rs_image_options chosen = {0};
	struct rs_error *err = NULL;

	*question = where_types_are(py);
	if (options)
		chosen = *options;
	if (!chosen.fs_base)
		err = find_fs(py, &chosen.fs_base);
	if (!err)
		err = rs_image_from_core(rt->memory, &chosen, image);
	return err ? err : expect_types(py, question, *image);
}

struct rs_error *
rs_py_ask(struct rs_runtime *rt, const struct rs_image_options *options,
	  const struct rs_progress *progress, struct rs_image_answer *ret)
{
	struct rs_process_image *image = NULL;
	struct rs_image_question question;
	struct rs_error *err = rs_py_image(rt, options, &question, &image);

	question.progress = progress;
	if (!err)
		err = walk(rs_cpython(rt), image, &question, ret);
	rs_image_close(image);
	return err;
}
