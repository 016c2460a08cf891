// SPDX-License-Identifier: MIT
#include "base/cleanup.h"
#include "runtime/cpython/state/discover.h"

#include <stdio.h>
#include <sys/mman.h>

enum {
	RS_VERSION_TEXT_MAX = 80,
	RS_SCAN_STEP = 4096,
	RS_SCAN_MAX = 256 << 20,
	RS_UNTRACED = 8, // offset of ob_type in an object
	RS_TRACED = 24 // with Py_TRACE_REFS, and in free-threaded builds
};

static uint64_t symbol_of(struct rs_memory *memory,
			  const struct rs_module *module, const char *name)
{
	uint64_t address = 0;
	struct rs_error *err =
		rs_memory_symbol(memory, module, name, &address, NULL);

	if (err) { // a missing symbol is not an error
		rs_error_free(err);
		return 0;
	}
	return address;
}

uint64_t rs_py_symbol(const struct rs_cpython *py, const char *name)
{
	return symbol_of(py->base.memory, py->module, name);
}

// The type of "type" is itself.
static uint32_t type_offset(struct rs_memory *memory, uint64_t type_type)
{
	const uint32_t places[] = {RS_UNTRACED, RS_TRACED};

	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		uint64_t type = 0;

		if (rs_memory_u64(memory, type_type + places[i], &type) &&
		    type == type_type)
			return places[i];
	}
	return 0;
}

static bool is_library(const struct rs_module *module)
{
	return !strncmp(rs_base_name(module->path), "libpython",
			strlen("libpython"));
}

// First the libraries: if there is a libpython, the executable contains no
// interpreter.
static bool find_module(struct rs_cpython *py)
{
	struct rs_memory *memory = py->base.memory;

	for (int library = 1; library >= 0; library--) {
		for (size_t i = 0; i < memory->modules; i++) {
			const struct rs_module *module = &memory->module[i];

			if (is_library(module) != (library == 1))
				continue;
			const uint64_t type =
				symbol_of(memory, module, "PyType_Type");
			if (!type || !type_offset(memory, type))
				continue;
			py->module = module;
			py->type_type = type;
			py->traced = type_offset(memory, type) == RS_TRACED;
			return true;
		}
	}
	return false;
}

static bool
visit_range(const struct rs_cpython *py, uint64_t start, uint64_t size,
	    bool (*visit)(void *context, const struct rs_py_span *span),
	    void *context)
{
	struct rs_memory *memory = py->base.memory;
	struct rs_py_span span = {start, NULL, size};

	if (size > RS_SCAN_MAX) {
		rs_memory_gap(memory,
			      "%s: more than %d MiB of variables in one "
			      "mapping; they are not searched for what has no "
			      "symbol",
			      py->module->path, RS_SCAN_MAX >> 20);
		return true;
	}
	if (!size)
		return true;
	span.data = rs_memory_at(memory, start, size);
	if (span.data)
		return visit(context, &span);
	// Some pages cannot be read: visit the others.
	for (uint64_t a = start; a < start + size;
	     a = span.address + span.size) {
		span.address = a;
		span.size = RS_SCAN_STEP - a % RS_SCAN_STEP;
		if (span.size > start + size - a)
			span.size = start + size - a;
		span.data = rs_memory_at(memory, a, span.size);
		if (span.data && !visit(context, &span))
			return false;
	}
	return true;
}

static void
visit_mappings(const struct rs_cpython *py, bool constants,
	       bool (*visit)(void *context, const struct rs_py_span *span),
	       void *context)
{
	const struct rs_memory *memory = py->base.memory;

	for (size_t i = 0; i < memory->segments; i++) {
		const struct rs_segment *s = &memory->segment[i];

		// .bss may begin where the mapping of the file ends.
		if (s->end <= py->module->start || s->start > py->module->end ||
		    (!constants && !(s->prot & PROT_WRITE)))
			continue;
		if (!visit_range(py, s->start, s->end - s->start, visit,
				 context))
			return;
	}
}

void rs_py_static_data(const struct rs_cpython *py, bool constants,
		       bool (*visit)(void *context,
				     const struct rs_py_span *span),
		       void *context)
{
	static const char *const names[] = {".bss", ".data", ".rodata"};
	bool any = false;

	for (size_t i = 0; i < (constants ? 3 : 2); i++) {
		uint64_t address = 0, size = 0;
		struct rs_error *err = rs_memory_section(
			py->base.memory, py->module, names[i], &address, &size);

		if (err) {
			rs_error_free(err);
			continue;
		}
		any = true;
		if (!visit_range(py, address, size, visit, context))
			return;
	}
	if (!any)
		visit_mappings(py, constants, visit, context);
}

// A number of at most two digits. @return false when there is none.
static bool parse_number(const char **text, uint32_t *ret)
{
	const char *p = *text;

	if (*p < '0' || *p > '9')
		return false;
	*ret = (uint32_t)(*p++ - '0');
	if (*p >= '0' && *p <= '9')
		*ret = *ret * 10 + (uint32_t)(*p++ - '0');
	*text = p;
	return true;
}

// "3.8.18 (default, ...": the string that Py_GetVersion() stores in .bss.
static bool parse_version(const char *text, uint32_t *ret)
{
	uint32_t part[3];

	for (unsigned i = 0; i < 3; i++) {
		if (i && *text++ != '.')
			return false;
		if (!parse_number(&text, &part[i]))
			return false;
	}
	if (part[0] != 2 && part[0] != 3)
		return false;
	while ((*text >= 'a' && *text <= 'z') || *text == '+' ||
	       (*text >= '0' && *text <= '9'))
		text++; // rc1, +
	if (text[0] != ' ' || text[1] != '(')
		return false;
	*ret = RS_PY3(part[0], part[1], part[2]) | 0xf0;
	return true;
}

static bool visit_version(void *context, const struct rs_py_span *span)
{
	struct rs_cpython *py = context;
	char text[RS_VERSION_TEXT_MAX + 1];

	for (uint64_t i = 0; i + 8 < span->size; i++) {
		const uint8_t *p = span->data + i;

		if ((*p != '2' && *p != '3') || p[1] != '.')
			continue;
		size_t n = span->size - i < RS_VERSION_TEXT_MAX
				   ? (size_t)(span->size - i)
				   : RS_VERSION_TEXT_MAX;
		memcpy(text, p, n);
		text[n] = '\0';
		if (parse_version(text, &py->version))
			return false;
	}
	return true;
}

// Py_Version is a constant, which may be missing in a core. The cookie at the
// start of _PyRuntime (3.13 and later) is not constant. Before that there is
// only the string.
static void find_version(struct rs_cpython *py)
{
	struct rs_memory *memory = py->base.memory;
	const uint64_t symbol = rs_py_symbol(py, "Py_Version");
	uint64_t value = 0;
	const char *cookie;

	if (py->runtime &&
	    (cookie = rs_memory_at(memory, py->runtime, 24)) != NULL &&
	    !memcmp(cookie, "xdebugpy", 8)) {
		memcpy(&value, cookie + 8, sizeof(value));
		py->version = (uint32_t)value;
		memcpy(&value, cookie + 16, sizeof(value));
		py->threaded = value != 0;
		py->traced &= !py->threaded;
		return;
	}
	if (symbol && rs_memory_u64(memory, symbol, &value) && value)
		py->version = (uint32_t)value;
	else
		rs_py_static_data(py, true, visit_version, py);
}

struct rs_error *rs_py_find_version(struct rs_cpython *py, bool *found)
{
	*found = find_module(py);
	if (!*found)
		return NULL;
	py->runtime = rs_py_symbol(py, "_PyRuntime");
	find_version(py);
	if (!py->version)
		return rs_error_new(RS_EBAD,
				    "%s contains a CPython, but its version "
				    "cannot be found; has it been started?",
				    py->module->path);
	(void)snprintf(py->version_text, sizeof(py->version_text), "%u.%u.%u",
		       py->version >> 24, py->version >> 16 & 0xff,
		       py->version >> 8 & 0xff);
	// In all versions _Py_NegativeRefcount exists only with Py_REF_DEBUG.
	py->debug = rs_py_symbol(py, "_Py_NegativeRefcount") != 0;
	return NULL;
}
