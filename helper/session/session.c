// SPDX-License-Identifier: MIT
#include "session/session.h"

#include "session/build.h"
#include "session/collection.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct rs_error *(*open_fn)(struct rs_memory *memory,
				    struct rs_types *types, uint8_t index,
				    struct rs_runtime **ret);

void rs_session_close(struct rs_session *session)
{
	if (!session)
		return;
	rs_verdict_fini(&session->verdict);
	rs_graph_fini(&session->tracked);
	rs_graph_fini(&session->all);
	rs_asked_fini(&session->asked);
	for (size_t i = session->runtimes; i-- > 0;)
		session->runtime[i]->ops->free(session->runtime[i]);
	if (session->unread)
		session->unread->ops->free(session->unread);
	rs_types_fini(&session->types);
	rs_memory_close(session->memory);
	free(session->source);
	free(session);
}

// Remember that a runtime is there and cannot be read; others may be.
static struct rs_error *
keep_problem(struct rs_memory *memory, struct rs_error *err)
{
	rs_memory_problem(memory, "%s", rs_error_message(err));
	rs_error_free(err);
	return NULL;
}

static struct rs_error *nothing_found(const struct rs_session *session)
{
	const char *missing = session->memory->missing;

	return rs_error_new(
		RS_ENOTFOUND,
		"%s: neither a CPython nor the registry of a program that "
		"links librefscope is in it; %s%s",
		session->source, missing ? missing : "is this the right target",
		missing ? " (file FILE, set sysroot)"
			: ", and are its executable and libraries on this "
			  "machine (set sysroot)?");
}

// Nothing about the target, which another runtime may yet be in.
static bool is_final(const struct rs_error *err)
{
	return rs_error_code(err) == RS_EINTERRUPTED ||
	       rs_error_code(err) == RS_ENOMEM;
}

static struct rs_error *open_runtimes(struct rs_session *session)
{
	const open_fn open[2] = {rs_cpython_open, rs_native_open};
	struct rs_error *first = NULL;

	for (int native = 0; native < 2; native++) {
		struct rs_runtime *rt = NULL;
		struct rs_error *err =
			open[native](session->memory, &session->types,
				     (uint8_t)session->runtimes, &rt);

		if (err && is_final(err)) {
			rs_error_free(first);
			return err;
		}
		if (err && first) {
			rs_error_free(err);
		} else if (err) {
			first = err;
		} else if (rt && rt->unread) {
			session->unread = rt;
			rs_memory_problem(session->memory, "%s", rt->unread);
		} else if (rt) {
			session->runtime[session->runtimes++] = rt;
			session->by_flag[native] = rt;
		}
	}
	if (session->by_flag[0])
		session->by_flag[0]->native = session->by_flag[1];
	if (first && (session->runtimes || session->unread))
		return keep_problem(session->memory, first);
	if (first)
		return first;
	return session->runtimes || session->unread ? NULL
						    : nothing_found(session);
}

static void
memory_options(const struct rs_open_options *from, struct rs_memory_options *to)
{
	*to = (struct rs_memory_options){0};
	if (!from)
		return;
	to->exec = from->exec;
	to->sysroot = from->sysroot;
	to->find_file = from->find_file;
	to->context = from->find_file_context;
	to->fetch_file = from->fetch_file;
	to->fetch_context = from->fetch_file_context;
	to->find_field = from->find_field;
	to->field_context = from->find_field_context;
}

static void
keep_options(struct rs_session *session, const struct rs_open_options *options)
{
	if (!options)
		return;
	session->options = *options;
	session->options.exec = NULL;
	session->options.sysroot = NULL;
	session->progress.fn = options->progress;
	session->progress.context = options->progress_context;
}

// Takes @p memory, on failure too.
RS_PRINTF(4, 5)
static struct rs_error *
session_new(struct rs_memory *memory, const struct rs_open_options *options,
	    struct rs_session **ret, const char *format, ...)
{
	struct rs_session *session = calloc(1, sizeof(*session));
	va_list ap;

	if (!session) {
		rs_memory_close(memory);
		return &rs_enomem;
	}
	session->memory = memory;
	keep_options(session, options);
	va_start(ap, format);
	if (vasprintf(&session->source, format, ap) < 0)
		session->source = NULL;
	va_end(ap);

	struct rs_error *err =
		session->source ? open_runtimes(session) : &rs_enomem;
	if (memory->no_memory) { // what was not found may be there
		rs_error_free(err);
		err = &rs_enomem;
	}
	if (err) {
		rs_session_close(session);
		return err;
	}
	*ret = session;
	return NULL;
}

struct rs_error *rs_session_open_core(const char *path,
				      const struct rs_open_options *options,
				      struct rs_session **ret)
{
	struct rs_memory_options memory_opts;
	struct rs_memory *memory = NULL;
	struct rs_error *err;

	memory_options(options, &memory_opts);
	err = rs_memory_open_core(path, &memory_opts, &memory);
	return err ? err : session_new(memory, options, ret, "core %s", path);
}

struct rs_error *rs_session_open_live(pid_t pid,
				      const struct rs_open_options *options,
				      struct rs_session **ret)
{
	struct rs_memory_options memory_opts;
	struct rs_memory *memory = NULL;
	struct rs_error *err;

	memory_options(options, &memory_opts);
	err = rs_memory_open_live(pid, &memory_opts, &memory);
	return err ? err
		   : session_new(memory, options, ret, "process %d", (int)pid);
}

struct rs_error *rs_session_open_callback(rs_read_fn read, void *context,
					  const struct rs_range *range,
					  size_t ranges,
					  const struct rs_open_options *options,
					  struct rs_session **ret)
{
	struct rs_memory_options memory_opts;
	struct rs_memory *memory = NULL;
	struct rs_error *err;

	memory_options(options, &memory_opts);
	err = rs_memory_open_callback(read, context, range, ranges,
				      &memory_opts, &memory);
	return err ? err : session_new(memory, options, ret, "target of GDB");
}

struct rs_error *
rs_session_new_view(struct rs_session *session, struct rs_session **ret)
{
	struct rs_session *view = calloc(1, sizeof(*view));
	struct rs_runtime *rt = session->runtime[0];
	struct rs_error *err = view ? NULL : &rs_enomem;

	if (!err)
		err = rs_memory_new_view(session->memory, &view->memory);
	if (!err)
		err = rs_types_init(&view->types);
	if (!err)
		err = rt->ops->view(rt, view->memory, &view->types,
				    &view->runtime[0]);
	if (err) {
		rs_session_close(view);
		return err;
	}
	view->runtimes = 1;
	view->by_flag[session->by_flag[0] != rt] = view->runtime[0];
	view->options = session->options;
	*ret = view;
	return NULL;
}

struct rs_error *rs_session_check(const struct rs_session *session)
{
	if (!session->runtimes && session->unread)
		return rs_error_new(RS_EUNSUPPORTED, "%s",
				    session->unread->unread);
	return rs_memory_check(session->memory);
}

typedef struct rs_error *(*build_fn)(struct rs_session *session,
				     struct rs_graph *ret);

// Unless it is there. Looks before and after whether what is read is still
// the same.
static struct rs_error *have_graph(struct rs_session *session, build_fn build,
				   struct rs_graph *graph, bool *has)
{
	struct rs_error *err = rs_session_check(session);
	struct rs_error *changed;

	if (err || *has)
		return err;
	session->types.no_memory = false; // another try
	err = build(session, graph);
	if (!err)
		err = rs_types_check(&session->types);
	// What else failed may come of it.
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
	struct rs_error *err = have_graph(session, rs_build_all, &session->all,
					  &session->has_all);

	if (!err)
		*ret = &session->all;
	return err;
}

struct rs_error *
rs_session_tracked(struct rs_session *session, struct rs_graph **ret)
{
	if (session->has_all)
		return rs_session_graph(session, ret); // knows all of it
	struct rs_error *err =
		have_graph(session, rs_build_tracked, &session->tracked,
			   &session->has_tracked);

	if (!err)
		*ret = &session->tracked;
	return err;
}

struct rs_error *rs_session_verdict(struct rs_session *session,
				    struct rs_graph *graph,
				    struct rs_verdict *ret)
{
	const struct rs_collecting full = {.generation = 2};

	return rs_session_collect(session, graph, &full, ret, NULL);
}

struct rs_runtime *rs_session_runtime(const struct rs_session *session,
				      const struct rs_graph *graph,
				      uint32_t number)
{
	return rs_build_runtime(session, graph->flags[number]);
}

void rs_session_read_refs(struct rs_session *session,
			  const struct rs_graph *graph, uint32_t number,
			  struct rs_refs *refs)
{
	struct rs_runtime *rt = rs_session_runtime(session, graph, number);

	refs->n = 0;
	refs->incomplete = false;
	rt->ops->read(rt, graph->address[number], NULL, false, refs);
}

void rs_session_refs(struct rs_session *session, const struct rs_graph *graph,
		     uint32_t number, struct rs_refs *refs)
{
	uint64_t row;

	rs_session_read_refs(session, graph, number, refs);
	if (rs_asked_find(&session->asked, graph->address[number], &row))
		rs_asked_merge(&session->asked, row, refs);
}
