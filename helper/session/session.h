// SPDX-License-Identifier: MIT
/**
 * @file
 * A session: an open target, its runtimes, and the graphs that have been built.
 */
#ifndef RS_SESSION_SESSION_H
#define RS_SESSION_SESSION_H

#include "base/work.h"
#include "refscope/engine.h"
#include "roots/ledger.h"
#include "runtime/runtime.h"
#include "session/exact_answer.h"

enum { RS_RUNTIMES_MAX = UINT8_MAX }; // indexes fit in rs_graph.runtime

/** A target that was opened. */
struct rs_session {
	struct rs_memory *memory; // owned
	struct rs_types types;
	// Owned, array and elements. The indexes are those in rs_graph.runtime
	// and rs_type_row.runtime.
	struct rs_runtime **runtime;
	size_t runtimes;
	// Owned: runtimes whose objects cannot be read (rs_runtime.unread).
	struct rs_runtime **unread;
	size_t unreads;
	struct rs_progress progress;
	struct rs_graph tracked; // valid if has_tracked: tracked objects only
	struct rs_graph all; // valid if has_all: every object and root
	// Valid if has_full_collection: a full collection of `all`.
	struct rs_collect_result full_collection;
	struct rs_ledger ledger; // valid if has_ledger: of `all`
	bool has_tracked, has_all, has_full_collection, has_ledger;
	// What leaks, for answer/leaks/; NULL until it is asked for. Freed
	// first, by findings_free.
	void *findings;
	void (*findings_free)(void *findings);
	struct rs_exact_answer *exact; // [runtimes] what types reported
	// After rs_session_renew(), which sets `ran`: owned.
	struct rs_runtime *now;
	struct rs_types now_types;
	bool ran;
	bool exact_settled; // the query is over, or was found to be impossible
	char *source; // "core FILE", "process 123": for messages; owned
	struct rs_open_options options; // exec and sysroot are NULL here
};

/** Options of an image of the session's core, as the session was opened. */
static inline struct rs_image_options
rs_session_image_options(const struct rs_session *session)
{
	return (struct rs_image_options){
		.memory = session->options.run_memory,
		.run = session->options.run,
	};
}

/** How many threads may read the target, the caller's included. */
static inline unsigned rs_session_threads(const struct rs_session *session)
{
	const uint64_t wanted = session->options.threads;

	return rs_work_threads(wanted < RS_WORKERS_MOST ? (unsigned)wanted
							: RS_WORKERS_MOST);
}

/** Name in problem[] the second walls @p missing that an image has not. */
void rs_session_missing_walls(struct rs_session *session, uint32_t missing);

/** What is said of a NULL session: RS_EARGUMENT. */
struct rs_error *rs_session_is_closed(void);
/** The error for a session whose target has run: RS_EARGUMENT. */
struct rs_error *rs_session_is_of_the_past(void);

/** First in every function that a caller hands a session to. */
#define RS_NEED_SESSION(session)                                               \
	do {                                                                   \
		if (!(session))                                                \
			return rs_session_is_closed();                         \
		if ((session)->ran)                                            \
			return rs_session_is_of_the_past();                    \
	} while (0)

/**
 * To be called before a runtime is used directly, without a graph.
 * Errors: RS_EUNSUPPORTED when no runtime can be read, with the reason; those
 * of rs_memory_check().
 */
RS_MUST_CHECK struct rs_error *
rs_session_check(const struct rs_session *session);

/**
 * Create a second session for another thread, which can only read objects. The
 * target must be a core with one runtime that has view().
 *
 * @param[out] ret To be closed before @p session.
 * Errors: RS_ENOMEM.
 */
RS_MUST_CHECK struct rs_error *
rs_session_new_view(struct rs_session *session, struct rs_session **ret);

/** The graph of all objects, built by the first call. Borrowed.
 * Errors: as rs_session_check(), rs_build_all(). */
RS_MUST_CHECK struct rs_error *
rs_session_graph(struct rs_session *session, struct rs_graph **ret);

/** The graph of tracked objects: enough for a collection, and much cheaper. If
 * that of all objects is there, it is returned instead. Borrowed.
 * Errors: as rs_session_check(), rs_build_tracked(). */
RS_MUST_CHECK struct rs_error *
rs_session_tracked(struct rs_session *session, struct rs_graph **ret);

/** The ledger of the graph of all objects, made by the first call. Borrowed.
 * Errors: as rs_session_graph(), rs_ledger_make(). */
RS_MUST_CHECK struct rs_error *
rs_session_ledger(struct rs_session *session, const struct rs_ledger **ret);

/** What a ledger or a balance is made of, once there is the graph of all
 * objects. Borrowed. */
struct rs_ledger_source rs_session_ledger_source(struct rs_session *session);

/**
 * Run full collections of all runtimes, by their own rules, over @p graph, one
 * of the two above.
 * @param[out] ret The fates of all objects, to be released by
 *             rs_collect_result_fini().
 * Errors: as rs_session_collect().
 */
RS_MUST_CHECK struct rs_error *
rs_session_collect_full(struct rs_session *session, struct rs_graph *graph,
			struct rs_collect_result *ret);

/**
 * Open the runtimes in @p memory.
 *
 * @param memory Owned by the session from now on, and closed on failure.
 * @param source "core FILE": for messages. Copied.
 * @param kind [kinds] The runtimes to look for.
 * Errors: RS_ENOTFOUND (there is none); RS_ENOMEM; what their open() returns.
 */
RS_MUST_CHECK struct rs_error *
rs_session_open_memory(struct rs_memory *memory, const char *source,
		       const struct rs_open_options *options,
		       const struct rs_runtime_kind *kind, size_t kinds,
		       struct rs_session **ret);

/** @return The first runtime of that name ("cpython"), or NULL. */
struct rs_runtime *
rs_session_runtime_named(const struct rs_session *session, const char *name);

/** The number of traversed objects, of all runtimes. */
uint64_t rs_session_traversed(const struct rs_session *session);

/** The number of objects that should have been traversed but could not be. */
uint64_t rs_session_not_traversed(const struct rs_session *session);

/** @return The runtime that object @p number of @p graph belongs to. Borrowed.
 */
static inline struct rs_runtime *
rs_session_runtime(const struct rs_session *session,
		   const struct rs_graph *graph, uint32_t number)
{
	return session->runtime[rs_graph_runtime(graph, number)];
}

/**
 * Read object @p number again, with labels, and merge the references that its
 * type's traverse function found. The result is that of the graph of all
 * objects, in the same order, plus references that lead to no object.
 * @param refs From rs_refs_init() with labels; cleared first.
 */
void rs_session_refs(struct rs_session *session, const struct rs_graph *graph,
		     uint32_t number, struct rs_refs *refs);

/** The same, but only by reading. */
void rs_session_read_refs(struct rs_session *session,
			  const struct rs_graph *graph, uint32_t number,
			  struct rs_refs *refs);

#endif /* RS_SESSION_SESSION_H */
