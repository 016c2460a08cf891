// SPDX-License-Identifier: MIT
/** @file Descriptions that were refused, noted in the registry (internal). */
#ifndef RS_TRACKER_TYPE_REFUSED_H
#define RS_TRACKER_TYPE_REFUSED_H

#include "refscope/refscope.h"

/** For whoever looks with a debugger why a type has no objects. */
void rs_type_refused(const char *why);

/**
 * Check the description of objects, @p counted, or of what has no count.
 * Errors: RS_ENOMEM; RS_EARGUMENT: also noted in the registry, with why.
 */
int rs_type_check_noted(const struct rs_type *type, bool counted);

#endif /* RS_TRACKER_TYPE_REFUSED_H */
