# SPDX-License-Identifier: MIT
"""Whether, and how, a live CPython can be called at this stop.

Pure: threads and their C calls in, a verdict out. A call has to look like one
of any extension module: it takes the interpreter's lock as everybody does, on
a thread that has given it up and waits, or it is queued and made by the main
thread itself where that looks for such calls.
"""
from __future__ import annotations

from typing import NamedTuple, Optional, Sequence

from .engine import BLOCKED, PENDING

# System calls (x86-64) in which a thread waits, and holds nothing of libc's.
# In those for writing it may hold the lock of a stream.
WAITS = {
    0: "read", 7: "poll", 17: "pread64", 19: "readv", 23: "select",
    34: "pause", 35: "nanosleep", 42: "connect", 43: "accept",
    45: "recvfrom", 47: "recvmsg", 61: "wait4", 65: "semop", 70: "msgrcv",
    73: "flock", 202: "futex", 220: "semtimedop", 230: "clock_nanosleep",
    232: "epoll_wait", 247: "waitid", 270: "pselect6", 271: "ppoll",
    281: "epoll_pwait", 288: "accept4", 299: "recvmmsg", 441: "epoll_pwait2",
}
FUTEX = 202
# Those that the kernel cannot always begin again as they were.
TIMED = (7, 35, 202, 230, 271)

# Stack, in bytes, for a collection and the finalizers that it runs. A thread may
# have been given a small one, which suffices for what it does itself: one of
# 32 KiB ended at 60 nested calls of a finalizer (2.7 to 3.10).
ENOUGH = 128 << 10
_AMPLE = 1 << 20

ALLOCATOR = {
    "malloc", "calloc", "realloc", "free", "memalign", "posix_memalign",
    "aligned_alloc", "_int_malloc", "_int_free", "_int_realloc", "sysmalloc",
    "malloc_consolidate", "systrim", "arena_get2", "tcache_init", "mi_malloc",
    "mi_free", "PyObject_Malloc", "PyObject_Free", "PyObject_Realloc",
    "fork", "__libc_fork", "vfork", "__fork",
}
LOADER = {"dlopen", "dlclose", "dlsym", "_dl_open", "_dl_close",
           "_dl_map_object", "_dl_init", "dl_iterate_phdr", "__libc_start_init"}
ENDING = {
    "Py_FinalizeEx", "Py_Finalize", "_Py_Finalize", "Py_EndInterpreter",
    "Py_Exit", "exit", "_exit", "__run_exit_handlers", "quick_exit", "abort",
    "finalize_modules", "pthread_exit", "__nptl_deallocate_tsd",
}
# In these a thread waits for the interpreter's lock.
_TAKES_LOCK = {
    "take_gil", "drop_gil", "create_gil", "PyEval_RestoreThread",
    "PyEval_AcquireThread", "PyEval_AcquireLock", "PyGILState_Ensure",
    "PyEval_SaveThread", "PyEval_ReleaseThread", "PyEval_EvalFrameEx",
    "_PyEval_EvalFrameDefault", "PyEval_EvalFrame", "_PyThreadState_Attach",
    "_Py_HandlePending", "eval_frame_handle_pending", "PyThreadState_Swap",
    "_PyEval_AcquireLock",
}
# And in these for a lock of the program's, or another thread's end.
_PROGRAM_WAITS = {
    "PyThread_acquire_lock", "PyThread_acquire_lock_timed",
    "PyThread_acquire_lock_timed_with_retries", "_PySemaphore_Wait",
    "_PyParkingLot_Park", "_PyMutex_LockTimed", "PyEvent_WaitTimed",
    "PyEvent_Wait", "acquire_timed", "pthread_join", "_PyEvent_WaitTimed",
}
_PENDING_CALLS = {
    "Py_AddPendingCall", "_PyEval_AddPendingCall", "Py_MakePendingCalls",
    "_Py_MakePendingCalls", "make_pending_calls", "_push_pending_call",
    "_pop_pending_call", "push_pending_call", "_make_pending_calls",
    "trip_signal", "PyErr_SetInterrupt", "PyErr_SetInterruptEx",
}


class Thread(NamedTuple):
    """A stopped thread. number: of the system call that it is in, or None.
    static: it waits for a word in a file's variables. semaphore: it waits as
    semaphores and conditions do, not as a mutex does. file: it reads a file
    on a disk. calls: its C functions, innermost first; in_handler, in_loader:
    a signal handler, or code of the dynamic loader, is among them. room:
    bytes of stack left. holds: it holds a mutex."""

    tid: int
    number: Optional[int]
    static: bool
    semaphore: bool
    file: bool
    calls: Sequence[str]
    in_handler: bool
    in_loader: bool
    room: int
    holds: bool = False


class Stop(NamedTuple):
    """What rs_answer_call_facts() says, and the threads."""

    pid: int
    version: str
    threaded: bool
    interpreters: int
    collecting: bool
    holder: Optional[int]
    python: Sequence[int]
    lacks: Sequence[str]
    threads: Sequence[Thread]


class Verdict(NamedTuple):
    """way: BLOCKED, PENDING, or 0: why says why not; passing: another stop
    may do; collecting: that is all that is wrong with this one. together: all
    threads have to run for it."""

    way: int
    tid: int
    why: str
    passing: bool = False
    together: bool = False
    collecting: bool = False


def choose(stop: Stop) -> Verdict:
    """The way to call it now."""
    refused = _never(stop)
    if refused:
        return Verdict(0, 0, refused)
    if stop.collecting:
        return Verdict(0, 0, "a collection is running", True, collecting=True)
    waiting = sorted(
        (t for t in stop.threads if not unfit(stop, t)), key=preference
    )
    if waiting:
        return _on_waiting(stop, waiting[0])
    return _on_main(stop)


def alone(verdict: Verdict) -> Verdict:
    """The same for a call before which nothing of the program may run."""
    if not verdict.way or not verdict.together:
        return verdict
    return Verdict(
        0, 0, "the program would run before it, and what was found may be gone "
        "then: it has to be stopped where all of its threads wait without the "
        f"interpreter's lock, but {verdict.why.split(':')[0]}", True,
    )


def _never(stop: Stop) -> str:
    """Why no stop of this process will do."""
    if stop.threaded:
        return "a free-threaded build cannot be called safely yet"
    if stop.interpreters > 1:
        return (f"the process has {stop.interpreters} interpreters; only those "
                "with one can be called safely yet")
    if stop.lacks:
        return "the interpreter does not export " + ", ".join(stop.lacks[:3])
    for thread in stop.threads:
        ending = ENDING.intersection(thread.calls)
        if ending:
            return (f"the process is ending: thread {thread.tid} is in "
                    + sorted(ending)[0])
    return ""


def unfit(stop: Stop, t: Thread) -> str:
    """Why the call cannot be made on a thread that waits; "" if it can."""
    if t.tid not in stop.python:
        return "it is not a thread of Python's"
    if t.tid == stop.holder:
        return "it holds the interpreter's lock"
    if t.number is None:
        return "it runs"
    if t.number not in WAITS:
        return f"it is in system call {t.number}"
    if t.file:
        return "it reads a file"
    if t.in_handler:
        return "it is in a signal handler"
    if t.in_loader or LOADER.intersection(t.calls):
        return "it is in the dynamic loader"
    if t.holds:
        return "it holds a mutex"
    if t.room < ENOUGH:
        return f"it has {t.room >> 10} KiB of stack left"
    inside = sorted(ALLOCATOR.intersection(t.calls))
    if inside:
        return f"it is in {inside[0]}"
    return _futex(stop, t) if t.number == FUTEX else ""


def _futex(stop: Stop, t: Thread) -> str:
    """Why a thread that waits for a word in memory is unfit."""
    if t.static or waits_for_lock(t):
        return "it waits for the interpreter's lock, or one of a library's"
    if _PROGRAM_WAITS.intersection(t.calls):
        return ""
    # From 3.6 on the lock of the one interpreter is in a file's variables.
    if t.semaphore and not stop.version.startswith("2."):
        return ""
    return "what it waits for is not known"


def waits_for_lock(t: Thread) -> bool:
    """Whether it waits for the interpreter's lock, by its innermost call of
    the interpreter's."""
    for number, name in enumerate(t.calls):
        if name in _TAKES_LOCK:
            return True
        if name in _PROGRAM_WAITS and name != "pthread_join":
            # 2.7: the interpreter's lock is one like any other.
            caller = t.calls[number + 1: number + 2]
            return name == "PyThread_acquire_lock" and bool(
                _TAKES_LOCK.intersection(caller)
            )
    return False


def preference(t: Thread) -> tuple[bool, bool, int]:
    return t.room < _AMPLE, t.number in TIMED, t.tid


def _on_waiting(stop: Stop, t: Thread) -> Verdict:
    together = stop.holder is not None
    what = (
        f"thread {t.tid} waits in {WAITS[t.number or 0]} without the "
        "interpreter's lock"
    )
    what += (
        f", which thread {stop.holder} has to give up: all threads run until "
        "then" if together else ", which is free: only that thread runs"
    )
    return Verdict(BLOCKED, t.tid, what, together=together)


def _on_main(stop: Stop) -> Verdict:
    main = next((t for t in stop.threads if t.tid == stop.pid), None)
    if main is None or main.tid not in stop.python:
        return Verdict(0, 0, "its main thread is not one of Python's", True)
    if _PENDING_CALLS.intersection(main.calls):
        return Verdict(0, 0, "the main thread is at its queue of calls", True)
    if main.in_handler:
        return Verdict(0, 0, "the main thread is in a signal handler", True)
    waits = main.number in WAITS and main.tid != stop.holder
    if waits and not (main.static or waits_for_lock(main)):
        return Verdict(
            0, 0, f"the main thread waits, and {unfit(stop, main)}", True
        )
    return Verdict(
        PENDING, main.tid,
        f"the main thread {main.tid} is at work: the call is queued, and made "
        "where it looks for such calls; all threads run until then",
        together=True,
    )
