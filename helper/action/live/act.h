// SPDX-License-Identifier: MIT
/** @file A call into a live target that has begun. Private to action/live/. */
#ifndef RS_ACTION_ACT_H
#define RS_ACTION_ACT_H

#include "action/guest/caller.h"
#include "refscope/registry.h"
#include "runtime/native/native.h"
#include "session/session.h"

struct rs_act {
	pid_t pid;
	pid_t tid; // the thread that entered the code
	int mem; // /proc/PID/mem
	uint64_t code, data; // addresses in the target; 0: not mapped
	uint64_t code_size, size; // bytes; size: of all that is mapped
	uint64_t stack; // where its own stack ends; 0: it is the thread's
	bool queues; // the main thread makes the call
	bool back; // the thread is as it was
	enum rs_act_call call;
	uint64_t object; // of call
	uint32_t registry; // of call, if it is one of librefscope's
	uint64_t room; // for so many objects that it names, after the stack
	// RS_ACT_LATER: the registry's struct rs_gc_state, and what it was. 0:
	// a thread makes the call.
	uint64_t gc;
	struct rs_gc_state was;
	bool cancelled, done;
};

/** Write to, and read, the target's memory. @return Whether all was. */
bool rs_act_put(const struct rs_act *act, uint64_t at, const void *bytes,
		size_t size);
bool rs_act_get(const struct rs_act *act, uint64_t at, void *bytes,
		size_t size);

/** @return The error RS_EIO: what could not be done, and why (errno).
 * Errors: RS_EIO. */
struct rs_error *rs_act_cannot(const struct rs_act *act, const char *what);

/** Set what a call of CPython needs. Errors: as rs_act_begin(). */
RS_MUST_CHECK struct rs_error *
rs_act_set_python(struct rs_session *session,
		  const struct rs_act_request *request,
		  struct rs_caller_args *args);

/**
 * Set what a call of librefscope needs, and in @p act how much room.
 * Errors: as rs_act_begin().
 */
RS_MUST_CHECK struct rs_error *
rs_act_set_tracker(struct rs_session *session,
		   const struct rs_act_request *request,
		   struct rs_caller_args *args, struct rs_act *act);

/** The copy of librefscope with that "id". Borrowed from the session. Errors:
 * RS_ENOTFOUND. */
RS_MUST_CHECK struct rs_error *rs_act_registry(struct rs_session *session,
					       uint32_t id,
					       struct rs_native_registry **ret);

/** RS_ACT_LATER. Errors: as the functions of engine.h. */
RS_MUST_CHECK struct rs_error *
rs_act_later_begin(struct rs_session *session, struct rs_act *act);
RS_MUST_CHECK struct rs_error *
rs_act_later_look(struct rs_act *act, struct rs_act_result *ret);
RS_MUST_CHECK struct rs_error *
rs_act_later_cancel(struct rs_act *act, bool *ret);

#endif /* RS_ACTION_ACT_H */
