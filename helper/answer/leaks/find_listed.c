// SPDX-License-Identifier: MIT
//
// What a collector has put into its garbage list.
#include "answer/describe/type_filter.h"
#include "answer/leaks/findings.h"
#include "session/collection.h"

// The garbage of one type. In gc.garbage are also objects without a finalizer:
// with DEBUG_SAVEALL, everything that a collection found.
static struct rs_error *make(struct rs_finder *f, const uint32_t *object,
			     uint32_t objects, uint64_t key)
{
	const struct rs_graph *g = f->report->graph;
	const struct rs_collector_settings settings =
		rs_session_settings(f->report->session, g, object[0]);
	char type[RS_KEY_SIZE];
	struct rs_finding *finding;
	struct rs_error *err = rs_finding_begin(f, RS_FINDING_GARBAGE, object,
						objects, &finding);

	(void)key;
	if (!err && settings.saveall)
		err = rs_finding_say(f, finding,
				     "the collector put all that it found "
				     "into its garbage list: DEBUG_SAVEALL is "
				     "set");
	else if (!err)
		err = rs_finding_say(f, finding,
				     "in the garbage list: the collector could "
				     "not free %s",
				     objects == 1 ? "it" : "them");
	if (err)
		return err;
	rs_type_full_name(f->report, finding->type, type, sizeof(type));
	return rs_finding_key(f, finding, "garbage %s", type);
}

static struct rs_error *group(struct rs_finder *f, struct rs_vec *grouped)
{
	const struct rs_graph *g = f->report->graph;
	const uint32_t *number = rs_vec_items(&f->rings.garbage, uint32_t);
	const size_t n = rs_vec_count(&f->rings.garbage, uint32_t);

	for (size_t i = 0; i < n; i++) {
		const struct rs_grouped one = {f->name[g->type[number[i]]],
					       number[i]};
		struct rs_error *err;

		if (f->reported[number[i]])
			continue; // it is in the list twice
		f->reported[number[i]] = 1;
		if ((err = rs_vec_append(grouped, &one, sizeof(one))))
			return err;
	}
	return NULL;
}

struct rs_error *rs_find_listed(struct rs_finder *finder)
{
	struct rs_vec grouped = {0};
	struct rs_error *err = group(finder, &grouped);

	if (!err)
		err = rs_grouped_make(finder, &grouped, make);
	rs_vec_fini(&grouped);
	return err;
}
