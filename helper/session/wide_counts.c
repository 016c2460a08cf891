// SPDX-License-Identifier: MIT
//
// Counts that have no room in the graph's 32 bits: few objects have one, and
// those are read once more.
#include "session/build.h"

struct rs_error *
rs_build_wide_counts(struct rs_session *session, struct rs_graph *graph)
{
	struct rs_error *err = NULL;

	for (uint32_t i = 0; i < graph->objects && !err; i++) {
		struct rs_row row = {0};

		if ((graph->count[i] && graph->count[i] != UINT32_MAX - 1) ||
		    graph->flags[i] & (RS_OBJ_IMMORTAL | RS_OBJ_DEFERRED))
			continue;
		struct rs_runtime *rt = rs_session_runtime(session, graph, i);
		rt->ops->read(rt, graph->address[i], &row, false, NULL);
		const struct rs_wide_count wide = {graph->address[i],
						   row.wide_count};
		if (wide.count)
			err = rs_vec_append(&graph->wide, &wide, sizeof(wide));
	}
	return err;
}
