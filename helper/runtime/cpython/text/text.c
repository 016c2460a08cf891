// SPDX-License-Identifier: MIT
#include "runtime/cpython/decode/decode.h"
#include "runtime/cpython/decode/dict.h"
#include "runtime/cpython/text/object_names.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum {
	RS_DEPTH = 3, // levels of nested containers to show
	RS_ELEMENTS = 10, // elements of each to show
	RS_CHARACTERS = 100, // characters of a str to show
};

struct out {
	struct rs_cpython *py;
	char *buf;
	size_t size, n;
};

RS_PRINTF(2, 3)
static void say(struct out *o, const char *format, ...)
{
	va_list args;
	int n;

	if (o->n + 1 >= o->size)
		return;
	va_start(args, format);
	n = vsnprintf(o->buf + o->n, o->size - o->n, format, args);
	va_end(args);
	if (n > 0)
		o->n += (size_t)n < o->size - o->n ? (size_t)n
						   : o->size - o->n - 1;
}

// Containers are nested: RS_DEPTH limits the recursion.
// NOLINTBEGIN(misc-no-recursion)
static void show(struct out *o, uint64_t object, unsigned depth);

// Write text in quotes, with control characters escaped, shortened if long.
static void quoted(struct out *o, const char *prefix, const char *text)
{
	const char quote =
		strchr(text, '\'') && !strchr(text, '"') ? '"' : '\'';
	unsigned n = 0;

	say(o, "%s%c", prefix, quote);
	for (const char *p = text; *p && n < RS_CHARACTERS; p++, n++) {
		const unsigned char c = (unsigned char)*p;
		if (c == (unsigned char)quote || c == '\\')
			say(o, "\\%c", c);
		else if (c == '\n')
			say(o, "\\n");
		else if (c == '\t')
			say(o, "\\t");
		else if (c == '\r')
			say(o, "\\r");
		else if (c < ' ' || c == 127)
			say(o, "\\x%02x", c);
		else
			say(o, "%c", c);
	}
	// Do not cut within a character of several bytes.
	while (n == RS_CHARACTERS && o->n > 0 &&
	       ((unsigned char)o->buf[o->n - 1] & 0xc0) == 0x80)
		o->buf[--o->n] = '\0';
	if (n == RS_CHARACTERS && o->n > 0 &&
	    ((unsigned char)o->buf[o->n - 1] & 0xc0) == 0xc0)
		o->buf[--o->n] = '\0';
	say(o, "%s%c", n == RS_CHARACTERS ? "..." : "", quote);
}

static void show_bytes(struct out *o, uint64_t object)
{
	const int32_t at = rs_py_off(o->py, RS_F_PyBytesObject__ob_sval);
	const int64_t length = rs_py_length(o->py, object);
	const uint64_t n = length < 0		    ? 0
			   : length > RS_CHARACTERS ? RS_CHARACTERS
						    : (uint64_t)length;
	const uint8_t *p = at < 0 ? NULL
				  : rs_memory_at(o->py->base.memory,
						 object + (uint64_t)at, n);

	say(o, "b'");
	for (uint64_t i = 0; p && i < n; i++) {
		if (p[i] < ' ' || p[i] > 126)
			say(o, "\\x%02x", p[i]);
		else if (p[i] == '\'' || p[i] == '\\')
			say(o, "\\%c", p[i]);
		else
			say(o, "%c", p[i]);
	}
	say(o, "%s'", length > RS_CHARACTERS ? "..." : "");
}

// Write the shortest text that stands for the same number.
static void show_float(struct out *o, uint64_t object)
{
	const int32_t at = rs_py_off(o->py, RS_F_PyFloatObject__ob_fval);
	char text[40];
	double value = 0;

	if (at < 0 || !rs_memory_read(o->py->base.memory, object + (uint64_t)at,
				      &value, sizeof(value))) {
		say(o, "<float>");
		return;
	}
	for (int digits = 12; digits <= 17; digits++) {
		(void)snprintf(text, sizeof(text), "%.*g", digits, value);
		if (strtod(text, NULL) == value)
			break;
	}
	say(o, "%s%s", text, strpbrk(text, ".ein") || isnan(value) ? "" : ".0");
}

static void show_int(struct out *o, const struct rs_py_type *t, uint64_t object)
{
	int64_t value;

	if (!rs_py_integer(o->py, object, &value))
		say(o, "<%s of %llu bytes>", t->name,
		    (unsigned long long)rs_py_size(o->py, t, object));
	else if (strcmp(t->name, "bool") == 0)
		say(o, "%s", value ? "True" : "False");
	else
		say(o, "%lld%s", (long long)value,
		    o->py->known->old && (t->flags & RS_TPF_LONG) ? "L" : "");
}

// Write the elements of a list, tuple or set, without the brackets.
static void show_items(struct out *o, const uint64_t *item, uint32_t n,
		       uint64_t all, unsigned depth)
{
	for (uint32_t i = 0; i < n && i < RS_ELEMENTS; i++) {
		say(o, "%s", i ? ", " : "");
		show(o, item[i], depth + 1);
	}
	if (all > RS_ELEMENTS)
		say(o, ", ...");
}

// @p alone follows the only element of a tuple: ",".
static void show_sequence(struct out *o, const struct rs_py_type *t,
			  uint64_t object, const char *alone, unsigned depth)
{
	const bool tuple = t->how == RS_PY_TUPLE;
	const int64_t length = rs_py_length(o->py, object);
	uint64_t item[RS_ELEMENTS];
	uint64_t at;
	uint32_t n = 0;

	at = tuple ? object + (uint64_t)o->py->known->tuple_item
		   : rs_py_get(o->py, object, RS_F_PyListObject__ob_item);
	while (n < RS_ELEMENTS && n < length &&
	       rs_memory_u64(o->py->base.memory, at + (uint64_t)n * 8,
			     &item[n]))
		n++;
	say(o, tuple ? "(" : "[");
	if (depth < RS_DEPTH)
		show_items(o, item, n, (uint64_t)(length < 0 ? 0 : length),
			   depth);
	else if (length > 0)
		say(o, "...");
	say(o, "%s%s", tuple && length == 1 ? alone : "", tuple ? ")" : "]");
}

static void show_dict(struct out *o, uint64_t object, unsigned depth)
{
	struct rs_py_table table;
	unsigned n = 0;

	if (!rs_py_table_open(o->py, object, &table)) {
		say(o, "{?}");
		return;
	}
	say(o, "{");
	for (uint64_t i = 0; i < table.entries; i++) {
		const uint64_t value = rs_py_table_value(&table, i);
		if (!value)
			continue;
		if (n == RS_ELEMENTS || depth >= RS_DEPTH) {
			say(o, "%s...", n ? ", " : "");
			break;
		}
		say(o, "%s", n++ ? ", " : "");
		show(o, rs_py_table_key(&table, i), depth + 1);
		say(o, ": ");
		show(o, value, depth + 1);
	}
	say(o, "}");
}

// Write the elements of deques, sets and the like, which are their references.
static void show_refs(struct out *o, uint64_t object, unsigned depth,
		      const char *open, const char *close)
{
	struct rs_refs refs = {0};
	struct rs_error *error = rs_refs_init(&refs, true);
	uint64_t item[RS_ELEMENTS];
	uint32_t n = 0;
	uint64_t all = 0;

	if (!error)
		rs_py_read(&o->py->base, object, NULL, false, &refs);
	for (uint32_t i = 0; !error && i < refs.n; i++) {
		const uint32_t kind = refs.label[i].kind;
		if (kind != RS_LABEL_MEMBER && kind != RS_LABEL_INDEX)
			continue;
		all++;
		if (n < RS_ELEMENTS)
			item[n++] = refs.target[i];
	}
	rs_error_free(error);
	say(o, "%s", open);
	if (depth < RS_DEPTH)
		show_items(o, item, n, all, depth);
	else if (all)
		say(o, "...");
	say(o, "%s", close);
	rs_refs_fini(&refs);
}

static void show_set(struct out *o, const struct rs_py_type *t, uint64_t object,
		     unsigned depth)
{
	const bool frozen = strcmp(t->name, "frozenset") == 0;
	const bool old = o->py->known->old;

	if (rs_py_get(o->py, object, RS_F_PySetObject__used) == 0)
		say(o, "%s()", t->name);
	else if (old)
		show_refs(o, object, depth, frozen ? "frozenset([" : "set([",
			  "])");
	else
		show_refs(o, object, depth, frozen ? "frozenset({" : "{",
			  frozen ? "})" : "}");
}

// Write a dict, with the name of its type if that is not dict.
static void show_mapping(struct out *o, const struct rs_py_type *t,
			 uint64_t object, unsigned depth)
{
	const uint64_t factory =
		strcmp(t->name, "collections.defaultdict") == 0
			? rs_py_get(o->py, object,
				    RS_F_defdictobject__default_factory)
			: 0;
	const char *dot = strrchr(t->name, '.');

	if (t->how == RS_PY_ODICT || factory)
		say(o, "%s(", dot ? dot + 1 : t->name);
	if (factory) {
		show(o, factory, RS_DEPTH);
		say(o, ", ");
	}
	show_dict(o, object, depth);
	if (t->how == RS_PY_ODICT || factory)
		say(o, ")");
}

static void name_of(struct out *o, uint64_t object, enum rs_field field,
		    char *buf, size_t size)
{
	rs_py_field_name(o->py, object, field, buf, size);
}

static void
show_plain(struct out *o, const struct rs_py_type *t, uint64_t object)
{
	char name[400];

	rs_py_full_type_name(o->py, t->address, name, sizeof(name));
	say(o, "<%s object at 0x%llx>", name, (unsigned long long)object);
}

static void show_function(struct out *o, uint64_t object)
{
	char name[256];

	rs_py_function_name(o->py, object, name, sizeof(name));
	say(o, "<function %s at 0x%llx>", name, (unsigned long long)object);
}

static void show_method(struct out *o, uint64_t object, unsigned depth)
{
	const uint64_t function =
		rs_py_get(o->py, object, RS_F_PyMethodObject__im_func);
	const uint64_t self =
		rs_py_get(o->py, object, RS_F_PyMethodObject__im_self);
	char name[256];

	rs_py_function_name(o->py, function, name, sizeof(name));
	if (!self) {
		say(o, "<unbound method %s>", name);
		return;
	}
	say(o, "<bound method %s of ", name);
	if (depth < RS_DEPTH)
		show(o, self, depth + 1);
	else
		say(o, "0x%llx", (unsigned long long)self);
	say(o, ">");
}

static void show_builtin(struct out *o, uint64_t object)
{
	const uint64_t self =
		rs_py_get(o->py, object, RS_F_PyCFunctionObject__m_self);
	const char *name = rs_py_builtin_name(o->py, object);
	const struct rs_py_type *t = self ? rs_py_known_of(o->py, self) : NULL;

	if (!t || t->how == RS_PY_MODULE)
		say(o, "<built-in function %s>", name);
	else
		say(o, "<built-in method %s of %s object at 0x%llx>", name,
		    t->name, (unsigned long long)self);
}

static void show_type(struct out *o, uint64_t object)
{
	char name[400];

	rs_py_full_type_name(o->py, object, name, sizeof(name));
	say(o, "<%s '%s'>", rs_py_type_word(o->py, object), name);
}

static void show_module(struct out *o, uint64_t object)
{
	char name[256];

	rs_py_module_name(o->py, object, name, sizeof(name));
	say(o, "<module '%s'>", name);
}

static void show_code(struct out *o, uint64_t object)
{
	const int32_t line_at =
		rs_py_off(o->py, RS_F_PyCodeObject__co_firstlineno);
	char name[256], file[512];
	uint32_t line = 0;

	name_of(o, object, RS_F_PyCodeObject__co_name, name, sizeof(name));
	name_of(o, object, RS_F_PyCodeObject__co_filename, file, sizeof(file));
	if (line_at >= 0)
		rs_memory_u32(o->py->base.memory, object + (uint64_t)line_at,
			      &line);
	say(o, "<code object %s at 0x%llx, file \"%s\", line %u>", name,
	    (unsigned long long)object, file, line);
}

static void show_frame(struct out *o, uint64_t object)
{
	char name[512];

	rs_py_frame_name(o->py, object, name, sizeof(name));
	say(o, "<frame %s>", name);
}

static void
show_generator(struct out *o, const struct rs_py_type *t, uint64_t object)
{
	char name[256];

	rs_py_generator_name(o->py, object, name, sizeof(name));
	say(o, "<%s object %s at 0x%llx>", t->name, name,
	    (unsigned long long)object);
}

static void show_cell(struct out *o, uint64_t object)
{
	const uint64_t value =
		rs_py_get(o->py, object, RS_F_PyCellObject__ob_ref);
	const struct rs_py_type *t =
		value ? rs_py_known_of(o->py, value) : NULL;

	if (t)
		say(o, "<cell at 0x%llx: %s object at 0x%llx>",
		    (unsigned long long)object, t->name,
		    (unsigned long long)value);
	else
		say(o, "<cell at 0x%llx: empty>", (unsigned long long)object);
}

static void show_weakref(struct out *o, uint64_t object)
{
	const uint64_t to =
		rs_py_get(o->py, object, RS_F__PyWeakReference__wr_object);
	const struct rs_py_type *t = to ? rs_py_known_of(o->py, to) : NULL;

	if (to == o->py->none || !t)
		say(o, "<weakref at 0x%llx; dead>", (unsigned long long)object);
	else
		say(o, "<weakref at 0x%llx; to '%s' at 0x%llx>",
		    (unsigned long long)object, t->name,
		    (unsigned long long)to);
}

static void show_exception(struct out *o, const struct rs_py_type *t,
			   uint64_t object, unsigned depth)
{
	const uint64_t args =
		rs_py_get(o->py, object, RS_F_PyBaseExceptionObject__args);
	const char *dot = strrchr(t->name, '.');
	const struct rs_py_type *of = args ? rs_py_known_of(o->py, args) : NULL;

	say(o, "%s", dot ? dot + 1 : t->name);
	if (of && of->how == RS_PY_TUPLE)
		show_sequence(o, of, args,
			      o->py->version < RS_PY(3, 7) ? "," : "", depth);
	else
		say(o, "()");
}

static void show_old_instance(struct out *o, uint64_t object)
{
	char name[400];

	rs_py_old_class_name(
		o->py,
		rs_py_get(o->py, object, RS_F_PyInstanceObject__in_class), name,
		sizeof(name));
	say(o, "<%s instance at 0x%llx>", name, (unsigned long long)object);
}

static void show_old_class(struct out *o, uint64_t object)
{
	char name[400];

	rs_py_old_class_name(o->py, object, name, sizeof(name));
	say(o, "<class %s at 0x%llx>", name, (unsigned long long)object);
}

// `<method 'append' of 'list' objects>`.
static void
show_descriptor(struct out *o, const struct rs_py_type *t, uint64_t object)
{
	const uint64_t of =
		rs_py_get(o->py, object, RS_F_PyDescrObject__d_type);
	const char *type = of ? rs_py_type_name(o->py, of) : NULL;
	const char *what =
		strcmp(t->name, "wrapper_descriptor") == 0  ? "slot wrapper"
		: strcmp(t->name, "member_descriptor") == 0 ? "member"
		: strcmp(t->name, "getset_descriptor") == 0 ? "attribute"
							    : "method";
	char name[256];

	name_of(o, object, RS_F_PyDescrObject__d_name, name, sizeof(name));
	say(o, "<%s '%s' of '%s' objects>", what, name, type ? type : "?");
}

// Types that have their own form, by name.
static bool show_named(struct out *o, const struct rs_py_type *t,
		       uint64_t object, unsigned depth)
{
	if (t->address == o->py->type_function ||
	    strcmp(t->name, "function") == 0)
		show_function(o, object);
	else if (strcmp(t->name, "method") == 0 ||
		 (o->py->known->old && strcmp(t->name, "instancemethod") == 0))
		show_method(o, object, depth);
	else if (strcmp(t->name, "builtin_function_or_method") == 0 ||
		 strcmp(t->name, "builtin_method") == 0)
		show_builtin(o, object);
	else if (strcmp(t->name, "cell") == 0)
		show_cell(o, object);
	else if (o->py->known->old && strcmp(t->name, "instance") == 0)
		show_old_instance(o, object);
	else if (o->py->known->old && strcmp(t->name, "classobj") == 0)
		show_old_class(o, object);
	else if (strcmp(t->name, "method_descriptor") == 0 ||
		 strcmp(t->name, "wrapper_descriptor") == 0 ||
		 strcmp(t->name, "member_descriptor") == 0 ||
		 strcmp(t->name, "getset_descriptor") == 0)
		show_descriptor(o, t, object);
	else if (strcmp(t->name, "ellipsis") == 0)
		say(o, "Ellipsis");
	else if (strcmp(t->name, "NotImplementedType") == 0)
		say(o, "NotImplemented");
	else
		return false;
	return true;
}

static void show_special(struct out *o, const struct rs_py_type *t,
			 uint64_t object, unsigned depth)
{
	switch (t->how) {
	case RS_PY_LIST:
	case RS_PY_TUPLE:
		show_sequence(o, t, object, ",", depth);
		break;
	case RS_PY_DICT:
	case RS_PY_ODICT:
		show_mapping(o, t, object, depth);
		break;
	case RS_PY_SET:
		show_set(o, t, object, depth);
		break;
	case RS_PY_DEQUE:
		show_refs(o, object, depth, "deque([", "])");
		break;
	case RS_PY_TYPE:
		show_type(o, object);
		break;
	case RS_PY_MODULE:
		show_module(o, object);
		break;
	case RS_PY_CODE:
		show_code(o, object);
		break;
	case RS_PY_FRAME:
		show_frame(o, object);
		break;
	case RS_PY_GENERATOR:
		show_generator(o, t, object);
		break;
	case RS_PY_WEAKREF:
		show_weakref(o, object);
		break;
	default:
		show_plain(o, t, object);
		break;
	}
}

static void show(struct out *o, uint64_t object, unsigned depth)
{
	const struct rs_py_type *t =
		object ? rs_py_known_of(o->py, object) : NULL;
	char text[RS_CHARACTERS * 4 + 64];

	if (o->n + 1 >= o->size)
		return;
	if (!t)
		say(o, "<0x%llx: not an object>", (unsigned long long)object);
	else if (object == o->py->none || strcmp(t->name, "NoneType") == 0)
		say(o, "None");
	else if (rs_py_string(o->py, object, text, sizeof(text)))
		quoted(o,
		       o->py->known->old && (t->flags & RS_TPF_UNICODE) ? "u"
									: "",
		       text);
	else if ((t->flags & RS_TPF_LONG) ||
		 (o->py->known->old && (t->flags & RS_TPF_INT)))
		show_int(o, t, object);
	else if (t->flags & RS_TPF_BYTES)
		show_bytes(o, object);
	else if (strcmp(t->name, "float") == 0)
		show_float(o, object);
	else if (t->flags & RS_TPF_EXCEPTION)
		show_exception(o, t, object, depth);
	else if (!show_named(o, t, object, depth))
		show_special(o, t, object, depth);
}

// NOLINTEND(misc-no-recursion)

void rs_py_text(struct rs_runtime *rt, uint64_t address, char *buf, size_t size)
{
	struct out o = {rs_cpython(rt), buf, size, 0};

	if (size == 0)
		return;
	buf[0] = '\0';
	show(&o, address, 0);
}
