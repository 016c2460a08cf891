// SPDX-License-Identifier: MIT
/**
 * @file
 * The guest: code that runs inside an image and calls the tp_traverse function
 * of each object's type, which reports its references. One flat piece of code
 * without relocations, libc or writable data, that runs at any address. x86-64
 * only.
 *
 * It is called at its first byte: long entry(long op, struct rs_guest_args *).
 * All addresses in the arguments are those of the process that it runs in.
 * Code that it calls can overwrite whatever it writes: whoever reads that from
 * outside checks every number first.
 */
#ifndef RS_SANDBOX_GUEST_H
#define RS_SANDBOX_GUEST_H

#include <stddef.h>
#include <stdint.h>

enum {
	RS_GUEST_FAULTS = 1024, // recorded one by one; more are only counted
	RS_GUEST_TICK_MS = 20, // of processor time, between looks for a hang
	RS_GUEST_FAILING = 16, // functions remembered for having failed
	RS_GUEST_PATIENCE = 16, // failures, then a function is not called again
	RS_GUEST_HANG_WEIGHT = 8, // failures that a hang counts for
	RS_GUEST_WANTED = 256, // functions recorded that were not allowed
	// As a signal: not called, its function had failed too often.
	RS_GUEST_SKIPPED = -1,
};

/** How a system call or a fault came about: rs_guest_fault.entry. */
enum rs_guest_entry_kind {
	RS_ENTRY_64, // syscall, or no system call at all
	RS_ENTRY_I386, // int 0x80, sysenter or syscall of 32-bit code
	RS_ENTRY_X32, // a number of the x32 ABI
	RS_ENTRY_COMPAT, // a fault after a far jump to 32-bit code
	RS_ENTRY_INT80, // int 0x80 where the kernel has no such entry
	// uretprobe: kernels let it past every seccomp filter, and stop whoever
	// calls it outside of a probe's trampoline with SIGILL. (uprobe, too,
	// is let past; outside of a trampoline it fails with an errno.)
	RS_ENTRY_UPROBE,
};

/** A function that failed; remembered so that a broken one costs little. */
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
	// SIGPROF: a hang; 0: too many references, or its process ended;
	// RS_GUEST_SKIPPED
	int32_t signal;
	int32_t detail; // number of the system call for SIGSYS
	uint32_t entry; // enum rs_guest_entry_kind
	uint32_t reserved;
};

struct rs_guest_args {
	// In: what to walk. First the lists, then the addresses.
	uint64_t list; // array of addresses of list heads (PyGC_Head)
	uint64_t lists;
	uint64_t head_size; // of PyGC_Head: an object comes after its head
	uint64_t objects; // in: that object[] holds already; out: all
	uint64_t start; // the first this many were walked in an earlier run
	uint64_t ob_type, tp_traverse, tp_flags, tp_is_gc; // offsets
	uint64_t gc_flag; // of tp_flags: the type takes part in collection
	// Or 0: an array beside the given object[] of functions to call, of
	// the shape of tp_traverse, where objects do not point at their types.
	uint64_t function;
	// Or 0: an array of bytes beside the given object[], to set to 1 where
	// the type's tp_is_gc says that the object takes no part in collection.
	// It is traversed all the same: it is on the collector's lists.
	uint64_t apart;
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
	// Hash table of the functions that may be called; 0: any may.
	uint64_t allowed, allowed_mask;
	// Out.
	uint64_t edges;
	uint64_t current; // object being walked now
	uint64_t rows; // objects done: rows of first[] that are valid
	uint64_t lists_broken; // lists that did not lead back to their head
	uint64_t full; // max_objects or max_edges was reached
	uint64_t refused; // objects whose function was not allowed
	uint64_t wanteds; // functions in wanted[], the first that were met
	uint64_t wanted[RS_GUEST_WANTED];
	uint64_t failings;
	struct rs_guest_failing failing[RS_GUEST_FAILING];
	uint64_t faults; // may be more than are recorded
	struct rs_guest_fault fault[RS_GUEST_FAULTS];
};

/**
 * @return The slot of @p function in a hash table of @p mask + 1 slots, of
 *         which at least one is 0: its own, or the empty one where it belongs.
 */
static inline uint64_t
rs_guest_slot(const uint64_t *table, uint64_t mask, uint64_t function)
{
	uint64_t i = (function >> 4) & mask;

	while (table[i] && table[i] != function)
		i = (i + 1) & mask;
	return i;
}

typedef long (*rs_guest_entry)(long op, struct rs_guest_args *args);

/** The code; empty where this machine has none. Runs where it is copied. */
extern const uint8_t rs_guest_code[];
extern const uint8_t rs_guest_code_end[];

/** @return Bytes of it. */
static inline size_t rs_guest_size(void)
{
	return (size_t)(rs_guest_code_end - rs_guest_code);
}

#endif /* RS_SANDBOX_GUEST_H */
