// SPDX-License-Identifier: MIT
/**
 * @file
 * The parts of answers: opening and closing one, and writing objects, labels
 * and owners. One struct rs_report for each answer.
 */
#ifndef RS_ANSWER_REPORT_H
#define RS_ANSWER_REPORT_H

#include "base/cleanup.h"
#include "base/json.h"
#include "session/session.h"

enum {
	// Bytes of buffers, with the NUL:
	RS_TEXT_SIZE = 201, // for the description of an object
	RS_LABEL_SIZE = 256, // for the label of a reference
	RS_NAME_SIZE = 256, // for `<type 0x..>`
	RS_OWNER_SIZE = 256, // for `module os`
};

/** An object that was read again, with labels. */
struct rs_reading {
	struct rs_refs refs; // in the order of its edges
	uint32_t source; // its number; RS_NONE: none yet
};

/** The number of roots that refer to an object. */
struct rs_rooted {
	uint32_t counted; // its reference count includes these
	uint32_t words; // but not these
};

/** An answer that is being written. */
struct rs_report {
	struct rs_session *session; // borrowed
	struct rs_graph *graph; // of all objects; borrowed
	struct rs_json json;
	struct rs_reading reading; // the object whose references are written
	struct rs_reading owner; // the last possible owner of a dict
	struct rs_rooted *rooted; // [objects]; NULL until rs_report_reverse()
	uint64_t written; // objects and labels so far
	struct rs_error *interrupted; // owned: the user stopped the writing
	bool has_problems; // rs_report_problems() has been called
	// The one that the answer uses, or NULL; borrowed from the session.
	const struct rs_collect_result *collection;
};

/**
 * To be called once for each object or label that is written: an answer may
 * have millions.
 *
 * @return Whether to write it. After the user has stopped the answer it is
 *         false, and rs_report_take() ends with RS_EINTERRUPTED.
 */
bool rs_report_goes_on(struct rs_report *report);

/**
 * Begin an answer over the graph of all objects.
 *
 * @param report Zeroed. To be released by rs_report_fini(), on error too.
 * @param fd To write the JSON to, or -1 for memory.
 * Errors: as rs_session_graph().
 */
RS_MUST_CHECK struct rs_error *
rs_report_open(struct rs_report *report, struct rs_session *session, int fd);
void rs_report_fini(struct rs_report *report);
#define RS_AUTO_REPORT RS_CLEANUP(rs_report_fini)

/**
 * Find the number of the object at @p address.
 * Errors: RS_ENOTFOUND; the message says what is there instead.
 */
RS_MUST_CHECK struct rs_error *
rs_report_find(struct rs_report *report, uint64_t address, uint32_t *ret);

/** rs_report_open(), then rs_report_find(). Errors: those of both. */
RS_MUST_CHECK struct rs_error *
rs_report_open_at(struct rs_report *report, struct rs_session *session,
		  uint64_t address, uint32_t *ret);

/** The result of a full collection, computed once in a session. Borrowed.
 * Errors: as rs_session_collect_full(). */
RS_MUST_CHECK struct rs_error *
rs_report_full_collection(struct rs_report *report,
			  const struct rs_collect_result **ret);

/** Whether objects with @p fate are unreachable. */
static inline bool rs_report_unreachable(uint8_t fate)
{
	return fate >= RS_FATE_FREED;
}

/** Whether @p shown entries are as many as @p limit allows; 0: no limit. */
static inline bool rs_report_full(uint64_t shown, uint64_t limit)
{
	return limit && shown >= limit;
}

/** Write the member "count" of object @p number: null if it is immortal. */
void rs_report_key_count(struct rs_json *json, const struct rs_graph *graph,
			 uint32_t number);

/** Write the members "id", "type", "count", "size" and "gc" of @p number. */
void rs_report_facts(struct rs_json *json, const struct rs_graph *graph,
		     uint32_t number);

/** Write object @p number as an OBJECT. */
void rs_report_object(struct rs_report *report, uint32_t number);

/** Write "@p key": OBJECT. */
void rs_report_key_object(struct rs_report *report, const char *key,
			  uint32_t number);

/** Write the member "unreferenced", if there are any: see rs_answer_types(). */
void rs_report_key_unreferenced(struct rs_json *json,
				const struct rs_graph *graph);

/**
 * Write the name of an object that has one: `os` of a module, `m.Class` of a
 * type, `f (x.py:3)` of a frame.
 * @return false, with @p buf unchanged, when it has none.
 */
bool rs_report_own_name(const struct rs_session *session,
			const struct rs_graph *graph, uint32_t number,
			char *buf, size_t size);

/** Write `<CGcLeak 0x7f..>`, or with a name of its own `<type m.Lock 0x7f..>`,
 * to @p buf, of @p size bytes with the NUL. */
void rs_report_name(const struct rs_report *report, uint32_t number, char *buf,
		    size_t size);
void rs_report_name_in(const struct rs_graph *graph, uint32_t number, char *buf,
		       size_t size);

/**
 * Write the name of the owner of the dict @p number: `module os`,
 * `class m.Foo`, `function f`, `Foo 0x7f..`, or a root: `sys.modules`.
 *
 * Functions and frames refer to a namespace too. To find the owner, the first
 * few holders of each type are read.
 *
 * @return false if it is not a dict, or has no owner, or if
 *         rs_report_reverse() has not run.
 */
bool rs_report_owner(struct rs_report *report, uint32_t number, char *buf,
		     size_t size);

/** @return The name of the type of object @p number. Borrowed. */
const char *rs_report_type(const struct rs_graph *graph, uint32_t number);

/** @return "tracked", "untracked" or "none". Static. */
const char *rs_report_gc(const struct rs_graph *graph, uint32_t number);

/** @return "strong", "owned", "weak" or "guess". Static. */
const char *rs_report_kind(enum rs_kind kind);

/** @return "local", "frame" and so on: as in rs_answer_why(). Static. */
const char *rs_report_root_kind(unsigned kind);

/** @return The name of @p root. Borrowed from @p graph. */
const char *
rs_report_root_text(const struct rs_graph *graph, const struct rs_root *root);

/** Whether the reference count of its target includes @p root. */
static inline bool rs_report_root_counted(const struct rs_root *root)
{
	return root->kind != RS_ROOT_WORD;
}

/** Whether the name of @p root says what its target is, such as sys.modules;
 * that of a local variable does not. */
static inline bool rs_report_root_names(const struct rs_root *root)
{
	return root->kind == RS_ROOT_INTERPRETER ||
	       root->kind == RS_ROOT_MODULES || root->kind == RS_ROOT_THREAD;
}

/**
 * The label of reference @p edge (index in graph->out) of @p source, which is
 * read again, unless it is the one that was read last.
 */
struct rs_label
rs_report_label(struct rs_report *report, uint32_t source, uint32_t edge);

/** The same with another buffer, to leave report->reading unchanged. */
struct rs_label rs_reading_label(struct rs_reading *reading,
				 const struct rs_report *report,
				 uint32_t source, uint32_t edge);
/** To be released by rs_reading_fini(). Errors: RS_ENOMEM. */
RS_MUST_CHECK struct rs_error *rs_reading_init(struct rs_reading *reading);
void rs_reading_fini(struct rs_reading *reading);

/** rs_report_label() as text; "" when there is none. */
void rs_report_label_text(struct rs_report *report, uint32_t source,
			  uint32_t edge, char *buf, size_t size);

/** Make `[]` of `['x']` and `[3]` in a label, in place: what may differ where
 * the same code has run. */
void rs_label_omit_keys(char *label);

/** Write the member "label". */
void rs_report_key_label(struct rs_report *report, uint32_t source,
			 uint32_t edge);

/** Write @p place as a PLACE: see rs_answer_count(). */
void rs_report_place(struct rs_report *report, const struct rs_ledger *ledger,
		     const struct rs_place *place);

/** Write the members of a ledger's sums: see rs_answer_ledger(). */
void rs_report_totals(struct rs_json *json,
		      const struct rs_ledger_totals *totals);

/** An iterator over the references to an object, by source. */
struct rs_holders {
	const struct rs_graph *graph;
	uint32_t target;
	uint32_t next, end; // indexes in graph->in
	uint32_t source; // of the current reference
	uint32_t edge; // of the current reference: index in graph->out
};

/** Start before the first one. rs_graph_reverse() must have run. */
void rs_holders_init(struct rs_holders *holders, const struct rs_graph *graph,
		     uint32_t target);

/** Go to the next reference. @return false when there are no more. */
bool rs_holders_next(struct rs_holders *holders);

/** The sums over all references to an object. */
struct rs_holder_sums {
	uint64_t named; // strong, owned and root references
	uint64_t weak, guesses;
	// count - named; 0 for an immortal object, and for what is known only
	// by a guess and may be none
	int64_t unexplained;
	uint64_t holders; // all but the weak ones
};

/** Needs rs_report_reverse(). Takes time for each holder. */
void rs_report_holder_sums(const struct rs_report *report, uint32_t number,
			   struct rs_holder_sums *ret);

/** @return The reference count, which may be below 0; -1 when immortal. */
int64_t rs_report_count(const struct rs_graph *graph, uint32_t number);

/** rs_graph_reverse(), once. From then on OBJECTs have the member "of".
 * Errors: RS_ENOMEM; RS_EINTERRUPTED. */
RS_MUST_CHECK struct rs_error *rs_report_reverse(struct rs_report *report);

/** Append the numbers (uint32_t) of the objects in all garbage lists.
 * Errors: RS_ENOMEM; those of the op garbage. */
RS_MUST_CHECK struct rs_error *
rs_report_garbage(struct rs_report *report, struct rs_vec *ret);

/**
 * Write the members that every answer has, about the method and about what is
 * not known: "method", "not_traversed" and the same under their old names, and,
 * if there is any, "collecting", "unread", "in_transit", "unknown" and
 * "incomplete". See engine.h.
 */
void rs_report_completeness(struct rs_json *json,
			    const struct rs_session *session);

/**
 * Write "problems": lines of what may make the answer incomplete or wrong, if
 * there are any; or @p all that the session met, for rs_answer_info().
 */
void rs_report_problems(struct rs_json *json, const struct rs_session *session,
			bool all);

/**
 * Write "uncertain", if @p result, of a collection of @p graph, depends on what
 * types tell their collector and that is not known. See engine.h. @p result may
 * be NULL.
 */
void rs_report_uncertain(struct rs_json *json, const struct rs_graph *graph,
			 const struct rs_collect_result *result);

/**
 * Whatever is handed out passes here last: an answer, an exported file before
 * it gets its name, a number.
 * @return @p err, or, whether or not there is one, RS_EIO when a file that was
 *         read has changed since it was opened (rs_memory_check()): nothing
 *         that was read of it is then handed out.
 */
RS_MUST_CHECK struct rs_error *
rs_report_checked(const struct rs_session *session, struct rs_error *err);

/**
 * End an answer that is not a report's: rs_report_checked(), then hand out what
 * was written. @p json is released in any case.
 * @param[out] ret For the caller to free; only without error.
 * Errors: @p err; RS_ENOMEM; as rs_report_checked().
 */
RS_MUST_CHECK struct rs_error *rs_report_end(const struct rs_session *session,
					     struct rs_json *json,
					     struct rs_error *err, char **ret);

/** Write these members, end the answer's object and return the text. Errors:
 * RS_ENOMEM; as rs_report_checked(). */
RS_MUST_CHECK struct rs_error *
rs_report_take(struct rs_report *report, char **ret);

#endif /* RS_ANSWER_REPORT_H */
