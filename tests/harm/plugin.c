// SPDX-License-Identifier: MIT
/* A plugin that tracks, for harm.c: with or without a library of its own. */
#include "refscope/refscope.h"

#include <stdlib.h>

struct gadget {
	long refs;
	struct gadget *next;
};

static const struct rs_field fields[] = {RS_REF(struct gadget, next)};

static void give_back(void *object)
{
	struct gadget *g = object;

	if (--g->refs)
		return;
	rs_untrack(g);
	if (g->next)
		give_back(g->next);
	free(g);
}

static struct rs_type gadget_type =
	RS_TYPE("gadget", struct gadget, refs, fields, .release = give_back);

int rs_plugin_use(unsigned undescribe);

int rs_plugin_use(unsigned undescribe)
{
	struct gadget *g = calloc(1, sizeof(*g));

	if (!g)
		return 1;
	g->refs = 1;
	if (rs_track(g, &gadget_type) || rs_type_of(g) != &gadget_type)
		return 2;
	g->next = g; // its own first reference
	if (rs_find_garbage(0, NULL, NULL) != 1)
		return 3;
	g->next = NULL;
	give_back(g);
	return undescribe ? rs_undescribe(&gadget_type) : 0;
}
