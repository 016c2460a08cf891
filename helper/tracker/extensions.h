// SPDX-License-Identifier: MIT
/** @file What the C parts of Python objects hold (internal). */
#ifndef RS_TRACKER_EXTENSIONS_H
#define RS_TRACKER_EXTENSIONS_H

#include "refscope/refscope.h"

/** Undo rs_describe_extension() for each that has the description @p type; the
 * caller has the registry's lock. @return Whether there were any. */
bool rs_extensions_remove(const struct rs_type *type);

#endif /* RS_TRACKER_EXTENSIONS_H */
