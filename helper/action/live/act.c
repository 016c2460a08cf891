// SPDX-License-Identifier: MIT
//
// rs_act_*(): a call into a live target.
#include "action/live/act.h"
#include "action/live/breaking.h"
#include "action/live/tracee.h"
#include "base/cleanup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifdef __x86_64__

enum {
	RS_PAGE = 4096,
	RS_FRAME_AT = 2048, // in the data: the signal frame
	RS_XSTATE_AT = 3072, // and the extended state that it points to
	RS_DATA_SIZE = RS_XSTATE_MAX + RS_PAGE,
	RS_RED_ZONE = 128, // below the stack pointer, in use
	RS_STACK_GAP = 512,
	RS_STACK_ALIGN = 64,
	RS_STACK_SIZE = 256 << 10,
	// Without what was added later.
	RS_REQUEST_LEAST = offsetof(struct rs_act_request, cycle),
	RS_RESULT_LEAST = offsetof(struct rs_act_result, listed),
	// Source: Linux, include/linux/errno.h.
	RS_ERESTARTSYS = 512,
	RS_ERESTARTNOHAND = 514,
	RS_ERESTART_RESTARTBLOCK = 516,
	// Source: Linux, arch/x86/include/uapi/asm/{ucontext,sigcontext}.h.
	RS_UC_FLAGS = 7, // extended state; stack segment, strictly
	RS_SW_AT = 464,
	RS_MAGIC1 = 0x46505853,
	RS_MAGIC2 = 0x46505845,
};

_Static_assert(sizeof(struct rs_caller_args) <= RS_FRAME_AT, "it must fit");
_Static_assert(sizeof(struct rs_caller_frame) <= RS_XSTATE_AT - RS_FRAME_AT,
	       "it must fit");
_Static_assert(RS_XSTATE_AT + RS_XSTATE_MAX + sizeof(uint32_t) <= RS_DATA_SIZE,
	       "it must fit");

// How large it is: code, data, and for a call that may be made anywhere a page
// that is not mapped, a stack, and what it names.
static void set_sizes(struct rs_act *a)
{
	a->code_size = (rs_caller_size() + RS_PAGE - 1) & ~(RS_PAGE - 1ULL);
	a->size = a->code_size + RS_DATA_SIZE;
	if (a->room)
		a->size += RS_PAGE + RS_STACK_SIZE + a->room * sizeof(uint64_t);
}

// A fault instead of damage if the stack is too small.
static struct rs_error *guard(struct rs_act *a, struct rs_tracee *t)
{
	const uint64_t page = a->data + RS_DATA_SIZE;
	const uint64_t protect[RS_SYSCALL_ARGS] = {page, RS_PAGE, PROT_NONE};
	int64_t rc = 0;

	if (!a->room)
		return NULL;
	a->stack = page + RS_PAGE + RS_STACK_SIZE;
	return rs_tracee_syscall(t, SYS_mprotect, protect, &rc);
}

// Map memory for code and data into the target.
static struct rs_error *map(struct rs_act *a, struct rs_tracee *t)
{
	int64_t at = 0, rc = 0;
	struct rs_error *err;

	set_sizes(a);
	const uint64_t mapping[] = {0,
				    a->size,
				    PROT_READ | PROT_WRITE,
				    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
				    UINT64_MAX,
				    0};
	err = rs_tracee_syscall(t, SYS_mmap, mapping, &at);
	if (!err && at < 0 && at > -RS_PAGE)
		err = rs_error_new(RS_EIO,
				   "process %d has no room for the call: %s",
				   (int)a->pid, strerror((int)-at));
	if (err)
		return err;
	a->code = (uint64_t)at;
	a->data = a->code + a->code_size;
	const uint64_t protect[RS_SYSCALL_ARGS] = {a->code, a->code_size,
						   PROT_READ | PROT_EXEC};
	if ((err = rs_tracee_syscall(t, SYS_mprotect, protect, &rc)) ||
	    (err = guard(a, t)))
		return err;
	if (rc)
		return rs_error_new(RS_EUNSUPPORTED,
				    "process %d is not allowed to execute "
				    "new code: %s",
				    (int)a->pid, strerror((int)-rc));
	return rs_act_put(a, a->code, rs_caller_code, rs_caller_size())
		       ? NULL
		       : rs_act_cannot(a, "its memory cannot be written");
}

static struct rs_error *unmap(struct rs_act *a, struct rs_tracee *t)
{
	const uint64_t range[RS_SYSCALL_ARGS] = {a->code, a->size};
	int64_t rc = 0;
	struct rs_error *err = NULL;

	if (a->code)
		err = rs_tracee_syscall(t, SYS_munmap, range, &rc);
	if (!err)
		a->code = 0;
	return err;
}

// A system call that the stop interrupted is begun again, as the kernel would.
static void restart(struct rs_caller_frame *f, const struct user_regs_struct *r)
{
	const int64_t result = (int64_t)r->rax;

	if ((int64_t)r->orig_rax < 0)
		return;
	if (result == -RS_ERESTART_RESTARTBLOCK)
		f->rax = SYS_restart_syscall;
	else if (result <= -RS_ERESTARTSYS && result >= -RS_ERESTARTNOHAND)
		f->rax = r->orig_rax;
	else
		return;
	f->rip -= RS_SYSCALL_SIZE;
}

// The frame by which the thread leaves, with all of its registers.
static bool put_frame(const struct rs_act *a, const struct rs_tracee *t)
{
	const struct user_regs_struct *r = &t->regs;
	const uint64_t state = a->data + RS_XSTATE_AT;
	struct rs_caller_frame f = {
		.flags = RS_UC_FLAGS,
		.r8 = r->r8,
		.r9 = r->r9,
		.r10 = r->r10,
		.r11 = r->r11,
		.r12 = r->r12,
		.r13 = r->r13,
		.r14 = r->r14,
		.r15 = r->r15,
		.rdi = r->rdi,
		.rsi = r->rsi,
		.rbp = r->rbp,
		.rbx = r->rbx,
		.rdx = r->rdx,
		.rax = r->rax,
		.rcx = r->rcx,
		.rsp = r->rsp,
		.rip = r->rip,
		.eflags = r->eflags,
		.cs = (uint16_t)r->cs,
		.ss = (uint16_t)r->ss,
		.fpstate = state,
		.sigmask = t->sigmask,
	};
	const uint32_t size = (uint32_t)t->xstate_size, magic2 = RS_MAGIC2;
	const struct {
		uint32_t magic1, extended_size;
		uint64_t features;
		uint32_t size, padding[7];
	} sw = {RS_MAGIC1, size + sizeof(magic2), t->xcr0, size, {0}};

	restart(&f, r);
	return rs_act_put(a, state, t->xstate, size) &&
	       rs_act_put(a, state + RS_SW_AT, &sw, sizeof(sw)) &&
	       rs_act_put(a, state + size, &magic2, sizeof(magic2)) &&
	       rs_act_put(a, a->data + RS_FRAME_AT, &f, sizeof(f));
}

static struct rs_error *set_args(struct rs_session *session,
				 const struct rs_act_request *request,
				 struct rs_caller_args *args, struct rs_act *a)
{
	*args = (struct rs_caller_args){
		.returned = -1,
		.garbage_before = -1,
		.garbage_after = -1,
	};
	return request->call ? rs_act_set_tracker(session, request, args, a)
			     : rs_act_set_python(session, request, args);
}

// Let the thread enter the code, alone.
static struct rs_error *enter(struct rs_act *a, struct rs_tracee *t,
			      unsigned ms, const struct rs_progress *progress)
{
	struct user_regs_struct regs = t->regs;
	enum rs_tracee_end end = RS_TRACEE_BUSY;

	regs.rsp =
		(a->stack ? a->stack : regs.rsp - RS_RED_ZONE - RS_STACK_GAP) &
		~(RS_STACK_ALIGN - 1ULL);
	regs.rip = a->code;
	regs.rdi = a->call     ? RS_CALLER_TRACKER
		   : a->queues ? RS_CALLER_PENDING
			       : RS_CALLER_ENSURED;
	regs.rsi = a->data;
	regs.orig_rax = UINT64_MAX;
	regs.eflags &= ~(uint64_t)(RS_FLAG_TRAP | RS_FLAG_DIRECTION);
	struct rs_error *err = rs_tracee_run(t, &regs, a->code, a->code_size,
					     ms, progress, &end);
	a->back = !err && end == RS_TRACEE_BACK;
	return err;
}

static void free_act(struct rs_act *a)
{
	if (a && a->mem >= 0)
		(void)close(a->mem);
	free(a);
}

static struct rs_error *
open_act(const struct rs_act_request *request, struct rs_act **ret)
{
	char name[64];
	struct rs_act *a = calloc(1, sizeof(*a));

	if (!a)
		return &rs_enomem;
	a->pid = request->pid;
	a->tid = (pid_t)request->tid;
	a->queues = request->way == RS_ACT_PENDING;
	a->call = request->call;
	a->object = request->object;
	a->registry = request->registry;
	(void)snprintf(name, sizeof(name), "/proc/%d/mem", (int)a->pid);
	a->mem = open(name, O_RDWR | O_CLOEXEC);
	if (a->mem < 0) {
		struct rs_error *err =
			rs_act_cannot(a, "its memory cannot be opened");
		free_act(a);
		return err;
	}
	*ret = a;
	return NULL;
}

static struct rs_error *begin(struct rs_session *session,
			      const struct rs_act_request *request,
			      struct rs_act *a, struct rs_tracee *t)
{
	struct rs_caller_args args;
	struct rs_error *err;

	if (request->way == RS_ACT_LATER)
		return rs_act_later_begin(session, a);
	err = set_args(session, request, &args, a);
	if (!err)
		err = rs_tracee_open(a->pid, a->tid, t);
	if (err)
		return err;
	if ((err = map(a, t)))
		goto undo;
	args.frame = a->data + RS_FRAME_AT;
	args.tracker.list = a->stack;
	rs_breaking_place(&args.drop,
			  a->data + offsetof(struct rs_caller_args, drop));
	if (!rs_act_put(a, a->data, &args, sizeof(args)) || !put_frame(a, t)) {
		err = rs_act_cannot(a, "its memory cannot be written");
		goto undo;
	}
	// From here on the thread comes back by itself, whatever happens.
	return enter(a, t, request->alone_ms, &session->progress);
undo:
	rs_error_free(unmap(a, t));
	return err;
}

struct rs_error *rs_act_begin(struct rs_session *session,
			      const struct rs_act_request *request,
			      struct rs_act **ret)
{
	RS_NEED_SESSION(session);
	struct rs_act_request all = {0};
	struct rs_act *a = NULL;

	if (request && request->size >= RS_REQUEST_LEAST)
		memcpy(&all, request,
		       request->size < sizeof(all) ? request->size
						   : sizeof(all));
	request = &all;
	if (request->way == RS_ACT_LATER && request->call != RS_ACT_COLLECT)
		return rs_error_new(RS_EARGUMENT, "only rs_collect() can be "
						  "called later");
	if (session->memory->is_core || request->pid <= 0)
		return rs_error_new(RS_EUNSUPPORTED,
				    "%s: only a process on this machine can "
				    "be called",
				    session->source);
	RS_AUTO_FREE struct rs_tracee *t = malloc(sizeof(*t));
	if (!t)
		return &rs_enomem;
	struct rs_error *err = open_act(request, &a);
	if (a && !err)
		err = begin(session, request, a, t);
	if (err)
		free_act(a);
	else
		*ret = a;
	return err;
}

static void set_result(const struct rs_act *a,
		       const struct rs_caller_args *args,
		       struct rs_act_result *ret)
{
	ret->state = (uint32_t)args->state;
	ret->returned = args->returned;
	ret->garbage_before = args->garbage_before;
	ret->garbage_after = args->garbage_after;
	ret->error = args->error;
	ret->refused = a->queues && args->left && args->queued;
	ret->left = a->back || args->left;
	ret->back = a->back;
	ret->ran = args->ran;
	ret->dropped = args->drop.done;
	ret->listed = args->tracker.listed;
	ret->moved = args->drop.moved;
}

struct rs_error *rs_act_look(struct rs_act *act, struct rs_act_result *ret)
{
	struct rs_caller_args args;
	struct rs_act_result all = {
		.returned = -1, .garbage_before = -1, .garbage_after = -1};
	struct rs_error *err = NULL;
	const struct rs_act *a = act;

	if (!a || !ret || ret->size < RS_RESULT_LEAST)
		return rs_error_new(RS_EARGUMENT, "there is no call");
	if (a->gc)
		err = rs_act_later_look(act, &all);
	else if (rs_act_get(a, a->data, &args, sizeof(args)))
		set_result(a, &args, &all);
	else
		err = rs_act_cannot(a, "its memory cannot be read");
	if (err)
		return err;
	all.size = ret->size;
	memcpy(ret, &all, ret->size < sizeof(all) ? ret->size : sizeof(all));
	return NULL;
}

// What only looks ends when it names the next object.
static struct rs_error *stop_looking(const struct rs_act *a)
{
	const uint64_t stop = 1;
	const uint64_t at = a->data + offsetof(struct rs_caller_args, tracker) +
			    offsetof(struct rs_caller_tracker, stop);

	if (!a->call || rs_act_put(a, at, &stop, sizeof(stop)))
		return NULL;
	return rs_act_cannot(a, "its memory cannot be written");
}

struct rs_error *rs_act_cancel(struct rs_act *act, bool *ret)
{
	const struct rs_act *a = act;
	uint64_t state = 0;
	const uint64_t cancelled = RS_CALLER_CANCELLED;
	const uint64_t at = a->data + offsetof(struct rs_caller_args, state);

	if (a->gc)
		return rs_act_later_cancel(act, ret);
	if (!rs_act_get(a, at, &state, sizeof(state)))
		return rs_act_cannot(a, "its memory cannot be read");
	*ret = state == RS_CALLER_NEW;
	if (*ret && !rs_act_put(a, at, &cancelled, sizeof(cancelled)))
		return rs_act_cannot(a, "its memory cannot be written");
	return *ret ? NULL : stop_looking(a);
}

// Whether any thread is within the code.
static bool is_inside(const struct rs_act *a)
{
	char name[64];
	bool inside = false;
	const struct dirent *entry;

	(void)snprintf(name, sizeof(name), "/proc/%d/task", (int)a->pid);
	DIR *tasks = opendir(name);
	if (!tasks)
		return true;
	while (!inside && (entry = readdir(tasks))) {
		struct user_regs_struct regs;
		const long tid = strtol(entry->d_name, NULL, 10);

		if (tid > 0)
			inside = ptrace(PTRACE_GETREGS, (pid_t)tid, NULL,
					&regs) ||
				 regs.rip - a->code < a->size;
	}
	(void)closedir(tasks);
	return inside;
}

struct rs_error *rs_act_end(struct rs_act *act, int64_t tid, bool *ret)
{
	struct rs_act_result now = {.size = sizeof(now)};
	struct rs_act *const a = act;

	*ret = false;
	if (!a || !tid || a->gc) {
		*ret = a && a->gc;
		free_act(a);
		return NULL;
	}
	struct rs_error *err = rs_act_look(a, &now);
	if (err)
		return err;
	if (!now.left || (a->queues && !now.refused && !now.ran) ||
	    is_inside(a))
		return NULL;
	RS_AUTO_FREE struct rs_tracee *t = malloc(sizeof(*t));
	if (!t)
		return &rs_enomem;
	err = rs_tracee_open(a->pid, (pid_t)tid, t);
	if (!err)
		err = unmap(a, t);
	if (err)
		return err;
	*ret = true;
	free_act(a);
	return NULL;
}

#else

static struct rs_error *no_code(void)
{
	return rs_error_new(RS_EUNSUPPORTED,
			    "processes of this machine cannot be called");
}

struct rs_error *rs_act_begin(struct rs_session *session,
			      const struct rs_act_request *request,
			      struct rs_act **ret)
{
	(void)request;
	(void)ret;
	RS_NEED_SESSION(session);
	return no_code();
}

struct rs_error *rs_act_look(struct rs_act *act, struct rs_act_result *ret)
{
	(void)act;
	(void)ret;
	return no_code();
}

struct rs_error *rs_act_cancel(struct rs_act *act, bool *ret)
{
	(void)act;
	(void)ret;
	return no_code();
}

struct rs_error *rs_act_end(struct rs_act *act, int64_t tid, bool *ret)
{
	(void)act;
	(void)tid;
	(void)ret;
	return no_code();
}

#endif /* __x86_64__ */
