// SPDX-License-Identifier: MIT
//
// The ledger in answers: places, and its sums.
#include "answer/describe/report.h"

void rs_report_place(struct rs_report *report, const struct rs_ledger *ledger,
		     const struct rs_place *place)
{
	struct rs_json *j = &report->json;
	char text[RS_PLACE_TEXT];

	rs_place_text(ledger, place, text, sizeof(text));
	rs_json_begin_object(j);
	rs_json_key_string(j, "kind",
			   rs_place_kind_text((enum rs_place_kind)place->kind));
	rs_json_key_string(j, "place", text);
	rs_json_key_address(j, "slot", place->slot);
	rs_json_end_object(j);
}

void rs_report_totals(struct rs_json *json,
		      const struct rs_ledger_totals *totals)
{
	rs_json_key_uint(json, "counts", totals->counts);
	rs_json_key_uint(json, "named", totals->named);
	rs_json_key_uint(json, "evidence", totals->evidence);
	rs_json_key_uint(json, "unexplained", totals->unexplained);
	rs_json_key_uint(json, "over", totals->over);
	rs_json_key_uint(json, "unexplained_objects",
			 totals->unexplained_objects);
	rs_json_key_uint(json, "over_objects", totals->over_objects);
	rs_json_key_uint(json, "immortal", totals->immortal);
	rs_json_key_uint(json, "deferred", totals->deferred);
}
