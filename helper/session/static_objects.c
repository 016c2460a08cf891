// SPDX-License-Identifier: MIT
#include "base/search.h"
#include "memory/places.h"
#include "session/build.h"

static struct rs_error *
add_root(struct rs_graph *g, uint32_t number, const char *text)
{
	struct rs_root *root = rs_vec_push(&g->root, sizeof(*root));
	const size_t label = g->root_text.used;

	if (!root || label > UINT32_MAX - 256)
		return &rs_enomem;
	*root = (struct rs_root){
		.target = number,
		.label = (uint32_t)label,
		.frame = RS_NONE,
		.kind = RS_ROOT_MODULES,
	};
	return rs_vec_append(&g->root_text, text, strlen(text) + 1);
}

static struct rs_error *add_objects(struct rs_session *session,
				    struct rs_graph *g, struct rs_extent data)
{
	const size_t first =
		RS_FIRST_INDEX(k, g->objects, g->address[k] >= data.start);
	struct rs_error *err = NULL;

	for (uint32_t i = (uint32_t)first;
	     i < g->objects && g->address[i] < data.end && !err; i++) {
		const char *text =
			rs_session_runtime(session, g, i)->ops->static_object;

		if (text && g->count[i] &&
		    !(g->flags[i] & (RS_OBJ_IMMORTAL | RS_OBJ_TYPE)) &&
		    !(g->guessed && g->guessed[i]))
			err = add_root(g, i, text);
	}
	return err;
}

struct rs_error *
rs_build_static_objects(struct rs_session *session, struct rs_graph *graph)
{
	const struct rs_memory *memory = session->memory;
	struct rs_error *err = NULL;

	for (size_t i = 0; i < memory->modules && !err; i++) {
		struct rs_extent data;

		for (unsigned k = 0;
		     !err &&
		     rs_memory_data(memory, &memory->module[i], k, &data, NULL);
		     k++)
			err = add_objects(session, graph, data);
	}
	return err;
}
