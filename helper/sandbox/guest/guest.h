// SPDX-License-Identifier: MIT
/**
 * @file
 * The probe: a walk over objects that lets each type's own tp_traverse tell
 * the references, as one flat piece of code without relocations, libc or
 * writable data, that runs wherever it is put. x86-64 only.
 *
 * It is called at its first byte: long entry(long op, struct rs_guest_args *).
 * All addresses in the arguments are those of the process that it runs in.
 * What it writes may have been damaged by the code it called: whoever reads it
 * from outside checks every number first.
 */
#ifndef RS_SANDBOX_GUEST_H
#define RS_SANDBOX_GUEST_H

#include <stddef.h>
#include <stdint.h>

enum {
	RS_GUEST_FAULTS = 1024, // told by name; more are only counted
	RS_GUEST_TICK_MS = 20, // of processor time, between looks for a hang
	RS_GUEST_FAILING = 16, // functions remembered for having failed
	RS_GUEST_PATIENCE = 16, // failures, then a function is not asked again
	RS_GUEST_HANG_WEIGHT = 8, // failures that a hang counts for
	RS_GUEST_SKIPPED =
		-1, // for a signal: its function had failed too often
};

/** A function that failed, so that a broken one costs little. */
struct rs_guest_failing {
	uint64_t function, failed, worked;
};

enum rs_guest_op {
	// Handle faults on the stack args->altstack, and ticks, from now on.
	// Makes system calls: comes before a jail is shut.
	RS_GUEST_GUARD,
	RS_GUEST_WALK,
	RS_GUEST_CALL, // what args->call lists (guest_call.h)
};

/** An object whose traverse function could not be followed to its end. */
struct rs_guest_fault {
	uint64_t object;
	uint64_t address; // that was touched; of the instruction for SIGSYS
	int32_t signal; // SIGPROF: a hang; 0: told too many; RS_GUEST_SKIPPED
	int32_t detail; // number of the system call for SIGSYS
};

struct rs_guest_args {
	// In: what to walk. First the lists, then the addresses.
	uint64_t list; // array of addresses of list heads (PyGC_Head)
	uint64_t lists;
	uint64_t head_size; // of PyGC_Head: an object comes after its head
	uint64_t objects; // in: that object[] holds already; out: all
	uint64_t start; // the first this many were told in an earlier run
	uint64_t ob_type, tp_traverse, tp_flags, tp_is_gc; // offsets
	uint64_t gc_flag; // of tp_flags: the type takes part in collection
	// Or 0: an array beside the given object[] of the functions to ask, of
	// tp_traverse's shape, where objects do not point at their types.
	uint64_t function;
	// In: where to write.
	uint64_t object; // array: address of each object
	uint64_t max_objects;
	uint64_t first; // array, one longer: first entry in edge[]
	uint64_t edge; // array: addresses referred to
	uint64_t max_edges;
	uint64_t max_edges_each; // of one object
	uint64_t max_ticks; // of one object, RS_GUEST_TICK_MS each
	uint64_t altstack, altstack_size;
	uint64_t call; // struct rs_guest_call, or 0
	uint64_t demand; // struct rs_demand (demand_pages.h), or 0
	// Out.
	uint64_t edges;
	uint64_t current; // object being walked now
	uint64_t told; // objects done: rows of first[] that are valid
	uint64_t lists_broken; // lists that did not lead back to their head
	uint64_t full; // max_objects or max_edges was reached
	uint64_t failings;
	struct rs_guest_failing failing[RS_GUEST_FAILING];
	uint64_t faults; // may be more than are told
	struct rs_guest_fault fault[RS_GUEST_FAULTS];
};

typedef long (*rs_guest_entry)(long op, struct rs_guest_args *args);

/** The code; empty where this machine has none. Runs where it is copied. */
extern const uint8_t rs_guest_code[];
extern const uint8_t rs_guest_code_end[];

static inline size_t rs_guest_size(void)
{
	return (size_t)(rs_guest_code_end - rs_guest_code);
}

#endif /* RS_SANDBOX_GUEST_H */
