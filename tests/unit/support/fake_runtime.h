// SPDX-License-Identifier: MIT
/**
 * @file
 * A target of made-up objects: two runtimes over one table, and a session.
 * Those of the second have RS_FAKE_NATIVE among their flags.
 *
 * Objects are numbered in the order of fake_object() and lie 64 bytes apart
 * from RS_FAKE_BASE. Counts are what a test says: wrong ones are wanted too.
 */
#ifndef RS_FAKE_RUNTIME_H
#define RS_FAKE_RUNTIME_H

#include "rs_check.h"

#include "session/session.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/mman.h>

enum {
	RS_FAKE_BASE = 0x100000,
	RS_FAKE_STRIDE = 64,
	RS_FAKE_MAX = 256,
	RS_FAKE_REFS = 512,
	RS_FAKE_NATIVE = 1 << 8, // a bit that enum rs_object_flag leaves free
	RS_FAKE_GAP = 4096, // mapped after the objects, with nothing in it
};

struct fake_object {
	const char *type;
	const char *text;
	uint32_t count;
	uint64_t size;
	uint16_t flags;
	uint32_t type_index;
	struct rs_viewed viewed; // bytes 0: it is no view
};

struct fake_ref {
	unsigned source, target;
	enum rs_kind kind;
	uint32_t label;
	const char *name;
	uint64_t address; // of the target, when it is another runtime's
};

struct fake_root {
	unsigned target;
	enum rs_root_kind kind;
	const char *name;
};

static struct fake_object fake_object_table[RS_FAKE_MAX];
static struct fake_ref fake_ref_table[RS_FAKE_REFS];
static struct fake_root fake_root_table[RS_FAKE_MAX];
static unsigned fake_garbage_table[RS_FAKE_MAX];
static unsigned fake_objects, fake_refs, fake_roots, fake_garbages;
static unsigned fake_reads; // calls of read()
static struct rs_runtime fake_runtime[2];
static struct rs_session *fake_session;

static inline uint64_t fake_address(unsigned number)
{
	return RS_FAKE_BASE + (uint64_t)number * RS_FAKE_STRIDE;
}

/** Add an object; @return its number. */
static inline unsigned
fake_object(const char *type, uint32_t count, unsigned flags)
{
	ck_assert_uint_lt(fake_objects, RS_FAKE_MAX);
	fake_object_table[fake_objects] = (struct fake_object){
		.type = type,
		.count = count,
		.size = 48,
		.flags = (uint16_t)flags,
	};
	return fake_objects++;
}

static inline void fake_ref(unsigned source, unsigned target, enum rs_kind kind,
			    uint32_t label, const char *name)
{
	ck_assert_uint_lt(fake_refs, RS_FAKE_REFS);
	fake_ref_table[fake_refs++] =
		(struct fake_ref){source, target, kind, label, name, 0};
}

/** A strong reference to an object of another runtime. */
static inline void
fake_ref_outside(unsigned source, uint64_t address, const char *name)
{
	fake_ref(source, 0, RS_STRONG, RS_LABEL_FIELD, name);
	fake_ref_table[fake_refs - 1].address = address;
}

static inline void
fake_root(unsigned target, enum rs_root_kind kind, const char *name)
{
	ck_assert_uint_lt(fake_roots, RS_FAKE_MAX);
	fake_root_table[fake_roots++] = (struct fake_root){target, kind, name};
}

static inline void fake_garbage(unsigned number)
{
	fake_garbage_table[fake_garbages++] = number;
}

static bool fake_is_mine(const struct rs_runtime *rt, unsigned number)
{
	return ((fake_object_table[number].flags & RS_FAKE_NATIVE) != 0) ==
	       (rt == &fake_runtime[1]);
}

static struct rs_error *
fake_find(struct rs_runtime *rt, struct rs_runtime *beside,
	  struct rs_found *found, const struct rs_progress *progress)
{
	struct rs_error *err = rs_progress_tick(progress, "finding", 0, 0);

	(void)beside;
	for (unsigned i = 0; i < fake_objects && !err; i++) {
		const uint16_t flags = fake_object_table[i].flags;
		if ((flags & RS_OBJ_TRACKED) && fake_is_mine(rt, i))
			err = rs_found_add(
				found, fake_address(i),
				flags & (RS_OBJ_TRACKED | RS_OBJ_GENERATION));
	}
	return err;
}

static bool fake_is_object(struct rs_runtime *rt, uint64_t address)
{
	const uint64_t i = (address - RS_FAKE_BASE) / RS_FAKE_STRIDE;

	return address >= RS_FAKE_BASE && address % RS_FAKE_STRIDE == 0 &&
	       i < fake_objects && fake_is_mine(rt, (unsigned)i);
}

static void fake_read(struct rs_runtime *rt, uint64_t address,
		      struct rs_row *row, bool want_size, struct rs_refs *refs)
{
	const unsigned i =
		(unsigned)((address - RS_FAKE_BASE) / RS_FAKE_STRIDE);
	const struct fake_object *o = &fake_object_table[i];

	(void)rt;
	fake_reads++;
	if (row) {
		*row = (struct rs_row){
			.count = o->flags & RS_OBJ_IMMORTAL ? UINT32_MAX
							    : o->count,
			.size = want_size ? o->size : 0,
			.type = o->type_index,
			.flags = o->flags & (uint16_t) ~(RS_OBJ_TRACKED |
							 RS_OBJ_GENERATION |
							 RS_FAKE_NATIVE),
		};
	}
	for (unsigned r = 0; refs && r < fake_refs; r++) {
		const struct fake_ref *f = &fake_ref_table[r];
		if (f->source == i)
			rs_refs_add(refs,
				    f->address ? f->address
					       : fake_address(f->target),
				    f->kind, f->label, r);
	}
}

static struct rs_error *
fake_tell_roots(struct rs_runtime *rt, struct rs_roots *roots)
{
	struct rs_error *err = NULL;

	for (unsigned i = 0; i < fake_roots && !err; i++) {
		const struct fake_root *f = &fake_root_table[i];
		if (rt == &fake_runtime[0])
			err = rs_roots_add(roots, fake_address(f->target),
					   0x5000 + i, f->kind, 0, RS_NONE,
					   "%s", f->name ? f->name : "");
	}
	return err;
}

static void fake_label(struct rs_runtime *rt, const struct rs_label *label,
		       char *buf, size_t size)
{
	static const char *const format[] = {
		[RS_LABEL_FIELD] = ".%s",	[RS_LABEL_ATTR] = ".%s",
		[RS_LABEL_INDEX] = "[%s]",	[RS_LABEL_KEY] = "['%s']",
		[RS_LABEL_IS_KEY] = "key '%s'", [RS_LABEL_LOCAL] = "local %s",
		[RS_LABEL_TYPE] = "type%s",	[RS_LABEL_DICT] = ".__dict__%s",
	};
	const char *name = fake_ref_table[label->a].name;

	(void)rt;
	// The formats are the ones above.
	if (label->kind < sizeof(format) / sizeof(*format) &&
	    format[label->kind])
		(void)snprintf(buf, size, format[label->kind],
			       name ? name : "");
}

static void
fake_text(struct rs_runtime *rt, uint64_t address, char *buf, size_t size)
{
	const unsigned i =
		(unsigned)((address - RS_FAKE_BASE) / RS_FAKE_STRIDE);
	const struct fake_object *o = &fake_object_table[i];

	(void)rt;
	if (o->text)
		(void)snprintf(buf, size, "%s", o->text);
	else
		(void)snprintf(buf, size, "<%s 0x%" PRIx64 ">", o->type,
			       address);
}

static struct rs_error *
fake_info(struct rs_runtime *rt, struct rs_runtime_info *ret)
{
	ret->version = ret->layout = rt->version;
	return NULL;
}

static struct rs_error *
fake_gc(struct rs_runtime *rt, unsigned number, struct rs_gc_info *ret)
{
	(void)number;
	*ret = (struct rs_gc_info){.enabled = !rt->gc_disabled};
	return NULL;
}

// What a root of that name holds.
static struct rs_error *
fake_garbage_lists(struct rs_runtime *rt, struct rs_vec *ret)
{
	for (unsigned i = 0; i < fake_roots; i++) {
		const struct fake_root *f = &fake_root_table[i];

		if (!f->name || strcmp(f->name, "gc.garbage") != 0 ||
		    !fake_is_mine(rt, f->target))
			continue;
		uint64_t *slot = rs_vec_push(ret, sizeof(*slot));
		ck_assert_ptr_nonnull(slot);
		*slot = fake_address(f->target);
	}
	return NULL;
}

// Lists have their items elsewhere.
static uint64_t
fake_own_size(struct rs_runtime *rt, uint64_t address, uint64_t size)
{
	const struct fake_object *o =
		&fake_object_table[(address - RS_FAKE_BASE) / RS_FAKE_STRIDE];
	const struct rs_type_row *row =
		rs_vec_items(&rt->types->row, struct rs_type_row);

	return strcmp(row[o->type_index].name, "list") == 0 && size > 40 ? 40
									 : size;
}

static bool
fake_viewed(struct rs_runtime *rt, uint64_t address, struct rs_viewed *ret)
{
	(void)rt;
	*ret = fake_object_table[(address - RS_FAKE_BASE) / RS_FAKE_STRIDE]
		       .viewed;
	return ret->bytes != 0;
}

static bool fake_is_namespace(struct rs_runtime *rt, uint32_t type)
{
	const struct rs_type_row *row =
		rs_vec_items(&rt->types->row, struct rs_type_row);

	return strcmp(row[type].name, "dict") == 0;
}

// Some objects have it as a field, as in CPython.
static bool
fake_is_own_namespace(struct rs_runtime *rt, const struct rs_label *label)
{
	char text[16] = "";

	rt->ops->label(rt, label, text, sizeof(text));
	return strcmp(text, ".__dict__") == 0;
}

static bool fake_is_fixed(struct rs_runtime *rt, uint32_t type,
			  const struct rs_label *label)
{
	const struct rs_type_row *row =
		rs_vec_items(&rt->types->row, struct rs_type_row);

	return label->kind == RS_LABEL_INDEX &&
	       strcmp(row[type].name, "tuple") == 0;
}

// A text `<module 'os'>` is the name "module os".
static bool
fake_owner_name(struct rs_runtime *rt, uint64_t address, char *buf, size_t size)
{
	const unsigned i =
		(unsigned)((address - RS_FAKE_BASE) / RS_FAKE_STRIDE);
	const char *text = fake_object_table[i].text;
	char kind[32], name[64];

	(void)rt;
	if (!text || sscanf(text, "<%31[a-z] '%63[^']'>", kind, name) != 2)
		return false;
	(void)snprintf(buf, size, "%s %s", kind, name);
	return true;
}

static struct rs_error *
fake_tell_garbage(struct rs_runtime *rt, struct rs_vec *ret)
{
	for (unsigned i = 0; i < fake_garbages; i++) {
		if (!fake_is_mine(rt, fake_garbage_table[i]))
			continue;
		uint64_t *slot = rs_vec_push(ret, sizeof(*slot));
		ck_assert_ptr_nonnull(slot);
		*slot = fake_address(fake_garbage_table[i]);
	}
	return NULL;
}

static struct rs_error *
fake_resolve(struct rs_runtime *rt, const char *name, uint64_t *ret)
{
	for (unsigned i = 0; i < fake_objects; i++) {
		if (!fake_is_mine(rt, i) || !fake_object_table[i].text ||
		    strcmp(fake_object_table[i].text, name) != 0)
			continue;
		*ret = fake_address(i);
		return NULL;
	}
	return rs_error_new(RS_ENOTFOUND, "%s: no %s", rt->ops->name, name);
}

static void fake_free(struct rs_runtime *rt)
{
	(void)rt;
}

#define RS_FAKE_OPS(as, returns)                                               \
	{                                                                      \
		.name = (as), .gc_returns = (returns), .find = fake_find,      \
		.is_object = fake_is_object, .read = fake_read,                \
		.roots = fake_tell_roots, .label = fake_label,                 \
		.text = fake_text, .info = fake_info, .gc = fake_gc,           \
		.garbage = fake_tell_garbage,                                  \
		.garbage_lists = fake_garbage_lists,                           \
		.own_size = fake_own_size, .viewed = fake_viewed,              \
		.is_namespace = fake_is_namespace,                             \
		.is_own_namespace = fake_is_own_namespace,                     \
		.is_fixed = fake_is_fixed, .owner_name = fake_owner_name,      \
		.resolve = fake_resolve, .free = fake_free,                    \
	}

static const struct rs_runtime_ops fake_ops[2] = {RS_FAKE_OPS("cpython", true),
						  RS_FAKE_OPS("native", false)};
static const struct rs_runtime_ops fake_third_ops = RS_FAKE_OPS("fake", false);

static uint64_t
fake_fetch(void *context, uint64_t address, void *buf, uint64_t size)
{
	(void)context;
	(void)address;
	memset(buf, 0, size);
	return size;
}

/** Forget all objects. */
static inline void fake_setup(void)
{
	fake_objects = fake_refs = fake_roots = fake_garbages = 0;
	fake_reads = 0;
	fake_session = NULL;
	memset(fake_runtime, 0, sizeof(fake_runtime));
}

// The index of the type named @p name, made when there is none yet.
static uint32_t
fake_type(struct rs_types *types, const char *name, unsigned runtime)
{
	const struct rs_type_row *row =
		rs_vec_items(&types->row, struct rs_type_row);
	const size_t n = rs_vec_count(&types->row, struct rs_type_row);
	uint32_t index;

	for (uint32_t i = 0; i < n; i++)
		if (row[i].runtime == runtime && !strcmp(row[i].name, name))
			return i;
	rs_ck_ok(rs_types_add(types, 0x9000 + 8 * n, name, (uint8_t)runtime,
			      &index));
	return index;
}

/** Make a session of the objects told so far. @p native: both runtimes. */
static inline struct rs_session *fake_open(enum rs_rules rules, bool native)
{
	const struct rs_range range = {RS_FAKE_BASE,
				       fake_address(RS_FAKE_MAX) + RS_FAKE_GAP,
				       0, NULL, PROT_READ | PROT_WRITE};
	struct rs_session *s = calloc(1, sizeof(*s));

	ck_assert_ptr_nonnull(s);
	fake_session = s;
	s->source = strdup("core fake");
	rs_ck_ok(rs_memory_open_callback(fake_fetch, NULL, &range, 1, NULL,
					 &s->memory));
	s->memory->is_core = true;
	s->runtimes = native ? 2 : 1;
	s->runtime = calloc(s->runtimes, sizeof(struct rs_runtime *));
	s->exact = calloc(s->runtimes, sizeof(*s->exact));
	ck_assert(s->runtime && s->exact);
	for (unsigned i = 0; i < s->runtimes; i++) {
		struct rs_runtime *rt = &fake_runtime[i];
		rt->ops = &fake_ops[i];
		rt->memory = s->memory;
		rt->types = &s->types;
		rt->index = (uint8_t)i;
		rt->rules = rules;
		rt->version = rules == RS_RULES_27 ? "2.7.18" : "3.11.7";
		s->runtime[i] = rt;
	}
	for (unsigned i = 0; i < fake_objects; i++) {
		struct fake_object *o = &fake_object_table[i];
		o->type_index = fake_type(&s->types, o->type,
					  (o->flags & RS_FAKE_NATIVE) != 0);
	}
	return s;
}

/**
 * A row for the table of runtimes (rs_runtime_open_fn): the objects made so far
 * are those of a runtime "fake", beside the real ones of the target.
 */
static inline struct rs_error *
fake_open_third(struct rs_memory *memory, struct rs_types *types, uint8_t index,
		struct rs_runtime **ret)
{
	fake_runtime[0] = (struct rs_runtime){
		.ops = &fake_third_ops,
		.memory = memory,
		.types = types,
		.index = index,
		.rules = RS_RULES_34,
		.version = "1.0",
	};
	for (unsigned i = 0; i < fake_objects; i++)
		fake_object_table[i].type_index =
			fake_type(types, fake_object_table[i].type, index);
	*ret = &fake_runtime[0];
	return NULL;
}

static inline void fake_teardown(void)
{
	rs_session_close(fake_session);
	fake_session = NULL;
}

/* --- The story: what the article's scripts leave behind. --- */

enum {
	RS_FAKE_TRACKED = RS_OBJ_GC | RS_OBJ_TRACKED | 1,
	RS_FAKE_LEAK = RS_FAKE_TRACKED | RS_OBJ_FINALIZER | RS_OBJ_INSTANCE,
};

/** An instance and its dict, which is the next number; @return the instance. */
static inline unsigned fake_instance(const char *type, uint32_t count)
{
	const unsigned instance = fake_object(type, count, RS_FAKE_LEAK);
	const unsigned dict = fake_object("dict", 1, RS_FAKE_TRACKED);

	fake_ref(instance, dict, RS_STRONG, RS_LABEL_DICT, NULL);
	return instance;
}

/** `source.name = target` for one of those instances. */
static inline void
fake_assign(unsigned source, const char *name, unsigned target)
{
	fake_ref(source + 1, target, RS_STRONG, RS_LABEL_KEY, name);
}

/** 0: `_gcleak._self = _gcleak`; 1: its dict; 2: the text it holds. */
static inline void fake_story_self(void)
{
	const unsigned a = fake_instance("CGcLeak", 1);
	const unsigned text = fake_object("str", 1, 0);

	fake_assign(a, "_self", a);
	fake_assign(a, "_text", text);
}

/** 0, 2: `_a._b = _b; _b._a = _a`; 1, 3: their dicts. */
static inline void fake_story_pair(void)
{
	const unsigned a = fake_instance("CGcLeakA", 1);
	const unsigned b = fake_instance("CGcLeakB", 1);

	fake_assign(a, "_b", b);
	fake_assign(b, "_a", a);
}

#endif /* RS_FAKE_RUNTIME_H */
