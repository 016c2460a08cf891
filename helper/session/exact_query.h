// SPDX-License-Identifier: MIT
/**
 * @file
 * Types of a core are asked while their objects are read.
 *
 * The image runs in a process of its own; a thread waits for it. What is asked
 * of whom: enum rs_exact.
 */
#ifndef RS_SESSION_EXACT_QUERY_H
#define RS_SESSION_EXACT_QUERY_H

#include "session/session.h"

struct rs_exact_query;

/**
 * Whether an object that find() marked so is to be asked.
 *
 * Where all types are known to the decoders both ways tell the same (that is
 * what rs_answer_verify() is for), and reading costs less: it needs no second
 * pass over the objects and, for a core of gcore's, no copy of all memory. So
 * without being told to, only that is asked at which reading would guess.
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

/** Whether all that is tracked is to be asked, so that little is read. */
static inline bool rs_exact_wanted_all(const struct rs_session *session)
{
	return session->options.exact == RS_EXACT_ON;
}

/** Whether what such an object's type reports takes the place of reading. */
static inline bool rs_exact_wanted_instead(const struct rs_session *session,
					   uint8_t runtime, uint16_t mark)
{
	return rs_exact_wanted_all(session) &&
	       !session->runtime[runtime]->ops->query_adds &&
	       rs_exact_wanted(session, runtime, mark);
}

/** Objects to ask, for rs_exact_query_start(); one list for each runtime. */
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
 * Start to ask the types of the objects in @p list.
 *
 * @param list Its lists are taken over, and left empty.
 * @param collecting Only what a collection would find is wanted: where
 *        nobody insists and that cannot depend on them, nobody is asked.
 * @param[out] ret NULL when there is nobody to ask, or they were before, or
 *        they cannot be and need not: the session then says so.
 * Errors: RS_ENOMEM; with RS_EXACT_ON, those of enum rs_exact.
 */
RS_MUST_CHECK struct rs_error *
rs_exact_query_start(struct rs_session *session, struct rs_exact_list *list,
		     bool collecting, struct rs_exact_query **ret);

/**
 * Wait for the end; session->exact then has what was told. Frees @p asking;
 * NULL is allowed. Errors: as above; RS_EINTERRUPTED.
 */
RS_MUST_CHECK struct rs_error *
rs_exact_query_join(struct rs_exact_query *asking);

/** Have it given up, wait, and free it. NULL is allowed. */
void rs_exact_query_stop(struct rs_exact_query *asking);

#endif /* RS_SESSION_EXACT_QUERY_H */
