// SPDX-License-Identifier: MIT
#include "session/build.h"
#include "session/whole.h"

#include <stdlib.h>
#include <sys/mman.h>

enum {
	// Below these, starting threads and decoding types several times would
	// take more time than it saves.
	RS_THREADS_BYTES = 32 << 20, // that the process wrote
	RS_THREADS_LEAST = 200 * 1000, // objects
};

uint64_t rs_build_written_bytes(const struct rs_memory *memory)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < memory->segments; i++) {
		const struct rs_segment *s = &memory->segment[i];

		if (!s->from_file && (s->prot & PROT_WRITE))
			bytes += s->end - s->start;
	}
	return bytes;
}

// Whether views of the session read. That depends on the target alone, not on
// how many threads there are, so that these cannot change the answer: types are
// numbered in the order in which they are met.
static bool has_views(const struct rs_whole *w)
{
	const struct rs_session *session = w->session;

	return session->memory->is_core && session->runtimes == 1 &&
	       session->runtime[0]->ops->view && w->found >= RS_THREADS_LEAST &&
	       rs_build_written_bytes(session->memory) >= RS_THREADS_BYTES;
}

static struct rs_error *
open_reader(struct rs_whole *w, struct rs_reader *r, bool view)
{
	const size_t n = w->session->runtimes;
	struct rs_error *err;

	r->whole = w;
	r->session = w->session;
	r->asked = calloc(n + 1, sizeof(*r->asked));
	r->exact = calloc(n + 1, sizeof(*r->exact));
	if (!r->asked || !r->exact)
		return &rs_enomem;
	for (size_t i = 0; i < n; i++) {
		r->exact[i] = w->session->exact[i];
		r->exact[i].sorted = r->exact[i].taken = (struct rs_vec){0};
	}
	if ((err = rs_refs_init(&r->refs, false)))
		return err;
	return view ? rs_session_new_view(w->session, &r->session) : NULL;
}

struct rs_error *rs_readers_new(struct rs_whole *w)
{
	const bool views = has_views(w);
	const unsigned threads = views ? rs_session_threads(w->session) : 1;
	struct rs_error *err = NULL;

	w->reader = calloc(threads + 1, sizeof(*w->reader));
	if (!w->reader)
		return &rs_enomem;
	for (unsigned i = 0; i <= threads && !err; i++) {
		w->readers++;
		err = open_reader(w, &w->reader[i], views && i < threads);
	}
	return err;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

// Sorted, so that the order does not depend on who read what.
static void keep_lines(struct rs_whole *w, bool gaps)
{
	void (*const keep)(struct rs_memory *, const char *, ...) =
		gaps ? rs_memory_gap : rs_memory_problem;
	struct rs_vec line = {0}; // const char *

	for (unsigned i = 0; i < w->readers; i++) {
		const struct rs_session *s = w->reader[i].session;

		if (!s || s == w->session)
			continue;
		const struct rs_memory *m = s->memory;
		const size_t n = gaps ? m->gaps : m->problems;
		for (size_t k = 0; k < n; k++) {
			const char *text = gaps ? m->gap[k] : m->problem[k];

			rs_error_free(
				rs_vec_append(&line, &text, sizeof(text)));
		}
	}
	const size_t n = rs_vec_count(&line, char *);
	if (n > 1)
		qsort(line.data, n, sizeof(char *), by_text);
	for (size_t i = 0; i < n; i++)
		keep(w->session->memory, "%s",
		     rs_vec_items(&line, const char *)[i]);
	rs_vec_fini(&line);
}

void rs_readers_free(struct rs_whole *w)
{
	const struct rs_session *session = w->session;
	const size_t runtimes = session->runtimes;

	keep_lines(w, false);
	keep_lines(w, true);
	for (unsigned i = 0; i < w->readers; i++) {
		struct rs_reader *r = &w->reader[i];

		if (r->session != session)
			rs_session_close(r->session);
		for (size_t k = 0; r->exact && k < runtimes; k++) {
			rs_vec_fini(&r->exact[k].sorted);
			rs_vec_fini(&r->exact[k].taken);
		}
		free(r->exact);
		free(r->asked);
		rs_refs_fini(&r->refs);
		rs_vec_fini(&r->edge);
		rs_vec_fini(&r->later);
		rs_vec_fini(&r->large);
		rs_block_free(r->type, r->types, sizeof(*r->type));
	}
	free(w->reader);
	w->reader = NULL;
	w->readers = 0;
}
