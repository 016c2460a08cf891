// SPDX-License-Identifier: MIT
#include "session/exact_references.h"

#include "runtime/cpython/ask/ask.h"

struct rs_error *rs_ask_references(struct rs_session *session,
				   const struct rs_image_options *options,
				   struct rs_image_answer *ret)
{
	struct rs_runtime *rt = session->by_flag[0];

	if (!rt)
		return rs_error_new(RS_ENOTFOUND,
				    "%s: there is no CPython in it whose types "
				    "could be asked",
				    session->source);
	return rs_py_ask(rt, options, &session->progress, ret);
}
