// SPDX-License-Identifier: MIT
/* Every macro of the public headers, as C and as C++: headers.py compiles it,
 * and runs it. */
#include <refscope/refscope.h>
#include <refscope/registry.h>

#include <stdio.h>
#include <string.h>

struct leaf {
	const char *key;
	struct node *value;
	const char *text;
};

struct cell {
	struct cell *next;
	struct node *held;
};

struct node {
	unsigned refs;
	unsigned kids;
	struct node *next;
	struct node **kid;
	struct node *two[2];
	struct leaf *leaf;
	struct leaf one;
	struct cell *list;
	struct node *parent;
	struct node *lent;
	const char *title;
	struct node *dict;
};

struct ending {
	unsigned refs;
	unsigned tails;
	struct node *tail[1];
};

struct ending_of {
	unsigned refs;
	unsigned tails;
	struct leaf tail[1];
};

static void release(void *object)
{
	(void)object;
}

static const struct rs_field leaf_fields[] = {
	RS_KEY(struct leaf, key),
	RS_REF(struct leaf, value),
	RS_TEXT(struct leaf, text),
};
static const struct rs_type leaf_part =
	RS_PART("leaf", struct leaf, leaf_fields);

extern const struct rs_type cell_part;
static const struct rs_field cell_fields[] = {
	RS_REF(struct cell, held),
	RS_POINTER_TO(struct cell, next, &cell_part),
};
const struct rs_type cell_part = RS_PART("cell", struct cell, cell_fields);

static const struct rs_field fields[] = {
	RS_REF(struct node, next),
	RS_ARRAY(struct node, kid, kids),
	RS_REFS(struct node, two),
	RS_ARRAY_OF(struct node, leaf, kids, &leaf_part),
	RS_STRUCT(struct node, one, &leaf_part),
	RS_POINTER_TO(struct node, list, &cell_part),
	RS_WEAK_REF(struct node, parent),
	RS_OWNED_REF(struct node, lent),
	RS_TEXT(struct node, title),
#ifdef RS_TEST_DESIGNATORS // in C++ before C++20 an extension
	RS_FIELD(struct node, dict, .flags = RS_FIELD_DICT),
#else
	RS_FIELD(struct node, dict),
#endif
};
static const struct rs_field ending_fields[] = {
	RS_FLEX(struct ending, tail, tails)};
static const struct rs_field ending_of_fields[] = {
	RS_FLEX_OF(struct ending_of, tail, tails, &leaf_part)};

static struct rs_type ending_type =
	RS_TYPE("ending", struct ending, refs, ending_fields);
static struct rs_type ending_of_type =
	RS_TYPE("ending_of", struct ending_of, refs, ending_of_fields);
#ifdef RS_TEST_DESIGNATORS
static struct rs_type node_type = RS_TYPE("node", struct node, refs, fields,
					  .count_bias = 1, .release = release);
#else
static struct rs_type node_type = RS_TYPE("node", struct node, refs, fields);
#endif

static int expect(const struct rs_field *field, const char *name, unsigned kind,
		  unsigned width, unsigned length, unsigned hold)
{
	const int wrong = strcmp(field->name, name) != 0 ||
			  field->kind != kind || field->count_width != width ||
			  field->length != length || field->hold != hold;

	if (wrong)
		printf("%s is not what it should be\n", name);
	return wrong;
}

int main(void)
{
	static struct node node;
	char reason[RS_REFUSED_SIZE];
	int wrong = 0;

#ifndef RS_TEST_DESIGNATORS
	node_type.release = release;
	node_type.count_bias = 1;
#endif
	wrong += expect(&fields[0], "next", RS_FIELD_INLINE, 0, 0, 0);
	wrong += expect(&fields[1], "kid", RS_FIELD_POINTER, 4, 0, 0);
	wrong += expect(&fields[2], "two", RS_FIELD_INLINE, 0, 2, 0);
	wrong += expect(&fields[3], "leaf", RS_FIELD_POINTER, 4, 0, 0);
	wrong += expect(&fields[6], "parent", RS_FIELD_INLINE, 0, 0,
			RS_HOLD_WEAK);
	wrong += expect(&fields[7], "lent", RS_FIELD_INLINE, 0, 0,
			RS_HOLD_OWNED);
	wrong += expect(&fields[8], "title", RS_FIELD_TEXT, 0, 0, 0);
	wrong += rs_type_check(&node_type, reason, sizeof(reason)) != 0;
	wrong += rs_type_check(&ending_type, reason, sizeof(reason)) != 0;
	wrong += rs_type_check(&ending_of_type, reason, sizeof(reason)) != 0;
	node.next = &node; // its own first reference, by the bias
	wrong += rs_track(&node, &node_type) != 0;
	wrong += rs_count(&node) != 1;
	wrong += rs_find_garbage(0, NULL, NULL) != 1;
	wrong += rs_untrack(&node) != 0;
	return wrong;
}
