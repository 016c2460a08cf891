# SPDX-License-Identifier: MIT
"""Calling a live CPython: reading its threads, letting it run, stopping it.

The call itself is the engine's (rs_act_begin()). GDB is needed for what only
it knows, the C functions that threads are in, and to let all threads run.
"""
from __future__ import annotations

import json
import os
import re
import time
from typing import Any, Callable, NamedTuple, Optional

import gdb

from . import running, threads
from .command import Failure
from .core import engine as rs
from .core import judge
from .core.engine import Session
from .target import holder

A_LITTLE = 0.005  # seconds to run before another look
_ALONE_MS = 2000
_QUEUE_MS = 300
_AFTER = 2.0  # seconds more to come back after the limit
# Not made by the thread that was lent, if there is one.
_LATER = (rs.PENDING, rs.LATER)


class Reference(NamedTuple):
    """One that is dropped before the call; numbers as in refs cycles."""

    cycle: int
    edge: int


class Outcome(NamedTuple):
    """What came of a call. before: the answer of the caller's before()."""

    verdict: judge.Verdict
    result: rs.ActResult
    before: Any
    ran_ms: int
    left: bool


def call(
    method: str,
    arguments: list[int],
    seconds: float,
    before: Callable[[Session], Any],
    drop: Optional[Reference] = None,
) -> Outcome:
    """gc.METHOD(ARGUMENTS) in the live process; "": clear gc.garbage.

    before: asks what it wants to know at the stop from which it is called.
    drop: a reference to drop first; then nothing of the program runs between
    that stop and the call. Raises Failure with the reason when no way is
    safe."""
    check_target()
    ran = running.Ran()
    try:
        with running.Winch():
            return _call(method, arguments, seconds, before, drop, ran)
    finally:
        holder.drop()
        ran.select()


def check_target(
    core: str = "a core cannot be called; see refs collect -rehearse"
) -> None:
    """Raise Failure for targets that are never called; core: what to say of a
    core."""
    inferior = gdb.selected_inferior()
    connection = inferior.connection
    if connection is None or not inferior.pid:
        return  # session() says it
    if connection.type == "core":
        raise Failure(core)
    if connection.type != "native":
        raise Failure("only a process on this machine can be called, not one "
                      "behind a remote connection")
    if gdb.parameter("non-stop"):
        raise Failure("not in non-stop mode, where other threads run (set "
                      "non-stop off before the process is started or "
                      "attached)")
    if gdb.parameter("breakpoint always-inserted"):
        raise Failure("not with \"set breakpoint always-inserted on\" (set "
                      "breakpoint always-inserted off)")
    if sum(map(_is_process, gdb.inferiors())) > 1:
        raise Failure("not while GDB debugs several processes")
    recording = getattr(gdb, "current_recording", lambda: None)()
    if recording is not None:
        raise Failure("not while GDB records the process (record stop)")
    traced_by = _status(inferior.pid, "TracerPid")
    if traced_by != str(os.getpid()):
        raise Failure(f"process {inferior.pid} is traced by process "
                      f"{traced_by}, not by this GDB")
    if "shstk" in _status(inferior.pid, "x86_Thread_features"):
        raise Failure("the process has a shadow stack, on which a call cannot "
                      "be made yet")


def _is_process(inferior: Any) -> bool:
    """Not a core, such as one of the process that is tried on first."""
    connection = inferior.connection
    return bool(inferior.pid) and (connection is None
                                   or connection.type != "core")


def _status(pid: int, name: str) -> str:
    try:
        with open(f"/proc/{pid}/status", encoding="ascii",
                  errors="replace") as text:
            found = re.search(rf"(?m)^{name}:\s*(.*)$", text.read())
    except OSError:
        return ""
    return found.group(1).strip() if found else ""


def _call(
    method: str,
    arguments: list[int],
    seconds: float,
    before: Callable[[Session], Any],
    drop: Optional[Reference],
    ran: running.Ran,
) -> Outcome:
    def way(session: Session) -> judge.Verdict:
        stop = look(session)
        verdict = judge.choose(stop)
        if verdict.way == rs.BLOCKED:
            found, note = threads.with_locks(session, list(stop.threads))
            verdict = judge.choose(stop._replace(threads=found))
            verdict = verdict._replace(why=verdict.why + note)
        # No other thread may run before a reference is dropped.
        return judge.alone(verdict) if drop else verdict

    session, verdict = find_way(seconds, way, ran)
    was = before(session)
    pid = gdb.selected_inferior().pid
    alone = (_QUEUE_MS if verdict.way == rs.PENDING
             else 1 if verdict.together else _ALONE_MS)
    act = session.act(
        pid=pid, way=verdict.way, tid=verdict.tid, method=method,
        arguments=arguments, alone_ms=alone, cycle=drop.cycle if drop else 0,
        edge=drop.edge if drop else 0,
    )
    try:
        running.forget()
        if drop:
            # What it would drop may be gone once other threads run.
            act.cancel()
        result = finish(act, verdict, seconds, ran)
        left = end(act, verdict.tid, ran)
    finally:
        if act.handle:
            act.end(0)
    if result.state in (rs.NEW, rs.BEGUN, rs.CANCELLED):
        raise Failure(_not_done(result, seconds, left, ran, drop))
    return Outcome(verdict, result, was, round(ran.seconds * 1000), left)


def find_way(
    seconds: float, choose: Callable[[Session], judge.Verdict],
    ran: running.Ran,
) -> tuple[Session, judge.Verdict]:
    """The first stop from which it can be called, and how."""
    end = time.monotonic() + seconds
    why = ""
    while True:
        session = holder.session()
        verdict = choose(session)
        if verdict.way:
            return session, verdict
        if not why or not verdict.collecting:
            why = verdict.why
        late = time.monotonic() >= end or holder.status.interrupt.hit
        if not verdict.passing or late or ran.stopped_by:
            also = " (and so at other stops)" if ran.seconds else ""
            by = f"; it stopped again: {ran.stopped_by}" \
                if ran.stopped_by else ""
            raise Failure(f"nothing was called: {why}{also}{by}")
        # Longer and longer: what passes, passes soon.
        pause = A_LITTLE + ran.seconds / 10
        running.run(ran, min(time.monotonic() + pause, end), lambda: False)


def finish(
    act: rs.Act, verdict: judge.Verdict, seconds: float, ran: running.Ran
) -> rs.ActResult:
    """Let it run until the call is done, or the time is up."""
    result = act.look()
    if not result.back or verdict.way in _LATER:
        if not result.refused:
            running.run(ran, time.monotonic() + seconds,
                        lambda: _is_over(act, verdict.way))
    result = act.look()
    if result.state == rs.NEW and act.cancel():
        result = act.look()
    return result


def _is_over(act: rs.Act, way: int) -> bool:
    try:
        result = act.look()
    except rs.EngineError:
        return True  # it has ended
    return bool(result.left and (result.ran or way not in _LATER))


def end(act: rs.Act, tid: int, ran: running.Ran) -> bool:
    """Remove what is in the process. @return Whether something is left."""
    limit = time.monotonic() + _AFTER
    while not act.end(tid):
        result = act.look()
        queued = result.state == rs.CANCELLED and result.left \
            and not result.ran and not result.back
        begun = result.state == rs.BEGUN
        if time.monotonic() >= limit or ran.stopped_by or begun or (
                queued and time.monotonic() >= limit - _AFTER / 2):
            return True
        running.run(ran, time.monotonic() + A_LITTLE, lambda: False)
    return False


def until(seconds: float, ran: running.Ran) -> str:
    """When it was not done in time, for messages."""
    if ran.stopped_by:
        return f"before the process stopped again ({ran.stopped_by})"
    if holder.status.interrupt.hit:
        return "before you interrupted it"
    return f"within {seconds:g} s"


def _not_done(result: rs.ActResult, seconds: float, left: bool,
              ran: running.Ran, drop: Optional[Reference]) -> str:
    why = until(seconds, ran)
    if result.refused:
        return "nothing was called: its queue of calls is full"
    if result.state == rs.BEGUN:
        dropped = "" if not drop else (
            "the reference is dropped; " if result.dropped
            else "the reference is not dropped yet; ")
        return (f"the call has begun, but did not end {why}; {dropped}it ends "
                "by itself when the process runs on, and the memory for it "
                "(28 KiB) stays until the process ends")
    rest = (
        "; the call does nothing any more, and the memory for it (28 KiB) "
        "stays until the process ends" if left else ""
    )
    return f"nothing was called: the call did not begin {why}{rest}"


def look(session: Session) -> judge.Stop:
    """The state of the process at this stop."""
    facts = json.loads(session.answer("rs_answer_call_facts"))
    return judge.Stop(
        gdb.selected_inferior().pid, facts["version"], facts["threaded"],
        facts["interpreters"], facts["collecting"], facts["holder"],
        facts["threads"], facts["lacks"], threads.states(),
    )
