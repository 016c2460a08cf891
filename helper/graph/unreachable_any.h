// SPDX-License-Identifier: MIT
/** @file What nothing but itself holds, whichever collector looks or none. */
#ifndef RS_GRAPH_UNREACHABLE_ANY_H
#define RS_GRAPH_UNREACHABLE_ANY_H

#include "graph/graph.h"

/**
 * Mark the objects that would be freed if every cycle among them were broken.
 *
 * A collector looks at what it tracks, and one runtime's at its own objects
 * only. Here all counted references between all objects are subtracted from
 * the counts; what is left over, a root or something unknown, keeps an object
 * in use, and all that it refers to. Garbage lists keep nothing in use.
 *
 * @param is_list [graph->objects] 1: the object is itself a garbage list.
 * @param[out] ret One byte an object, 1: unreachable. A block of
 *             graph->objects.
 * Errors: RS_ENOMEM; RS_EINTERRUPTED.
 */
RS_MUST_CHECK struct rs_error *
rs_graph_unreachable_any(const struct rs_graph *graph, const uint8_t *is_list,
			 const struct rs_progress *progress, uint8_t **ret);

/**
 * Bytes that would be freed with @p n objects: theirs, and those of what only
 * they keep alive.
 *
 * @param left Zeroed block of graph->objects uint32_t; zeroed again at return.
 * @param queue Scratch.
 * Errors: RS_ENOMEM.
 */
RS_MUST_CHECK struct rs_error *
rs_graph_bytes_with(const struct rs_graph *graph, const uint32_t *object,
		    uint32_t n, uint32_t *left, struct rs_vec *queue,
		    uint64_t *ret);

#endif /* RS_GRAPH_UNREACHABLE_ANY_H */
