// SPDX-License-Identifier: MIT
//
// One walk: shared memory is laid out, images are run until the walk has come
// to its end, and what they wrote is checked. All of it may have been written
// by the code that they called. Nothing is used before that image is gone, and
// everything that callers rely on is checked against what is known here.
#include "sandbox/code.h"
#include "sandbox/image_run.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>

enum {
	RS_RUNS_MAX = 8, // in which code of the core was lost
	RS_LEARN_MAX = 8, // that end with new functions to allow
	RS_SMALLEST = 32, // bytes of the smallest object with its head
	RS_EDGES_MIN = 1 << 16,
	RS_STALL_SLACK_MS = 100, // for the guest's own clock to be first
};

struct rs_walk_run {
	struct rs_process_image *image;
	const struct rs_image_question *question;
	struct rs_image_answer *answer;
	struct rs_guest_args args; // ours: not in the image's reach
	struct rs_image_run run;
	uint64_t learned; // runs that met functions not known before
	// Offsets in the shared memory.
	uint64_t object, first, edge, list, function, apart;
};

static uint64_t reserve(uint64_t *end, uint64_t words)
{
	const uint64_t at = *end;

	*end += (words * 8 + RS_PLAN_PAGE - 1) & ~(uint64_t)(RS_PLAN_PAGE - 1);
	return at;
}

// Whether types are asked whether their objects take part in collection.
static bool has_apart(const struct rs_walk_run *w)
{
	return !w->question->lists && !w->question->function;
}

// Address space for as much as the core's memory could hold; pages that are not
// written cost nothing. Nearly every reference is a word somewhere in the core.
static struct rs_error *lay_out(struct rs_walk_run *w)
{
	const struct rs_image_question *q = w->question;
	const uint64_t words = w->image->bytes / 8;
	struct rs_guest_args *a = &w->args;
	uint64_t end = RS_RUN_HEADER;
	struct rs_error *err;

	a->max_objects =
		q->lists ? w->image->bytes / RS_SMALLEST + 1 : q->objects;
	a->max_edges = 2 * words + RS_EDGES_MIN;
	a->max_edges_each = words + RS_EDGES_MIN;
	w->list = reserve(&end, q->lists);
	w->object = reserve(&end, a->max_objects);
	w->first = reserve(&end, a->max_objects + 1);
	w->edge = reserve(&end, a->max_edges);
	w->function = reserve(&end, q->function ? q->objects : 0);
	w->apart = reserve(&end, has_apart(w) ? q->objects / 8 + 1 : 0);
	if ((err = rs_run_share(&w->run, end)))
		return err;
	return NULL;
}

static void *here(const struct rs_walk_run *w, uint64_t offset)
{
	return (char *)w->run.shared + offset;
}

static void fill_in(struct rs_walk_run *w)
{
	const struct rs_image_question *q = w->question;
	struct rs_guest_args *a = &w->args;

	a->lists = q->lists;
	a->head_size = q->head_size;
	a->objects = q->lists ? 0 : q->objects;
	a->ob_type = q->ob_type;
	a->tp_traverse = q->tp_traverse;
	a->tp_flags = q->tp_flags;
	a->tp_is_gc = q->tp_is_gc;
	a->gc_flag = q->gc_flag;
	a->max_ticks = w->image->options.object_ms / RS_GUEST_TICK_MS + 1;
	a->altstack_size = RS_PLAN_ALTSTACK;
	if (q->lists)
		memcpy(here(w, w->list), q->list, q->lists * 8);
	else if (q->objects)
		memcpy(here(w, w->object), q->object, q->objects * 8);
	if (q->function)
		memcpy(here(w, w->function), q->function, q->objects * 8);
}

// Give the image our copy of the arguments, with its own addresses.
static void publish(struct rs_walk_run *w)
{
	const struct rs_plan *p = &w->run.plan;
	struct rs_guest_args *a = &w->args;

	a->list = p->shared + w->list;
	a->object = p->shared + w->object;
	a->first = p->shared + w->first;
	a->edge = p->shared + w->edge;
	a->function = w->question->function ? p->shared + w->function : 0;
	a->apart = has_apart(w) ? p->shared + w->apart : 0;
	a->altstack = p->guard - RS_PLAN_ALTSTACK;
	a->allowed = p->allowed;
	a->allowed_mask = p->allowed_mask;
	w->run.shared->op = RS_GUEST_WALK;
	w->run.shared->args = *a;
}

static struct rs_error *damaged(const struct rs_walk_run *w)
{
	return rs_error_new(RS_EBAD,
			    "%s: code of the core damaged the list of "
			    "references that it was to report; nothing in it "
			    "is used",
			    w->image->target->name);
}

// Rows, of this image and of earlier ones, which it could write too.
static bool rows_are_sound(const struct rs_walk_run *w, uint64_t rows)
{
	const uint64_t *first = here(w, w->first);
	const uint64_t most = w->args.max_edges;

	if (rows < w->args.rows || rows > w->args.max_objects || first[0])
		return false;
	for (uint64_t i = 0; i < rows; i++)
		if (first[i] > first[i + 1] || first[i + 1] > most)
			return false;
	return true;
}

static bool is_signal(int signal)
{
	return signal == SIGSEGV || signal == SIGBUS || signal == SIGFPE ||
	       signal == SIGILL || signal == SIGTRAP || signal == SIGSYS ||
	       signal == SIGPROF || signal == SIGKILL || signal == 0 ||
	       signal == RS_GUEST_SKIPPED;
}

static bool faults_are_sound(const struct rs_guest_args *from, uint64_t rows)
{
	const uint64_t n =
		from->faults < RS_GUEST_FAULTS ? from->faults : RS_GUEST_FAULTS;

	if (from->faults > rows || from->refused > rows)
		return false;
	for (uint64_t i = 0; i < n; i++)
		if (!is_signal(from->fault[i].signal) ||
		    from->fault[i].entry > RS_ENTRY_UPROBE ||
		    from->fault[i].reserved)
			return false;
	return true;
}

// Take over what the last image wrote, if it can be true.
static struct rs_error *take_over(struct rs_walk_run *w)
{
	const struct rs_guest_args *from = &w->run.shared->args;
	struct rs_guest_args *a = &w->args;
	const uint64_t *first = here(w, w->first);

	if (!rows_are_sound(w, from->rows) ||
	    !faults_are_sound(from, from->rows) ||
	    from->lists_broken > a->lists)
		return damaged(w);
	// What was given is as it was given.
	if (!a->lists && w->question->objects)
		memcpy(here(w, w->object), w->question->object,
		       w->question->objects * sizeof(uint64_t));
	a->rows = a->start = from->rows;
	a->edges = first[a->rows];
	a->full |= from->full &&
		   (a->rows == a->max_objects || a->edges > a->max_edges / 2);
	a->lists_broken = from->lists_broken;
	a->refused = from->refused;
	a->faults = from->faults;
	a->failings = from->failings; // read by images alone
	memcpy(a->failing, from->failing, sizeof(a->failing));
	memcpy(a->fault, from->fault, sizeof(a->fault));
	a->wanteds = from->wanteds < RS_GUEST_WANTED ? from->wanteds
						     : RS_GUEST_WANTED;
	memcpy(a->wanted, from->wanted, sizeof(a->wanted));
	return NULL;
}

// Allow those functions that files define, of those that the image met.
static struct rs_error *learn(struct rs_walk_run *w, bool *any)
{
	struct rs_process_image *image = w->image;
	const uint64_t before = image->allowed_count;
	struct rs_error *err =
		rs_image_expect(image, w->args.wanted, w->args.wanteds);

	*any = image->allowed_count > before;
	return err;
}

// Walk again from the start: objects of functions that were not known to be
// allowed have empty rows.
static void start_again(struct rs_walk_run *w)
{
	struct rs_guest_args *a = &w->args;

	a->rows = a->start = a->edges = a->full = 0;
	a->lists_broken = a->refused = a->faults = a->failings = 0;
	a->wanteds = 0;
}

// The object at which an image was lost has an empty row; the next image goes
// on behind it. @return false when there is none.
static bool skip_lost(struct rs_walk_run *w, int signal)
{
	struct rs_guest_args *a = &w->args;
	uint64_t *first = here(w, w->first);
	const uint64_t *object = here(w, w->object);

	if (a->rows >= a->max_objects)
		return false;
	if (a->faults < RS_GUEST_FAULTS)
		a->fault[a->faults] = (struct rs_guest_fault){
			.object = object[a->rows],
			.signal = signal,
		};
	a->faults++;
	first[a->rows + 1] = first[a->rows];
	a->start = ++a->rows;
	return true;
}

// What ended the image, for the object at which it did. SIGKILL is ours.
static int signal_of(const struct rs_image_run *run)
{
	if (run->stalled)
		return SIGPROF;
	return WIFSIGNALED(run->end.status) && WTERMSIG(run->end.status) != 9
		       ? WTERMSIG(run->end.status)
		       : 0;
}

static struct rs_error *lost_too_often(const struct rs_walk_run *w)
{
	return rs_error_new(
		RS_EBAD,
		"%s: traversing was given up, because code of the core ended "
		"its process %llu times; %llu objects had been traversed",
		w->image->target->name, (unsigned long long)w->answer->runs,
		(unsigned long long)w->args.rows);
}

// @return whether the walk came to its end in @p done.
static struct rs_error *run(struct rs_walk_run *w, bool *done)
{
	struct rs_image_run *r = &w->run;
	struct rs_error *err = rs_run_plan(r);
	bool again = false;

	if (err)
		return err;
	publish(w);
	if ((err = rs_run_go(r, done)))
		return err;
	w->answer->runs++;
	w->answer->cpu_ns += r->end.cpu_ns;
	if ((err = rs_run_limit_error(r)) || (err = take_over(w)))
		return err;
	const uint64_t used = rs_run_used(r);
	r->cpu_ns -= used < r->cpu_ns ? used : r->cpu_ns;
	if (w->args.wanteds && w->learned < RS_LEARN_MAX) {
		if ((err = learn(w, &again)))
			return err;
		w->learned += again;
	}
	if (again) {
		start_again(w);
		w->answer->runs--; // nothing was lost
		*done = false;
		return NULL;
	}
	if (*done)
		return NULL;
	if (!r->cpu_ns || w->answer->runs >= RS_RUNS_MAX ||
	    !skip_lost(w, signal_of(r)))
		return lost_too_often(w);
	return NULL;
}

static int by_object(const void *a, const void *b)
{
	const struct rs_guest_fault *x = a, *y = b;

	return (x->object > y->object) - (x->object < y->object);
}

// Each fault is to be of an object that was walked, whose row is empty.
static bool match_faults(const struct rs_walk_run *w, uint64_t n)
{
	struct rs_guest_fault *sorted = malloc((n + 1) * sizeof(*sorted));
	const uint64_t *object = here(w, w->object);
	const uint64_t *first = here(w, w->first);
	uint64_t found = 0;

	if (!sorted)
		return false;
	memcpy(sorted, w->args.fault, n * sizeof(*sorted));
	if (n)
		qsort(sorted, n, sizeof(*sorted), by_object);
	for (uint64_t i = 0; n && i < w->args.rows; i++) {
		const struct rs_guest_fault key = {.object = object[i]};

		if (first[i] == first[i + 1] &&
		    bsearch(&key, sorted, n, sizeof(*sorted), by_object))
			found++;
	}
	free(sorted);
	return found >= n;
}

static struct rs_error *hand_over(struct rs_walk_run *w)
{
	struct rs_image_answer *answer = w->answer;
	const struct rs_control *c = w->run.control;
	const uint64_t named = w->args.faults < RS_GUEST_FAULTS
				       ? w->args.faults
				       : RS_GUEST_FAULTS;

	if (!match_faults(w, named))
		return damaged(w);
	w->run.shared->args = w->args;
	answer->objects = w->args.rows;
	answer->edges = w->args.edges;
	answer->object = here(w, w->object);
	answer->first = here(w, w->first);
	answer->edge = here(w, w->edge);
	answer->apart = has_apart(w) ? here(w, w->apart) : NULL;
	answer->fault = w->run.shared->args.fault;
	answer->faults = named;
	answer->faults_total = w->args.faults;
	answer->refused = w->args.refused;
	answer->lists_broken = w->args.lists_broken;
	answer->full = w->args.full != 0;
	answer->ready_ns = c->ready_ns - c->begun_ns;
	answer->walk_ns = w->run.ended_ns - c->ready_ns;
	answer->missing = c->missing;
	// The table goes along: which functions were called.
	answer->allowed = w->image->allowed;
	answer->allowed_mask = w->image->allowed_mask;
	w->image->allowed = NULL;
	return rs_code_init(w->image);
}

struct rs_error *rs_image_walk(struct rs_process_image *image,
			       const struct rs_image_question *question,
			       struct rs_image_answer *ret)
{
	const struct rs_image_options *o = &image->options;
	const uint64_t cpu_ns = rs_run_cpu(o->total_ms);
	struct rs_image_answer answer = {0};
	struct rs_walk_run *w = calloc(1, sizeof(*w));
	struct rs_error *err;
	bool done = false;

	if (!w)
		return &rs_enomem;
	*w = (struct rs_walk_run){
		.image = image,
		.question = question,
		.answer = &answer,
		.run =
			{
				.image = image,
				.progress = question->progress,
				.phase = "traversing objects",
				.fd = -1,
				.control_fd = -1,
				.exec_fd = -1,
				.cpu_ns = cpu_ns,
				.stall_ns = rs_run_cpu(o->object_ms +
						       RS_STALL_SLACK_MS),
				.deadline_ns =
					rs_run_now() + RS_WALL_FACTOR * cpu_ns,
			},
	};
	err = lay_out(w);
	if (!err && question->function)
		err = rs_image_expect(image, question->function,
				      question->objects);
	if (!err)
		fill_in(w);
	while (!err && !done)
		err = run(w, &done);
	if (!err)
		err = hand_over(w);
	answer.data = w->run.leaked ? NULL : w->run.shared;
	answer.size = w->run.size;
	if (!err)
		*ret = answer;
	else
		rs_image_answer_fini(&answer);
	rs_run_fini(&w->run);
	free(w);
	return err;
}

bool rs_image_answer_refused(const struct rs_image_answer *answer,
			     uint64_t function)
{
	return answer->allowed && function &&
	       !answer->allowed[rs_guest_slot(answer->allowed,
					      answer->allowed_mask, function)];
}

void rs_image_answer_fini(struct rs_image_answer *answer)
{
	if (answer->data)
		munmap(answer->data, answer->size);
	free(answer->allowed);
	*answer = (struct rs_image_answer){0};
}
