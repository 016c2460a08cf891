// SPDX-License-Identifier: MIT
#include "action/live/act.h"

#include <errno.h>
#include <unistd.h>

struct rs_error *rs_act_cannot(const struct rs_act *a, const char *what)
{
	return rs_error_new(RS_EIO, "process %d: %s: %s", (int)a->pid, what,
			    strerror(errno));
}

bool rs_act_put(const struct rs_act *a, uint64_t at, const void *bytes,
		size_t size)
{
	return pwrite(a->mem, bytes, size, (off_t)at) == (ssize_t)size;
}

bool rs_act_get(const struct rs_act *a, uint64_t at, void *bytes, size_t size)
{
	return pread(a->mem, bytes, size, (off_t)at) == (ssize_t)size;
}
