// SPDX-License-Identifier: MIT
//
// What Py_GetVersion() stores in .bss when the interpreter starts:
// "3.13.5 (main, Aug 10 2026, 12:06:59) [GCC 14.2.0]".
#include "runtime/cpython/state/discover.h"

#include <string.h>

enum { RS_TEXT_SIZE = 80 };

// "Aug 10 2026", the day with a blank before it when it has one digit.
static uint32_t parse_date(const char *text)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	uint32_t month = 0;

	while (month < 12 && strncmp(text, months + month * 3, 3) != 0)
		month++;
	if (month == 12 || text[3] != ' ' || text[6] != ' ')
		return 0;
	uint32_t day = text[4] == ' ' ? 0 : (uint32_t)(text[4] - '0');
	uint32_t year = 0;

	day = day * 10 + (uint32_t)(text[5] - '0');
	for (unsigned i = 7; i < 11; i++) {
		if (text[i] < '0' || text[i] > '9')
			return 0;
		year = year * 10 + (uint32_t)(text[i] - '0');
	}
	return day && day <= 31 ? (year * 100 + month + 1) * 100 + day : 0;
}

uint32_t rs_py_parse_build_date(const char *text, const char *version)
{
	const size_t n = strlen(version);

	if (strncmp(text, version, n) != 0 ||
	    (text[n] >= '0' && text[n] <= '9'))
		return 0;
	text += n + strspn(text + n, "abrc+0123456789");
	if (strncmp(text, " (", 2) != 0)
		return 0;
	// The tag or the branch has no comma, and all is shorter than the rest.
	text = strstr(text, ", ");
	return text && strlen(text) > sizeof(", Aug 10 2026") - 1
		       ? parse_date(text + 2)
		       : 0;
}

struct search {
	const char *version;
	uint32_t found;
};

static bool visit(void *context, const struct rs_py_span *span)
{
	struct search *s = context;
	const size_t n = strlen(s->version);
	char text[RS_TEXT_SIZE + 1];

	for (uint64_t i = 0; i + sizeof(text) <= span->size; i++) {
		if (memcmp(span->data + i, s->version, n) != 0)
			continue;
		memcpy(text, span->data + i, RS_TEXT_SIZE);
		text[RS_TEXT_SIZE] = '\0';
		s->found = rs_py_parse_build_date(text, s->version);
		if (s->found)
			return false;
	}
	return true;
}

uint32_t rs_py_build_date(const struct rs_cpython *py)
{
	struct search s = {.version = py->version_text};

	rs_py_static_data(py, false, visit, &s);
	return s.found;
}
