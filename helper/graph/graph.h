// SPDX-License-Identifier: MIT
/**
 * @file
 * Objects and references as flat arrays.
 *
 * Objects are numbered from 0 in address order. References are stored in CSR
 * form (compressed sparse rows): those of object i are out[out_start[i]] to
 * out[out_start[i + 1] - 1], in the order in which the runtime reports them. An
 * object that holds another twice has two references to it. The arrays are
 * blocks (base/vec.h) whose length stands beside each; nothing is allocated per
 * object. At most 2^30 objects and 2^32 - 1 references.
 *
 * Memory: 26 bytes an object and 4 a reference. The reverse direction (in_start
 * and in) takes another 4 bytes an object and 4 a reference, once asked for.
 */
#ifndef RS_GRAPH_GRAPH_H
#define RS_GRAPH_GRAPH_H

#include "base/addrmap.h"
#include "base/error.h"
#include "base/progress.h"
#include "base/vec.h"

/** The kind of a reference: the top two bits of an entry of out[]. */
enum rs_kind {
	RS_STRONG = 0, // the type's traverse function visits it
	RS_OWNED = 1, // counted, but not visited by the traverse function
	RS_WEAK = 2, // not counted
	RS_GUESS = 3, // a word that looks like a reference; layout unknown
};

enum { RS_KIND_SHIFT = 30 };
#define RS_TARGET_MASK ((UINT32_C(1) << RS_KIND_SHIFT) - 1)

/** An entry of out[]: a reference to object @p target. */
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
/** Whether its target's reference count includes it: strong or owned. */
static inline bool rs_edge_counted(uint32_t edge)
{
	return edge < UINT32_C(2) << RS_KIND_SHIFT;
}

/** What is known of an object, as bits of rs_graph.flags[]. */
enum rs_object_flag {
	RS_OBJ_GENERATION = 3, // 0 youngest .. 2; 3 permanent (gc.freeze)
	RS_OBJ_GC = 1 << 2, // its type supports garbage collection
	RS_OBJ_TRACKED = 1 << 3, // it is in a list of the collector now
	RS_OBJ_FINALIZED = 1 << 4, // its finalizer has already run
	// Has a finalizer by the rule of Python 2.7 (any __del__; of the C
	// tracker: any finalizer). A cycle that contains one is uncollectable
	// under RS_RULES_27.
	RS_OBJ_FINALIZER = 1 << 5,
	// Has a finalizer that PEP 442 cannot call safely (tp_del of a C type;
	// the C tracker's RS_GC_KEEP policy). A cycle that contains one is
	// uncollectable under RS_RULES_34.
	RS_OBJ_LEGACY = 1 << 6,
	RS_OBJ_IMMORTAL = 1 << 7, // its reference count means nothing
	// Strong references of it are assumed: that the traverse function of
	// its C type, which nobody called, visits what it should. Only of
	// inexact ones.
	RS_OBJ_ASSUMED = 1 << 8,
	// Some of its references are guesses or missing.
	RS_OBJ_INEXACT = 1 << 9,
	RS_OBJ_TYPE = 1 << 10, // is itself a type
	RS_OBJ_STATIC = 1 << 11, // not on a heap: never freed
	// Refers to its own __dict__, which no assignment can change; so this
	// reference is not suggested as one to cut.
	RS_OBJ_INSTANCE = 1 << 12,
	// Some references to it are not in its count (deferred reference
	// counting), so a count of 0 does not mean that it is being freed.
	RS_OBJ_DEFERRED = 1 << 13,
	// Tracked, but the collector untracks it before it looks for garbage,
	// or leaves it alone because its type says so (tp_is_gc); of inexact
	// ones: its type may say so.
	RS_OBJ_UNTRACKS = 1 << 14,
	// Its collector has no way to free it (a C helper type without release,
	// or with traverse and without clear): uncollectable under all rules.
	RS_OBJ_UNFREEABLE = 1 << 15,
};

/**
 * Whether a tracked object with @p count and @p flags is being freed, or has
 * not been given its first reference yet: it is in use, with all that it
 * refers to.
 */
static inline bool rs_object_is_in_transit(uint32_t count, uint16_t flags)
{
	return count == 0 && (flags & RS_OBJ_TRACKED) &&
	       !(flags & RS_OBJ_DEFERRED);
}

/** A row of the table of types; rs_graph.type[] holds the index. */
struct rs_type_row {
	uint64_t address; // of the type object or type description
	const char *name; // borrowed from the runtime that made it
	uint8_t runtime; // index of that runtime in the session
};

/** A root: a reference to an object from outside all objects. */
struct rs_root {
	uint64_t slot; // address of the word that holds it, 0 if none
	uint32_t target; // object number
	uint32_t label; // offset of its name in rs_graph.root_text
	uint32_t frame; // for locals: number of the frame; else RS_NONE
	uint16_t kind; // enum rs_root_kind
	uint16_t thread; // index of the thread, 0 if none
};

enum rs_root_kind {
	RS_ROOT_LOCAL, // a named local, cell or free variable of a frame
	RS_ROOT_FRAME, // another field of a frame: code, function, stack slot
	RS_ROOT_THREAD, // a field of a thread state
	RS_ROOT_INTERPRETER, // a field of an interpreter state
	RS_ROOT_MODULES, // static C data known by name
	RS_ROOT_NATIVE, // a root that a C program declared
	RS_ROOT_WORD, // reserved for words found by scanning
	RS_ROOT_GARBAGE, // an entry of the C tracker's garbage list
};

/** A counted reference that leads to no object: to memory that was freed. */
struct rs_dangling {
	uint64_t target; // address
	uint32_t source; // object number
};

enum { RS_DANGLING_KEPT = 10000 };

#define RS_SIZE_LARGE UINT32_MAX // in rs_graph.size32[]

/** The size of an object that has no place in rs_graph.size32[]. */
struct rs_large_size {
	uint64_t address;
	uint64_t bytes;
};

/** The count of an object that has no place in rs_graph.count[]. */
struct rs_wide_count {
	uint64_t address;
	int64_t count;
};

struct rs_graph {
	uint32_t objects;
	uint32_t types;
	uint64_t references; // entries of out[]
	uint64_t *address; // [objects], ascending
	// [objects] reference counts without the runtime's flag bits; from
	// 0x7fffffff on saturated. What is shown is rs_graph_count().
	uint32_t *count;
	uint32_t *type; // [objects] index in type_row
	// [objects] bytes, RS_SIZE_LARGE: in large; 0 when tracked_only. Read
	// it with rs_graph_size().
	uint32_t *size32;
	uint16_t *flags; // [objects] enum rs_object_flag
	// [objects] index of its runtime in the session; NULL: all 0.
	uint8_t *runtime;
	uint32_t *out_start; // [objects + 1]
	uint32_t *out; // [references] target and kind (rs_edge())
	uint32_t *in_start; // [objects + 1], NULL until rs_graph_reverse()
	uint32_t *in; // [references] source and kind, grouped by target
	struct rs_type_row *type_row; // [types], borrowed
	struct rs_vec root; // of struct rs_root
	struct rs_vec root_text; // NUL-terminated names
	struct rs_addrmap map; // address to number; sealed
	bool tracked_only; // without untracked objects and without roots
	uint64_t dropped; // references left out: they led to no known object
	// Of these the strong and owned ones, and the first of them (struct
	// rs_dangling).
	uint64_t danglings;
	struct rs_vec dangling;
	// [objects] 1: nothing but guesses says that there is an object. NULL:
	// none is like that.
	uint8_t *guessed;
	// uint32_t, ascending: objects to which neither an object nor a root
	// refers, known by the block of malloc() that they are in.
	struct rs_vec unreferenced;
	// Objects of which not all could be read (memory that is missing or
	// damaged, or a limit), so that references of theirs are missing, and
	// the address of one of them.
	uint64_t partial, partial_example;
	// struct rs_large_size, by ascending address: objects of 4 GiB and
	// more. They are few, and half as many bytes for all others matter.
	struct rs_vec large;
	// struct rs_wide_count, by ascending address: counts below 0, and of
	// more than 32 bits.
	struct rs_vec wide;
	// uint32_t: objects of which a collection drops a reference before it
	// begins, one for each reference.
	struct rs_vec released;
};

/** Count @p partial more objects, of which @p example is one. */
static inline void
rs_graph_add_partial(struct rs_graph *graph, uint64_t partial, uint64_t example)
{
	if (partial && !graph->partial)
		graph->partial_example = example;
	graph->partial += partial;
}

/** Release everything that is not borrowed. A zeroed graph is allowed. */
void rs_graph_fini(struct rs_graph *graph);

/**
 * Whether the arrays are consistent: rows ascending and complete, every target,
 * type and root within bounds. Linear; for assertions and tests.
 */
bool rs_graph_is_sound(const struct rs_graph *graph);

/** @return The number of the object at @p address, or RS_NONE. */
static inline uint32_t
rs_graph_find(const struct rs_graph *graph, uint64_t address)
{
	return rs_addrmap_number(&graph->map, address);
}

/** @return The count of object @p number, which may be below 0. */
int64_t rs_graph_count(const struct rs_graph *graph, uint32_t number);

/** Slow path of rs_graph_size(). */
uint64_t rs_graph_large_size(const struct rs_graph *graph, uint32_t number);

/** @return The bytes that object @p number takes; 0 when tracked_only. */
static inline uint64_t
rs_graph_size(const struct rs_graph *graph, uint32_t number)
{
	const uint32_t size = graph->size32[number];

	return __builtin_expect(size == RS_SIZE_LARGE, 0)
		       ? rs_graph_large_size(graph, number)
		       : size;
}

/** Whether object @p number is one of graph->unreferenced. */
bool rs_graph_is_unreferenced(const struct rs_graph *graph, uint32_t number);

/** @return The index in the session of the runtime of object @p number. */
static inline uint8_t
rs_graph_runtime(const struct rs_graph *graph, uint32_t number)
{
	return graph->runtime ? graph->runtime[number] : 0;
}

/**
 * Compute in_start and in, unless that was done before. They hold references
 * of all kinds, those to one target by ascending source.
 * Errors: RS_ENOMEM; RS_EINTERRUPTED.
 */
RS_MUST_CHECK struct rs_error *
rs_graph_reverse(struct rs_graph *graph, const struct rs_progress *progress);

/* --- Questions: functions over the arrays, each linear in their size. --- */

/** Which unreachable objects a collector keeps because of a finalizer. */
enum rs_rules {
	RS_RULES_27, // Python 2.7: those with RS_OBJ_FINALIZER
	RS_RULES_34, // Python 3.4 on (PEP 442): those with RS_OBJ_LEGACY
};

/** What a collection would do with an object. */
enum rs_fate {
	// Not examined: untracked, frozen, or of an older generation.
	RS_FATE_OUTSIDE,
	RS_FATE_REACHABLE,
	RS_FATE_FREED, // unreachable; the collector frees it
	// Unreachable, kept because an object of the two below refers to it,
	// directly or not.
	RS_FATE_KEPT,
	RS_FATE_FINALIZER, // unreachable, kept in gc.garbage: has a finalizer
	RS_FATE_UNFREEABLE, // unreachable, kept: RS_OBJ_UNFREEABLE
};

struct rs_collect_options {
	int generation; // collect this and all younger; 2 is a full collection
	enum rs_rules rules;
	uint8_t runtime; // index of the runtime whose objects are collected
	// With several collectors (one for each interpreter): [objects] the
	// number of the collector that each object belongs to, and the one
	// that runs. NULL: there is only one.
	const uint8_t *group;
	uint8_t which;
	// Take the guesses of inexact members for strong, and those members
	// for members that a type may leave alone (RS_OBJ_UNTRACKS).
	bool guesses;
};

/** The result of a collection. */
struct rs_collect_result {
	uint8_t *fate; // [objects] enum rs_fate
	uint32_t objects;
	uint64_t unreachable; // freed + uncollectable
	uint64_t uncollectable; // kept + finalizer + unfreeable
	uint64_t garbage; // finalizer
	// What it finds at least and at most, where it is not certain what
	// types tell it; equal to unreachable otherwise (doubts.h).
	uint64_t least, most;
	// [types] the objects behind that, by their types; NULL: none.
	uint32_t *doubtful;
	uint32_t types;
	// [objects] 1: garbage only if what is assumed of types is true;
	// NULL: none is.
	uint8_t *held;
};

/**
 * Trial deletion: compute what the target's collector would find if it ran now.
 *
 * Members are the tracked objects of the chosen generations, runtime and group.
 * The strong references between members are subtracted from the members'
 * counts. A member with a remainder is referred to from outside; it survives,
 * and so does everything that it reaches over strong references. An owned or
 * guessed reference, or one from another runtime, is not subtracted, so its
 * target survives, as it does in the target.
 *
 * These members survive as well, with what they reach:
 * - immortal ones;
 * - those with a count of 0: at the stop they were being freed, or just created
 *   and not yet referred to;
 * - those with more references than their count (released once too often, or
 *   between two steps at the stop): in a release build of CPython their count
 *   falls below zero, which is not zero.
 *
 * @param[out] ret To be released by rs_collect_result_fini().
 * Errors: RS_ENOMEM; RS_EINTERRUPTED.
 * Source: CPython Modules/gcmodule.c, deduce_unreachable() and collect().
 */
RS_MUST_CHECK struct rs_error *
rs_graph_collect(const struct rs_graph *graph,
		 const struct rs_collect_options *options,
		 const struct rs_progress *progress,
		 struct rs_collect_result *ret);
/** A zeroed struct is allowed. */
void rs_collect_result_fini(struct rs_collect_result *result);

/**
 * The strongly connected components that contain a cycle: those of two or more
 * objects, and single objects that refer to themselves. Numbered by their
 * lowest object.
 */
struct rs_components {
	uint32_t *of; // [objects] component, or RS_NONE when in no cycle
	uint32_t *start; // [components + 1] into object[]
	uint32_t *object; // [start[components]] by component, ascending in each
	uint32_t components;
	uint32_t objects;
};

/**
 * Find the strongly connected components over strong and owned references.
 *
 * @param member [objects] 1 for the objects to look at; NULL: all.
 * @param[out] ret To be released by rs_components_fini().
 * Errors: RS_ENOMEM; RS_EINTERRUPTED.
 */
RS_MUST_CHECK struct rs_error *
rs_graph_components(const struct rs_graph *graph, const uint8_t *member,
		    const struct rs_progress *progress,
		    struct rs_components *ret);
/** A zeroed struct is allowed. */
void rs_components_fini(struct rs_components *components);

/** One reference of a cycle. */
struct rs_cut {
	uint32_t source; // object that holds it
	uint32_t edge; // index in graph->out
};

/**
 * Find a shortest cycle in component @p c and, among its references, those
 * that are on every cycle of the component. Dropping one of these alone frees
 * the whole component, provided that nothing outside refers to it. An object
 * that another holds twice is held by two references.
 *
 * In a component of ordinary size no cycle is shorter. In a huge one the search
 * stops after a time linear in its size, with the shortest cycle found by then.
 * The cuts are exact for the cycle that is returned, whatever the size.
 *
 * @param[out] cycle The references as struct rs_cut, in the order of the cycle,
 *             appended.
 * @param[out] cut Those of them that free the component, appended.
 * Errors: RS_ENOMEM, RS_EINTERRUPTED (nothing appended).
 */
RS_MUST_CHECK struct rs_error *
rs_graph_cuts(const struct rs_graph *graph,
	      const struct rs_components *components, uint32_t c,
	      const struct rs_progress *progress, struct rs_vec *cycle,
	      struct rs_vec *cut);

/**
 * The objects reachable from @p from (itself included) over strong and owned
 * references, and over guesses that explain a count (see
 * graph/known_holders.h).
 *
 * @param depth Most references to follow in a row; UINT32_MAX for no limit.
 * @param[out] list Object numbers (uint32_t) in breadth-first order, appended.
 * @param[out] level Distance of each from @p from (uint32_t), appended. May be
 *             NULL.
 * Errors: RS_ENOMEM; RS_EINTERRUPTED (nothing appended).
 */
RS_MUST_CHECK struct rs_error *
rs_graph_reachable(const struct rs_graph *graph, uint32_t from, uint32_t depth,
		   const struct rs_progress *progress, struct rs_vec *list,
		   struct rs_vec *level);

/**
 * Mark what can be reached from the objects that are marked: over references of
 * all kinds but weak ones, so that also a guess keeps an object in use.
 *
 * @param[in,out] mark [objects] 0 or 1.
 * Errors: RS_ENOMEM; RS_EINTERRUPTED.
 */
RS_MUST_CHECK struct rs_error *
rs_graph_mark_reachable(const struct rs_graph *graph,
			const struct rs_progress *progress, uint8_t *mark);

/**
 * What would be freed with @p from: the object itself, and those of @p set that
 * lose all their counted references when it goes (its retained set). The rest
 * of @p set is shared with other holders.
 *
 * This is trial deletion within the set. An object is shared when it is static
 * or immortal, when its count includes a reference that was not found in the
 * set (a guessed one counts as found only if all that is known to hold the
 * object, guesses and roots included, is exactly its count), or when a shared
 * object reaches it without passing through @p from.
 *
 * @param set The objects reachable from @p from, itself included, each once;
 *        see rs_graph_reachable().
 * @param objects Length of @p set.
 * @param[out] list Object numbers (uint32_t) in the order of @p set, appended.
 * Errors: RS_ENOMEM; RS_EINTERRUPTED (nothing appended).
 */
RS_MUST_CHECK struct rs_error *
rs_graph_retained(const struct rs_graph *graph, uint32_t from,
		  const uint32_t *set, size_t objects,
		  const struct rs_progress *progress, struct rs_vec *list);

/** A path from a root to an object. */
struct rs_path {
	uint32_t root; // index in graph->root
	uint32_t start, length; // its objects: first index in node[], number
};

/**
 * Shortest paths from roots to @p target over strong and owned references.
 * rs_graph_reverse() must have run. At most @p limit paths, each from another
 * root, shortest first; none when no root reaches @p target. Among paths of the
 * same length the kind of root decides: locals, modules and C data, declared
 * roots, fields of an interpreter, of a thread, of a frame.
 *
 * @param[out] path For each path a struct rs_path, appended.
 * @param[out] node Object numbers (uint32_t) of the paths, that of the root's
 *             target first and @p target last, appended.
 * Errors: RS_ENOMEM; RS_EINTERRUPTED (nothing appended).
 */
RS_MUST_CHECK struct rs_error *
rs_graph_paths(const struct rs_graph *graph, uint32_t target, uint32_t limit,
	       const struct rs_progress *progress, struct rs_vec *path,
	       struct rs_vec *node);

/** The objects of one type. */
struct rs_tally {
	uint64_t objects;
	uint64_t bytes; // their sizes added up
	uint64_t unreachable; // how many of them are; 0 without a result
};

/**
 * Count the objects of each type.
 *
 * @param result Of a collection over the same graph, or NULL.
 * @param[out] ret [graph->types]
 */
void rs_graph_types(const struct rs_graph *graph,
		    const struct rs_collect_result *result,
		    struct rs_tally *ret);

#endif /* RS_GRAPH_GRAPH_H */
