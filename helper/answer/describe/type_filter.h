// SPDX-License-Identifier: MIT
/** @file Choosing types by name, by regular expression and by module. */
#ifndef RS_ANSWER_TYPE_FILTER_H
#define RS_ANSWER_TYPE_FILTER_H

#include "answer/describe/report.h"

/**
 * Mark the types that are called @p type and belong to @p module.
 *
 * @param type A name as in rs_answer_types(), with or without its module; if no
 *        type has that name, a POSIX extended regular expression, looked for in
 *        `module.name`. NULL: all types.
 * @param module The module that defines the type, or a package that this is in.
 *        NULL: any.
 * @param[out] ret [graph->types] 1: chosen. A block for the caller to free.
 * Errors: RS_EARGUMENT (not a regular expression); RS_ENOTFOUND (no type is
 * like that); RS_ENOMEM.
 */
RS_MUST_CHECK struct rs_error *
rs_type_filter(const struct rs_report *report, const char *type,
	       const char *module, uint8_t **ret);

/** Write `module.name` of type @p type, without the module builtins. */
void rs_type_full_name(const struct rs_report *report, uint32_t type, char *buf,
		       size_t size);

/** Write the module of type @p type. @return false if it is not known. */
bool rs_type_module(const struct rs_report *report, uint32_t type, char *buf,
		    size_t size);

#endif /* RS_ANSWER_TYPE_FILTER_H */
