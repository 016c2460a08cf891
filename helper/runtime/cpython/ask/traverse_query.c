// SPDX-License-Identifier: MIT
#include "runtime/cpython/ask/ask.h"
#include "runtime/cpython/decode/types.h"
#include "runtime/cpython/state/discover.h"

enum { RS_LISTS_MAX = RS_PY_INTERPRETERS * RS_PY_GENERATIONS };

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
	uint64_t list[RS_LISTS_MAX];
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

struct rs_error *
rs_py_image(struct rs_runtime *rt, const struct rs_image_options *options,
	    struct rs_image_question *question, struct rs_process_image **image)
{
	struct rs_cpython *py = rs_cpython(rt);
	struct rs_image_options chosen = {0};
	struct rs_error *err = NULL;

	*question = (struct rs_image_question){
		.head_size = py->head_size,
		.ob_type = (uint64_t)rs_py_off(py, RS_F__object__ob_type),
		.tp_traverse =
			(uint64_t)rs_py_off(py, RS_F__typeobject__tp_traverse),
		.tp_flags = (uint64_t)rs_py_off(py, RS_F__typeobject__tp_flags),
		.tp_is_gc = (uint64_t)rs_py_off(py, RS_F__typeobject__tp_is_gc),
		.gc_flag = RS_TPF_GC,
	};
	if (options)
		chosen = *options;
	if (!chosen.fs_base)
		err = find_fs(py, &chosen.fs_base);
	return err ? err : rs_image_from_core(rt->memory, &chosen, image);
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
