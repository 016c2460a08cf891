// SPDX-License-Identifier: MIT
/**
 * @file
 * Surviving SIGBUS on mapped files. When a mapped file is truncated, or its
 * disk fails, an access to a page that no longer exists raises SIGBUS, which
 * would terminate GDB.
 *
 * While any mapping is guarded, this module has its own SIGBUS handler. On an
 * access to a lost page of a guarded mapping, it replaces this page and the
 * rest of the mapping by zeros and records that. All other SIGBUS it forwards
 * to the handler that was installed before. If somebody installs another
 * handler later, mappings are not guarded until all of them are removed and one
 * is added again.
 *
 * All functions may be called from any thread.
 */
#ifndef RS_MEMORY_SIGBUS_GUARD_H
#define RS_MEMORY_SIGBUS_GUARD_H

#include <stdbool.h>
#include <stddef.h>

/** Guard a mapping. @return false when out of memory: it is not guarded then.
 */
bool rs_sigbus_guard_add(void *data, size_t size);

/** Stop guarding the mapping at @p data; to be called before it is unmapped. No
 * effect if it is not guarded. */
void rs_sigbus_guard_remove(const void *data);

/** Whether a page of any guarded mapping was ever lost. */
bool rs_sigbus_guard_any_lost(void);

/** Whether a page of the guarded mapping at @p data was lost. */
bool rs_sigbus_guard_lost(const void *data);

#endif /* RS_MEMORY_SIGBUS_GUARD_H */
