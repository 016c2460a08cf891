// SPDX-License-Identifier: MIT
//
// Free-threaded builds: an object that another thread than its own let go for
// the last time waits in a queue of its own thread, which merges its counts
// when it next executes Python code. The queue holds a reference. A thread that
// is blocked keeps all that waits for it alive.
//
// Source: CPython 3.13 to 3.15, Include/internal/pycore_brc.h and
// pycore_object_stack.h. The struct _brc_thread_state is somewhere in the
// thread's state, at another place in each patch release:
//
//     struct llist_node bucket_node;  // next, previous
//     uintptr_t tid;
//     _PyObjectStack objects_to_merge, local_objects_to_merge;
#include "runtime/cpython/decode/chain.h"
#include "runtime/cpython/decode/decode.h"
#include "runtime/cpython/state/discover.h"

enum {
	RS_STATE_SIZE = 32 << 10, // more than that of a thread in any release
	RS_NODE_SIZE = 16,
	RS_QUEUES = 2,
	RS_CHUNK_ITEMS = 254,
	RS_CHUNK_HEADER = 16, // previous chunk, number of items
};

// Whether the words before @p at are a node of a list, and that is @p ident.
static bool is_state(struct rs_cpython *py, uint64_t at, uint64_t ident)
{
	const uint64_t node = at - RS_NODE_SIZE;
	const uint64_t next = rs_py_word_at(py, node);
	const uint64_t previous = rs_py_word_at(py, node + 8);

	return rs_py_word_at(py, at) == ident && next && previous &&
	       rs_py_word_at(py, next + 8) == node &&
	       rs_py_word_at(py, previous) == node;
}

// Where the queues of @p thread are, or 0.
static uint64_t
find_queues(struct rs_cpython *py, const struct rs_py_thread *thread)
{
	uint64_t at = thread->address + py->merge_queues_at;

	if (!py->threaded || !thread->ident)
		return 0;
	if (py->merge_queues_at && is_state(py, at, thread->ident))
		return at + 8;
	for (at = thread->address + RS_NODE_SIZE;
	     at < thread->address + RS_STATE_SIZE; at += 8) {
		if (!is_state(py, at, thread->ident))
			continue;
		py->merge_queues_at = at - thread->address;
		return at + 8;
	}
	return 0; // it is not bound to a thread of the system
}

static struct rs_error *
add_chunks(struct rs_cpython *py, uint64_t chunk, struct rs_vec *ret)
{
	struct rs_py_chain chain = {0};

	for (; chunk; chunk = rs_py_word_at(py, chunk)) {
		const uint64_t n = rs_py_word_at(py, chunk + 8);

		if (!rs_py_chain_step(&chain, chunk) || n > RS_CHUNK_ITEMS) {
			rs_memory_gap(
				py->base.memory,
				"CPython %s: a thread's queue of objects "
				"whose counts it has to merge is damaged; "
				"some are missing",
				py->version_text);
			return NULL;
		}
		for (uint64_t i = 0; i < n; i++) {
			const uint64_t slot = chunk + RS_CHUNK_HEADER + i * 8;
			struct rs_error *err =
				rs_vec_append(ret, &slot, sizeof(slot));

			if (err)
				return err;
		}
	}
	return NULL;
}

struct rs_error *rs_py_merge_queue(struct rs_cpython *py,
				   const struct rs_py_thread *thread,
				   struct rs_vec *ret)
{
	const uint64_t at = find_queues(py, thread);
	struct rs_error *err = NULL;

	for (unsigned i = 0; at && i < RS_QUEUES && !err; i++)
		err = add_chunks(py, rs_py_word_at(py, at + i * 8), ret);
	return err;
}

struct rs_error *rs_py_released(struct rs_runtime *rt, struct rs_vec *ret)
{
	struct rs_cpython *py = rs_cpython(rt);
	struct rs_vec threads = {0}, slots = {0};
	struct rs_error *err =
		py->threaded ? rs_py_threads(py, &threads) : NULL;
	const struct rs_py_thread *thread =
		rs_vec_items(&threads, struct rs_py_thread);
	const size_t n = rs_vec_count(&threads, struct rs_py_thread);

	for (size_t i = 0; i < n && !err; i++)
		err = rs_py_merge_queue(py, &thread[i], &slots);
	const uint64_t *slot = rs_vec_items(&slots, uint64_t);
	for (size_t i = 0; i < rs_vec_count(&slots, uint64_t) && !err; i++) {
		const uint64_t object = rs_py_word_at(py, slot[i]);

		err = rs_vec_append(ret, &object, sizeof(object));
	}
	rs_vec_fini(&slots);
	rs_vec_fini(&threads);
	return err;
}
