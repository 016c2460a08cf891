// SPDX-License-Identifier: MIT
//
// The graphs of a session, each built once, when it is first needed.
#include "session/build.h"
#include "session/session.h"

typedef struct rs_error *(*build_fn)(struct rs_session *session,
				     struct rs_graph *ret);

// Build the graph, unless that was done. Check before and after that the files
// which are read have not changed.
static struct rs_error *build_once(struct rs_session *session, build_fn build,
				   struct rs_graph *graph, bool *has)
{
	struct rs_error *err = rs_session_check(session);
	struct rs_error *changed;

	if (err || *has)
		return err;
	session->types.no_memory = false; // this is a new attempt
	err = build(session, graph);
	if (!err)
		err = rs_types_check(&session->types);
	// A changed file is the likely cause of any other error.
	if ((changed = rs_memory_check(session->memory))) {
		rs_error_free(err);
		err = changed;
	}
	if (err) {
		rs_graph_fini(graph);
		*graph = (struct rs_graph){0};
	}
	*has = !err;
	return err;
}

struct rs_error *
rs_session_graph(struct rs_session *session, struct rs_graph **ret)
{
	struct rs_error *err = build_once(session, rs_build_all, &session->all,
					  &session->has_all);

	if (!err)
		*ret = &session->all;
	return err;
}

struct rs_error *
rs_session_tracked(struct rs_session *session, struct rs_graph **ret)
{
	if (session->has_all)
		return rs_session_graph(session, ret); // includes it
	struct rs_error *err =
		build_once(session, rs_build_tracked, &session->tracked,
			   &session->has_tracked);

	if (!err)
		*ret = &session->tracked;
	return err;
}

struct rs_ledger_source rs_session_ledger_source(struct rs_session *session)
{
	return (struct rs_ledger_source){
		.memory = session->memory,
		.runtime = session->runtime,
		.runtimes = session->runtimes,
		.graph = &session->all,
		.progress = &session->progress,
	};
}

struct rs_error *
rs_session_ledger(struct rs_session *session, const struct rs_ledger **ret)
{
	struct rs_graph *graph;
	struct rs_error *err = rs_session_graph(session, &graph);

	if (!err && !session->has_ledger) {
		const struct rs_ledger_source source =
			rs_session_ledger_source(session);

		err = rs_ledger_make(&source, &session->ledger);
		session->has_ledger = !err;
	}
	if (!err)
		*ret = &session->ledger;
	return err;
}
