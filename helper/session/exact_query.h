// SPDX-License-Identifier: MIT
/**
 * @file
 * Exact queries: types' own functions report references while other objects are
 * read.
 *
 * They run in an image of the core, a separate process; a thread waits for it.
 * Which objects are traversed: enum rs_exact.
 */
#ifndef RS_SESSION_EXACT_QUERY_H
#define RS_SESSION_EXACT_QUERY_H

#include "session/session.h"

struct rs_exact_query;

/**
 * Whether to traverse an object with the mark @p mark of find().
 *
 * For types that the decoders know both methods give the same references
 * (rs_answer_verify() compares them), and reading is cheaper: it needs no
 * second pass over the objects and, for a core that GDB wrote, no copy of all
 * memory. So in auto mode only objects are traversed that reading would guess
 * at.
 */
static inline bool rs_exact_wanted(const struct rs_session *session,
				   uint8_t runtime, uint16_t mark)
{
	const struct rs_runtime_ops *ops = session->runtime[runtime]->ops;

	if (!(mark & RS_OBJ_TRACKED) || !ops->image)
		return false;
	return (session->options.exact == RS_EXACT_ON &&
		(!ops->query_adds || (mark & RS_OBJ_INEXACT))) ||
	       (session->options.exact == RS_EXACT_AUTO &&
		(mark & RS_OBJ_INEXACT));
}

/** Whether all tracked objects are traversed, so that little is read. */
static inline bool rs_exact_wanted_all(const struct rs_session *session)
{
	return session->options.exact == RS_EXACT_ON;
}

/** Whether the references that the type reports replace those that are read. */
static inline bool rs_exact_wanted_instead(const struct rs_session *session,
					   uint8_t runtime, uint16_t mark)
{
	return rs_exact_wanted_all(session) &&
	       !session->runtime[runtime]->ops->query_adds &&
	       rs_exact_wanted(session, runtime, mark);
}

/** Objects to traverse, for rs_exact_query_start(); one list for each runtime.
 */
struct rs_exact_list {
	struct rs_vec *object; // [runtimes] of uint64_t, ascending
	size_t runtimes;
};

/** Errors: RS_ENOMEM. */
RS_MUST_CHECK struct rs_error *
rs_exact_list_init(struct rs_exact_list *list,
		   const struct rs_session *session);
void rs_exact_list_fini(struct rs_exact_list *list);

/** Append @p address, of an object of @p runtime. Errors: RS_ENOMEM. */
RS_MUST_CHECK static inline struct rs_error *
rs_exact_list_add(struct rs_exact_list *list, uint8_t runtime, uint64_t address)
{
	uint64_t *slot = rs_vec_push(&list->object[runtime], sizeof(*slot));

	if (!slot)
		return &rs_enomem;
	*slot = address;
	return NULL;
}

/**
 * Start to traverse the objects in @p list.
 *
 * @param list Its lists are taken over, and left empty.
 * @param collecting The caller needs only the result of a collection. In auto
 *        mode, skip when that cannot depend on these objects.
 * @param[out] ret NULL if nothing is to be traversed, or it was before, or (in
 *        auto mode) it cannot be: the session then has a problem.
 * Errors: RS_ENOMEM; with RS_EXACT_ON, those of enum rs_exact.
 */
RS_MUST_CHECK struct rs_error *
rs_exact_query_start(struct rs_session *session, struct rs_exact_list *list,
		     bool collecting, struct rs_exact_query **ret);

/**
 * Wait for the end; session->exact then has the answer. Frees @p exact;
 * NULL is allowed. Errors: as above; RS_EINTERRUPTED.
 */
RS_MUST_CHECK struct rs_error *
rs_exact_query_join(struct rs_exact_query *exact);

/** Stop the query, wait for it to end, and free it. NULL is allowed. */
void rs_exact_query_stop(struct rs_exact_query *exact);

#endif /* RS_SESSION_EXACT_QUERY_H */
