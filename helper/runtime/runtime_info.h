// SPDX-License-Identifier: MIT
/**
 * @file
 * What a runtime reports about itself and its collectors, for rs_answer_info()
 * and rs_answer_gc(). Plain data, which the answers write as JSON.
 */
#ifndef RS_RUNTIME_RUNTIME_INFO_H
#define RS_RUNTIME_RUNTIME_INFO_H

#include "base/vec.h"
#include "refscope/error.h"

#define RS_INFO_NO_TEXT UINT32_MAX // in place of an offset: not known

/** One call of a thread, in the target's own language. */
struct rs_info_frame {
	uint32_t function, file; // offsets in rs_runtime_info.text
	uint64_t line; // 0: not known
};

struct rs_info_thread {
	int64_t tid; // 0: not known
	uint64_t ident; // as the program knows it
	int64_t interpreter; // id, as the program knows it
	bool holds_gil;
	// Objects that other threads released, and that wait for it.
	bool queues; // whether threads of this runtime have such a queue
	uint64_t queued, queued_bytes;
	uint32_t frame, frames; // first of rs_runtime_info.frame, number
	// The system call in which it was; less than 0: none, or not known.
	int64_t call;
	const char *call_name; // static; NULL: not one in which threads wait
	int64_t waits_ns; // for how long; less than 0: not known
	int64_t ran_ms, age_ms; // less than 0: not known
};

struct rs_info_allocator {
	const char *name; // static; NULL: not known yet
	uint64_t arenas, pools, blocks, objects, free_list, other;
	int64_t large; // -1: not known
};

enum rs_fact_kind { RS_FACT_NUMBER, RS_FACT_ADDRESS, RS_FACT_FLAG };

/** A member of the answer that other runtimes do not have. */
struct rs_fact {
	const char *name; // static
	enum rs_fact_kind kind;
	uint64_t value;
};

/** What rs_answer_info() says of a runtime. Arrays are owned. */
struct rs_runtime_info {
	const char *version, *layout; // borrowed from the runtime
	const char *module; // path of the file that it is in, borrowed, or NULL
	struct rs_vec fact; // struct rs_fact, in the order of the answer
	bool has_threads; // whether it has an allocator and threads of its own
	struct rs_info_allocator allocator;
	struct rs_vec thread; // struct rs_info_thread
	struct rs_vec frame; // struct rs_info_frame, by thread
	struct rs_vec text; // NUL-terminated, one after the other
};

/** A zeroed struct is allowed. */
void rs_runtime_info_fini(struct rs_runtime_info *info);

/** Append a fact. Errors: RS_ENOMEM. */
RS_MUST_CHECK struct rs_error *
rs_fact_add(struct rs_runtime_info *info, const char *name,
	    enum rs_fact_kind kind, uint64_t value);

/** Append a copy of @p text. @param[out] ret Its offset. Errors: RS_ENOMEM. */
RS_MUST_CHECK struct rs_error *
rs_info_text_add(struct rs_runtime_info *info, const char *text, uint32_t *ret);

enum {
	RS_GC_FLAGS_MAX = 8,
	RS_GC_GENERATIONS_MAX = 4,
	RS_GC_UNKNOWN = -1,
	RS_GC_COLLECTIONS_MAX = 32,
};

/** A collection that has ended. */
struct rs_gc_collection {
	unsigned generation; // the oldest that it collected
	int64_t stop, duration; // ns; stop by the target's CLOCK_MONOTONIC
	int64_t collected, uncollectable; // objects that it found
	int64_t candidates; // objects that it looked at
	int64_t heap_size; // tracked objects afterwards
};

struct rs_gc_generation {
	bool has_threshold, has_count; // false: could not be read
	int64_t threshold, count;
	uint64_t objects; // on its list
	int64_t collections, collected, uncollectable; // or RS_GC_UNKNOWN
};

/** One collector. */
struct rs_gc_info {
	int enabled, collecting; // 1, 0 or RS_GC_UNKNOWN
	int flags; // debug flags that are set, or RS_GC_UNKNOWN
	const char *flag[RS_GC_FLAGS_MAX]; // their names; static
	const char *policy; // for finalizers; NULL: the runtime has none
	unsigned generations;
	struct rs_gc_generation generation[RS_GC_GENERATIONS_MAX];
	int64_t frozen; // objects hidden from it, or RS_GC_UNKNOWN
	uint64_t garbage; // entries of the garbage list
	// The last collections, newest first, where the runtime keeps them.
	bool keeps_collections;
	unsigned collections;
	struct rs_gc_collection collection[RS_GC_COLLECTIONS_MAX];
};

#endif /* RS_RUNTIME_RUNTIME_INFO_H */
