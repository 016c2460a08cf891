// SPDX-License-Identifier: MIT
//
// What a thread waits for, and since when. The kernel does not say since when,
// but a thread that waits for a PyMutex (all locks of a program from 3.14 on,
// those of the interpreter from 3.13 on) has it on its stack: it notes at which
// time the lock is to be handed to it, which is 1 ms after it began to wait.
//
// Source: CPython 3.13 to 3.15, Python/lock.c, _PyMutex_LockTimed(), and
// Python/parking_lot.c, _PyParkingLot_Park(), which waits in a futex for the
// first word of `sema`:
//
//     struct wait_entry {
//         void *park_arg;         // of a mutex: struct mutex_entry
//         uintptr_t addr;         // of the mutex, a byte
//         _PySemaphore sema;      // a sem_t, 32 bytes
//         struct llist_node node; // next, previous
//         bool is_unparking;
//     };
//     struct mutex_entry { PyTime_t time_to_be_fair; int handed_off; };
#include "runtime/cpython/decode/decode.h"
#include "runtime/cpython/state/discover.h"

enum {
	RS_FUTEX = 202,
	RS_RESTART = 219, // one with a limit, after the process was stopped
	RS_ENTRY_ADDR = 8,
	RS_ENTRY_SEMA = 16,
	RS_ENTRY_NODE = 48,
	RS_NEAR = 1 << 12, // both structs are on the stack, in calls of C
	RS_FAIR_NS = 1000000,
	RS_LOCKED_AND_AWAITED = 3, // _Py_LOCKED, _Py_HAS_PARKED
};

// Source: Linux arch/x86/entry/syscalls/syscall_64.tbl: those in which threads
// wait.
static const struct {
	int number;
	const char *name;
} calls[] = {
	{0, "read"},
	{1, "write"},
	{7, "poll"},
	{17, "pread64"},
	{18, "pwrite64"},
	{19, "readv"},
	{20, "writev"},
	{23, "select"},
	{34, "pause"},
	{35, "nanosleep"},
	{42, "connect"},
	{43, "accept"},
	{44, "sendto"},
	{45, "recvfrom"},
	{46, "sendmsg"},
	{47, "recvmsg"},
	{61, "wait4"},
	{65, "semop"},
	{70, "msgrcv"},
	{72, "fcntl"},
	{73, "flock"},
	{74, "fsync"},
	{75, "fdatasync"},
	{128, "rt_sigtimedwait"},
	{130, "rt_sigsuspend"},
	{RS_FUTEX, "futex"},
	{RS_RESTART, "restart_syscall"},
	{220, "semtimedop"},
	{230, "clock_nanosleep"},
	{232, "epoll_wait"},
	{247, "waitid"},
	{270, "pselect6"},
	{271, "ppoll"},
	{281, "epoll_pwait"},
	{288, "accept4"},
	{299, "recvmmsg"},
	{426, "io_uring_enter"},
	{441, "epoll_pwait2"},
};

// The time at which the thread that waits for the futex @p word began to wait
// for a mutex, by CLOCK_MONOTONIC in ns, or 0.
static int64_t waits_since(struct rs_cpython *py, uint64_t word)
{
	const uint64_t entry = word - RS_ENTRY_SEMA;
	const uint64_t node = entry + RS_ENTRY_NODE;
	const uint64_t mutex = rs_py_word_at(py, entry + RS_ENTRY_ADDR);
	const uint64_t since = rs_py_word_at(py, entry);
	const uint64_t next = rs_py_word_at(py, node);
	const uint64_t previous = rs_py_word_at(py, node + 8);
	uint8_t state = 0;

	if (word < RS_ENTRY_SEMA || since <= entry || since - entry > RS_NEAR ||
	    since % 8 || !next || !previous)
		return 0;
	if (rs_py_word_at(py, next + 8) != node ||
	    rs_py_word_at(py, previous) != node)
		return 0;
	if (!rs_memory_read(py->base.memory, mutex, &state, sizeof(state)) ||
	    state != RS_LOCKED_AND_AWAITED)
		return 0;
	const int64_t fair = (int64_t)rs_py_word_at(py, since);

	return fair > RS_FAIR_NS ? fair - RS_FAIR_NS : 0;
}

void rs_py_wait(struct rs_cpython *py, const struct rs_py_thread *thread,
		struct rs_py_wait *ret)
{
	const struct rs_thread *t = rs_py_os_thread(py, thread);
	int64_t now = 0;

	*ret = (struct rs_py_wait){
		.call = -1, .for_ns = -1, .ran_ms = -1, .age_ms = -1};
	if (!t)
		return;
	ret->call = t->call;
	ret->ran_ms = t->ran_ms;
	ret->age_ms = t->age_ms;
	for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++)
		if (calls[i].number == t->call)
			ret->name = calls[i].name;
	if (py->version < RS_PY(3, 13) ||
	    (t->call != RS_FUTEX && t->call != RS_RESTART))
		return;
	const int64_t since = waits_since(py, t->call_argument);

	if (since &&
	    rs_memory_clock(py->base.memory, &now) != RS_CLOCK_UNKNOWN &&
	    now >= since)
		ret->for_ns = now - since;
}
