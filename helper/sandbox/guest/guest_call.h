// SPDX-License-Identifier: MIT
/**
 * @file
 * Functions of the core called one after the other: the short list that
 * RS_GUEST_CALL works through.
 *
 * It lies in memory shared with the host. Each step calls a function by its
 * address; its arguments are numbers, results of earlier steps, places in
 * that memory, or what is stored there. A step without a function copies
 * text out, or stores a word. Nothing loops: a step leads only to later ones.
 */
#ifndef RS_SANDBOX_GUEST_CALL_H
#define RS_SANDBOX_GUEST_CALL_H

#include <stdint.h>

enum {
	RS_CALL_STEPS = 48,
	RS_CALL_ARGS = 6,
	RS_CALL_TEXTS = 4,
	RS_CALL_END = UINT8_MAX, // as the next step: the list ends
};

/** What arg[i] of a step is. */
enum rs_call_from {
	RS_CALL_VALUE, // itself
	RS_CALL_RESULT, // the number of the step whose result it is
	RS_CALL_PLACE, // an offset from rs_guest_call.base: its address
	RS_CALL_WORD, // such an offset: the word that is there
};

enum rs_call_flag {
	RS_CALL_INT = 1, // the function returns an int, not a word
	RS_CALL_MAY_STOP = 2, // a fault or trap in it is passed over
	// Without a function: store the lowest arg[2] bytes (4 or 8) of arg[1]
	// at arg[0].
	RS_CALL_STORE = 4,
};

/** One call, or one copy. */
struct rs_guest_step {
	uint64_t function; // 0: copy arg[1] bytes at arg[0] to text arg[2]
	uint64_t arg[RS_CALL_ARGS];
	uint8_t from[RS_CALL_ARGS]; // enum rs_call_from
	uint8_t flags; // enum rs_call_flag
	uint8_t if_zero; // the step to go to when the result is 0
	uint8_t next; // and otherwise
};

/** Text that was copied out. */
struct rs_guest_text {
	uint64_t place; // offset from base
	uint64_t room;
	uint64_t size; // out: bytes there are; the first `room` were copied
	uint64_t copied; // out: 1 once it has been
};

/** The calls that a guest makes, and what came of them. */
struct rs_guest_call {
	uint64_t base; // of the offsets
	uint64_t stack; // to call on: one past it
	uint64_t steps;
	struct rs_guest_step step[RS_CALL_STEPS];
	struct rs_guest_text text[RS_CALL_TEXTS];
	// Out.
	uint64_t result[RS_CALL_STEPS];
	uint64_t at; // the step being done
	uint64_t stopped; // 1: the step `at` was; see args->fault[0]
};

#endif /* RS_SANDBOX_GUEST_CALL_H */
