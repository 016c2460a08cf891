// SPDX-License-Identifier: MIT
//
// What a call of a live CPython needs.
#include "action/live/act.h"
#include "action/live/breaking.h"

// 3.13 and later; from 3.7 on with an underscore.
static void
find_finalizing(struct rs_session *session, struct rs_caller_args *args)
{
	struct rs_error *err =
		rs_memory_symbol(session->memory, NULL, "Py_IsFinalizing",
				 &args->finalizing, NULL);

	if (!err)
		return;
	rs_error_free(err);
	err = rs_memory_symbol(session->memory, NULL, "_Py_IsFinalizing",
			       &args->finalizing, NULL);
	rs_error_free(err);
}

static struct rs_error *
find_functions(struct rs_session *session, struct rs_caller_args *args)
{
	for (unsigned i = 0; i < RS_CALLER_NUMBERS; i++) {
		struct rs_error *err = rs_memory_symbol(
			session->memory, NULL, rs_caller_symbol[i],
			&args->function[i], NULL);
		if (err)
			return err;
	}
	find_finalizing(session, args);
	return rs_memory_symbol(session->memory, NULL, "PyCFunction_Type",
				&args->builtin, NULL);
}

static struct rs_error *set_drop(struct rs_session *session,
				 const struct rs_act_request *request,
				 struct rs_caller_args *args)
{
	struct rs_breaking b = {0};
	struct rs_error *err;

	if (!request->cycle)
		return NULL;
	err = rs_breaking_plan(session, request->cycle, request->edge, &b);
	args->drop = b.drop;
	rs_breaking_fini(&b);
	return err;
}

struct rs_error *rs_act_set_python(struct rs_session *session,
				   const struct rs_act_request *request,
				   struct rs_caller_args *args)
{
	struct rs_error *err;

	if (!request->method)
		return rs_error_new(RS_EARGUMENT, "the request is incomplete");
	if (request->args > RS_CALLER_ARGS ||
	    strlen(request->method) >= sizeof(args->name))
		return rs_error_new(RS_EARGUMENT,
				    "the call has too many arguments, or too "
				    "long a name");
	args->args = request->args;
	memcpy(args->name, request->method, strlen(request->method));
	memcpy(args->arg, request->arg, sizeof(args->arg));
	err = set_drop(session, request, args);
	return err ? err : find_functions(session, args);
}
