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

enum { RS_RUNTIMES_MAX = UINT8_MAX }; // that fit in rs_graph.runtime

struct rs_session {
	struct rs_memory *memory; // owned
	struct rs_types types;
	// Owned, and so is each. An index here is what rs_graph.runtime and
	// rs_type_row.runtime hold.
	struct rs_runtime **runtime;
	size_t runtimes;
	// Owned: runtimes whose objects cannot be read (runtime.h, unread).
	struct rs_runtime **unread;
	size_t unreads;
	struct rs_progress progress;
	struct rs_graph tracked; // collectors' objects only; see has_tracked
	struct rs_graph all; // every object and root; see has_all
	struct rs_verdict verdict; // of a full collection of `all`
	bool has_tracked, has_all, has_verdict;
	struct rs_asked *asked; // [runtimes] what types reported
	bool asked_settled; // asking is over, or was found to be impossible
	char *source; // "core FILE", "process 123": for messages
	struct rs_open_options options; // exec and sysroot: NULL
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

/** Name in problem[] the second walls @p missing that an image has not. */
void rs_session_missing_walls(struct rs_session *session, uint32_t missing);

/** What is said of a NULL session: RS_EARGUMENT. */
struct rs_error *rs_session_is_closed(void);

/** First in every function that a caller hands a session to. */
#define RS_NEED_SESSION(session)                                               \
	do {                                                                   \
		if (!(session))                                                \
			return rs_session_is_closed();                         \
	} while (0)

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
 * is one of the two above; fates of all runtimes in one verdict.
 */
RS_MUST_CHECK struct rs_error *rs_session_verdict(struct rs_session *session,
						  struct rs_graph *graph,
						  struct rs_verdict *ret);

/**
 * Open what @p memory has of @p kind, the runtimes to look for.
 *
 * @param memory Taken, on failure too.
 * @param source "core FILE": for messages.
 * Errors: RS_ENOTFOUND (none of them is there); what their open() returns.
 */
RS_MUST_CHECK struct rs_error *
rs_session_open_memory(struct rs_memory *memory, const char *source,
		       const struct rs_open_options *options,
		       const struct rs_runtime_kind *kind, size_t kinds,
		       struct rs_session **ret);

/** @return The first runtime of that name ("cpython"), or NULL. */
struct rs_runtime *
rs_session_runtime_named(const struct rs_session *session, const char *name);

/** Objects whose types reported their references, of all runtimes. */
uint64_t rs_session_asked(const struct rs_session *session);

/** Objects whose types were to report them and could not. */
uint64_t rs_session_unasked(const struct rs_session *session);

/** @return The runtime that object @p number of @p graph belongs to. */
static inline struct rs_runtime *
rs_session_runtime(const struct rs_session *session,
		   const struct rs_graph *graph, uint32_t number)
{
	return session->runtime[rs_graph_runtime(graph, number)];
}

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
