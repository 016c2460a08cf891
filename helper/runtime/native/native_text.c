// SPDX-License-Identifier: MIT
#include "runtime/native/native.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

enum {
	RS_SHOWN_TEXT = 64, // bytes of a C string
	RS_SHOWN_ITEMS = 16,
	RS_SHOWN_SLOTS = 1 << 16, // of a table, empty or not
	RS_SHOWN_STEPS = 16, // of a path
};

/** A buffer that fills up and stays a string. */
struct line {
	char *buf;
	size_t size, used;
};

RS_PRINTF(2, 3)
static void add(struct line *line, const char *format, ...)
{
	va_list ap;

	if (line->used + 1 >= line->size)
		return;
	va_start(ap, format);
	const int n = vsnprintf(line->buf + line->used, line->size - line->used,
				format, ap);
	va_end(ap);
	if (n > 0)
		line->used += (size_t)n;
	if (line->used >= line->size)
		line->used = line->size - 1;
}

/** A C string of the target, on one line. @return Whether all of it. */
static bool
add_string(struct rs_native *native, struct line *line, uint64_t address)
{
	char byte;

	for (uint64_t i = 0; i < RS_SHOWN_TEXT; i++) {
		if (!rs_memory_read(native->base.memory, address + i, &byte,
				    1)) {
			add(line, "?"); // a core without its constants
			return true;
		}
		if (!byte)
			return true;
		if ((unsigned char)byte < ' ' || byte == 0x7f)
			add(line, "\\x%02x", (unsigned char)byte);
		else
			add(line, "%c", byte);
	}
	return false;
}

static void
add_quoted(struct rs_native *native, struct line *line, uint64_t address)
{
	add(line, "'");
	add(line, add_string(native, line, address) ? "'" : "...'");
}

static void
add_pointer(const struct rs_native *native, struct line *line, uint64_t address)
{
	const struct rs_native_type *type =
		rs_native_type_at(native, address, NULL);

	if (type)
		add(line, "<%s 0x%" PRIx64 ">", type->name, address);
	else
		add(line, "0x%" PRIx64, address);
}

/** What a keyed struct has beside its key: references and texts. */
static void add_values(struct rs_native *native, struct line *line,
		       const struct rs_native_type *type, uint64_t base)
{
	bool any = false;

	for (uint32_t i = 0; i < type->fields; i++) {
		const struct rs_native_field *field = &type->field[i];
		uint64_t word;

		if (field == type->key || field->of ||
		    !rs_memory_u64(native->base.memory,
				   base + field->raw.offset, &word) ||
		    !word)
			continue;
		add(line, any ? ", " : "");
		if (field->raw.kind == RS_FIELD_TEXT)
			add_quoted(native, line, word);
		else
			add_pointer(native, line, word);
		any = true;
	}
	if (!any)
		add(line, "NULL");
}

static void add_table(struct rs_native *native, struct line *line,
		      const struct rs_native_field *field, uint64_t base)
{
	uint64_t first, count, key;
	int shown = 0;

	if (!rs_native_elements(native, field, base, &first, &count) || !first)
		return;
	for (uint64_t i = 0; i < count; i++, first += field->of->raw.size) {
		if (i == RS_SHOWN_SLOTS ||
		    !rs_memory_u64(native->base.memory,
				   first + field->of->key->raw.offset, &key)) {
			add(line, "?");
			return;
		}
		if (!key) // an empty place of the table
			continue;
		add(line, shown ? ", " : "");
		if (shown++ == RS_SHOWN_ITEMS) {
			add(line, "...");
			return;
		}
		add_quoted(native, line, key);
		add(line, ": ");
		add_values(native, line, field->of, first);
	}
}

void rs_native_text(struct rs_runtime *rt, uint64_t address, char *buf,
		    size_t size)
{
	struct rs_native *native = rs_native_of(rt);
	const struct rs_native_type *type =
		rs_native_type_at(native, address, NULL);
	struct line line = {buf, size, 0};

	if (!size)
		return;
	buf[0] = '\0';
	if (!type)
		return;
	if (type->unknown) {
		add(&line, "<%s 0x%" PRIx64 " (%s)>", type->name, address,
		    rs_native_health_text(RS_NATIVE_NO_TYPE));
		return;
	}
	if (type->raw.flags & RS_TYPE_DICT) {
		add(&line, "{");
		for (uint32_t i = 0; i < type->fields; i++) {
			const struct rs_native_field *f = &type->field[i];

			if (f->of && f->of->key)
				add_table(native, &line, f, address);
		}
		add(&line, "}");
		return;
	}
	add(&line, "<%s", type->name);
	for (uint32_t i = 0; i < type->fields; i++) {
		const struct rs_native_field *f = &type->field[i];
		uint64_t text;

		if (f->raw.kind != RS_FIELD_TEXT || f->raw.of ||
		    !rs_memory_u64(rt->memory, address + f->raw.offset,
				   &text) ||
		    !text)
			continue;
		add(&line, " ");
		add_quoted(native, &line, text);
	}
	add(&line, " 0x%" PRIx64, address);
	const uint8_t health =
		native->health[rs_addrmap_number(&native->map, address)];
	if (health)
		add(&line, " (%s)", rs_native_health_text(health));
	add(&line, ">");
}

void rs_native_path_text(const struct rs_native *native, uint32_t path,
			 uint64_t index, char *buf, size_t size)
{
	const struct rs_native_path *all =
		rs_vec_items(&native->path, const struct rs_native_path);
	const size_t paths = rs_vec_count(&native->path, struct rs_native_path);
	const struct rs_native_path *step[RS_SHOWN_STEPS];
	struct line line = {buf, size, 0};
	int n = 0;

	if (size)
		buf[0] = '\0';
	for (; path && path <= paths && n < RS_SHOWN_STEPS;
	     path = all[path - 1].parent)
		step[n++] = &all[path - 1];
	while (n-- > 0) {
		const struct rs_field *raw = &step[n]->field->raw;
		const bool is_array = raw->count_width || raw->length > 1;

		add(&line, "%s%s", line.used ? "." : "", step[n]->field->name);
		// Of a list, the first struct has no number.
		if (!is_array && !(step[n]->repeats && index))
			continue;
		// Only the outermost array's position is known.
		if (index)
			add(&line, "[%" PRIu64 "]", index - is_array);
		else
			add(&line, "[]");
		index = 0;
	}
}

void rs_native_label(struct rs_runtime *rt, const struct rs_label *label,
		     char *buf, size_t size)
{
	struct rs_native *native = rs_native_of(rt);
	struct line line = {buf, size, 0};

	if (!size)
		return;
	buf[0] = '\0';
	switch (label->kind) {
	case RS_LABEL_TRAVERSE:
		add(&line, "(traverse)");
		break;
	case RS_LABEL_PATH:
		add(&line, ".");
		rs_native_path_text(native, (uint32_t)(label->a >> 40),
				    label->a & ((UINT64_C(1) << 40) - 1),
				    buf + line.used, size - line.used);
		break;
	case RS_LABEL_DICT:
		add(&line, ".__dict__");
		break;
	case RS_LABEL_ATTR: // a key of the object's own table
		add(&line, ".");
		add_string(native, &line, label->a);
		break;
	case RS_LABEL_KEY:
		add(&line, "[");
		add_quoted(native, &line, label->a);
		add(&line, "]");
		break;
	case RS_LABEL_WORD:
		add(&line, "+0x%" PRIx64, label->a);
		break;
	default:
		break;
	}
}

// A C program that models dicts names their type so; a field `__dict__` says
// which one is an object's own.
bool rs_native_is_namespace(struct rs_runtime *rt, uint32_t type)
{
	const struct rs_type_row *row =
		rs_vec_items(&rt->types->row, struct rs_type_row);

	return strcmp(row[type].name, "dict") == 0;
}

bool rs_native_is_own_namespace(struct rs_runtime *rt,
				const struct rs_label *label)
{
	(void)rt;
	return label->kind == RS_LABEL_DICT;
}
