// SPDX-License-Identifier: MIT
//
// One question: shared memory is laid out, images are run until the walk has
// come to its end, and what they wrote is checked. Whatever an image wrote
// may be a lie of the code that it called; nothing is used before that image
// is gone and the number has been held against what we know ourselves.
#include "sandbox/image_run.h"

#include <sys/mman.h>
#include <sys/wait.h>

enum {
	RS_RUNS_MAX = 8,
	RS_SMALLEST = 32, // bytes of the smallest object with its head
	RS_EDGES_MIN = 1 << 16,
	RS_STALL_FACTOR = 10, // wall time over processor time on a busy machine
};

struct rs_walk_run {
	struct rs_process_image *image;
	const struct rs_image_question *question;
	struct rs_image_answer *answer;
	struct rs_guest_args args; // ours: not in the image's reach
	struct rs_image_run run;
	// Offsets in the shared memory.
	uint64_t object, first, edge, list, function;
};

static uint64_t reserve(uint64_t *end, uint64_t words)
{
	const uint64_t at = *end;

	*end += (words * 8 + RS_PLAN_PAGE - 1) & ~(uint64_t)(RS_PLAN_PAGE - 1);
	return at;
}

// Room for as much as the core's memory could hold; what is not written costs
// nothing. A reference is a word somewhere in the core, or nearly always.
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
	if ((err = rs_run_share(&w->run, end)))
		return err;
	w->answer->data = w->run.shared;
	w->answer->size = end;
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

// Tell the image where things are: our copy of the arguments, its addresses.
static void publish(struct rs_walk_run *w)
{
	const struct rs_plan *p = &w->run.plan;
	struct rs_guest_args *a = &w->args;

	a->list = p->shared + w->list;
	a->object = p->shared + w->object;
	a->first = p->shared + w->first;
	a->edge = p->shared + w->edge;
	a->function = w->question->function ? p->shared + w->function : 0;
	a->altstack = p->guard - RS_PLAN_ALTSTACK;
	w->run.shared->op = RS_GUEST_WALK;
	w->run.shared->args = *a;
}

// Take over what the last image wrote, as far as it can be true.
static struct rs_error *take_over(struct rs_walk_run *w)
{
	const struct rs_guest_args *from = &w->run.shared->args;
	struct rs_guest_args *a = &w->args;
	const uint64_t *first = here(w, w->first);
	bool sound = from->told >= a->told && from->told <= a->max_objects &&
		     first[0] == 0;

	for (uint64_t i = a->told; sound && i < from->told; i++)
		sound = first[i] <= first[i + 1] &&
			first[i + 1] <= a->max_edges;
	if (!sound)
		return rs_error_new(RS_EBAD,
				    "%s: its code damaged the answer; it "
				    "cannot be asked",
				    w->image->target->name);
	a->told = a->start = from->told;
	a->edges = first[a->told];
	a->full |= from->full != 0;
	a->lists_broken = from->lists_broken;
	a->faults = from->faults;
	a->failings = from->failings; // read by images alone
	memcpy(a->failing, from->failing, sizeof(a->failing));
	memcpy(a->fault, from->fault, sizeof(a->fault));
	return NULL;
}

// The object at which an image was lost tells nothing; the next goes on
// behind it. @return false when there is none.
static bool skip_lost(struct rs_walk_run *w, int signal)
{
	struct rs_guest_args *a = &w->args;
	uint64_t *first = here(w, w->first);
	const uint64_t *object = here(w, w->object);

	if (a->told >= a->max_objects)
		return false;
	if (a->faults < RS_GUEST_FAULTS)
		a->fault[a->faults] = (struct rs_guest_fault){
			.object = object[a->told],
			.signal = signal,
		};
	a->faults++;
	first[a->told + 1] = first[a->told];
	a->start = ++a->told;
	return true;
}

// @return whether the walk came to its end in @p done.
static struct rs_error *run(struct rs_walk_run *w, bool *done)
{
	struct rs_error *err = rs_run_plan(&w->run);

	if (err)
		return err;
	publish(w);
	if ((err = rs_run_go(&w->run, done)))
		return err;
	w->answer->runs++;
	if ((err = take_over(w)) || *done)
		return err;
	if (rs_run_now() > w->run.deadline_ns ||
	    w->answer->runs >= RS_RUNS_MAX ||
	    !skip_lost(w, WIFSIGNALED(w->run.status) ? WTERMSIG(w->run.status)
						     : 0))
		return rs_error_new(
			RS_EBAD,
			"%s: its code cannot be asked: %llu objects were told "
			"in %llu runs, %u ms allowed",
			w->image->target->name,
			(unsigned long long)w->args.told,
			(unsigned long long)w->answer->runs,
			w->image->options.total_ms);
	return NULL;
}

static void hand_over(struct rs_walk_run *w)
{
	struct rs_image_answer *answer = w->answer;
	const struct rs_shared *s = w->run.shared;
	const uint64_t told = w->args.faults < RS_GUEST_FAULTS
				      ? w->args.faults
				      : RS_GUEST_FAULTS;

	w->run.shared->args = w->args;
	answer->objects = w->args.told;
	answer->edges = w->args.edges;
	answer->object = here(w, w->object);
	answer->first = here(w, w->first);
	answer->edge = here(w, w->edge);
	answer->fault = w->run.shared->args.fault;
	answer->faults = told;
	answer->faults_total = w->args.faults;
	answer->lists_broken = w->args.lists_broken;
	answer->full = w->args.full != 0;
	answer->ready_ns = s->ready_ns - s->begun_ns;
	answer->walk_ns = s->done_ns - s->ready_ns;
	answer->cpu_ns = s->cpu_ns;
}

struct rs_error *rs_image_walk(struct rs_process_image *image,
			       const struct rs_image_question *question,
			       struct rs_image_answer *ret)
{
	const struct rs_image_options *o = &image->options;
	const uint64_t ms = 1000000;
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
				.phase = "asking the types",
				.fd = -1,
				.exec_fd = -1,
				.deadline_ns = rs_run_now() + o->total_ms * ms,
				.stall_ns = o->object_ms * RS_STALL_FACTOR * ms,
			},
	};
	err = lay_out(w);
	if (!err)
		fill_in(w);
	while (!err && !done)
		err = run(w, &done);
	if (!err) {
		hand_over(w);
		*ret = answer;
	} else {
		rs_image_answer_fini(&answer);
	}
	rs_run_fini(&w->run);
	free(w);
	return err;
}

void rs_image_answer_fini(struct rs_image_answer *answer)
{
	if (answer->data)
		munmap(answer->data, answer->size);
	*answer = (struct rs_image_answer){0};
}
