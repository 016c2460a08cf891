// SPDX-License-Identifier: MIT
//
// Counts that do not agree with the holders: references that were not dropped,
// that were dropped twice, and those that only C code holds.
#include "answer/describe/type_filter.h"
#include "answer/leaks/findings.h"

#include <ctype.h>
#include <inttypes.h>

// How an object with an unexplained reference is held otherwise.
enum rs_situation {
	RS_UNHELD, // by nothing
	RS_HELD_BY_LOST, // by objects that nothing in use leads to
	RS_IN_USE, // something in use leads to it
};

static uint64_t key_of(uint32_t type, unsigned variant)
{
	return (uint64_t)variant << 32 | type;
}

static struct rs_error *
add(struct rs_vec *grouped, uint64_t key, uint32_t object)
{
	const struct rs_grouped one = {key, object};

	return rs_vec_append(grouped, &one, sizeof(one));
}

static enum rs_situation situation_of(const struct rs_finder *f,
				      uint32_t object,
				      const struct rs_ledger_row *row)
{
	if (f->reached[object])
		return RS_IN_USE;
	return row->named || row->evidence ? RS_HELD_BY_LOST : RS_UNHELD;
}

// "etree.so: cache+0x10" without numbers that differ from run to run.
static void place_pattern(const char *text, char *buf, size_t size)
{
	size_t n = 0;

	while (*text && n + 1 < size) {
		if (strncmp(text, "+0x", 3) == 0 ||
		    strncmp(text, "0x", 2) == 0) {
			text += *text == '+' ? 3 : 2;
			while (isxdigit((unsigned char)*text))
				text++;
			continue;
		}
		buf[n++] = *text++;
	}
	buf[n] = '\0';
}

// Text of the strongest evidence for @p object; "" when there is none.
static void
place_of(const struct rs_finder *f, uint32_t object, char *buf, size_t size)
{
	size_t places;
	const struct rs_place *place =
		rs_ledger_places(f->ledger, object, &places);

	buf[0] = '\0';
	if (places)
		rs_place_text(f->ledger, place, buf, size);
}

struct sorted {
	struct rs_vec missing, lost, over, by_c; // struct rs_grouped
	struct rs_vec pattern; // struct pattern, by number
	struct rs_vec text; // of the patterns
};

struct pattern {
	uint64_t hash;
	size_t text; // offset
};

// The number of @p pattern, which is added if it is new.
static struct rs_error *
number_of(struct sorted *s, const char *pattern, uint32_t *ret)
{
	const struct pattern one = {rs_finding_hash(pattern), s->text.used};
	const struct pattern *known = rs_vec_items(&s->pattern, struct pattern);
	const size_t n = rs_vec_count(&s->pattern, struct pattern);

	for (size_t i = 0; i < n; i++) {
		*ret = (uint32_t)i;
		if (known[i].hash == one.hash &&
		    strcmp((char *)s->text.data + known[i].text, pattern) == 0)
			return NULL;
	}
	*ret = (uint32_t)n;
	struct rs_error *err = rs_vec_append(&s->pattern, &one, sizeof(one));
	return err ? err
		   : rs_vec_append(&s->text, pattern, strlen(pattern) + 1);
}

// Only C code holds @p object: those in places that are alike are grouped.
static struct rs_error *
add_by_c(const struct rs_finder *f, struct sorted *s, uint32_t object)
{
	char text[RS_NAME_SIZE], pattern[RS_NAME_SIZE];
	uint32_t place = 0;

	place_of(f, object, text, sizeof(text));
	place_pattern(text, pattern, sizeof(pattern));
	struct rs_error *err = number_of(s, pattern, &place);
	return err ? err
		   : add(&s->by_c,
			 key_of(f->name[f->report->graph->type[object]], place),
			 object);
}

static struct rs_error *
sort_out(const struct rs_finder *f, uint32_t object, struct sorted *ret)
{
	const uint32_t type = f->name[f->report->graph->type[object]];
	const struct rs_ledger_row row = rs_ledger_row(f->ledger, object);

	if (!row.counted || f->reported[object])
		return NULL;
	if (row.unexplained > 0)
		return add(rs_graph_is_unreferenced(f->report->graph, object)
				   ? &ret->lost
				   : &ret->missing,
			   key_of(type, situation_of(f, object, &row)), object);
	if (row.unexplained < 0)
		return row.deferred ? NULL
				    : add(&ret->over, key_of(type, 0), object);
	if (row.evidence && !row.named)
		return add_by_c(f, ret, object);
	return NULL;
}

// One worse when there is memory that could not be read.
static uint8_t
lowered(const struct rs_finder *f, const struct rs_finding *finding)
{
	return (uint8_t)(finding->grade +
			 (f->report->session->memory->gaps > 0 &&
			  finding->grade < RS_POSSIBLE));
}

// The least and the most of what is unexplained of an object.
static void span_of(const struct rs_finder *f, const uint32_t *object,
		    uint32_t objects, int64_t *least, int64_t *most,
		    int64_t *sum)
{
	*least = INT64_MAX;
	*most = INT64_MIN;
	*sum = 0;
	for (uint32_t i = 0; i < objects; i++) {
		const int64_t n =
			rs_ledger_row(f->ledger, object[i]).unexplained;

		*least = n < *least ? n : *least;
		*most = n > *most ? n : *most;
		*sum += n;
	}
}

// Objects of the same type and module, in whatever situation.
static uint64_t all_of_type(const struct rs_finder *f, uint32_t type)
{
	return f->named_alike[f->name[type]];
}

static bool is_constant(const struct rs_finder *f, uint32_t object)
{
	const struct rs_graph *g = f->report->graph;
	struct rs_runtime *rt =
		rs_session_runtime(f->report->session, g, object);

	return rt->ops->is_constant &&
	       rt->ops->is_constant(rt, g->type[object], g->flags[object]);
}

// Classes are held by C code in many ways. Of what is in use, and of which most
// is as it should be, a few may well have a reference that C code keeps where
// it is not looked for.
static uint8_t grade_missing(const struct rs_finder *f,
			     const struct rs_finding *finding, unsigned how,
			     int64_t most)
{
	const struct rs_graph *g = f->report->graph;

	if (g->flags[finding->example] & RS_OBJ_TYPE)
		return most >= RS_MANY ? RS_LIKELY : RS_POSSIBLE;
	if (is_constant(f, finding->example))
		return RS_POSSIBLE;
	// That there is an object, a block of memory alone says.
	if (finding->objects >= RS_ALIKE && how == RS_UNHELD)
		return finding->kind == RS_FINDING_LOST &&
				       finding->objects < RS_MANY
			       ? RS_LIKELY
			       : RS_CERTAIN;
	if (finding->objects >= RS_ALIKE &&
	    (how != RS_IN_USE ||
	     finding->objects >= all_of_type(f, finding->type) / RS_ALIKE))
		return RS_LIKELY;
	// Many references and no holder at all: memory that only looks like an
	// object, more likely than one that was lost many times.
	return most >= RS_ALIKE && how != RS_UNHELD ? RS_LIKELY : RS_POSSIBLE;
}

static const char *situation_text(unsigned how)
{
	switch (how) {
	case RS_UNHELD:
		return ", and no holder";
	case RS_HELD_BY_LOST:
		return ", and holders that nothing in use leads to";
	default:
		return ", and holders in use";
	}
}

static struct rs_error *say_missing(struct rs_finder *f,
				    struct rs_finding *finding,
				    const uint32_t *object, unsigned how)
{
	int64_t least, most, sum;

	span_of(f, object, finding->objects, &least, &most, &sum);
	finding->references = (uint64_t)sum;
	finding->grade = grade_missing(f, finding, how, most);
	const char *each = finding->objects == 1 ? "it" : "each";
	if (least == most)
		return rs_finding_say(f, finding,
				      "%s has %" PRIi64
				      " reference%s that nothing explains%s",
				      each, least, least == 1 ? "" : "s",
				      situation_text(how));
	return rs_finding_say(f, finding,
			      "each has %" PRIi64 " to %" PRIi64
			      " references that nothing explains%s",
			      least, most, situation_text(how));
}

// What most of the objects are pointed at by is not known, but something is: C
// code may hold them after all.
static struct rs_error *doubt(struct rs_finder *f, struct rs_finding *finding,
			      const uint32_t *object, unsigned how)
{
	uint32_t pointed_at = 0;

	if (finding->grade == RS_POSSIBLE || how == RS_IN_USE)
		return NULL;
	struct rs_error *err =
		rs_pointed_at(f, object, finding->objects, &pointed_at);
	if (err || pointed_at < (finding->objects + 1) / 2)
		return err;
	finding->grade = RS_POSSIBLE;
	return rs_finding_say(f, finding,
			      "words in memory of unknown use point to %" PRIu32
			      " of them",
			      pointed_at);
}

static struct rs_error *
make_unexplained(struct rs_finder *f, enum rs_finding_kind kind,
		 const uint32_t *object, uint32_t objects, uint64_t key)
{
	static const char *const word[] = {"unheld", "held by lost", "in use"};
	const unsigned how = (unsigned)(key >> 32);
	char type[RS_KEY_SIZE];
	struct rs_finding *finding;
	struct rs_error *err =
		rs_finding_begin(f, kind, object, objects, &finding);

	if (err || (err = say_missing(f, finding, object, how)))
		return err;
	if (how == RS_IN_USE)
		finding->bytes = 0; // their memory is not lost
	finding->grade = lowered(f, finding);
	if (kind == RS_FINDING_LOST)
		err = rs_finding_say(f, finding, "found by %s",
				     objects == 1
					     ? "its malloc block alone"
					     : "their malloc blocks alone");
	if (err || (err = doubt(f, finding, object, how)))
		return err;
	rs_type_full_name(f->report, finding->type, type, sizeof(type));
	return rs_finding_key(f, finding, "%s %s %s",
			      rs_finding_kind_text(kind), type, word[how]);
}

static struct rs_error *make_missing(struct rs_finder *f,
				     const uint32_t *object, uint32_t objects,
				     uint64_t key)
{
	return make_unexplained(f, RS_FINDING_MISSING_DECREF, object, objects,
				key);
}

static struct rs_error *make_lost(struct rs_finder *f, const uint32_t *object,
				  uint32_t objects, uint64_t key)
{
	return make_unexplained(f, RS_FINDING_LOST, object, objects, key);
}

// What is static may be held without being counted.
static uint8_t grade_over(const struct rs_finder *f,
			  const struct rs_finding *finding, int64_t most)
{
	const uint16_t flags = f->report->graph->flags[finding->example];

	if (finding->references == 1 ||
	    ((flags & (RS_OBJ_TYPE | RS_OBJ_STATIC)) && most < RS_ALIKE))
		return RS_POSSIBLE;
	return finding->objects >= RS_ALIKE ? RS_CERTAIN : RS_LIKELY;
}

static struct rs_error *make_over(struct rs_finder *f, const uint32_t *object,
				  uint32_t objects, uint64_t key)
{
	int64_t least, most, sum;
	char type[RS_KEY_SIZE];
	struct rs_finding *finding;
	struct rs_error *err = rs_finding_begin(f, RS_FINDING_OVER_DECREF,
						object, objects, &finding);

	(void)key;
	if (err)
		return err;
	span_of(f, object, objects, &least, &most, &sum);
	finding->references = (uint64_t)-sum;
	finding->bytes = 0; // nothing is lost: something is freed too early
	finding->grade = grade_over(f, finding, -least);
	const struct rs_ledger_row row = rs_ledger_row(f->ledger, object[0]);
	err = rs_finding_say(
		f, finding, "%s%" PRIu32 " holders, count %" PRId64,
		objects == 1 ? "" : "such as ", row.named, row.count);
	if (err)
		return err;
	rs_type_full_name(f->report, finding->type, type, sizeof(type));
	return rs_finding_key(f, finding, "over-decref %s", type);
}

static struct rs_error *make_by_c(struct rs_finder *f, const uint32_t *object,
				  uint32_t objects, uint64_t key)
{
	char type[RS_KEY_SIZE], place[RS_NAME_SIZE], pattern[RS_NAME_SIZE];
	struct rs_finding *finding;
	struct rs_error *err = rs_finding_begin(f, RS_FINDING_HELD_BY_C, object,
						objects, &finding);

	(void)key;
	if (err)
		return err;
	if (objects < RS_ALIKE && finding->bytes < RS_LARGE) {
		f->ret->finding.used -= sizeof(*finding);
		f->ret->object.used -= objects * sizeof(*object);
		return NULL;
	}
	finding->grade = RS_POSSIBLE;
	finding->references = objects;
	place_of(f, object[0], place, sizeof(place));
	place_pattern(place, pattern, sizeof(pattern));
	rs_type_full_name(f->report, finding->type, type, sizeof(type));
	err = rs_finding_say(f, finding, "only C code holds %s: %s%s",
			     objects == 1 ? "it" : "them",
			     objects == 1 ? "" : "such as ", place);
	return err ? err
		   : rs_finding_key(f, finding, "held-by-c %s %s", type,
				    pattern);
}

struct rs_error *rs_find_counts(struct rs_finder *finder)
{
	const uint32_t objects = finder->report->graph->objects;
	struct sorted s = {.pattern = {0}};
	struct rs_error *err = NULL;

	for (uint32_t i = 0; i < objects && !err; i++) {
		if (i % RS_TICK == 0)
			err = rs_progress_tick(
				&finder->report->session->progress,
				"looking for leaks", i, objects);
		if (!err)
			err = sort_out(finder, i, &s);
	}
	if (!err)
		err = rs_grouped_make(finder, &s.missing, make_missing);
	if (!err)
		err = rs_grouped_make(finder, &s.lost, make_lost);
	if (!err)
		err = rs_grouped_make(finder, &s.over, make_over);
	if (!err)
		err = rs_grouped_make(finder, &s.by_c, make_by_c);
	rs_vec_fini(&s.missing);
	rs_vec_fini(&s.lost);
	rs_vec_fini(&s.over);
	rs_vec_fini(&s.by_c);
	rs_vec_fini(&s.pattern);
	rs_vec_fini(&s.text);
	return err;
}
