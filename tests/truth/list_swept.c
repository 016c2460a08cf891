// SPDX-License-Identifier: MIT
//
//     list_swept PID
//
// What the sweep of pymalloc's arenas alone finds in a stopped process, a line
// each: `pool ADDRESS BYTES`, and of each block that was handed out `object
// ADDRESS TYPE`, `dead ADDRESS TYPE` or `other ADDRESS`. Of mimalloc its
// segments are told for pools.
#include "runtime/cpython/decode/types.h"
#include "runtime/cpython/heap/arenas.h"
#include "runtime/cpython/heap/mimalloc.h"
#include "session/session.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static struct rs_error *
tell(void *context, enum rs_py_block_kind kind, const struct rs_py_block *block)
{
	struct rs_cpython *py = context;
	const struct rs_py_type *t =
		block->object ? rs_py_known_of(py, block->object) : NULL;

	switch (kind) {
	case RS_PY_BLOCK_OBJECT:
		printf("object %" PRIu64 " %s\n", block->object,
		       t ? t->name : "?");
		break;
	case RS_PY_BLOCK_DEAD:
		printf("dead %" PRIu64 " %s\n",
		       block->object ? block->object : block->address,
		       t ? t->name : "float");
		break;
	default:
		printf("other %" PRIu64 "\n", block->address);
	}
	return NULL;
}

static struct rs_error *tell_pools(struct rs_cpython *py)
{
	struct rs_py_arenas arenas;
	struct rs_error *err = rs_py_arenas_find(py, &arenas);
	const size_t n = rs_vec_count(&arenas.arena, struct rs_py_arena);

	for (size_t i = 0; i < n && !err; i++)
		for (unsigned k = 0; k < RS_PY_ARENA_POOLS; k++) {
			const uint64_t at = rs_py_arena_pool(
				&arenas,
				&rs_vec_items(&arenas.arena,
					      struct rs_py_arena)[i],
				k);
			if (at)
				printf("pool %" PRIu64 " %" PRIu64 "\n", at,
				       arenas.pool_size);
		}
	rs_py_arenas_fini(&arenas);
	return err;
}

static struct rs_error *tell_segments(struct rs_cpython *py)
{
	struct rs_vec segments = {0};
	struct rs_error *err = rs_py_mi_segments(py, &segments);

	for (size_t i = 0; i < rs_vec_count(&segments, uint64_t); i++)
		printf("pool %" PRIu64 " %" PRIu64 "\n",
		       rs_vec_items(&segments, uint64_t)[i],
		       (uint64_t)RS_PY_MI_SEGMENT);
	rs_vec_fini(&segments);
	return err;
}

static struct rs_error *list(const char *pid)
{
	struct rs_session *session = NULL;
	struct rs_addrmap none = {0};
	struct rs_error *err = rs_session_open_live(
		(pid_t)strtol(pid, NULL, 10), NULL, &session);

	if (!err)
		err = rs_addrmap_init(&none);
	if (!err && !rs_session_runtime_named(session, "cpython"))
		err = rs_error_new(RS_ENOTFOUND, "no CPython in it");
	if (!err) {
		struct rs_cpython *py = rs_cpython(
			rs_session_runtime_named(session, "cpython"));

		err = py->threaded ? tell_segments(py) : tell_pools(py);
		if (!err)
			err = rs_py_blocks_each(py, &none, tell, py, NULL);
	}
	rs_addrmap_fini(&none);
	rs_session_close(session);
	return err;
}

int main(int argc, char **argv)
{
	struct rs_error *err =
		argc == 2
			? list(argv[1])
			: rs_error_new(RS_EARGUMENT, "usage: %s PID", argv[0]);

	if (!err)
		return 0;
	(void)fprintf(stderr, "%s\n", rs_error_message(err));
	rs_error_free(err);
	return 1;
}
