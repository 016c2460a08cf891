// SPDX-License-Identifier: MIT
/**
 * @file
 * Scope guards: variables that release what they hold when they go out of
 * scope, and the functions that move the value out to keep it.
 */
#ifndef RS_BASE_CLEANUP_H
#define RS_BASE_CLEANUP_H

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/** @p fn is called with the address of the variable. */
#define RS_CLEANUP(fn) __attribute__((__cleanup__(fn)))

/** Move the pointer out of @p slot and leave NULL behind. */
static inline void *rs_take(void *slot)
{
	void *p;

	memcpy(&p, slot, sizeof(p));
	memset(slot, 0, sizeof(p));
	return p;
}

static inline void rs_cleanup_free(void *slot)
{
	free(rs_take(slot));
}
#define RS_AUTO_FREE RS_CLEANUP(rs_cleanup_free)

/** Move the descriptor out of @p fd and leave -1 behind. */
static inline int rs_take_fd(int *fd)
{
	const int taken = *fd;

	*fd = -1;
	return taken;
}

static inline void rs_cleanup_close(const int *fd)
{
	if (*fd >= 0)
		close(*fd);
}
#define RS_AUTO_CLOSE RS_CLEANUP(rs_cleanup_close)

#endif /* RS_BASE_CLEANUP_H */
