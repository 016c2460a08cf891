// SPDX-License-Identifier: MIT
#include "sandbox/image_call.h"

#include "sandbox/image_run.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

enum {
	RS_ALIGN = 16,
	RS_RED_ZONE = 128, // that leaf functions use below their stack
	RS_SMALL_STACK = 64 << 10,
	RS_STACK_EDGE = 64 << 10, // how far a frame may reach beyond its stack
};

/** Where things are in the shared memory. */
struct rs_call_run {
	struct rs_image_run run;
	struct rs_process_image *image;
	const struct rs_image_call *call;
	uint64_t head, data, text[RS_CALL_TEXTS], object;
	uint64_t bottom; // of the stack, in the image
};

struct rs_error *rs_image_call_data(struct rs_image_call *call,
				    const void *bytes, size_t size,
				    uint64_t *ret)
{
	const size_t at = call->data.used;

	if (size >= RS_CALL_DATA - at)
		return rs_error_new(RS_EARGUMENT,
				    "the code to run is too long: with its "
				    "constants it may have %d bytes",
				    RS_CALL_DATA);
	uint8_t *slot = rs_vec_push(&call->data, (size + 8) & ~(size_t)7);
	if (!slot)
		return &rs_enomem;
	memset(slot, 0, call->data.used - at);
	if (bytes)
		memcpy(slot, bytes, size);
	*ret = at;
	return NULL;
}

void rs_image_call_fini(struct rs_image_call *call)
{
	rs_vec_fini(&call->data);
}

static struct rs_error *no_stack(const struct rs_process_image *image)
{
	return rs_error_new(RS_EUNSUPPORTED,
			    "%s: the stack of the thread that would run its "
			    "code is not in the core, or is full; gcore may "
			    "leave stacks out, a core that the kernel writes "
			    "has them",
			    image->target->name);
}

// Down to where the stack can be used, with what rs_plan_extra_stack() added.
static struct rs_error *find_bottom(struct rs_call_run *c)
{
	const uint64_t top = c->call->stack;
	const struct rs_plan_map *map = rs_plan_map_at(c->image, top - 1);

	if (top < RS_SMALL_STACK || !map || !(map->prot & PROT_WRITE))
		return no_stack(c->image);
	c->bottom = map->address;
	while ((map = rs_plan_map_at(c->image, c->bottom - 1)) &&
	       (map->prot & PROT_WRITE))
		c->bottom = map->address;
	if (top - c->bottom < RS_SMALL_STACK)
		return no_stack(c->image);
	return NULL;
}

static uint64_t reserve(uint64_t *end, uint64_t size)
{
	const uint64_t at = *end;

	*end += (size + RS_PLAN_PAGE - 1) & ~(uint64_t)(RS_PLAN_PAGE - 1);
	return at;
}

static struct rs_error *lay_out(struct rs_call_run *c)
{
	uint64_t end = RS_RUN_HEADER;

	c->head = reserve(&end, sizeof(struct rs_guest_call));
	c->object = reserve(&end, sizeof(uint64_t));
	c->data = reserve(&end, c->call->data.used + 8);
	for (unsigned i = 0; i < RS_CALL_TEXTS; i++)
		c->text[i] = reserve(&end, RS_CALL_TEXT);
	return rs_run_share(&c->run, end);
}

static void publish(struct rs_call_run *c)
{
	const struct rs_plan *p = &c->run.plan;
	char *shared = (char *)c->run.shared;
	struct rs_guest_call *head = (void *)(shared + c->head);

	*head = (struct rs_guest_call){
		.base = p->shared + c->data,
		.stack = (c->call->stack - RS_RED_ZONE) &
			 ~(uint64_t)(RS_ALIGN - 1),
		.steps = c->call->steps,
	};
	memcpy(head->step, c->call->step, sizeof(head->step));
	for (unsigned i = 0; i < RS_CALL_TEXTS; i++)
		head->text[i] = (struct rs_guest_text){
			.place = c->text[i] - c->data,
			.room = RS_CALL_TEXT,
		};
	if (c->call->data.used)
		memcpy(shared + c->data, c->call->data.data,
		       c->call->data.used);
	c->run.shared->op = RS_GUEST_CALL;
	c->run.shared->args = (struct rs_guest_args){
		.objects = 1,
		.object = p->shared + c->object,
		.max_ticks = c->image->options.object_ms / RS_GUEST_TICK_MS + 1,
		.altstack = p->guard - RS_PLAN_ALTSTACK,
		.altstack_size = RS_PLAN_ALTSTACK,
		.call = p->shared + c->head,
	};
}

static void take_texts(const struct rs_call_run *c, struct rs_image_called *ret)
{
	const struct rs_guest_call *head =
		(const void *)((const char *)c->run.shared + c->head);

	for (unsigned i = 0; i < RS_CALL_TEXTS; i++) {
		if (!head->text[i].copied)
			continue;
		ret->text[i] = (const char *)c->run.shared + c->text[i];
		ret->whole[i] = head->text[i].size;
		ret->size[i] = ret->whole[i] < RS_CALL_TEXT ? ret->whole[i]
							    : RS_CALL_TEXT;
	}
}

// What the guest says of how a step was stopped, and its form is checked; how
// the process ended is the kernel's word.
static void
take_over(const struct rs_call_run *c, bool done, struct rs_image_called *ret)
{
	const struct rs_shared *s = c->run.shared;
	const struct rs_control *control = c->run.control;
	const struct rs_guest_call *head =
		(const void *)((const char *)s + c->head);
	const int status = c->run.end.status;

	ret->at = head->at < c->call->steps ? (unsigned)head->at : 0;
	ret->limit = c->run.end.limit;
	ret->memory = c->image->options.memory;
	ret->missing = control->missing;
	ret->ready_ns = control->ready_ns - control->begun_ns;
	ret->run_ns = c->run.ended_ns - control->ready_ns;
	ret->cpu_ns = c->run.end.cpu_ns;
	if (done && head->stopped) {
		ret->end = RS_CALL_STOPPED;
		ret->fault = s->args.fault[0];
		ret->stack_full =
			ret->fault.signal == SIGSEGV &&
			c->bottom - ret->fault.address <= RS_STACK_EDGE;
	} else if (done) {
		ret->end = RS_CALL_DONE;
		take_texts(c, ret);
	} else if (ret->limit) {
		ret->end = RS_CALL_LIMIT;
	} else if (WIFEXITED(status)) {
		ret->end = RS_CALL_LEFT;
		ret->status = WEXITSTATUS(status);
	} else {
		ret->end = RS_CALL_LOST;
		ret->status = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
	}
}

static struct rs_error *run(struct rs_call_run *c, bool *done)
{
	struct rs_error *err = find_bottom(c);

	if (!err)
		err = lay_out(c);
	if (!err)
		err = rs_run_plan(&c->run);
	if (err)
		return err;
	publish(c);
	return rs_run_go(&c->run, done);
}

struct rs_error *rs_image_do_call(struct rs_process_image *image,
				  const struct rs_image_call *call,
				  struct rs_image_called *ret)
{
	const uint64_t cpu_ns = rs_run_cpu(image->options.object_ms);
	struct rs_call_run c = {
		.image = image,
		.call = call,
		.run =
			{
				.image = image,
				.progress = call->progress,
				.phase = "running code of the core",
				.fd = -1,
				.control_fd = -1,
				.exec_fd = -1,
				.cpu_ns = cpu_ns,
				.deadline_ns =
					rs_run_now() +
					rs_run_cpu(image->options.total_ms),
				.stall_ns = UINT64_MAX,
			},
	};
	struct rs_image_called called = {0};
	bool done = false;
	struct rs_error *err = run(&c, &done);

	called.data = c.run.leaked ? NULL : c.run.shared;
	called.mapped = c.run.size;
	if (!err)
		take_over(&c, done, &called);
	rs_run_fini(&c.run);
	if (err)
		rs_image_called_fini(&called);
	else
		*ret = called;
	return err;
}

void rs_image_called_fini(struct rs_image_called *called)
{
	if (called->data)
		munmap(called->data, called->mapped);
	*called = (struct rs_image_called){0};
}
