// SPDX-License-Identifier: MIT
/** @file Text inside a quoted string of Graphviz's language. */
#ifndef RS_EXPORT_DOT_ESCAPE_H
#define RS_EXPORT_DOT_ESCAPE_H

#include <stdio.h>

/**
 * Write @p text as it may stand between double quotes.
 *
 * Quotes and backslashes get a backslash; control bytes and what is not UTF-8
 * become '?': Graphviz refuses a file with malformed text.
 * Source: graphviz.org/doc/info/lang.html, "double-quoted string".
 */
void rs_dot_escape(const char *text, FILE *out);

#endif /* RS_EXPORT_DOT_ESCAPE_H */
