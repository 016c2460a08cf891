// SPDX-License-Identifier: MIT
#include "answer/leaks/ring_path.h"

#include "answer/describe/cycle_path.h"
#include "answer/describe/type_filter.h"

#include <stdio.h>

enum { RS_STEPS_WRITTEN = 8 }; // the rest is "..."

static void append(char *buf, const char *text)
{
	const size_t used = strlen(buf);

	(void)snprintf(buf + used, RS_KEY_SIZE - used, "%s", text);
}

static void write_step(struct rs_finder *f, const struct rs_step *step,
		       bool keys, char *buf)
{
	char name[RS_KEY_SIZE], label[RS_LABEL_SIZE];

	rs_type_full_name(f->report, f->report->graph->type[step->object], name,
			  sizeof(name));
	rs_cycle_path_label(f->report, step, label, sizeof(label));
	if (!keys)
		rs_label_omit_keys(label);
	append(buf, "<");
	append(buf, name);
	append(buf, label[0] == '.' || label[0] == '[' ? ">" : "> ");
	append(buf, label);
}

static void write_path(struct rs_finder *f, const struct rs_vec *steps,
		       bool keys, char *buf)
{
	const struct rs_step *step = rs_vec_items(steps, struct rs_step);
	const size_t n = rs_vec_count(steps, struct rs_step);

	buf[0] = '\0';
	for (size_t i = 0; i < n && i < RS_STEPS_WRITTEN; i++) {
		append(buf, i ? " -> " : "");
		write_step(f, &step[i], keys, buf);
	}
	append(buf, n > RS_STEPS_WRITTEN ? " -> ..." : " ->");
}

static void
write_cut(struct rs_finder *f, const struct rs_vec *steps, char *buf)
{
	const struct rs_step *step = rs_vec_items(steps, struct rs_step);
	const size_t n = rs_vec_count(steps, struct rs_step);

	buf[0] = '\0';
	for (size_t i = 0; i < n && !buf[0]; i++)
		if (step[i].cut)
			write_step(f, &step[i], true, buf);
}

struct rs_error *rs_ring_path(struct rs_finder *finder, uint32_t c,
			      uint32_t through, char path[2][RS_KEY_SIZE],
			      char cut[RS_KEY_SIZE])
{
	const struct rs_components *k = &finder->rings.components;
	struct rs_vec steps = {0};
	struct rs_error *err = NULL;

	if (through != RS_NONE)
		err = rs_cycle_path_through(finder->report, k, through, &steps);
	if (!err && !steps.used)
		err = rs_cycle_path_find(finder->report, k, c, &steps);
	if (!err) {
		write_path(finder, &steps, true, path[0]);
		write_path(finder, &steps, false, path[1]);
		write_cut(finder, &steps, cut);
	}
	rs_vec_fini(&steps);
	return err;
}
