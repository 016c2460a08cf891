// SPDX-License-Identifier: MIT
//
// The reference counts of free-threaded builds. Each object has two: that of
// the thread that owns it, and that of all others. From 3.14 on, each thread
// also has a table with counts of classes and code; and references from a
// thread's stack to objects with deferred counting are not counted at all. The
// collector adds both before a collection; so does this.
//
// Source: CPython 3.14 Python/uniqueid.c, Python/gc_free_threading.c.
#include "runtime/cpython/decode/decode.h"
#include "runtime/cpython/heap/mimalloc.h"
#include "runtime/cpython/state/discover.h"

#include <stdlib.h>

enum { RS_IDS_MAX = 1 << 24 };

static struct rs_error *
add(struct rs_cpython *py, uint64_t object, int64_t count)
{
	const struct rs_py_deferred_count deferred = {object, count};

	if (!object || !count)
		return NULL;
	return rs_vec_append(&py->deferred_counts, &deferred, sizeof(deferred));
}

static struct rs_error *
add_table(struct rs_cpython *py, const struct rs_py_thread *thread)
{
	const uint64_t interpreter =
		py->interpreter[thread->interpreter].address;
	const uint64_t ids =
		rs_py_get(py, interpreter, RS_F__is__unique_ids__size);
	const uint64_t object =
		rs_py_get(py, interpreter, RS_F__is__unique_ids__table);
	const uint64_t counts = rs_py_get(
		py, thread->address, RS_F__PyThreadStateImpl__refcounts__size);
	const uint64_t count =
		rs_py_get(py, thread->address,
			  RS_F__PyThreadStateImpl__refcounts__values);
	struct rs_error *err = NULL;

	if (ids > RS_IDS_MAX && counts > RS_IDS_MAX)
		rs_memory_gap(
			py->base.memory,
			"CPython %s: of more than %d objects threads keep "
			"a part of the count; counts of the others are "
			"too low",
			py->version_text, RS_IDS_MAX);
	for (uint64_t i = 0; i < ids && i < counts && i < RS_IDS_MAX && !err;
	     i++) {
		uint64_t of, n;

		if (!rs_memory_u64(py->base.memory, object + i * 8, &of) ||
		    !rs_memory_u64(py->base.memory, count + i * 8, &n)) {
			rs_memory_gap(
				py->base.memory,
				"CPython %s: the parts of counts that threads "
				"keep cannot be read from number %llu on; "
				"counts of those objects are too low",
				py->version_text, (unsigned long long)i);
			return NULL; // use those that could be read
		}
		err = add(py, of, (int64_t)n);
	}
	return err;
}

static struct rs_error *
add_deferred(struct rs_cpython *py, const struct rs_refs *refs)
{
	struct rs_error *err = NULL;

	for (uint32_t k = 0; k < refs->n && !err; k++)
		if (refs->kind[k] == RS_WEAK)
			err = add(py, refs->target[k], 1);
	return err;
}

struct generators {
	struct rs_cpython *py;
	struct rs_refs *refs;
	struct rs_error *err;
};

static bool visit(void *context, const struct rs_py_mi_block *block)
{
	struct generators *g = context;
	struct rs_cpython *py = g->py;
	const uint8_t *p =
		rs_memory_at(py->base.memory, block->object, py->header_size);
	const struct rs_py_type *t;

	if (!p ||
	    !(p[rs_py_off(py, RS_F__object__ob_gc_bits)] & RS_PY_BIT_TRACKED))
		return true;
	t = rs_py_known(py, rs_py_word(p + py->known->ob_type));
	if (!t || t->how != RS_PY_GENERATOR)
		return true;
	g->refs->n = 0;
	rs_py_generator_refs(py, t, block->object, g->refs);
	g->err = add_deferred(py, g->refs);
	return !g->err;
}

static struct rs_error *
add_generators(struct rs_cpython *py, struct rs_refs *refs)
{
	struct generators g = {.py = py, .refs = refs};
	struct rs_error *err =
		rs_py_mi_each(py, 1U << RS_PY_MI_GC, visit, &g, NULL, NULL);

	return err ? err : g.err;
}

// Add the references of frames, of threads and of generators, that are not
// counted.
static struct rs_error *add_stacks(struct rs_cpython *py)
{
	struct rs_vec frames = {0};
	struct rs_refs refs;
	struct rs_error *err = rs_refs_init(&refs, false);

	if (err)
		return err;
	err = add_generators(py, &refs);
	if (!err)
		err = rs_py_frames(py, &frames);
	const struct rs_py_frame *frame =
		rs_vec_items(&frames, struct rs_py_frame);
	const size_t n = rs_vec_count(&frames, struct rs_py_frame);

	for (size_t i = 0; i < n && !err; i++) {
		refs.n = 0;
		rs_py_iframe_refs(py, frame[i].address, frame[i].executing,
				  &refs);
		err = add_deferred(py, &refs);
	}
	rs_vec_fini(&frames);
	rs_refs_fini(&refs);
	return err;
}

static int by_object(const void *a, const void *b)
{
	const struct rs_py_deferred_count *x = a, *y = b;

	return (x->object > y->object) - (x->object < y->object);
}

struct rs_error *rs_py_find_deferred_counts(struct rs_cpython *py)
{
	struct rs_vec threads = {0};
	struct rs_error *err;
	size_t n, to = 0;

	if (!py->threaded || py->version < RS_PY(3, 14))
		return NULL;
	err = rs_py_threads(py, &threads);
	const struct rs_py_thread *thread =
		rs_vec_items(&threads, struct rs_py_thread);
	for (size_t i = 0;
	     i < rs_vec_count(&threads, struct rs_py_thread) && !err; i++)
		err = add_table(py, &thread[i]);
	rs_vec_fini(&threads);
	if (err || (err = add_stacks(py)))
		return err;
	py->deferred_known = true;

	struct rs_py_deferred_count *item =
		rs_vec_items(&py->deferred_counts, struct rs_py_deferred_count);
	n = rs_vec_count(&py->deferred_counts, struct rs_py_deferred_count);
	if (!n)
		return NULL;
	qsort(item, n, sizeof(*item), by_object);
	for (size_t i = 1; i < n; i++)
		if (item[i].object == item[to].object)
			item[to].count += item[i].count;
		else
			item[++to] = item[i];
	py->deferred_counts.used = (to + 1) * sizeof(*item);
	return NULL;
}
