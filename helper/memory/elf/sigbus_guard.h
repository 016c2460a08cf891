// SPDX-License-Identifier: MIT
/**
 * @file
 * Mapped files whose pages go away while they are read: somebody cuts the file
 * short or writes it anew, or its disk fails. Touching such a page is SIGBUS,
 * and would be the end of the debugger.
 *
 * While any mapping is watched, the process's handler of SIGBUS is ours. In
 * the place of a page that is gone, and of all behind it, it puts zeros and
 * remembers that; whatever lies outside of what is watched it leaves to the
 * handler that was there before. One that is set later takes the protection
 * away until the next mapping is the first that is watched.
 */
#ifndef RS_MEMORY_SIGBUS_GUARD_H
#define RS_MEMORY_SIGBUS_GUARD_H

#include <stdbool.h>
#include <stddef.h>

/** Beyond some thousand files at once a mapping is not watched. */
void rs_vanish_watch(void *data, size_t size);

/** Before @p data is unmapped. One that is not watched is passed over. */
void rs_vanish_forget(const void *data);

/** Whether a page of any mapping went away, ever. */
bool rs_vanish_any(void);

/** Whether a page of the mapping at @p data went away. */
bool rs_vanish_seen(const void *data);

#endif /* RS_MEMORY_SIGBUS_GUARD_H */
