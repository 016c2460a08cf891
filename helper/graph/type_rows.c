// SPDX-License-Identifier: MIT
#include "graph/graph.h"

#include <assert.h>
#include <string.h>

void rs_graph_types(const struct rs_graph *graph,
		    const struct rs_collect_result *result,
		    struct rs_tally *ret)
{
	assert(!result || result->objects == graph->objects);
	if (graph->types)
		memset(ret, 0, graph->types * sizeof(*ret));
	for (uint32_t i = 0; i < graph->objects; i++) {
		struct rs_tally *tally = &ret[graph->type[i]];

		tally->objects++;
		tally->bytes += rs_graph_size(graph, i);
		tally->unreachable +=
			result && result->fate[i] >= RS_FATE_FREED;
	}
}
