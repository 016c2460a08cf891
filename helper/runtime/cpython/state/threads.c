// SPDX-License-Identifier: MIT
#include "runtime/cpython/decode/chain.h"
#include "runtime/cpython/decode/decode.h"
#include "runtime/cpython/state/discover.h"

#include <inttypes.h>
#include <stdio.h>

// The thread state that runs Python code, or did last.
static uint64_t holder_of(const struct rs_cpython *py, uint64_t interpreter)
{
	uint32_t locked = 0;
	const int32_t locked_at = rs_py_off(py, RS_F__is___gil__locked);

	if (!py->runtime)
		return rs_py_word_at(
			py, rs_py_symbol(py, "_PyThreadState_Current"));
	if (py->version < RS_PY(3, 12))
		return rs_py_get(py, py->runtime,
				 RS_F_pyruntimestate__gilstate__tstate_current);
	// Interpreters that share the GIL of the first one point to it.
	const uint64_t gil = rs_py_get(py, interpreter, RS_F__is__ceval__gil);
	const uint64_t owner = gil - (uint64_t)rs_py_off(py, RS_F__is___gil);
	if (!gil || locked_at < 0 ||
	    !rs_memory_u32(py->base.memory, owner + (uint64_t)locked_at,
			   &locked) ||
	    locked != 1)
		return 0;
	return rs_py_get(py, owner, RS_F__is___gil__last_holder);
}

// glibc's pthread_t is the address of a struct that contains the tid.
// Source: glibc 2.17 to 2.36, offsetof(struct pthread, tid): x86-64, aarch64.
static bool is_ident(struct rs_memory *memory, uint64_t ident,
		     const struct rs_thread *thread)
{
	static const uint64_t places[] = {0x2d0, 0xd0};

	if (thread->fs_base)
		return thread->fs_base == ident;
	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		uint32_t tid = 0;

		if (rs_memory_u32(memory, ident + places[i], &tid) &&
		    tid == thread->tid)
			return true;
	}
	return false;
}

// Before 3.11 there is only the pthread_t.
static int64_t
tid_of(const struct rs_cpython *py, uint64_t address, uint64_t ident)
{
	struct rs_memory *memory = py->base.memory;

	if (rs_py_off(py, RS_F__ts__native_thread_id) >= 0)
		return (int64_t)rs_py_get(py, address,
					  RS_F__ts__native_thread_id);
	for (size_t i = 0; i < memory->threads; i++)
		if (ident && is_ident(memory, ident, &memory->thread[i]))
			return memory->thread[i].tid;
	return 0;
}

void rs_py_tell_loop(struct rs_cpython *py, const char *what)
{
	rs_memory_gap(py->base.memory,
		      "CPython %s: a list of its %s contains a cycle; "
		      "some may be missing, or reported twice",
		      py->version_text, what);
}

struct rs_error *rs_py_threads(struct rs_cpython *py, struct rs_vec *ret)
{
	// The head of the list is a field of the interpreter, in newer versions
	// in a struct.
	const enum rs_field list = rs_py_off(py, RS_F__is__tstate_head) >= 0
					   ? RS_F__is__tstate_head
					   : RS_F__is__threads__head;
	unsigned n = 0;

	for (unsigned i = 0; i < py->interpreters; i++) {
		const uint64_t interpreter = py->interpreter[i].address;
		const uint64_t holder = holder_of(py, interpreter);
		uint64_t address = rs_py_get(py, interpreter, list);
		struct rs_py_chain chain = {0};

		for (; address && n < RS_PY_MAX_THREADS; n++) {
			struct rs_py_thread *t;

			if (!rs_py_chain_step(&chain, address)) {
				rs_py_tell_loop(py, "threads");
				break;
			}
			if (rs_py_get(py, address, RS_F__ts__interp) !=
			    interpreter) {
				rs_memory_gap(
					py->base.memory,
					"CPython %s: no thread state at "
					"0x%llx, where its list has one; this "
					"and later threads are missing",
					py->version_text,
					(unsigned long long)address);
				break;
			}
			t = rs_vec_push(ret, sizeof(*t));
			if (!t)
				return &rs_enomem;
			t->address = address;
			t->interpreter = i;
			t->ident = rs_py_get(py, address, RS_F__ts__thread_id);
			t->tid = tid_of(py, address, t->ident);
			t->holds_gil = address == holder;
			address = rs_py_get(py, address, RS_F__ts__next);
		}
		if (address && n >= RS_PY_MAX_THREADS)
			rs_memory_gap(py->base.memory,
				      "CPython %s: more than %d threads; "
				      "references from the others are missing",
				      py->version_text, RS_PY_MAX_THREADS);
	}
	return NULL;
}

const struct rs_thread *
rs_py_os_thread(const struct rs_cpython *py, const struct rs_py_thread *thread)
{
	const struct rs_memory *memory = py->base.memory;

	for (size_t i = 0; i < memory->threads; i++)
		if (memory->thread[i].fs_base == thread->ident ||
		    (thread->tid && memory->thread[i].tid == thread->tid))
			return &memory->thread[i];
	return NULL;
}

void rs_py_thread_text(const struct rs_py_thread *thread, char *buf,
		       size_t size)
{
	if (thread->tid)
		(void)snprintf(buf, size, "thread %" PRId64, thread->tid);
	else
		(void)snprintf(buf, size, "thread 0x%" PRIx64, thread->ident);
}
