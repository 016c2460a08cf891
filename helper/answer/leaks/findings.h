// SPDX-License-Identifier: MIT
/**
 * @file
 * What leaks: the findings of rs_answer_leaks().
 *
 * A finding is about objects that are alike: of one type and in one situation.
 * It has a kind, a grade, the objects, and a key that is the same in every run
 * of the program. They are made once in a session, so that a number means the
 * same finding in all commands at one stop.
 *
 * engine.h has the rules of the grades.
 */
#ifndef RS_ANSWER_FINDINGS_H
#define RS_ANSWER_FINDINGS_H

#include "answer/describe/report.h"
#include "answer/describe/rings.h"

/** In the order in which findings of the same weight are listed. */
enum rs_finding_kind {
	RS_FINDING_MISSING_DECREF,
	RS_FINDING_LOST,
	RS_FINDING_OVER_DECREF,
	RS_FINDING_DANGLING,
	RS_FINDING_DEAD_RING,
	RS_FINDING_HIDDEN_RING,
	RS_FINDING_GARBAGE,
	RS_FINDING_HELD_BY_C,
};

enum rs_grade { RS_CERTAIN, RS_LIKELY, RS_POSSIBLE };

enum {
	RS_ALIKE = 10, // so many alike objects are no accident
	RS_MANY = 100, // so many references to one class are none either
	RS_LARGE = 1 << 20, // bytes that are worth telling for one object
	RS_KEY_SIZE = 512,
};

/** A finding. Offsets are into arrays of struct rs_findings. */
struct rs_finding {
	uint8_t kind; // enum rs_finding_kind
	uint8_t grade; // enum rs_grade
	uint32_t number; // from 1, in the order of the list
	uint32_t type; // index of the type of its objects
	uint32_t example; // number of an object
	uint32_t rings; // of the kinds that are rings
	uint32_t object, objects; // in rs_findings.object: first, number
	uint64_t references; // that are missing, too many, or lead to nothing
	uint64_t bytes; // of the objects and of what only they keep alive
	uint32_t key; // offset in text
	uint32_t ring; // offset in text of a cycle like those; RS_NONE: no ring
	uint32_t line, lines; // evidence: offset of the first, number
};

/** All findings of a session, the heaviest first. Arrays are owned. */
struct rs_findings {
	struct rs_vec finding; // struct rs_finding, by number
	struct rs_vec object; // uint32_t
	struct rs_vec text; // NUL-terminated
	uint32_t shown; // findings that are not just possible: the first ones
	// Objects that a collection would free, in no finding.
	uint64_t waiting, waiting_bytes;
};

/** Findings that are being made. */
struct rs_finder {
	struct rs_report *report; // borrowed
	const struct rs_ledger *ledger; // borrowed
	struct rs_rings rings; // in the garbage; owned, as is all below
	// [objects] 1: something in use leads to it
	uint8_t *reached;
	uint8_t *reported; // [objects] 1: in a finding about garbage
	// [types] number of the full name: types made by one piece of code, in
	// a loop, are one to a person.
	uint32_t *name;
	uint64_t *named_alike; // [types] objects, by the number of the name
	uint32_t *left; // [objects] working space, zeroed
	struct rs_vec queue; // working space
	struct rs_findings *ret; // borrowed: where findings are added
};

/** What is to be grouped: those with the same key are one finding. */
struct rs_grouped {
	uint64_t key;
	uint32_t object; // or the component of a cycle
};

/**
 * The findings of the report's session, made by the first call. Borrowed.
 * Errors: as rs_session_ledger(), rs_rings_find().
 */
RS_MUST_CHECK struct rs_error *
rs_findings_get(struct rs_report *report, const struct rs_findings **ret);

/**
 * Finding @p number. Errors: RS_ENOTFOUND; those of rs_findings_get().
 * @param[out] findings All of them, for rs_findings_objects().
 */
RS_MUST_CHECK struct rs_error *
rs_findings_find(struct rs_report *report, uint32_t number,
		 const struct rs_findings **findings,
		 const struct rs_finding **ret);

/** @return [finding->objects] numbers of its objects, borrowed. */
static inline const uint32_t *
rs_findings_objects(const struct rs_findings *findings,
		    const struct rs_finding *finding)
{
	return rs_vec_items(&findings->object, uint32_t) + finding->object;
}

/** Write the member "evidence" of a finding. */
void rs_finding_key_evidence(struct rs_json *json,
			     const struct rs_findings *findings,
			     const struct rs_finding *finding);

/** @return "missing-decref" and so on. Static. */
const char *rs_finding_kind_text(unsigned kind);

/** @return "certain", "likely" or "possible". Static. */
const char *rs_grade_text(unsigned grade);

/* --- For those who make findings. ---------------------------------------- */

/** A hash of @p text, for keys of groups. */
static inline uint64_t rs_finding_hash(const char *text)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (; *text; text++)
		hash = (hash ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
	return hash ^ hash >> 29;
}

/**
 * Make a finding, or none, of one group.
 * @param object [objects] numbers of objects, or of components; borrowed.
 * @param key What they have in common: rs_grouped.key.
 * Errors: RS_ENOMEM; RS_EINTERRUPTED.
 */
typedef struct rs_error *(*rs_finding_fn)(struct rs_finder *finder,
					  const uint32_t *object,
					  uint32_t objects, uint64_t key);

/**
 * Call @p make for each group, with its objects in ascending order.
 * @param grouped struct rs_grouped; sorted by this.
 * Errors: RS_ENOMEM; those of @p make.
 */
RS_MUST_CHECK struct rs_error *rs_grouped_make(struct rs_finder *finder,
					       struct rs_vec *grouped,
					       rs_finding_fn make);

/**
 * Begin a finding about the @p objects at @p object, which are weighed. Its
 * grade is certain, its key empty, its type and example those of the first.
 * @param[out] ret Valid until the next one is begun.
 * Errors: RS_ENOMEM.
 */
RS_MUST_CHECK struct rs_error *
rs_finding_begin(struct rs_finder *finder, enum rs_finding_kind kind,
		 const uint32_t *object, uint32_t objects,
		 struct rs_finding **ret);

/** Set its key. A type without a name is `type@` in it, without its address.
 * Errors: RS_ENOMEM. */
RS_MUST_CHECK
RS_PRINTF(3, 4)
struct rs_error *rs_finding_key(struct rs_finder *finder,
				struct rs_finding *finding, const char *format,
				...);

/** Add a line of evidence. Errors: RS_ENOMEM. */
RS_MUST_CHECK
RS_PRINTF(3, 4)
struct rs_error *rs_finding_say(struct rs_finder *finder,
				struct rs_finding *finding, const char *format,
				...);

/**
 * How many of the @p objects at @p object, ascending, a word somewhere in
 * writable memory points to, outside of the object: pointed_at.c. Reads all of
 * it. Errors: RS_ENOMEM; RS_EINTERRUPTED.
 */
RS_MUST_CHECK struct rs_error *rs_pointed_at(const struct rs_finder *finder,
					     const uint32_t *object,
					     uint32_t objects, uint32_t *ret);

/**
 * Each adds findings to finder->ret: find_counts.c missing-decref, lost,
 * over-decref and held-by-c; find_dangling.c dangling; find_rings.c dead-ring,
 * hidden-ring and what waits; find_listed.c garbage.
 * Errors: RS_ENOMEM; RS_EINTERRUPTED.
 */
RS_MUST_CHECK struct rs_error *rs_find_counts(struct rs_finder *finder);
RS_MUST_CHECK struct rs_error *rs_find_dangling(struct rs_finder *finder);
RS_MUST_CHECK struct rs_error *rs_find_rings(struct rs_finder *finder);
RS_MUST_CHECK struct rs_error *rs_find_listed(struct rs_finder *finder);

#endif /* RS_ANSWER_FINDINGS_H */
