// SPDX-License-Identifier: MIT
/** @file Work that is cut into items, done by several threads. */
#ifndef RS_BASE_WORK_H
#define RS_BASE_WORK_H

#include "base/progress.h"

#include <stddef.h>

enum { RS_WORKERS_MOST = 64 };

/** What is to be done. All is borrowed. */
struct rs_work {
	size_t items;
	unsigned
		workers; // 1 .. RS_WORKERS_MOST: threads, the caller's included
	/**
	 * Do item @p item. Items are begun in ascending order, and any may be
	 * done at the same time as any other by another worker.
	 * @param worker Which thread does it: 0 (the caller's) to workers - 1.
	 * Errors: any; the first ends the work.
	 */
	struct rs_error *(*item)(void *context, unsigned worker, size_t item);
	void *context; // passed to item()
	const char *phase; // for progress
	const struct rs_progress *progress; // called in the caller's thread
};

/**
 * Do all items, each once, and wait for their end. Where no thread can be
 * started the caller's does all. After an error no further items are begun.
 * Errors: RS_EINTERRUPTED; those of item().
 */
RS_MUST_CHECK struct rs_error *rs_work_run(const struct rs_work *work);

/** @return How many threads to use: @p wanted, or, if that is 0, as many as
 * this process has processors; RS_WORKERS_MOST at most. */
unsigned rs_work_threads(unsigned wanted);

#endif /* RS_BASE_WORK_H */
