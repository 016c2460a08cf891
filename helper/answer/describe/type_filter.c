// SPDX-License-Identifier: MIT
#include "answer/describe/type_filter.h"

#include <regex.h>
#include <stdio.h>

enum { RS_FULL_NAME_SIZE = 1024 };

bool rs_type_module(const struct rs_report *report, uint32_t type, char *buf,
		    size_t size)
{
	const struct rs_type_row *row = &report->graph->type_row[type];
	struct rs_runtime *rt = report->session->runtime[row->runtime];

	return rt->ops->type_module &&
	       rt->ops->type_module(rt, row->address, buf, size);
}

// Names of the types of some modules go without these.
static bool
is_implied(const struct rs_report *report, uint32_t type, const char *module)
{
	const struct rs_type_row *row = &report->graph->type_row[type];
	const char *const *implied =
		report->session->runtime[row->runtime]->ops->implied_modules;

	while (implied && *implied && strcmp(*implied, module) != 0)
		implied++;
	return implied && *implied;
}

// Names of types made in C have their module already.
static bool has_module(const char *name, const char *module)
{
	const size_t n = strlen(module);

	return strncmp(name, module, n) == 0 && name[n] == '.';
}

void rs_type_full_name(const struct rs_report *report, uint32_t type, char *buf,
		       size_t size)
{
	const char *name = report->graph->type_row[type].name;
	char module[RS_NAME_SIZE];

	if (rs_type_module(report, type, module, sizeof(module)) &&
	    !is_implied(report, type, module) && !has_module(name, module))
		(void)snprintf(buf, size, "%s.%s", module, name);
	else
		(void)snprintf(buf, size, "%s", name);
}

static bool
is_called(const struct rs_report *report, uint32_t type, const char *wanted)
{
	const char *name = report->graph->type_row[type].name;
	const char *last = strrchr(name, '.');
	char full[RS_FULL_NAME_SIZE];

	if (strcmp(name, wanted) == 0 ||
	    (last && strcmp(last + 1, wanted) == 0))
		return true;
	if (!strchr(wanted, '.'))
		return false;
	rs_type_full_name(report, type, full, sizeof(full));
	return strcmp(full, wanted) == 0;
}

static bool
is_in_module(const struct rs_report *report, uint32_t type, const char *wanted)
{
	char module[RS_NAME_SIZE];

	return rs_type_module(report, type, module, sizeof(module)) &&
	       (strcmp(module, wanted) == 0 || has_module(module, wanted));
}

// @return how many of the marked types stay marked.
static uint32_t
keep_called(const struct rs_report *report, const char *wanted, uint8_t *mark)
{
	const uint32_t types = report->graph->types;
	uint32_t n = 0;

	for (uint32_t i = 0; i < types; i++)
		if (mark[i] && is_called(report, i, wanted)) {
			mark[i] = 2;
			n++;
		}
	for (uint32_t i = 0; i < types && n; i++)
		mark[i] = mark[i] == 2;
	return n;
}

// Keep those marked whose full name @p expression is in.
static struct rs_error *keep_matching(const struct rs_report *report,
				      const char *expression, uint8_t *mark)
{
	char full[RS_FULL_NAME_SIZE];
	regex_t re;
	const int wrong = regcomp(&re, expression, REG_EXTENDED | REG_NOSUB);

	if (wrong) {
		(void)regerror(wrong, &re, full, sizeof(full));
		return rs_error_new(RS_EARGUMENT,
				    "no type is called \"%s\", and it is not "
				    "a regular expression: %s",
				    expression, full);
	}
	for (uint32_t i = 0; i < report->graph->types; i++) {
		if (!mark[i])
			continue;
		rs_type_full_name(report, i, full, sizeof(full));
		mark[i] = regexec(&re, full, 0, NULL, 0) == 0;
	}
	regfree(&re);
	return NULL;
}

static struct rs_error *check_any(const uint8_t *mark, uint32_t types,
				  const char *type, const char *module)
{
	for (uint32_t i = 0; i < types; i++)
		if (mark[i])
			return NULL;
	if (!type)
		return rs_error_new(RS_ENOTFOUND,
				    "no object has a type of module %s",
				    module);
	return rs_error_new(RS_ENOTFOUND,
			    "no object has a type called \"%s\"%s%s; the "
			    "types are listed by: refs types -sort name",
			    type, module ? " of module " : "",
			    module ? module : "");
}

struct rs_error *rs_type_filter(const struct rs_report *report,
				const char *type, const char *module,
				uint8_t **ret)
{
	const uint32_t types = report->graph->types;
	uint8_t *mark = NULL;
	struct rs_error *err = rs_block_new(types, 1, &mark);

	if (err)
		return err;
	for (uint32_t i = 0; i < types; i++)
		mark[i] = !module || is_in_module(report, i, module);
	if (type && !keep_called(report, type, mark))
		err = keep_matching(report, type, mark);
	if (!err && (type || module))
		err = check_any(mark, types, type, module);
	if (err)
		rs_block_free(mark, types, 1);
	else
		*ret = mark;
	return err;
}
