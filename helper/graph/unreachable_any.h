// SPDX-License-Identifier: MIT
/** @file Unreachable objects, whether or not a collector can find them. */
#ifndef RS_GRAPH_UNREACHABLE_ANY_H
#define RS_GRAPH_UNREACHABLE_ANY_H

#include "graph/graph.h"

/**
 * Mark the objects that only unreachable objects refer to: those that would be
 * freed if every cycle among them were broken.
 *
 * A collector only knows the objects of its runtime that it tracks. Here the
 * counted references between all objects are subtracted from the counts. An
 * object with a remainder or a root is in use, and so is all that it refers to.
 * References from garbage lists do not count as use.
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
 * The bytes that would be freed with @p n objects: of these, and of what only
 * they keep alive.
 *
 * @param left Zeroed block of graph->objects uint32_t; zeroed again at return.
 * @param queue Working space, of uint32_t.
 * Errors: RS_ENOMEM.
 */
RS_MUST_CHECK struct rs_error *
rs_graph_bytes_with(const struct rs_graph *graph, const uint32_t *object,
		    uint32_t n, uint32_t *left, struct rs_vec *queue,
		    uint64_t *ret);

#endif /* RS_GRAPH_UNREACHABLE_ANY_H */
