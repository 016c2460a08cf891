// SPDX-License-Identifier: MIT
//
// A session whose target has run. It knows where the interpreter is and how its
// structs are laid out, which a run does not change, and answers what can be
// read from a few objects: counts, and which object has a name.
#include "session/session.h"

enum { RS_NOW_TYPES = 10000 }; // rows of types, old ones included, at most

// What needs no look at memory is kept from hit to hit.
static bool serves_again(struct rs_session *session, struct rs_runtime *rt)
{
	if (!session->now || !rt->ops->again ||
	    rs_vec_count(&session->now_types.row, struct rs_type_row) >=
		    RS_NOW_TYPES)
		return false;
	rt->ops->again(session->now);
	return true;
}

struct rs_error *rs_session_renew(struct rs_session *session)
{
	if (!session)
		return rs_session_is_closed();
	struct rs_runtime *rt = session->runtimes ? session->runtime[0] : NULL;

	if (session->runtimes != 1 || !rt->ops->renew)
		return rs_error_new(RS_EUNSUPPORTED,
				    "%s: has to be opened again after it ran",
				    session->source);
	struct rs_error *err = rs_memory_renew(session->memory);
	if (err)
		return err;
	session->ran = true;
	if (serves_again(session, rt))
		return NULL;
	if (session->now)
		session->now->ops->free(session->now);
	session->now = NULL;
	rs_types_fini(&session->now_types);
	session->now_types = (struct rs_types){0};
	return rt->ops->renew(rt, &session->now_types, &session->now);
}

static struct rs_error *need_now(const struct rs_session *session)
{
	if (!session)
		return rs_session_is_closed();
	return session->now ? NULL
			    : rs_error_new(RS_EARGUMENT,
					   "%s: rs_session_renew() comes first",
					   session->source);
}

struct rs_error *
rs_now_find(struct rs_session *session, const char *name, int64_t *ret)
{
	struct rs_error *err = need_now(session);
	uint64_t address = 0;

	if (err)
		return err;
	err = session->now->ops->resolve(session->now, name, &address);
	if (!err)
		*ret = (int64_t)address;
	return err;
}

struct rs_error *
rs_now_count(struct rs_session *session, uint64_t object, int64_t *ret)
{
	struct rs_error *err = need_now(session);
	struct rs_row row = {0};

	if (err)
		return err;
	struct rs_runtime *now = session->now;
	if (!now->ops->is_object(now, object))
		return rs_error_new(RS_ENOTFOUND, "there is no object at %#llx",
				    (unsigned long long)object);
	now->ops->read(now, object, &row, false, NULL);
	*ret = row.flags & RS_OBJ_IMMORTAL ? -1
	       : row.wide_count		   ? row.wide_count
					   : (int64_t)row.count;
	return NULL;
}
