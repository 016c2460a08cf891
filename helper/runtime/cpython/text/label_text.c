// SPDX-License-Identifier: MIT
#include "runtime/cpython/decode/decode.h"

#include <stdio.h>

static void with_name(struct rs_cpython *py, const char *before, uint64_t name,
		      char *buf, size_t size)
{
	char text[256];

	if (!name || !rs_py_string(py, name, text, sizeof(text)))
		(void)snprintf(text, sizeof(text), "?");
	(void)snprintf(buf, size, "%s%s", before, text);
}

static void with_key(struct rs_cpython *py, const char *before, uint64_t key,
		     const char *after, char *buf, size_t size)
{
	char text[256];

	rs_py_text(&py->base, key, text, sizeof(text));
	(void)snprintf(buf, size, "%s%s%s", before, text, after);
}

// A label that is a C name contains the address of the string.
static const char *text_at(const struct rs_label *label)
{
	// NOLINTNEXTLINE(performance-no-int-to-ptr): it was a pointer
	return (const char *)(uintptr_t)label->a;
}

void rs_py_label(struct rs_runtime *rt, const struct rs_label *label, char *buf,
		 size_t size)
{
	struct rs_cpython *py = rs_cpython(rt);
	const unsigned long long a = label->a;

	if (size == 0)
		return;
	buf[0] = '\0';
	switch ((enum rs_label_kind)label->kind) {
	case RS_LABEL_NONE:
	case RS_LABEL_PATH: // made by another runtime
		break;
	case RS_LABEL_TRAVERSE:
		(void)snprintf(buf, size, "(traverse)");
		break;
	case RS_LABEL_FIELD:
		(void)snprintf(buf, size, ".%s", a ? text_at(label) : "?");
		break;
	case RS_LABEL_ATTR:
		with_name(py, ".", a, buf, size);
		break;
	case RS_LABEL_INDEX:
		(void)snprintf(buf, size, "[%llu]", a);
		break;
	case RS_LABEL_FLAT:
		(void)snprintf(buf, size, ".flat[%llu]", a);
		break;
	case RS_LABEL_KEY:
		with_key(py, "[", a, "]", buf, size);
		break;
	case RS_LABEL_IS_KEY:
		with_key(py, "key ", a, "", buf, size);
		break;
	case RS_LABEL_MEMBER:
		(void)snprintf(buf, size, "{}");
		break;
	case RS_LABEL_LOCAL:
		with_name(py, "local ", a, buf, size);
		break;
	case RS_LABEL_CELL:
		with_name(py, "closure ", a, buf, size);
		break;
	case RS_LABEL_STACK:
		(void)snprintf(buf, size, "stack %llu", a);
		break;
	case RS_LABEL_DICT:
		(void)snprintf(buf, size, ".__dict__");
		break;
	case RS_LABEL_TYPE:
		(void)snprintf(buf, size, "type");
		break;
	case RS_LABEL_WORD:
		(void)snprintf(buf, size, "+0x%llx", a);
		break;
	}
}
