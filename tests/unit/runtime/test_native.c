// SPDX-License-Identifier: MIT
/* The native runtime, reading the registry of this very process. */
#include "rs_check.h"
#include "runtime/native/native.h"
#include "runtime/native/native_open.h"

#include "base/json.h"

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

struct pair {
	struct node *first, *second;
};

struct entry {
	const char *key;
	struct node *value;
	const char *text;
};

struct node {
	uint16_t refs;
	uint8_t kids;
	struct node *next;
	struct node **kid;
	struct node *two[2];
	struct pair pair;
	struct entry *entry;
	unsigned entries;
	struct node *back; // not counted
	const char *title;
	struct node *dict;
	struct node *hidden; // told by traverse alone
	uint64_t tails;
	struct node *tail[];
};

static const struct rs_field pair_fields[] = {
	RS_REF(struct pair, first),
	RS_REF(struct pair, second),
};
static const struct rs_type pair_part =
	RS_PART("pair", struct pair, pair_fields);
static const struct rs_field entry_fields[] = {
	RS_KEY(struct entry, key),
	RS_REF(struct entry, value),
	RS_TEXT(struct entry, text),
};
static const struct rs_type entry_part =
	RS_PART("entry", struct entry, entry_fields);

#define NODE_FIELDS                                                            \
	RS_REF(struct node, next), RS_ARRAY(struct node, kid, kids),           \
		RS_REFS(struct node, two),                                     \
		RS_STRUCT(struct node, pair, &pair_part),                      \
		RS_ARRAY_OF(struct node, entry, entries, &entry_part),         \
		RS_FIELD(struct node, back, .hold = RS_HOLD_WEAK),             \
		RS_TEXT(struct node, title),                                   \
		RS_FIELD(struct node, dict, .flags = RS_FIELD_DICT)

static const struct rs_field node_fields[] = {
	NODE_FIELDS,
	RS_FLEX(struct node, tail, tails),
};

static void release(void *object)
{
	(void)object;
}

static int traverse(void *object, rs_visit_fn visit, void *context)
{
	return visit(((struct node *)object)->hidden, context);
}

static struct rs_type node_type =
	RS_TYPE("node", struct node, refs, node_fields, .release = release);
static struct rs_type dict_type =
	RS_TYPE("dict", struct node, refs, node_fields, .release = release,
		.flags = RS_TYPE_DICT);
static struct rs_type final_type =
	RS_TYPE("final", struct node, refs, node_fields, .release = release,
		.finalize = release, .count_shift = 4, .count_bias = 1);
static struct rs_type opaque_type =
	RS_TYPE("opaque", struct node, refs, node_fields, .release = release,
		.traverse = traverse);

static struct rs_memory *memory;
static struct rs_types types;
static struct rs_runtime *rt;
static struct rs_refs refs;

static void shut(void)
{
	rs_refs_fini(&refs);
	if (rt)
		rt->ops->free(rt);
	rt = NULL;
	rs_types_fini(&types);
	rs_memory_close(memory);
	memory = NULL;
}

static struct rs_error *try_open(void)
{
	rs_ck_ok(rs_memory_open_live(getpid(), &(struct rs_memory_options){0},
				     &memory));
	return rs_native_open(memory, &types, 0, &rt);
}

static void open_self(void)
{
	rs_ck_ok(rs_refs_init(&refs, true));
	rs_ck_ok(try_open());
	ck_assert_ptr_nonnull(rt);
}

/** Never freed: the registry's references are none to a leak checker. */
static struct node *make(struct rs_type *type)
{
	enum { RS_ROOM = sizeof(struct node) + 4 * sizeof(struct node *) };
	static _Alignas(16) char pool[64][(RS_ROOM + 15) / 16 * 16];
	static int used;

	ck_assert_int_lt(used, 64);
	struct node *n = (struct node *)(void *)pool[used++];
	n->refs = 1;
	ck_assert_int_eq(rs_track(n, type), 0);
	return n;
}

static uint64_t address(const void *object)
{
	return (uint64_t)(uintptr_t)object;
}

/** The label and kind of the reference from @p n to @p to, told once. */
static void check_ref(const struct node *n, const void *to, enum rs_kind kind,
		      const char *label)
{
	char text[128];
	int found = 0;

	refs.n = 0;
	rt->ops->read(rt, address(n), NULL, false, &refs);
	for (uint32_t i = 0; i < refs.n; i++) {
		if (refs.target[i] != address(to))
			continue;
		rt->ops->label(rt, &refs.label[i], text, sizeof(text));
		ck_assert_str_eq(text, label);
		ck_assert_int_eq(refs.kind[i], kind);
		found++;
	}
	ck_assert_msg(found == 1, "%s: found %d times", label, found);
}

START_TEST(every_kind_of_field_is_read_with_its_label)
{
	struct node *n = make(&node_type);
	struct node *t[10];
	struct node *kid[3];
	struct entry entry[2] = {{"_self", NULL, NULL}, {"_text", NULL, "#"}};

	for (int i = 0; i < 10; i++)
		t[i] = make(&node_type);
	n->next = t[0];
	kid[0] = NULL;
	kid[1] = t[1];
	kid[2] = t[2];
	n->kid = kid;
	n->kids = 3;
	n->two[1] = t[3];
	n->pair.second = t[4];
	entry[0].value = t[5];
	n->entry = entry;
	n->entries = 2;
	n->back = t[6];
	n->dict = t[7];
	n->tails = 3;
	n->tail[2] = t[8];
	open_self();
	check_ref(n, t[0], RS_STRONG, ".next");
	check_ref(n, t[1], RS_STRONG, ".kid[1]");
	check_ref(n, t[2], RS_STRONG, ".kid[2]");
	check_ref(n, t[3], RS_STRONG, ".two[1]");
	check_ref(n, t[4], RS_STRONG, ".pair.second");
	check_ref(n, t[5], RS_STRONG, "['_self']");
	check_ref(n, t[6], RS_WEAK, ".back");
	check_ref(n, t[7], RS_STRONG, ".__dict__");
	check_ref(n, t[8], RS_STRONG, ".tail[2]");
	ck_assert_uint_eq(refs.n, 9);
	ck_assert(!refs.incomplete);

	struct rs_row row;
	rt->ops->read(rt, address(n), &row, true, NULL);
	ck_assert_uint_eq(row.size, sizeof(struct node) + 3 * 8 + 3 * 8 +
					    2 * sizeof(struct entry));
	shut();
}
END_TEST

START_TEST(what_is_no_tracked_object_is_owned)
{
	struct node *n = make(&node_type);
	static struct node untracked;

	n->next = &untracked;
	open_self();
	check_ref(n, &untracked, RS_OWNED, ".next");
	ck_assert(!rt->ops->is_object(rt, address(&untracked)));
	shut();
}
END_TEST

START_TEST(rows_tell_counts_and_flags)
{
	struct node *n = make(&node_type);
	struct node *f = make(&final_type);
	struct rs_row row;

	n->refs = 65534;
	f->refs = 3 << 4 | 7; // low bits are somebody else's
	open_self();
	rt->ops->read(rt, address(n), &row, false, NULL);
	ck_assert_uint_eq(row.count, 65534);
	ck_assert_uint_eq(row.flags,
			  RS_OBJ_GC | RS_OBJ_TRACKED | RS_OBJ_INSTANCE);
	rt->ops->read(rt, address(f), &row, false, NULL);
	ck_assert_uint_eq(row.count, 4);
	ck_assert(row.flags & RS_OBJ_FINALIZER);
	ck_assert(!(row.flags & RS_OBJ_LEGACY));
	ck_assert_str_eq(
		rs_vec_items(&types.row, struct rs_type_row)[row.type].name,
		"final");
	ck_assert_int_eq(rt->rules, RS_RULES_27);
	shut();
	rs_gc_set_policy(RS_GC_FINALIZE);
	open_self();
	ck_assert_int_eq(rt->rules, RS_RULES_34);
	shut();
}
END_TEST

START_TEST(what_only_traverse_tells_is_guessed)
{
	struct node *n = make(&opaque_type);
	struct node *hidden = make(&node_type);
	struct rs_row row;

	n->hidden = hidden;
	open_self();
	char label[32];
	(void)snprintf(label, sizeof(label), "+0x%zx",
		       offsetof(struct node, hidden));
	check_ref(n, hidden, RS_GUESS, label);
	rt->ops->read(rt, address(n), &row, false, &refs);
	ck_assert(row.flags & RS_OBJ_INEXACT);
	shut();
}
END_TEST

START_TEST(texts_are_one_line)
{
	struct entry entry[2] = {{"_self", NULL, NULL},
				 {"_text", NULL, "##########"}};
	struct node *n = make(&node_type);
	struct node *d = make(&dict_type);
	char text[200], want[200];

	entry[0].value = n;
	d->entry = entry;
	d->entries = 2;
	n->title = "a\nb";
	open_self();
	rt->ops->text(rt, address(d), text, sizeof(text));
	(void)snprintf(want, sizeof(want),
		       "{'_self': <node %p>, '_text': '##########'}",
		       (void *)n);
	ck_assert_str_eq(text, want);
	rt->ops->text(rt, address(n), text, sizeof(text));
	(void)snprintf(want, sizeof(want), "<node 'a\\x0ab' %p>", (void *)n);
	ck_assert_str_eq(text, want);
	for (size_t size = 0; size < 40; size++) { // never past its end
		memset(text, 'x', sizeof(text));
		rt->ops->text(rt, address(d), text, size);
		ck_assert_int_eq(text[size], 'x');
	}
	shut();
}
END_TEST

START_TEST(names_are_resolved_from_the_roots)
{
	static struct node *tree, *row[3];
	struct entry entry = {"name", NULL, NULL};
	struct node *kid[2] = {NULL, NULL};
	uint64_t found = 0;

	tree = make(&node_type);
	tree->next = row[1] = make(&node_type);
	tree->next->kid = kid;
	tree->next->kids = 2;
	kid[1] = make(&node_type);
	tree->dict = make(&dict_type);
	entry.value = make(&node_type);
	tree->dict->entry = &entry;
	tree->dict->entries = 1;
	rs_root_add(&tree, "tree");
	rs_root_add_array(row, 3, "row");
	open_self();
	rs_ck_ok(rt->ops->resolve(rt, "tree.next.kid[1]", &found));
	ck_assert_uint_eq(found, address(kid[1]));
	rs_ck_ok(rt->ops->resolve(rt, "row[1]", &found));
	ck_assert_uint_eq(found, address(row[1]));
	rs_ck_ok(rt->ops->resolve(rt, "tree.__dict__['name']", &found));
	ck_assert_uint_eq(found, address(entry.value));
	rs_ck_ok(rt->ops->resolve(rt, "tree.name", &found));
	ck_assert_uint_eq(found, address(entry.value));
	rs_ck_error(rt->ops->resolve(rt, "tree.nothing", &found), RS_ENOTFOUND,
		    "tree has no reference \".nothing\"");
	rs_ck_error(rt->ops->resolve(rt, "bush", &found), RS_ENOTFOUND,
		    "no root named \"bush\"");

	struct rs_roots roots = {0};
	rs_ck_ok(rt->ops->roots(rt, &roots));
	ck_assert_uint_eq(rs_vec_count(&roots.root, struct rs_found_root), 2);
	rs_vec_fini(&roots.root);
	rs_vec_fini(&roots.text);
	shut();
}
END_TEST

START_TEST(the_garbage_list_is_read)
{
	struct node *n = make(&final_type);
	struct rs_vec garbage = {0};

	n->refs = 0; // by its bias that is 1
	n->next = n;
	ck_assert_int_eq(rs_collect(), 1);
	open_self();
	rs_ck_ok(rt->ops->garbage(rt, &garbage));
	ck_assert_uint_eq(rs_vec_count(&garbage, uint64_t), 1);
	ck_assert_uint_eq(rs_vec_items(&garbage, uint64_t)[0], address(n));
	rs_vec_fini(&garbage);
	shut();
}
END_TEST

START_TEST(an_overlay_tells_native_references_of_a_python_object)
{
	// A stand-in for a PyObject: its fields are what counts here.
	static struct node python_object;
	static struct node other_python_object;
	struct node *n = make(&node_type);
	static int python_type;
	static struct rs_type part = RS_PART("ext", struct node, node_fields);

	python_object.next = n; // owned: traverse cannot tell it
	python_object.two[0] = &other_python_object; // traverse tells it
	ck_assert_int_eq(rs_describe_extension(&python_type, &part), 0);
	ck_assert_int_eq(rs_describe_extension(NULL, &part), RS_EARGUMENT);
	open_self();
	ck_assert_ptr_null(rs_native_overlay(rt, address(&part)));
	const void *overlay = rs_native_overlay(rt, address(&python_type));
	ck_assert_ptr_nonnull(overlay);
	refs.n = 0;
	rs_native_overlay_refs(rt, overlay, address(&python_object),
			       RS_EXTENSION_SKIP, &refs);
	ck_assert_uint_eq(refs.n, 1);
	ck_assert_uint_eq(refs.target[0], address(n));
	ck_assert_int_eq(refs.kind[0], RS_OWNED);
	ck_assert_int_eq(refs.label[0].kind, RS_LABEL_FIELD);
	ck_assert_str_eq((const char *)(uintptr_t)refs.label[0].a, "next");
	shut();
}
END_TEST

START_TEST(other_versions_and_damage_are_told)
{
	struct rs_error *err;

	make(&node_type);
	rs_registry.version = 9;
	err = try_open();
	rs_ck_error(err, RS_EUNSUPPORTED, "version 9");
	shut();
	rs_registry.version = RS_REGISTRY_VERSION;
	rs_registry.field_size = 1;
	err = try_open();
	rs_ck_error(err, RS_EBAD, "damaged");
	shut();
	rs_registry.field_size = sizeof(struct rs_field);
	rs_registry.self = NULL; // a copy of a registry is none
	rs_ck_ok(try_open());
	ck_assert_ptr_null(rt);
	shut();
	rs_registry.self = &rs_registry;
}
END_TEST

static void read_everything(void)
{
	struct rs_found found = {0};
	struct rs_vec garbage = {0};
	struct rs_roots roots = {0};
	char text[64];

	open_self();
	rs_ck_ok(rt->ops->find(rt, NULL, &found, NULL));
	const uint64_t *a = rs_vec_items(&found.address, uint64_t);
	for (size_t i = 0; i < rs_vec_count(&found.address, uint64_t); i++) {
		struct rs_row row;

		refs.n = 0;
		rt->ops->read(rt, a[i], &row, true, &refs);
		for (uint32_t k = 0; k < refs.n; k++)
			rt->ops->label(rt, &refs.label[k], text, sizeof(text));
		rt->ops->text(rt, a[i], text, sizeof(text));
	}
	rs_ck_ok(rt->ops->roots(rt, &roots));
	rs_ck_ok(rt->ops->garbage(rt, &garbage));
	rs_vec_fini(&found.address);
	rs_vec_fini(&found.mark);
	rs_vec_fini(&garbage);
	rs_vec_fini(&roots.root);
	rs_vec_fini(&roots.text);
	shut();
}

// What a damaged target may hold: nothing of it may hang or crash a reader.
START_TEST(an_array_may_be_as_large_as_the_memory)
{
	struct many {
		int refs;
		uint64_t n;
		struct node **item;
	};
	static const struct rs_field fields[] = {
		RS_ARRAY(struct many, item, n)};
	static struct rs_type type =
		RS_TYPE("many", struct many, refs, fields, .release = release);
	static struct many many = {.refs = 1};
	const uint64_t n = (UINT64_C(1) << 28) + 1;
	struct rs_row row;

	// Never touched, so it takes no memory.
	many.item = mmap(NULL, n * 8, PROT_READ,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	ck_assert_ptr_ne(many.item, MAP_FAILED);
	many.n = n;
	ck_assert_int_eq(rs_track(&many, &type), 0);
	open_self();
	rt->ops->read(rt, address(&many), &row, true, NULL);
	ck_assert_uint_eq(row.size, sizeof(many) + n * 8);
	ck_assert_uint_eq(row.flags & RS_OBJ_IMMORTAL, 0);
	shut();
	ck_assert_int_eq(rs_untrack(&many), 0);
	ck_assert_int_eq(munmap(many.item, n * 8), 0);
}
END_TEST

START_TEST(nonsense_is_read_to_its_end)
{
	static struct rs_field wild[2];
	static struct rs_type loop = {.name = "loop", .size = 8};
	static struct rs_field loop_field = {.name = "me", .of = &loop};
	struct node *n = make(&node_type);

	n->kid = (struct node **)(uintptr_t)16; // unreadable
	n->kids = 255;
	n->tails = UINT64_MAX;
	n->title = (const char *)(uintptr_t)1;
	n->entry = (struct entry *)(uintptr_t)0x7fffffffffff;
	n->entries = UINT32_MAX;
	read_everything();
	n->tails = 0;

	struct rs_type type = {.name = "wild", .size = 64, .count_width = 8};
	make(&type); // spoilt after it was found sound
	loop.field = &loop_field;
	loop.fields = 1;
	wild[0] = (struct rs_field){.name = (const char *)(uintptr_t)3,
				    .of = &loop};
	wild[1] = (struct rs_field){.offset = UINT32_MAX, .count_width = 3};
	type.field = wild;
	type.fields = 1U << 31;
	read_everything();
	type.fields = 2;
	read_everything();
	type.field = (const struct rs_field *)(uintptr_t)5;
	read_everything();

	struct rs_leaf *leaf = rs_registry.leaf;
	struct rs_region *region =
		&leaf->region[address(n) >> 16 & (RS_LEAF_SIZE - 1)];
	const struct rs_region whole = *region;
	region->table = 12345;
	read_everything();
	region->table = 31;
	read_everything();
	*region = whole;
	struct rs_leaf *const next = leaf->next;
	leaf->next = leaf; // a ring of leaves
	read_everything();
	leaf->next = next;
	rs_registry.garbage_count = UINT64_MAX;
	read_everything();
	rs_registry.garbage_count = 0;
	rs_registry.types = RS_TYPES_MAX;
	read_everything();
	rs_registry.types = 3;
}
END_TEST

// The fact of that name.
static uint64_t fact(const struct rs_runtime_info *info, const char *name)
{
	const struct rs_fact *f = rs_vec_items(&info->fact, struct rs_fact);

	for (size_t i = 0; i < rs_vec_count(&info->fact, struct rs_fact); i++)
		if (strcmp(f[i].name, name) == 0)
			return f[i].value;
	ck_abort_msg("no fact %s", name);
}

START_TEST(info_and_gc_are_those_of_the_registry)
{
	struct rs_runtime_info info = {0};
	struct rs_gc_info gc;

	rs_gc_set_debug(RS_GC_DEBUG_UNCOLLECTABLE | RS_GC_DEBUG_STATS);
	open_self();
	rs_ck_ok(rt->ops->info(rt, &info));
	ck_assert_str_eq(info.layout, "registry");
	ck_assert_uint_eq(fact(&info, "registries"), 1);
	ck_assert_uint_eq(fact(&info, "registry"), address(&rs_registry));
	rs_ck_ok(rt->ops->gc(rt, 0, &gc));
	ck_assert_int_eq(gc.flags, 2);
	ck_assert_str_eq(gc.flag[0], "stats");
	ck_assert_str_eq(gc.flag[1], "uncollectable");
	ck_assert_int_eq(gc.generation[0].threshold, 700);
	rs_runtime_info_fini(&info);
	shut();
}
END_TEST

// What begins with @p text is in the problems, or in those of every answer.
static bool is_told(const char *text, bool gap)
{
	const size_t n = gap ? memory->gaps : memory->problems;

	for (size_t i = 0; i < n; i++) {
		const char *line = gap ? memory->gap[i] : memory->problem[i];

		if (strncmp(line, text, strlen(text)) == 0)
			return true;
	}
	return false;
}

static size_t found_roots(void)
{
	struct rs_roots roots = {0};

	rs_ck_ok(rt->ops->roots(rt, &roots));
	const size_t n = rs_vec_count(&roots.root, struct rs_found_root);
	rs_vec_fini(&roots.root);
	rs_vec_fini(&roots.text);
	return n;
}

START_TEST(a_root_of_too_many_words_is_told)
{
	enum { RS_MOST_WORDS = 1 << 20 };
	static struct node *row[RS_MOST_WORDS + 1];

	row[RS_MOST_WORDS - 1] = row[RS_MOST_WORDS] = make(&node_type);
	rs_root_add_array(row, RS_MOST_WORDS, "row");
	open_self();
	ck_assert_uint_eq(found_roots(), 1);
	ck_assert(!rt->incomplete);
	shut();
	rs_root_remove(row);
	rs_root_add_array(row, RS_MOST_WORDS + 1, "row");
	open_self();
	ck_assert_uint_eq(found_roots(), 1);
	ck_assert(rt->incomplete);
	ck_assert(is_told("the root row has 1048577 words, of which the first "
			  "1048576 are read: ",
			  true));
	shut();
}
END_TEST

START_TEST(lists_of_too_many_blocks_are_told)
{
	static struct node *tree;
	static int python_type;
	static struct rs_type part = RS_PART("ext", struct node, node_fields);

	tree = make(&node_type);
	rs_root_add(&tree, "tree");
	ck_assert_int_eq(rs_describe_extension(&python_type, &part), 0);
	open_self();
	ck_assert_uint_eq(found_roots(), 1);
	ck_assert(!rt->incomplete);
	ck_assert(!is_told("a list", true));
	shut();
	rs_registry.root->next = rs_registry.root; // as long as a list can be
	open_self();
	ck_assert(!rt->incomplete);
	ck_assert_uint_eq(found_roots(), 1 << 16);
	ck_assert(rt->incomplete);
	ck_assert(is_told("a list of roots is damaged, or has more than 65536 "
			  "blocks: ",
			  true));
	shut();
	rs_registry.root->next = NULL;
	rs_registry.extension->next = rs_registry.extension;
	open_self();
	ck_assert(rt->incomplete);
	ck_assert(is_told("a list of described Python types is damaged, or has "
			  "more than 65536 blocks: ",
			  true));
	shut();
	rs_registry.extension->next = NULL;
}
END_TEST

START_TEST(long_names_are_cut)
{
	static char name[300], want[300];
	static struct node *tree;
	struct rs_type type = node_type;
	uint64_t found = 0;
	struct rs_row row;

	memset(name, 'n', sizeof(name) - 1);
	(void)snprintf(want, sizeof(want), "%.252s...", name);
	type.name = name;
	tree = make(&type);
	rs_root_add(&tree, name);
	open_self();
	rt->ops->read(rt, address(tree), &row, false, NULL);
	ck_assert_str_eq(
		rs_vec_items(&types.row, struct rs_type_row)[row.type].name,
		want);
	struct rs_roots roots = {0};
	rs_ck_ok(rt->ops->roots(rt, &roots));
	ck_assert_str_eq((const char *)roots.text.data, want);
	rs_vec_fini(&roots.root);
	rs_vec_fini(&roots.text);
	rs_ck_ok(rt->ops->resolve(rt, want, &found));
	ck_assert_uint_eq(found, address(tree));
	shut();
	name[255] = 0; // the longest that is whole
	open_self();
	rs_ck_ok(rt->ops->resolve(rt, name, &found));
	ck_assert_uint_eq(found, address(tree));
	shut();
	ck_assert_int_eq(rs_untrack(tree), 0);
}
END_TEST

START_TEST(more_unknown_objects_than_are_named_are_told)
{
	enum { RS_NAMED = 8 };
	static const char more[] = "more than 8 tracked objects ";
	struct node *wild[RS_NAMED + 1];

	for (int i = 0; i <= RS_NAMED; i++) {
		wild[i] = make(&node_type);
		wild[i]->entries = i < RS_NAMED; // of an array at NULL + 8
		wild[i]->entry = (struct entry *)(uintptr_t)8;
	}
	open_self();
	for (int i = 0; i <= RS_NAMED; i++)
		rt->ops->read(rt, address(wild[i]), NULL, false, &refs);
	ck_assert_uint_eq(rt->ops->unknown(rt), RS_NAMED);
	ck_assert(!is_told(more, false));
	shut();
	wild[RS_NAMED]->entries = 1;
	open_self();
	for (int i = 0; i <= RS_NAMED; i++)
		rt->ops->read(rt, address(wild[i]), NULL, false, &refs);
	ck_assert_uint_eq(rt->ops->unknown(rt), RS_NAMED + 1);
	ck_assert(is_told(more, false));
	shut();
}
END_TEST

START_TEST(more_fields_than_are_read_make_it_partial)
{
	enum { RS_MOST_FIELDS = 1024 };
	static struct rs_field field[RS_MOST_FIELDS + 1];
	struct rs_type type = node_type;
	struct node *n;

	for (int i = 0; i <= RS_MOST_FIELDS; i++)
		field[i] = node_fields[0];
	type.field = field;
	type.fields = RS_MOST_FIELDS;
	n = make(&type);
	open_self();
	rt->ops->read(rt, address(n), NULL, false, &refs);
	ck_assert(!refs.incomplete);
	shut();
	type.fields++;
	open_self();
	rt->ops->read(rt, address(n), NULL, false, &refs);
	ck_assert(refs.incomplete);
	shut();
	ck_assert_int_eq(rs_untrack(n), 0);
}
END_TEST

START_TEST(more_descriptions_than_are_read_are_an_error)
{
	enum { RS_MOST_TYPES = 1 << 17 };
	static struct rs_type part[RS_MOST_TYPES];
	static struct rs_field field[RS_MOST_TYPES];
	struct rs_type type = node_type;

	make(&type);
	for (int i = 0; i < RS_MOST_TYPES; i++) {
		part[i] = (struct rs_type){
			.name = "part", .size = 8, .field = field + i};
		field[i] = (struct rs_field){.name = "next",
					     .kind = RS_FIELD_INLINE,
					     .of = part + i + 1};
		part[i].fields = i + 1 < RS_MOST_TYPES;
	}
	type.field = &(struct rs_field){
		.name = "first", .kind = RS_FIELD_INLINE, .of = part};
	type.fields = 1;
	rs_ck_error(try_open(), RS_EBAD, "describes more than 131072 types");
	shut();
}
END_TEST

START_TEST(what_is_too_large_to_guess_in_is_read_in_part)
{
	enum { RS_MOST_GUESSED = 32768 };
	static _Alignas(16) char large[RS_MOST_GUESSED + 8];
	struct rs_type type = opaque_type;

	type.size = RS_MOST_GUESSED;
	((struct node *)(void *)large)->refs = 1;
	ck_assert_int_eq(rs_track(large, &type), 0);
	open_self();
	rt->ops->read(rt, address(large), NULL, false, &refs);
	ck_assert(!refs.incomplete);
	shut();
	type.size = RS_MOST_GUESSED + 8;
	open_self();
	rt->ops->read(rt, address(large), NULL, false, &refs);
	ck_assert(refs.incomplete);
	shut();
	ck_assert_int_eq(rs_untrack(large), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("native");
	TCase *tcase = tcase_create("native");

	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, every_kind_of_field_is_read_with_its_label);
	tcase_add_test(tcase, what_is_no_tracked_object_is_owned);
	tcase_add_test(tcase, rows_tell_counts_and_flags);
	tcase_add_test(tcase, what_only_traverse_tells_is_guessed);
	tcase_add_test(tcase, texts_are_one_line);
	tcase_add_test(tcase, names_are_resolved_from_the_roots);
	tcase_add_test(tcase, the_garbage_list_is_read);
	tcase_add_test(tcase,
		       an_overlay_tells_native_references_of_a_python_object);
	tcase_add_test(tcase, other_versions_and_damage_are_told);
	tcase_add_test(tcase, an_array_may_be_as_large_as_the_memory);
	tcase_add_test(tcase, nonsense_is_read_to_its_end);
	tcase_add_test(tcase, info_and_gc_are_those_of_the_registry);
	tcase_add_test(tcase, a_root_of_too_many_words_is_told);
	tcase_add_test(tcase, lists_of_too_many_blocks_are_told);
	tcase_add_test(tcase, long_names_are_cut);
	tcase_add_test(tcase, more_unknown_objects_than_are_named_are_told);
	tcase_add_test(tcase, more_fields_than_are_read_make_it_partial);
	tcase_add_test(tcase, more_descriptions_than_are_read_are_an_error);
	tcase_add_test(tcase, what_is_too_large_to_guess_in_is_read_in_part);
	suite_add_tcase(suite, tcase);
	return rs_ck_run(suite);
}
