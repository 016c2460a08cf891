// SPDX-License-Identifier: MIT
/** @file What the programs share that spoil cores and look at them. */
#ifndef RS_FUZZ_H
#define RS_FUZZ_H

#include "refscope/engine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/** Exit statuses of a child that looked. */
enum {
	RS_ANSWERED = 40,
	RS_REFUSED = 41,
	RS_BAD_MESSAGE = 42,
	RS_SILENT = 43, // much is lost, and nothing says so
};

static uint64_t state; // of the generator

/** xorshift64*: the same numbers everywhere for a seed. */
static inline uint64_t number(uint64_t below)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return (state * 0x2545f4914f6cdd1dULL >> 16) % below;
}

/** Exit status for @p err, which is freed; errors are one line of text. None is
 * out of memory: a size that was spoilt asks for none. */
static inline int judge(struct rs_error *err)
{
	const char *message = rs_error_message(err);
	const bool good = *message && !strchr(message, '\n') &&
			  rs_error_code(err) != RS_ENOMEM;

	if (getenv("RS_FUZZ_VERBOSE"))
		(void)printf("refused: %s\n", message);
	if (!good)
		(void)printf("a wrong refusal: %s\n", message);
	rs_error_free(err);
	return good ? RS_REFUSED : RS_BAD_MESSAGE;
}

/** The first id in @p answer, or 0. */
static inline uint64_t first_id(const char *answer)
{
	const char *id = answer ? strstr(answer, "\"id\":\"0x") : NULL;

	return id ? strtoull(id + 6, NULL, 16) : 0;
}

static inline bool is_good(struct rs_error *err)
{
	return !err || judge(err) == RS_REFUSED;
}

/** Flip a bit; doing it again with the same numbers takes it back. */
static inline void flip(int fd, uint64_t at, unsigned bit)
{
	uint8_t byte = 0;

	if (pread(fd, &byte, 1, (off_t)at) != 1)
		return;
	byte ^= (uint8_t)(1U << bit);
	if (pwrite(fd, &byte, 1, (off_t)at) != 1) {
		perror("pwrite");
		exit(2);
	}
}

#endif /* RS_FUZZ_H */
