// SPDX-License-Identifier: MIT
/**
 * @file
 * Code that is put into a live target to call functions of its CPython or its
 * librefscope: flat, without relocations, libc or variables. x86-64 only.
 *
 * A thread of the target enters it at its first byte, as rs_caller_enter(op,
 * args), and leaves it through the signal frame args->frame, which holds all of
 * its registers as they were: it comes back by itself, whether or not a
 * debugger is still there.
 */
#ifndef RS_ACTION_CALLER_H
#define RS_ACTION_CALLER_H

#include <stddef.h>
#include <stdint.h>

/** What is called in the target: names of rs_caller_args.function. */
#define RS_CALLER_FUNCTIONS(X)                                                 \
	X(ENSURE, "PyGILState_Ensure")                                         \
	X(RELEASE, "PyGILState_Release")                                       \
	X(ADD, "Py_AddPendingCall")                                            \
	X(MODULES, "PyImport_GetModuleDict")                                   \
	X(IMPORT, "PyImport_ImportModuleLevel")                                \
	X(ITEM, "PyDict_GetItemString")                                        \
	X(ATTRIBUTE, "PyObject_GetAttrString")                                 \
	X(TYPE, "PyObject_Type")                                               \
	X(CALL, "PyObject_CallObject")                                         \
	X(SIZE, "PyObject_Size")                                               \
	X(SLICE, "PyList_SetSlice")                                            \
	X(TUPLE, "PyTuple_New")                                                \
	X(SET, "PyTuple_SetItem")                                              \
	X(FROM, "PyLong_FromLong")                                             \
	X(AS, "PyLong_AsLong")                                                 \
	X(BUILD, "Py_BuildValue")                                              \
	X(EMPTY, "PyCell_Set")                                                 \
	X(HASH, "PyObject_Hash")                                               \
	X(HOLD, "Py_IncRef")                                                   \
	X(DROP, "Py_DecRef")                                                   \
	X(FETCH, "PyErr_Fetch")                                                \
	X(RESTORE, "PyErr_Restore")

enum rs_caller_function {
#define RS_CALLER_NUMBER(name, symbol) RS_CALLER_##name,
	RS_CALLER_FUNCTIONS(RS_CALLER_NUMBER)
#undef RS_CALLER_NUMBER
		RS_CALLER_NUMBERS
};

enum rs_caller_op {
	RS_CALLER_ENSURED, // take the interpreter's lock, call, give it up
	RS_CALLER_PENDING, // only queue the call; the main thread makes it
	RS_CALLER_TRACKER, // no CPython: call a function of librefscope
};

enum rs_caller_state {
	RS_CALLER_NEW,
	RS_CALLER_BEGUN, // it has the interpreter's lock
	RS_CALLER_DONE,
	RS_CALLER_RAISED, // an exception, which was dropped
	RS_CALLER_CANCELLED, // by the host, before it began
	RS_CALLER_REPLACED, // the program put something else there: not called
};

enum { RS_CALLER_NAME = 32, RS_CALLER_ARGS = 3, RS_CALLER_FIELD = 128 };

/** A call of librefscope's, in a program that links it. */
enum rs_caller_tracker_call {
	RS_CALLER_COLLECT, // rs_collect()
	RS_CALLER_FIND, // rs_find_garbage(RS_FIND_READ_ONLY, ..)
	RS_CALLER_WALK, // rs_walk(object, ..)
	RS_CALLER_REFERRERS, // rs_referrers(object, ..)
};

struct rs_caller_tracker {
	uint64_t call; // enum rs_caller_tracker_call
	uint64_t function; // its address
	uint64_t object;
	uint64_t list; // address of room for the objects that it names
	uint64_t room; // how many
	uint64_t listed; // out: how many it named, also beyond the room
	uint64_t stop; // set by the host: end at the next object
};

/** A reference to drop before the call, by type.method(arg..). */
struct rs_caller_drop {
	uint64_t wanted; // 0: none
	uint64_t type; // address of the type; 0: empty the cell hold[0]
	char method[RS_CALLER_NAME];
	char format[8]; // for Py_BuildValue(format, arg..)
	char field[RS_CALLER_FIELD]; // a name that an argument may point to
	uint64_t arg[RS_CALLER_ARGS];
	// Objects that must not go before it is done: an allocation may start
	// a collection.
	uint64_t hold[RS_CALLER_ARGS];
	uint64_t key; // what is looked up; 0: nothing
	uint64_t has_hash; // 1: only if its hash is still the one below
	int64_t hash;
	uint64_t moved; // out: 1: it is another, and nothing was called
	uint64_t done; // out: 1: it did not raise, and hold[1]'s count fell
};

struct rs_caller_args {
	uint64_t function[RS_CALLER_NUMBERS];
	uint64_t finalizing; // Py_IsFinalizing, or 0
	uint64_t builtin; // &PyCFunction_Type
	uint64_t frame; // address of the struct rs_caller_frame to leave by
	// gc.<name>(arg...); an empty name: clear the list gc.garbage.
	char name[RS_CALLER_NAME];
	int64_t arg[RS_CALLER_ARGS];
	uint64_t args;
	struct rs_caller_drop drop;
	struct rs_caller_tracker tracker;
	// Out.
	uint64_t state; // enum rs_caller_state
	int64_t queued; // what Py_AddPendingCall() returned
	uint64_t ran; // 1: the queued call is over, whatever came of it
	uint64_t left; // 1: about to leave by the frame
	int64_t returned; // -1: nothing, or no number
	int64_t garbage_before, garbage_after; // len(gc.garbage), or -1
	uint64_t error; // address of the exception's type
};

/** ucontext_t, as rt_sigreturn reads it. Source: Linux,
 * arch/x86/include/uapi/asm/{ucontext,sigcontext}.h. */
struct rs_caller_frame {
	uint64_t flags, link;
	uint64_t stack[3]; // stack_t
	uint64_t r8, r9, r10, r11, r12, r13, r14, r15;
	uint64_t rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip, eflags;
	uint16_t cs, gs, fs, ss;
	uint64_t err, trapno, oldmask, cr2;
	uint64_t fpstate; // address of the extended state
	uint64_t reserved[8];
	uint64_t sigmask;
};

/** Their names in the target, for the host; not in the code. */
extern const char *const rs_caller_symbol[RS_CALLER_NUMBERS];

/** The code; empty where this machine has none. */
extern const uint8_t rs_caller_code[];
extern const uint8_t rs_caller_code_end[];

/** Make the call args->tracker. For the code itself. */
void rs_caller_track(struct rs_caller_args *args);

/** @return Bytes of it. */
static inline size_t rs_caller_size(void)
{
	return (size_t)(rs_caller_code_end - rs_caller_code);
}

#endif /* RS_ACTION_CALLER_H */
