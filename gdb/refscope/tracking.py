# SPDX-License-Identifier: MIT
"""Calling librefscope in a live C program: rs_collect(), and what only looks.

The call itself is the engine's (rs_act_begin()), which stops it is safe from
core/judge_tracker.py's.
"""
from __future__ import annotations

import json
import time
from typing import Any, Callable, NamedTuple

import gdb

from . import acting, running, threads
from .command import Failure
from .core import engine as rs
from .core import judge, judge_tracker
from .core.engine import Session
from .target import holder

_FUNCTION = {rs.FIND_GARBAGE: "rs_find_garbage", rs.WALK: "rs_walk",
             rs.REFERRERS: "rs_referrers"}
_EBAD, _EBUSY = 3, 8  # enum rs_code
_AFTER = 2.0  # seconds more to come back after the limit
CORE = "a core cannot be called; without -now this reads it"


class Looked(NamedTuple):
    """What a call that only looks came to. answer: rs_answer_act()."""

    verdict: judge.Verdict
    returned: int
    answer: dict[str, Any]
    left: bool


def is_native(session: Session) -> bool:
    """Whether it is a C program that links librefscope, without a CPython."""
    found = json.loads(session.answer("rs_answer_gc"))["runtimes"]
    names = {runtime["name"] for runtime in found}
    return "native" in names and "cpython" not in names


def _registries(session: Session) -> list[judge_tracker.Registry]:
    found = json.loads(session.answer("rs_answer_tracker_facts"))
    return [judge_tracker.Registry(**{
        name: one[name] for name in judge_tracker.Registry._fields
    }) for one in found["registries"]]


def _in_use(session: Session) -> list[judge_tracker.Registry]:
    """Those that track anything; the first if none does."""
    every = _registries(session)
    return [one for one in every if one.tracked] or every[:1]


def _of(session: Session, address: int) -> judge_tracker.Registry:
    """That which tracks the object; Failure: none does."""
    shown = json.loads(session.answer("rs_answer_show", address, 1))["object"]
    if shown.get("runtime") != "native":
        raise Failure("-now is for objects that a C program tracks by "
                      "librefscope, not for CPython's")
    one = _in_use(session)
    if len(one) != 1:
        raise Failure(f"-now needs one copy of librefscope; {len(one)} track "
                      "objects of this process")
    return one[0]


# --- What only looks.


def look(session: Session, call: int, address: int, seconds: float,
         limit: int) -> Looked:
    """Have librefscope itself answer, by a thread of the process; address: of
    the object, or 0 for FIND_GARBAGE. Nothing else of the program runs.
    Raises Failure with the reason when that is not safe."""
    acting.check_target(CORE)
    if address:
        registry = _of(session, address)
    else:
        chosen = _in_use(session)
        if len(chosen) != 1:
            raise Failure(f"{len(chosen)} copies of librefscope track objects "
                          "of this process; only one can be asked yet")
        registry = chosen[0]
    verdict = judge_tracker.look(threads.states(), registry, _FUNCTION[call])
    if not verdict.way:
        raise Failure(f"nothing was called: {verdict.why}")
    ran = running.Ran()
    act = session.act(
        pid=gdb.selected_inferior().pid, way=verdict.way, tid=verdict.tid,
        call=call, registry=registry.id, object=address,
        alone_ms=int(seconds * 1000),
    )
    try:
        return _looked(session, act, call, verdict, seconds, limit, ran)
    finally:
        if act.handle:
            act.end(0)
        holder.drop()
        running.forget()
        ran.select()


def _looked(session: Session, act: rs.Act, call: int, verdict: judge.Verdict,
            seconds: float, limit: int, ran: running.Ran) -> Looked:
    result = act.look()
    if not result.back:
        _give_up(act, call, verdict, seconds, ran)
    code = result.returned
    if call == rs.FIND_GARBAGE:
        code = max(0, -code)
    answer = {}
    if code in (0, _EBAD):
        answer = json.loads(session.compared(act, limit))
    left = acting.end(act, verdict.tid, ran)
    if code == _EBUSY:
        raise Failure(f"{_FUNCTION[call]}() says that a stopped thread holds "
                      "a lock of librefscope; let the process run on, and try "
                      "again")
    if not answer:
        raise Failure(f"{_FUNCTION[call]}() failed with code {code}")
    return Looked(verdict, code, answer, left)


def _give_up(act: rs.Act, call: int, verdict: judge.Verdict, seconds: float,
             ran: running.Ran) -> None:
    """It did not come back: have it end at the next object."""
    why = acting.until(seconds, ran)
    act.cancel()
    running.forget()
    limit = time.monotonic() + _AFTER
    left = False
    with running.Winch():
        while not left and not act.end(verdict.tid):
            left = time.monotonic() >= limit or bool(ran.stopped_by)
            running.run(ran, time.monotonic() + acting.A_LITTLE,
                        lambda: False)
    raise Failure(
        f"{_FUNCTION[call]}() did not end {why}; " + (
            "it ends by itself when the process runs on, and its memory stays "
            "until the process ends" if left else
            "it was ended, for which all threads ran for "
            f"{round(ran.seconds * 1000)} ms"))


# --- rs_collect().


class Collected(NamedTuple):
    """What rs_collect() came to. collections: there were so many until the
    process was stopped. before: what the caller's before() said."""

    verdict: judge.Verdict
    returned: int
    collections: int
    before: Any
    ran_ms: int
    left: bool


def collect(seconds: float, before: Callable[[Session], Any]) -> Collected:
    """rs_collect() in the live process. before: asks what it wants to know at
    the stop from which it is called. Raises Failure with the reason when no way
    is safe."""
    acting.check_target()
    ran = running.Ran()
    try:
        with running.Winch():
            return _collect(seconds, before, ran)
    finally:
        holder.drop()
        ran.select()


def _collect(seconds: float, before: Callable[[Session], Any],
             ran: running.Ran) -> Collected:
    def way(session: Session) -> judge.Verdict:
        chosen = _in_use(session)
        if len(chosen) != 1:
            return judge.Verdict(
                0, 0, f"{len(chosen)} copies of librefscope track objects of "
                "this process; only one can be called yet")
        registry.append(chosen[0])
        found = threads.states()
        verdict = judge_tracker.collect(found, chosen[0])
        if verdict.way == rs.BLOCKED:
            found, note = threads.with_locks(session, found)
            verdict = judge_tracker.collect(found, chosen[0])
            verdict = verdict._replace(why=verdict.why + note)
        return verdict

    registry: list[judge_tracker.Registry] = []
    session, verdict = acting.find_way(seconds, way, ran)
    was = before(session)
    act = session.act(
        pid=gdb.selected_inferior().pid, way=verdict.way, tid=verdict.tid,
        call=rs.COLLECT, registry=registry[-1].id,
        alone_ms=int(seconds * 1000),
    )
    try:
        running.forget()
        result = acting.finish(act, verdict, seconds, ran)
        left = acting.end(act, verdict.tid, ran)
    finally:
        if act.handle:
            act.end(0)
    _check(result, seconds, ran)
    now = _registries(holder.session())[registry[-1].id].collections
    return Collected(verdict, result.returned,
                     now - registry[-1].collections, was,
                     round(ran.seconds * 1000), left)


def _check(result: rs.ActResult, seconds: float, ran: running.Ran) -> None:
    why = acting.until(seconds, ran)
    if result.state == rs.BEGUN:
        raise Failure(f"rs_collect() has begun, but did not end {why}; it ends "
                      "by itself when the process runs on")
    if result.state != rs.DONE:
        raise Failure(f"nothing was called: no object was tracked {why}; the "
                      "wish to collect is taken back")
    if result.returned == -_EBUSY:
        raise Failure("nothing was collected: rs_collect() says that a lock of "
                      "librefscope is held")
    if result.returned < 0 and result.back:
        raise Failure(f"rs_collect() failed with code {-result.returned}")
