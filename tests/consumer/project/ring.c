// SPDX-License-Identifier: MIT
/* What somebody else's program does with the helper: one ring, found, freed. */
#include <refscope/refscope.h>
#include <stdio.h>
#include <stdlib.h>

struct node {
	int refs;
	struct node *next;
};

static void node_release(void *object)
{
	struct node *n = object;

	if (!n || --n->refs)
		return;
	rs_untrack(n);
	node_release(n->next);
	free(n);
}

static const struct rs_field fields[] = {RS_REF(struct node, next)};
static struct rs_type type =
	RS_TYPE("node", struct node, refs, fields, .release = node_release);

int main(void)
{
	struct node *n = calloc(1, sizeof(*n));

	if (!n)
		return 1;
	n->refs = 1;
	n->next = n;
	rs_track(n, &type);
	printf("%lld\n", (long long)rs_collect());
	return 0;
}
