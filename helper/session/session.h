// SPDX-License-Identifier: MIT
/**
 * @file
 * A target that was opened, its runtimes, and the graphs made of it so far.
 */
#ifndef RS_SESSION_SESSION_H
#define RS_SESSION_SESSION_H

#include "refscope/engine.h"
#include "runtime/runtime.h"
#include "session/exact_answer.h"

enum { RS_RUNTIMES = 2 };

struct rs_session {
	struct rs_memory *memory; // owned
	struct rs_types types;
	struct rs_runtime *runtime[RS_RUNTIMES]; // owned; the first `runtimes`
	size_t runtimes;
	// The same by RS_OBJ_NATIVE: [0] CPython, [1] native; NULL when absent.
	struct rs_runtime *by_flag[2];
	// Owned: a runtime whose objects cannot be read (runtime.h, unread),
	// which is none of the above; NULL: there is none.
	struct rs_runtime *unread;
	struct rs_progress progress;
	struct rs_graph tracked; // collectors' objects only; see has_tracked
	struct rs_graph all; // every object and root; see has_all
	struct rs_verdict verdict; // of a full collection of `all`
	bool has_tracked, has_all, has_verdict;
	struct rs_asked asked; // what types told; empty when none was asked
	char *source; // "core FILE", "process 123": for messages
	struct rs_open_options options; // exec and sysroot: NULL
};

/**
 * Errors: RS_EUNSUPPORTED when there is no runtime but one whose objects
 * cannot be read, with the reason; those of rs_memory_check(): for what asks
 * runtimes without a graph.
 */
RS_MUST_CHECK struct rs_error *
rs_session_check(const struct rs_session *session);

/**
 * The session as another thread may have it, of a core with one runtime that
 * has views: for reading objects, no more. To be closed before @p session.
 *
 * Errors: RS_ENOMEM.
 */
RS_MUST_CHECK struct rs_error *
rs_session_new_view(struct rs_session *session, struct rs_session **ret);

/** The graph of everything, built on first call. Borrowed from @p session. */
RS_MUST_CHECK struct rs_error *
rs_session_graph(struct rs_session *session, struct rs_graph **ret);

/** The graph of what collectors track: enough to collect, and much cheaper. */
RS_MUST_CHECK struct rs_error *
rs_session_tracked(struct rs_session *session, struct rs_graph **ret);

/**
 * Full collections of all runtimes by their own rules over @p graph, which
 * is one of the two above; fates of both runtimes in one verdict.
 */
RS_MUST_CHECK struct rs_error *rs_session_verdict(struct rs_session *session,
						  struct rs_graph *graph,
						  struct rs_verdict *ret);

/** @return The runtime that object @p number of @p graph belongs to. */
struct rs_runtime *rs_session_runtime(const struct rs_session *session,
				      const struct rs_graph *graph,
				      uint32_t number);

/**
 * Read object @p number again, with labels, and merge what its type told: what
 * the graph of everything has, in the same order, and besides what led to no
 * object.
 * @param refs Made with labels; cleared first.
 */
void rs_session_refs(struct rs_session *session, const struct rs_graph *graph,
		     uint32_t number, struct rs_refs *refs);

/** The same by reading alone, whatever its type told. */
void rs_session_read_refs(struct rs_session *session,
			  const struct rs_graph *graph, uint32_t number,
			  struct rs_refs *refs);

#endif /* RS_SESSION_SESSION_H */
