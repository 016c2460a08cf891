// SPDX-License-Identifier: MIT
#include "session/session.h"

#include "base/cleanup.h"
#include "session/open_options.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void rs_session_close(struct rs_session *session)
{
	if (!session)
		return;
	rs_collect_result_fini(&session->full_collection);
	if (session->findings)
		session->findings_free(session->findings);
	rs_ledger_fini(&session->ledger);
	rs_graph_fini(&session->tracked);
	rs_graph_fini(&session->all);
	for (size_t i = 0; session->exact && i < session->runtimes; i++)
		rs_exact_answer_fini(&session->exact[i]);
	free(session->exact);
	if (session->now)
		session->now->ops->free(session->now);
	rs_types_fini(&session->now_types);
	for (size_t i = session->runtimes; i-- > 0;)
		session->runtime[i]->ops->free(session->runtime[i]);
	for (size_t i = session->unreads; i-- > 0;)
		session->unread[i]->ops->free(session->unread[i]);
	free(session->runtime);
	free(session->unread);
	rs_types_fini(&session->types);
	rs_memory_close(session->memory);
	free(session->source);
	free(session);
}

// A runtime is there but cannot be read, while another one can.
static struct rs_error *
keep_problem(struct rs_memory *memory, struct rs_error *err)
{
	rs_memory_problem(memory, "%s", rs_error_message(err));
	rs_error_free(err);
	return NULL;
}

// `neither a CPython nor the registry of a program that ...`
static void list_signs(const struct rs_runtime_kind *kind, size_t kinds,
		       char *buf, size_t size)
{
	size_t used = 0;

	buf[0] = '\0';
	for (size_t i = 0; i < kinds && used < size; i++) {
		const char *before = i		 ? " nor "
				     : kinds > 1 ? "neither "
						 : "no ";
		const int n = snprintf(buf + used, size - used, "%s%s", before,
				       kind[i].sign);

		used += n > 0 ? (size_t)n : 0;
	}
}

static struct rs_error *nothing_found(const struct rs_session *session,
				      const struct rs_runtime_kind *kind,
				      size_t kinds)
{
	const char *missing = session->memory->missing;
	const char *truncated = session->memory->truncated;
	char signs[512];

	list_signs(kind, kinds, signs, sizeof(signs));
	if (truncated)
		return rs_error_new(
			RS_ENOTFOUND,
			"%s; in the part that is there is %s; take "
			"the core again, with \"ulimit -c unlimited\" "
			"and enough disk space",
			truncated, signs);
	return rs_error_new(
		RS_ENOTFOUND, "%s: %s is in it; %s%s", session->source, signs,
		missing ? missing : "is this the right target",
		missing ? " (file FILE, set sysroot)"
			: ", and are its executable and libraries on this "
			  "machine (set sysroot)?");
}

// Whether looking for other runtimes is pointless.
static bool is_final(const struct rs_error *err)
{
	return rs_error_code(err) == RS_EINTERRUPTED ||
	       rs_error_code(err) == RS_ENOMEM;
}

static void add_runtime(struct rs_session *session, struct rs_runtime *rt)
{
	if (rt->unread) {
		session->unread[session->unreads++] = rt;
		rs_memory_problem(session->memory, "%s", rt->unread);
	} else {
		session->runtime[session->runtimes++] = rt;
	}
}

// Objects of one runtime may have a C part that was described to another one.
static void link_extensions(struct rs_session *session)
{
	for (size_t i = 0; i < session->runtimes; i++) {
		struct rs_runtime *rt = session->runtime[i];

		for (size_t k = 0;
		     rt->ops->extension_type && k < session->runtimes; k++)
			if (k != i && !session->runtime[k]->extensions)
				session->runtime[k]->extensions = rt;
	}
}

static struct rs_error *make_room(struct rs_session *session, size_t kinds)
{
	session->runtime = calloc(kinds + 1, sizeof(*session->runtime));
	session->unread = calloc(kinds + 1, sizeof(*session->unread));
	session->exact = calloc(kinds + 1, sizeof(*session->exact));
	return session->runtime && session->unread && session->exact
		       ? NULL
		       : &rs_enomem;
}

// A truncated core is the reason of much: say so first.
static struct rs_error *
blame_truncation(const struct rs_memory *memory, struct rs_error *err)
{
	struct rs_error *full;

	if (!memory->truncated ||
	    strstr(rs_error_message(err), memory->truncated))
		return err;
	full = rs_error_new(rs_error_code(err), "%s; %s", memory->truncated,
			    rs_error_message(err));
	rs_error_free(err);
	return full;
}

static struct rs_error *open_runtimes(struct rs_session *session,
				      const struct rs_runtime_kind *kind,
				      size_t kinds)
{
	struct rs_error *first = make_room(session, kinds);

	if (first)
		return first;
	assert(kinds <= RS_RUNTIMES_MAX);
	for (size_t i = 0; i < kinds; i++) {
		struct rs_runtime *rt = NULL;
		struct rs_error *err =
			kind[i].open(session->memory, &session->types,
				     (uint8_t)session->runtimes, &rt);

		if (err && is_final(err)) {
			rs_error_free(first);
			return err;
		}
		if (err && first)
			rs_error_free(err);
		else if (err)
			first = err;
		else if (rt)
			add_runtime(session, rt);
	}
	link_extensions(session);
	if (first && (session->runtimes || session->unreads))
		return keep_problem(session->memory, first);
	if (first)
		return blame_truncation(session->memory, first);
	return session->runtimes || session->unreads
		       ? NULL
		       : nothing_found(session, kind, kinds);
}

static void
memory_options(const struct rs_open_options *from, struct rs_memory_options *to)
{
	*to = (struct rs_memory_options){0};
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

struct rs_error *rs_session_open_memory(struct rs_memory *memory,
					const char *source,
					const struct rs_open_options *options,
					const struct rs_runtime_kind *kind,
					size_t kinds, struct rs_session **ret)
{
	struct rs_session *session = calloc(1, sizeof(*session));

	if (!session) {
		rs_memory_close(memory);
		return &rs_enomem;
	}
	session->memory = memory;
	keep_options(session, options);
	session->source = strdup(source);

	struct rs_error *err = session->source
				       ? open_runtimes(session, kind, kinds)
				       : &rs_enomem;
	if (memory->no_memory) { // what was not found may exist
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

// Read the caller's options into @p known, and those of the memory from them.
static struct rs_error *read_options(const struct rs_open_options *options,
				     struct rs_open_options *known,
				     struct rs_memory_options *ret)
{
	struct rs_error *err = rs_open_options_read(options, known);

	if (!err)
		memory_options(known, ret);
	return err;
}

// Closes @p memory on failure.
RS_PRINTF(4, 5)
static struct rs_error *
session_new(struct rs_memory *memory, const struct rs_open_options *options,
	    struct rs_session **ret, const char *format, ...)
{
	RS_AUTO_FREE char *source = NULL;
	va_list ap;

	va_start(ap, format);
	if (vasprintf(&source, format, ap) < 0)
		source = NULL;
	va_end(ap);
	if (!source) {
		rs_memory_close(memory);
		return &rs_enomem;
	}
	return rs_session_open_memory(memory, source, options, rs_runtime_kinds,
				      rs_runtime_kinds_count, ret);
}

struct rs_error *rs_session_open_core(const char *path,
				      const struct rs_open_options *options,
				      struct rs_session **ret)
{
	struct rs_memory_options memory_opts;
	struct rs_memory *memory = NULL;
	struct rs_open_options known;
	struct rs_error *err = read_options(options, &known, &memory_opts);

	if (err)
		return err;
	err = rs_memory_open_core(path, &memory_opts, &memory);
	return err ? err : session_new(memory, &known, ret, "core %s", path);
}

struct rs_error *rs_session_open_live(pid_t pid,
				      const struct rs_open_options *options,
				      struct rs_session **ret)
{
	struct rs_memory_options memory_opts;
	struct rs_memory *memory = NULL;
	struct rs_open_options known;
	struct rs_error *err = read_options(options, &known, &memory_opts);

	if (err)
		return err;
	err = rs_memory_open_live(pid, &memory_opts, &memory);
	return err ? err
		   : session_new(memory, &known, ret, "process %d", (int)pid);
}

struct rs_error *rs_session_open_callback(rs_read_fn read, void *context,
					  const struct rs_range *range,
					  size_t ranges,
					  const struct rs_open_options *options,
					  struct rs_session **ret)
{
	struct rs_memory_options memory_opts;
	struct rs_memory *memory = NULL;
	struct rs_open_options known;
	struct rs_error *err = read_options(options, &known, &memory_opts);

	if (err)
		return err;
	err = rs_memory_open_callback(read, context, range, ranges,
				      &memory_opts, &memory);
	return err ? err : session_new(memory, &known, ret, "target of GDB");
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
		err = make_room(view, 1);
	if (!err)
		err = rt->ops->view(rt, view->memory, &view->types,
				    &view->runtime[0]);
	if (err) {
		rs_session_close(view);
		return err;
	}
	view->runtimes = 1;
	view->options = session->options;
	*ret = view;
	return NULL;
}

struct rs_error *rs_session_is_closed(void)
{
	return rs_error_new(RS_EARGUMENT,
			    "the session is closed: open another one");
}

struct rs_error *rs_session_is_of_the_past(void)
{
	return rs_error_new(RS_EARGUMENT,
			    "the target has run since the session was opened: "
			    "open another one");
}

struct rs_error *rs_session_check(const struct rs_session *session)
{
	if (!session->runtimes && session->unreads)
		return rs_error_new(RS_EUNSUPPORTED, "%s",
				    session->unread[0]->unread);
	return rs_memory_check(session->memory);
}

struct rs_runtime *
rs_session_runtime_named(const struct rs_session *session, const char *name)
{
	for (size_t i = 0; i < session->runtimes; i++)
		if (strcmp(session->runtime[i]->ops->name, name) == 0)
			return session->runtime[i];
	return NULL;
}

uint64_t rs_session_traversed(const struct rs_session *session)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < session->runtimes; i++)
		sum += session->exact[i].objects;
	return sum;
}

uint64_t rs_session_not_traversed(const struct rs_session *session)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < session->runtimes; i++)
		sum += session->exact[i].not_traversed;
	return sum;
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
	struct rs_exact_answer *asked =
		&session->exact[rs_graph_runtime(graph, number)];
	uint64_t row;

	rs_session_read_refs(session, graph, number, refs);
	if (rs_exact_answer_find(asked, graph->address[number], &row))
		rs_exact_answer_merge(asked, row, refs);
}
