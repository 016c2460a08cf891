// SPDX-License-Identifier: MIT
/**
 * @file
 * What every answer shares: the session's graph, the JSON being written, and
 * labels read again from the target.
 */
#ifndef RS_ANSWER_REPORT_H
#define RS_ANSWER_REPORT_H

#include "base/cleanup.h"
#include "base/json.h"
#include "session/session.h"

enum {
	RS_TEXT_SIZE = 201, // an object in words, with its NUL
	RS_LABEL_SIZE = 256, // a reference in words, with its NUL
	RS_NAME_SIZE = 256, // `<type 0x..>`, with its NUL
	RS_OWNER_SIZE = 256, // `module os`, with its NUL
};

/** The object that was read again last, with labels. */
struct rs_reading {
	struct rs_refs refs; // of object `source`, matched to its edges
	uint32_t source; // RS_NONE: refs holds nothing
};

/** The roots of one object, counted. */
struct rs_rooted {
	uint32_t counted; // roots that its count has
	uint32_t words; // the others
};

/** One answer in the making. End with rs_report_fini(). */
struct rs_report {
	struct rs_session *session;
	struct rs_graph *graph; // borrowed
	struct rs_json json;
	struct rs_reading told; // whose references are being told
	struct rs_reading owner; // who was asked whether a dict is its own
	struct rs_rooted *rooted; // [objects]; NULL: no way back yet
	bool has_problems; // rs_report_problems() has been called
};

/**
 * Begin an answer over the graph of everything.
 *
 * @param report Zeroed; may be ended after an error too.
 * @param fd Where the JSON goes, or -1 for memory.
 */
RS_MUST_CHECK struct rs_error *
rs_report_open(struct rs_report *report, struct rs_session *session, int fd);
void rs_report_fini(struct rs_report *report);
#define RS_AUTO_REPORT RS_CLEANUP(rs_report_fini)

/**
 * The number of the object at @p address.
 * Errors: RS_ENOTFOUND, with what lies there instead.
 */
RS_MUST_CHECK struct rs_error *
rs_report_find(struct rs_report *report, uint64_t address, uint32_t *ret);

/** rs_report_open() and rs_report_find(). */
RS_MUST_CHECK struct rs_error *
rs_report_open_at(struct rs_report *report, struct rs_session *session,
		  uint64_t address, uint32_t *ret);

/** A full collection of the graph, made once in a session. Borrowed. */
RS_MUST_CHECK struct rs_error *
rs_report_verdict(struct rs_report *report, const struct rs_verdict **ret);

/** Whether @p fate is one of those that a collection finds unreachable. */
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

/** Write "object": OBJECT. */
void rs_report_key_object(struct rs_report *report, const char *key,
			  uint32_t number);

/** `<CGcLeak 0x7f..>`, at most @p size bytes. */
void rs_report_name(const struct rs_report *report, uint32_t number, char *buf,
		    size_t size);
void rs_report_name_in(const struct rs_graph *graph, uint32_t number, char *buf,
		       size_t size);

/**
 * Whose dict object @p number is: `module os`, `class m.Foo`, `function f`,
 * `Foo 0x7f..`, or what root holds it: `sys.modules`.
 *
 * A namespace is held by its owner, by functions and by frames: of each type
 * of holder the first few are asked.
 *
 * @return false when it is no dict, nobody's own, or before
 *         rs_report_reverse().
 */
bool rs_report_owner(struct rs_report *report, uint32_t number, char *buf,
		     size_t size);

/** @return The name of the type of object @p number. Borrowed. */
const char *rs_report_type(const struct rs_graph *graph, uint32_t number);

/** @return "tracked", "untracked" or "none". */
const char *rs_report_gc(const struct rs_graph *graph, uint32_t number);

/** @return "strong", "owned", "weak" or "guess". */
const char *rs_report_kind(enum rs_kind kind);

/** @return "local", "frame", ...: as in rs_answer_why(). */
const char *rs_report_root_kind(unsigned kind);

/** @return The name of @p root. Borrowed from @p graph. */
const char *
rs_report_root_text(const struct rs_graph *graph, const struct rs_root *root);

/** What a root adds to the count of its target: false for found words. */
static inline bool rs_report_root_counted(const struct rs_root *root)
{
	return root->kind != RS_ROOT_WORD;
}

/** Whether @p root says what its target is, not only who has it at hand. */
static inline bool rs_report_root_names(const struct rs_root *root)
{
	return root->kind == RS_ROOT_INTERPRETER ||
	       root->kind == RS_ROOT_MODULES || root->kind == RS_ROOT_THREAD;
}

/**
 * The label of reference @p edge (index into graph->out) of @p source, which
 * is read again unless it was the last one asked for.
 */
struct rs_label
rs_report_label(struct rs_report *report, uint32_t source, uint32_t edge);

/** The same by way of @p reading, for who must not disturb the answer's. */
struct rs_label rs_reading_label(struct rs_reading *reading,
				 const struct rs_report *report,
				 uint32_t source, uint32_t edge);
RS_MUST_CHECK struct rs_error *rs_reading_init(struct rs_reading *reading);
void rs_reading_fini(struct rs_reading *reading);

/** rs_report_label() in words; "" when it has none. */
void rs_report_label_text(struct rs_report *report, uint32_t source,
			  uint32_t edge, char *buf, size_t size);

/** Write "label": words of a reference. */
void rs_report_key_label(struct rs_report *report, uint32_t source,
			 uint32_t edge);

/** The references to one object, one after the other, by source. */
struct rs_holders {
	const struct rs_graph *graph;
	uint32_t target;
	uint32_t next, end; // in graph->in
	uint32_t source; // of the one told last
	uint32_t edge; // of the one told last, index into graph->out
};

/** Start. The graph must have its way back: rs_graph_reverse(). */
void rs_holders_init(struct rs_holders *holders, const struct rs_graph *graph,
		     uint32_t target);

/** Step on. @return false when there are no more. */
bool rs_holders_next(struct rs_holders *holders);

/** What the ledger of an object adds up to. */
struct rs_ledger {
	uint64_t named; // strong, owned and root references
	uint64_t weak, guesses;
	// count - named; 0 for an immortal object, and for what is known only
	// by a guess and may be none
	int64_t unexplained;
	uint64_t holders; // all but the weak ones
};

/** Needs rs_report_reverse(). Costs as much as the object has holders. */
void rs_report_ledger(const struct rs_report *report, uint32_t number,
		      struct rs_ledger *ret);

/** Read a live count: -1 when immortal. */
int64_t rs_report_count(const struct rs_graph *graph, uint32_t number);

/** The graph of everything with its way back. From then on OBJECTs have "of".
 * Once: again is no work. */
RS_MUST_CHECK struct rs_error *rs_report_reverse(struct rs_report *report);

/** Numbers (uint32_t) of the objects in all garbage lists, appended. */
RS_MUST_CHECK struct rs_error *
rs_report_garbage(struct rs_report *report, struct rs_vec *ret);

/**
 * Write what every answer has about how much of it is known: "learned" and
 * "unasked", and, where there is something to say, "collecting", "unread",
 * "in_transit", "unknown" and "incomplete" (engine.h).
 */
void rs_report_learned(struct rs_json *json, const struct rs_session *session);

/**
 * Write "problems": lines of what may make the answer incomplete or wrong, if
 * there are any; or @p all that the session met, for rs_answer_info().
 */
void rs_report_problems(struct rs_json *json, const struct rs_session *session,
			bool all);

/** Write those, close the last object and hand out the text. */
RS_MUST_CHECK struct rs_error *
rs_report_take(struct rs_report *report, char **ret);

#endif /* RS_ANSWER_REPORT_H */
