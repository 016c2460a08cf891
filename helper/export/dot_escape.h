// SPDX-License-Identifier: MIT
/** @file Quoting text for Graphviz. */
#ifndef RS_EXPORT_DOT_ESCAPE_H
#define RS_EXPORT_DOT_ESCAPE_H

#include <stdio.h>

/**
 * Write @p text as the inside of a double-quoted string.
 *
 * Quotes and backslashes are escaped. Control characters and malformed UTF-8
 * become '?', because Graphviz refuses files with these.
 * Source: graphviz.org/doc/info/lang.html, "double-quoted string".
 */
void rs_dot_escape(const char *text, FILE *out);

#endif /* RS_EXPORT_DOT_ESCAPE_H */
