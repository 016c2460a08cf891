// SPDX-License-Identifier: MIT
/** @file Whether a description makes sense (internal). */
#ifndef RS_TRACKER_TYPE_CHECK_H
#define RS_TRACKER_TYPE_CHECK_H

#include "refscope/refscope.h"

/** rs_type_check(), of @p counted objects or of a struct without a count. */
int rs_type_check_as(const struct rs_type *type, bool counted, char *reason,
		     size_t size);

#endif /* RS_TRACKER_TYPE_CHECK_H */
