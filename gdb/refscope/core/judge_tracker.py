# SPDX-License-Identifier: MIT
"""Whether, and how, librefscope in a live C program can be called at this stop.

Pure, as judge.py. What only looks may be called wherever a thread stopped, but
where one holds a lock of the library. A collection runs the program's release
functions: they may need any lock, malloc's and the program's own, and free what
a thread that is at work still uses. So it is either made while every thread
waits for something from outside, or by the program itself where it does so of
its own accord.
"""
from __future__ import annotations

from typing import NamedTuple, Sequence

from . import judge
from .engine import BLOCKED, LATER, STOPPED
from .judge import Thread, Verdict

# What programs call: a thread within may hold a lock, or is looking at objects.
_LIBRARY = {
    "rs_track", "rs_untrack", "rs_type_of", "rs_describe", "rs_undescribe",
    "rs_describe_extension", "rs_root_add", "rs_root_add_array",
    "rs_root_remove", "rs_walk", "rs_referrers", "rs_each", "rs_count",
    "rs_collect", "rs_find_garbage", "rs_is_finalized", "rs_garbage_count",
    "rs_garbage_at", "rs_garbage_clear",
}
_LOCKS = {
    "pthread_mutex_lock", "___pthread_mutex_lock", "__lll_lock_wait",
    "__lll_lock_wait_private",
    "pthread_mutex_timedlock", "pthread_mutex_clocklock", "pthread_spin_lock",
    "pthread_rwlock_rdlock", "pthread_rwlock_wrlock",
    "___pthread_rwlock_rdlock", "___pthread_rwlock_wrlock",
}


class Registry(NamedTuple):
    """A copy of the library, as rs_answer_tracker_facts() says."""

    id: int
    tracked: int
    enabled: bool
    wanted: bool
    collecting: bool
    locks: int
    collections: int
    lacks: Sequence[str]


def collect(threads: Sequence[Thread], registry: Registry) -> Verdict:
    """The way to call rs_collect() now."""
    refused = _never(threads, registry, "rs_collect")
    if refused:
        return Verdict(0, 0, refused)
    if registry.collecting:
        return Verdict(0, 0, "a collection is running", True, collecting=True)
    at_work = [(t, _unfit(t)) for t in threads]
    at_work = [(t, why) for t, why in at_work if why]
    if registry.locks:
        return _later(registry, _held(threads, registry))
    if at_work:
        t, why = at_work[0]
        return _later(registry, f"thread {t.tid} {why}")
    fit = sorted((t for t in threads if t.room >= judge.ENOUGH),
                 key=judge.preference)
    if not fit:
        return Verdict(0, 0, "no thread has 128 KiB of stack left", True)
    name = judge.WAITS[fit[0].number or 0]
    return Verdict(
        BLOCKED, fit[0].tid, f"all threads wait; thread {fit[0].tid}, in "
        f"{name}, calls rs_collect(): only it runs"
    )


def _later(registry: Registry, why: str) -> Verdict:
    """When a thread is at work, and why that forbids a call."""
    if registry.enabled:
        return Verdict(
            LATER, 0, f"{why}, and the program collects by itself: it is asked "
            "to, where it next tracks an object; all threads run until then",
            together=True,
        )
    return Verdict(
        0, 0, f"{why}, and the program does not collect by itself "
        "(rs_gc_enable()): where all its counts are right is not known", True,
    )


def look(threads: Sequence[Thread], registry: Registry,
         function: str) -> Verdict:
    """The way to call a function that only looks: by a thread that waits, if
    there is one, else by any."""
    refused = _never(threads, registry, function)
    if not refused and registry.collecting and function == "rs_find_garbage":
        refused = "a collection is running"
    if not refused and registry.locks:
        refused = _held(threads, registry)
    if refused:
        return Verdict(0, 0, refused)
    best = min(threads, key=_disturbance)
    where = "at work"
    if best.number is not None:
        name = judge.WAITS.get(best.number, f"system call {best.number}")
        where = f"in {name}"
    return Verdict(
        STOPPED, best.tid,
        f"thread {best.tid}, {where}, calls {function}(): only it runs"
    )


def _never(threads: Sequence[Thread], registry: Registry,
           function: str) -> str:
    if function in registry.lacks or not threads:
        return f"the program does not export {function}()"
    if any(word.startswith("code ") for word in registry.lacks):
        return "processes of this machine cannot be called"
    for thread in threads:
        ending = judge.ENDING.intersection(thread.calls)
        if ending:
            return (f"the process is ending: thread {thread.tid} is in "
                    + sorted(ending)[0])
    return ""


def _held(threads: Sequence[Thread], registry: Registry) -> str:
    inside = [(t.tid, sorted(_LIBRARY.intersection(t.calls)))
              for t in threads if _LIBRARY.intersection(t.calls)]
    who = (f"thread {inside[0][0]}, in {inside[0][1][0]}()," if inside
           else "a thread")
    more = "" if registry.locks == 1 else f" (of {registry.locks} held)"
    return f"{who} holds a lock of librefscope{more}"


def _unfit(t: Thread) -> str:
    """Why nothing of the program may be freed while it is where it is."""
    if t.in_handler:
        return "is in a signal handler"
    if t.in_loader or judge.LOADER.intersection(t.calls):
        return "is in the dynamic loader"
    for names, what in ((judge.ALLOCATOR, "is in"), (_LIBRARY, "is in"),
                        (_LOCKS, "waits for a lock, in")):
        for name in t.calls:
            if name in names:
                return f"{what} {name}()"
    if t.number is None:
        return "is at work"
    if t.number not in judge.WAITS:
        return f"is in system call {t.number}"
    if t.number == judge.FUTEX and not t.semaphore:
        return "waits for what may be a lock"
    if t.holds:
        return "holds a mutex"
    return ""


def _disturbance(t: Thread) -> tuple[bool, bool, bool, bool, int]:
    return (t.in_handler, bool(judge.ALLOCATOR.intersection(t.calls)),
            t.number is None, t.number in judge.TIMED, t.tid)
