// SPDX-License-Identifier: MIT
/**
 * @file
 * Objects and references as flat arrays.
 *
 * Objects are numbered from 0 in address order. References are in CSR form:
 * those of object i are out[out_start[i]] to out[out_start[i + 1] - 1], in the
 * order in which the runtime tells them, a reference held twice twice. The
 * arrays are blocks (base/vec.h) of exactly the length told beside each;
 * nothing is allocated for an object. At most 2^30 objects and 2^32 - 1
 * references.
 * Bytes: 26 an object, 4 a reference, and as much again as the references
 * for the way back when it is asked for.
 */
#ifndef RS_GRAPH_GRAPH_H
#define RS_GRAPH_GRAPH_H

#include "base/addrmap.h"
#include "base/error.h"
#include "base/progress.h"
#include "base/vec.h"

/** How a reference is held. In the top two bits of an entry of out[]. */
enum rs_kind {
	RS_STRONG = 0, // what the type's own traverse function visits
	RS_OWNED = 1, // counted, but not told to the collector
	RS_WEAK = 2, // not counted
	RS_GUESS = 3, // a word that looks like one; layout unknown
};

enum { RS_KIND_SHIFT = 30 };
#define RS_TARGET_MASK ((UINT32_C(1) << RS_KIND_SHIFT) - 1)

static inline uint32_t rs_edge(uint32_t target, enum rs_kind kind)
{
	return target | (uint32_t)kind << RS_KIND_SHIFT;
}
static inline uint32_t rs_edge_target(uint32_t edge)
{
	return edge & RS_TARGET_MASK;
}
static inline enum rs_kind rs_edge_kind(uint32_t edge)
{
	return (enum rs_kind)(edge >> RS_KIND_SHIFT);
}
/** Whether it is part of its target's count: strong or owned. */
static inline bool rs_edge_counted(uint32_t edge)
{
	return edge < UINT32_C(2) << RS_KIND_SHIFT;
}

/** What is known of an object, as bits of rs_graph.flags[]. */
enum rs_object_flag {
	RS_OBJ_GENERATION = 3, // 0 youngest .. 2; 3 permanent (gc.freeze)
	RS_OBJ_GC = 1 << 2, // its type takes part in collection
	RS_OBJ_TRACKED = 1 << 3, // it is on a collector's list now
	RS_OBJ_FINALIZED = 1 << 4, // its finalizer has run already
	// A finalizer in the eyes of the old rule (2.7: any __del__; C helper:
	// a finalizer): its ring is uncollectable under RS_RULES_27.
	RS_OBJ_FINALIZER = 1 << 5,
	// A finalizer that PEP 442 cannot call safely (tp_del of a C type; a C
	// helper type with the old policy): uncollectable under RS_RULES_34.
	RS_OBJ_LEGACY = 1 << 6,
	RS_OBJ_IMMORTAL = 1 << 7, // its count says nothing
	RS_OBJ_INEXACT =
		1 << 9, // some of its references are guesses or missing
	RS_OBJ_TYPE = 1 << 10, // it is itself a type
	RS_OBJ_STATIC = 1 << 11, // not on a heap: never freed
	// Owns its dict as part of itself (instance -> __dict__): nobody can
	// drop that reference by an assignment.
	RS_OBJ_INSTANCE = 1 << 12,
	// Some references to it are not counted: 0 does not mean its end.
	RS_OBJ_DEFERRED = 1 << 13,
	// Tracked, and the first that a collection does is to end that: it is
	// no garbage to it.
	RS_OBJ_UNTRACKS = 1 << 14,
};

/** A type, in the graph's table; rs_graph.type[] holds the index. */
struct rs_type_row {
	uint64_t address; // of the type object or description
	const char *name; // borrowed from the runtime that made it
	uint8_t runtime; // index of that runtime in the session
};

/** A reference from outside the objects. */
struct rs_root {
	uint64_t slot; // address of the word that holds it, 0 if none
	uint32_t target; // object
	uint32_t label; // offset of its name in rs_graph.root_text
	uint32_t frame; // number of the frame for locals, else RS_NONE
	uint16_t kind; // enum rs_root_kind
	uint16_t thread; // index of the thread, 0 if none
};

enum rs_root_kind {
	RS_ROOT_LOCAL, // a named local, cell or free variable of a frame
	RS_ROOT_FRAME, // what else a frame owns: code, function, stack slot
	RS_ROOT_THREAD, // a field of a thread state
	RS_ROOT_INTERPRETER, // a field of an interpreter state
	RS_ROOT_MODULES, // static C data known by name
	RS_ROOT_NATIVE, // a root that a C program declared
	RS_ROOT_WORD, // a word found by scanning (later)
	RS_ROOT_GARBAGE, // an entry of a garbage list that is no object
};

struct rs_graph {
	uint32_t objects;
	uint32_t types;
	uint64_t references; // entries of out[]
	uint64_t *address; // [objects], ascending
	uint32_t *count; // [objects] reference counts, decoded, saturating
	uint32_t *type; // [objects] index in types
	uint32_t
		*size; // [objects] bytes, saturating; 0 in a tracked-only graph
	uint16_t *flags; // [objects]
	// [objects] index of each one's runtime in the session; NULL when all
	// are of the only one.
	uint8_t *runtime;
	uint32_t *out_start; // [objects + 1]
	uint32_t *out; // [references]
	uint32_t *in_start; // [objects + 1], NULL until rs_graph_reverse()
	uint32_t *in; // [references] source | kind, grouped by target
	struct rs_type_row *type_row; // [types], borrowed
	struct rs_vec root; // of struct rs_root
	struct rs_vec root_text; // NUL-terminated names
	struct rs_addrmap map; // address -> number; sealed
	bool tracked_only; // untracked objects and roots were left out
	uint64_t dropped; // references that led to no object
};

/** Release everything but what is borrowed. A zeroed graph is allowed. */
void rs_graph_fini(struct rs_graph *graph);

/**
 * Whether the arrays fit together: rows ascending and complete, every target,
 * type and root an existing one. For assertions and tests; linear.
 */
bool rs_graph_is_sound(const struct rs_graph *graph);

/** @return The number of the object at @p address, or RS_NONE. */
static inline uint32_t
rs_graph_find(const struct rs_graph *graph, uint64_t address)
{
	return rs_addrmap_number(&graph->map, address);
}

/** @return The index in the session of the runtime of object @p number. */
static inline uint8_t
rs_graph_runtime(const struct rs_graph *graph, uint32_t number)
{
	return graph->runtime ? graph->runtime[number] : 0;
}

/**
 * Fill in_start and in, once: again is no work. References of all kinds, each
 * target's by ascending source. Errors: RS_ENOMEM; RS_EINTERRUPTED.
 */
RS_MUST_CHECK struct rs_error *
rs_graph_reverse(struct rs_graph *graph, const struct rs_progress *progress);

/* --- Questions: each a function over the arrays, linear in them. --- */

enum rs_rules {
	RS_RULES_27, // an old finalizer in unreachable garbage keeps it alive
	RS_RULES_34, // PEP 442: only RS_OBJ_LEGACY does
};

/** Fate of an object in an offline collection. */
enum rs_fate {
	RS_FATE_OUTSIDE, // untracked, older generation, frozen: not looked at
	RS_FATE_REACHABLE,
	RS_FATE_FREED, // unreachable, and the collector frees it
	RS_FATE_KEPT, // unreachable, kept because a finalizer's object needs it
	RS_FATE_FINALIZER, // unreachable, kept: it has a finalizer (gc.garbage)
};

struct rs_collect_options {
	int generation; // collect this and all younger; 2 is a full collection
	enum rs_rules rules;
	uint8_t runtime; // whose objects are collected: its index
	// Where each of several collectors has objects of its own: [objects]
	// the number of each one's, and the collector that runs. NULL: one.
	const uint8_t *group;
	uint8_t which;
};

struct rs_verdict {
	uint8_t *fate; // [objects] enum rs_fate
	uint32_t objects;
	uint64_t unreachable; // freed + kept + finalizer
	uint64_t uncollectable; // kept + finalizer
	uint64_t garbage; // finalizer
};

/**
 * Trial deletion: what the collector of the target would find now.
 *
 * Members are the tracked objects of the chosen generations, runtime and
 * group. From
 * each member's count the strong references between members are subtracted;
 * what is left over is held from outside, and what that reaches over strong
 * references survives. An owned, guessed or foreign reference is not
 * subtracted, so what it holds survives too, as it does in the target.
 * An immortal member survives; so does one with a count of 0, which was being
 * freed at the stop or is not yet held, with all that it holds. So does one
 * with more references than its count tells (over-released, or in transit at
 * the stop): as in a release build of CPython, where such a count is below zero
 * and thus not zero.
 *
 * Errors: RS_ENOMEM; RS_EINTERRUPTED.
 * Source: CPython Modules/gcmodule.c, deduce_unreachable() and collect().
 */
RS_MUST_CHECK struct rs_error *
rs_graph_collect(const struct rs_graph *graph,
		 const struct rs_collect_options *options,
		 const struct rs_progress *progress, struct rs_verdict *ret);
void rs_verdict_fini(struct rs_verdict *verdict);

/**
 * Strongly connected components over strong and owned references, among the
 * objects that @p member marks (one byte an object; NULL: all). Those without
 * a ring are left out; the rest are numbered by their first object.
 */
struct rs_components {
	uint32_t *of; // [objects] component, or RS_NONE when in no ring
	uint32_t *start; // [components + 1] into object[]
	uint32_t *object; // [start[components]] by component, ascending in each
	uint32_t components; // those with a ring: two or more, or a self-loop
	uint32_t objects;
};

RS_MUST_CHECK struct rs_error *
rs_graph_components(const struct rs_graph *graph, const uint8_t *member,
		    const struct rs_progress *progress,
		    struct rs_components *ret);
void rs_components_fini(struct rs_components *components);

/** One reference of a ring: the @p edge-th entry of out[]. */
struct rs_cut {
	uint32_t source;
	uint32_t edge; // index into graph->out
};

/**
 * A shortest ring in component @p c and, of its references, each one that is
 * on every ring of the component: dropped alone, it frees all of it (provided
 * that nothing outside refers in). A reference held twice is two references.
 *
 * Shortest of all in a component of ordinary size. In a huge one the search
 * stops after a time linear in it, with the shortest found by then. Which
 * references are cuts is exact for any size.
 *
 * @param[out] ring Entries struct rs_cut in the ring's order, appended.
 * @param[out] cut Those of them that free the component, appended.
 * Errors: RS_ENOMEM (nothing appended).
 */
RS_MUST_CHECK struct rs_error *
rs_graph_cuts(const struct rs_graph *graph,
	      const struct rs_components *components, uint32_t c,
	      struct rs_vec *ring, struct rs_vec *cut);

/**
 * The objects reachable from @p from (itself included) over strong and owned
 * references.
 *
 * @param depth Steps at most; UINT32_MAX for no limit.
 * @param[out] list Object numbers (uint32_t) in breadth-first order, appended.
 * @param[out] level Depth of each, uint32_t, appended. May be NULL.
 * Errors: RS_ENOMEM; RS_EINTERRUPTED (nothing appended).
 */
RS_MUST_CHECK struct rs_error *
rs_graph_reachable(const struct rs_graph *graph, uint32_t from, uint32_t depth,
		   const struct rs_progress *progress, struct rs_vec *list,
		   struct rs_vec *level);

/**
 * What would die with @p from: itself, and those of @p set that lose all their
 * counted references with it. The rest of @p set is shared with others.
 *
 * Trial deletion inside the set: an object that is static, immortal or held
 * by a reference not found in the set (a guess too) is shared, and so is what
 * it reaches without passing @p from.
 *
 * @param set Different objects, @p from among them: rs_graph_reachable()'s.
 * @param[out] list Object numbers (uint32_t) in the order of @p set, appended.
 * Errors: RS_ENOMEM; RS_EINTERRUPTED (nothing appended).
 */
RS_MUST_CHECK struct rs_error *
rs_graph_retained(const struct rs_graph *graph, uint32_t from,
		  const uint32_t *set, size_t objects,
		  const struct rs_progress *progress, struct rs_vec *list);

/**
 * Shortest paths from roots to @p target, backwards over strong and owned
 * references. Needs rs_graph_reverse(). At most @p limit paths that end in
 * different roots, shortest first; none when only garbage holds it. Of equally
 * short ones those a person can name come first: locals, then modules and C
 * data, then declared roots, and fields of the interpreter, threads and
 * frames last.
 *
 * @param[out] path For each path: a struct rs_path, appended.
 * @param[out] node Object numbers, root's target first, @p target last.
 * Errors: RS_ENOMEM; RS_EINTERRUPTED (nothing appended).
 */
struct rs_path {
	uint32_t root; // index in graph->root
	uint32_t start, length; // in node[]; length counts objects
};

RS_MUST_CHECK struct rs_error *
rs_graph_paths(const struct rs_graph *graph, uint32_t target, uint32_t limit,
	       const struct rs_progress *progress, struct rs_vec *path,
	       struct rs_vec *node);

/** Number and bytes of the objects of each type. @p ret has graph->types rows.
 */
struct rs_tally {
	uint64_t objects;
	uint64_t bytes;
	uint64_t unreachable; // of them, when @p verdict is given
};

void rs_graph_types(const struct rs_graph *graph,
		    const struct rs_verdict *verdict, struct rs_tally *ret);

#endif /* RS_GRAPH_GRAPH_H */
