// SPDX-License-Identifier: MIT
//
// What is too large for a runtime's own allocator is in a block of malloc().
// The collector does not know objects of types without support for it, so that
// those of them which were lost are in no list, and nothing leads to them.
#include "base/cleanup.h"
#include "roots/glibc.h"
#include "session/build.h"

struct looking {
	struct rs_session *session;
	const struct rs_addrmap *map;
	struct rs_vec *ret;
};

static struct rs_error *visit(void *context, const struct rs_extent *block)
{
	const struct looking *l = context;

	for (size_t i = 0; i < l->session->runtimes; i++) {
		struct rs_runtime *rt = l->session->runtime[i];
		const uint64_t object =
			rt->ops->object_in ? rt->ops->object_in(rt, block) : 0;
		const struct rs_unreferenced one = {object, (uint8_t)i};

		if (object && rs_addrmap_takes(object) &&
		    !rs_addrmap_has(l->map, object))
			return rs_vec_append(l->ret, &one, sizeof(one));
	}
	return NULL;
}

struct rs_error *rs_build_unreferenced(struct rs_session *session,
				       const struct rs_addrmap *map,
				       struct rs_vec *ret)
{
	RS_CLEANUP(rs_glibc_fini) struct rs_glibc glibc = {0};
	struct looking l = {session, map, ret};
	bool wanted = false;
	struct rs_error *err;

	for (size_t i = 0; i < session->runtimes; i++)
		wanted |= session->runtime[i]->ops->object_in != NULL;
	if (!wanted)
		return NULL;
	err = rs_glibc_find(session->memory, &glibc);
	return err ? err : rs_glibc_each(&glibc, &session->progress, visit, &l);
}
