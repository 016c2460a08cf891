# SPDX-License-Identifier: MIT
"""Calling a live CPython: reading its threads, letting it run, stopping it.

The call itself is the engine's (rs_act_begin()). GDB is needed for what only
it knows, the C functions that threads are in, and to let all threads run.
"""
from __future__ import annotations

import json
import os
import re
import resource
import signal
import stat
import threading
import time
from typing import Any, Callable, NamedTuple, Optional

import gdb

from .command import Failure
from .core import engine as rs
from .core import judge
from .core.engine import Session
from .target import holder

_DEEPEST = 100  # C calls of a thread that are looked at
_A_LITTLE = 0.005  # seconds to run before another look
_ALONE_MS = 2000
_QUEUE_MS = 300
_AFTER = 2.0  # seconds more to come back after the limit
# What stops the process: by default it is ignored, so it does no harm should
# GDB end before it has taken it.
_SIGNAL = signal.SIGWINCH
# Source: Linux, include/uapi/linux/futex.h.
_FUTEX_COMMAND, _FUTEX_WAIT_BITSET = 0x7f, 9


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


class _Ran:
    """How long the process ran, and the thread to select afterwards."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.stopped_by = ""
        self.thread = gdb.selected_thread()

    def select(self) -> None:
        if self.thread is not None and self.thread.is_valid():
            self.thread.switch()


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
    ran = _Ran()
    try:
        with _Winch():
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
    ran: _Ran,
) -> Outcome:
    session, verdict = _find_way(seconds, drop is not None, ran)
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
        _forget()
        if drop:
            # What it would drop may be gone once other threads run.
            act.cancel()
        result = _finish(act, verdict, seconds, ran)
        left = _end(act, verdict.tid, ran)
    finally:
        if act.handle:
            act.end(0)
    if result.state in (rs.NEW, rs.BEGUN, rs.CANCELLED):
        raise Failure(_not_done(result, seconds, left, ran, drop))
    return Outcome(verdict, result, was, round(ran.seconds * 1000), left)


def _find_way(
    seconds: float, alone: bool, ran: _Ran
) -> tuple[Session, judge.Verdict]:
    """The first stop from which it can be called; alone: while no other
    thread runs."""
    end = time.monotonic() + seconds
    why = ""
    while True:
        session = holder.session()
        verdict = judge.choose(look(session))
        if alone:
            verdict = judge.alone(verdict)
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
        _run(ran, time.monotonic() + _A_LITTLE, lambda: False)


def _finish(
    act: rs.Act, verdict: judge.Verdict, seconds: float, ran: _Ran
) -> rs.ActResult:
    """Let it run until the call is done, or the time is up."""
    result = act.look()
    if not result.back or verdict.way == rs.PENDING:
        if not result.refused:
            _run(ran, time.monotonic() + seconds,
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
    return bool(result.left and (result.ran or way != rs.PENDING))


def _end(act: rs.Act, tid: int, ran: _Ran) -> bool:
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
        _run(ran, time.monotonic() + _A_LITTLE, lambda: False)
    return False


def _not_done(result: rs.ActResult, seconds: float, left: bool, ran: _Ran,
              drop: Optional[Reference]) -> str:
    why = f"within {seconds:g} s"
    if ran.stopped_by:
        why = f"before the process stopped again ({ran.stopped_by})"
    elif holder.status.interrupt.hit:
        why = "before you interrupted it"
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


# --- The threads.


def look(session: Session) -> judge.Stop:
    """The state of the process at this stop."""
    facts = json.loads(session.answer("rs_answer_call_facts"))
    inferior = gdb.selected_inferior()
    mappings = _mappings(inferior.pid)
    chosen = gdb.selected_thread()
    try:
        threads = [
            _thread(inferior.pid, one, mappings) for one in inferior.threads()
        ]
    finally:
        if chosen is not None:
            chosen.switch()
    return judge.Stop(
        inferior.pid, facts["version"], facts["threaded"],
        facts["interpreters"], facts["collecting"], facts["holder"],
        facts["threads"], facts["lacks"], threads,
    )


class _Mapping(NamedTuple):
    start: int
    end: int
    writable: bool
    path: str


def _mappings(pid: int) -> list[_Mapping]:
    found = []
    with open(f"/proc/{pid}/maps", encoding="utf-8",
              errors="replace") as maps:
        for line in maps:
            words = line.split(None, 5)
            start, end = (int(n, 16) for n in words[0].split("-"))
            path = words[5].strip() if len(words) > 5 else ""
            found.append(_Mapping(start, end, "w" in words[1], path))
    return found


def _is_static(mappings: list[_Mapping], address: int) -> bool:
    """Variables of files: their mappings, and the .bss that follows one."""
    end = 0
    for one in mappings:
        follows = not one.path and end == one.start
        if one.writable and (one.path.startswith("/") or follows):
            if one.start <= address < one.end:
                return True
            end = one.end
    return False


def _stack_room(pid: int, mappings: list[_Mapping]) -> int:
    """Bytes of stack that the selected thread has left; 0: not known."""
    at = int(gdb.newest_frame().read_register("sp"))
    for one in mappings:
        if not one.start <= at < one.end:
            continue
        if one.path != "[stack]":
            return at - one.start
        limit = resource.prlimit(pid, resource.RLIMIT_STACK)[0]
        if limit == resource.RLIM_INFINITY:
            return at
        return max(at - one.end + limit, at - one.start)
    return 0


def _thread(
    pid: int, thread: Any, mappings: list[_Mapping]
) -> judge.Thread:
    tid = thread.ptid[1]
    number, first, second = _system_call(pid, tid)
    thread.switch()
    calls, in_handler, in_loader = _calls()
    at_word = number == judge.FUTEX
    return judge.Thread(
        tid, number,
        at_word and _is_static(mappings, first),
        at_word and second & _FUTEX_COMMAND == _FUTEX_WAIT_BITSET,
        number in (0, 17, 19) and _is_file(pid, first),
        calls, in_handler, in_loader, _stack_room(pid, mappings),
    )


def _system_call(pid: int, tid: int) -> tuple[Optional[int], int, int]:
    """Its number and first two arguments."""
    try:
        with open(f"/proc/{pid}/task/{tid}/syscall",
                  encoding="ascii") as text:
            words = text.read().split()
    except OSError:
        return None, 0, 0
    if len(words) < 3 or not words[0].isdecimal():
        return None, 0, 0
    return int(words[0]), int(words[1], 16), int(words[2], 16)


def _is_file(pid: int, number: int) -> bool:
    try:
        mode = os.stat(f"/proc/{pid}/fd/{number & 0xffffffff}").st_mode
    except OSError:
        return True
    return stat.S_ISREG(mode) or stat.S_ISDIR(mode)


def _calls() -> tuple[list[str], bool, bool]:
    """Names of the selected thread's C calls; whether a signal handler, and
    the dynamic loader, are among them."""
    names: list[str] = []
    in_handler = in_loader = False
    frame = gdb.newest_frame()
    for _ in range(_DEEPEST):
        if frame is None or not frame.is_valid():
            break
        name = frame.name()
        in_handler |= frame.type() == gdb.SIGTRAMP_FRAME
        in_loader |= "/ld-" in (gdb.solib_name(frame.pc()) or "")
        if name:
            names.append(name.split("@")[0])
        frame = frame.older()
    return names, in_handler, in_loader


# --- Letting all threads run.


def _parameter(name: str) -> Any:
    try:
        return gdb.parameter(name)
    except RuntimeError:
        return None  # this GDB has none


class _Winch:
    """Meanwhile GDB stops at the signal that is sent to stop the process."""

    def __enter__(self) -> None:
        shown = gdb.execute(f"info signals {_SIGNAL.name}", to_string=True)
        found = re.search(rf"(?m)^{_SIGNAL.name}\s+(\w+)\s+(\w+)\s+(\w+)",
                          shown)
        words = found.groups() if found else ("No", "No", "Yes")
        self.was = [
            ("" if word == "Yes" else "no") + what
            for word, what in zip(words, ("stop", "print", "pass"))
        ]
        self._handle(["stop", "print", "pass"])
        self.quiet = _parameter("suppress-cli-notifications")
        self._quiet("on")

    def __exit__(self, *_error: object) -> None:
        self._handle(self.was)
        self._quiet("on" if self.quiet else "off")

    def _quiet(self, on: str) -> None:
        try:  # GDB 12 and later
            gdb.execute(f"set suppress-cli-notifications {on}")
        except gdb.error:
            pass

    def _handle(self, words: list[str]) -> None:
        # "stop" implies "print", and "noprint" implies "nostop": in an order
        # in which neither undoes the other.
        for word in sorted(words, key=lambda w: "print" not in w):
            gdb.execute(f"handle {_SIGNAL.name} {word}", to_string=True)


class _Stopper(threading.Thread):
    """Stops the process once it is time."""

    def __init__(self, pid: int, enough: Callable[[], bool]) -> None:
        super().__init__(daemon=True)
        self.pid = pid
        self.enough = enough
        self.over = threading.Event()
        self.lock = threading.Lock()

    def run(self) -> None:
        # Signals are GDB's own thread's.
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        while not self.enough():
            if self.over.wait(0.001):
                return
        number = _SIGNAL
        while True:
            with self.lock:
                if self.over.is_set():
                    return
                try:
                    os.kill(self.pid, number)
                except ProcessLookupError:
                    return
            # It may block that one in all of its threads.
            if self.over.wait(1.0):
                return
            number = signal.SIGSTOP

    def end(self) -> None:
        with self.lock:
            self.over.set()
        self.join()


def _run(ran: _Ran, until: float, done: Callable[[], bool]) -> None:
    """Let the process run until done() or the time; it is stopped then."""
    interrupt = holder.status.interrupt
    pid = gdb.selected_inferior().pid
    stopper = _Stopper(
        pid,
        lambda: done() or interrupt.hit or time.monotonic() >= until,
    )
    events: list[Any] = []
    begun = time.monotonic()
    gdb.events.stop.connect(events.append)
    stopper.start()
    try:
        gdb.execute("with scheduler-locking off -- continue", to_string=True)
    except gdb.error:
        # "with" cannot set it back without a process.
        if gdb.selected_inferior().pid == pid:
            raise
    finally:
        stopper.end()
        gdb.events.stop.disconnect(events.append)
        ran.seconds += time.monotonic() - begun
    if gdb.selected_inferior().pid != pid:
        raise Failure("the process ended meanwhile")
    sent = (_SIGNAL.name, "SIGSTOP")
    event = events[-1] if events else None
    if getattr(event, "stop_signal", None) in sent:
        gdb.execute("queue-signal 0", to_string=True)
    else:
        ran.stopped_by = _named(event)


def _named(event: Any) -> str:
    if hasattr(event, "stop_signal"):
        return str(event.stop_signal)
    if getattr(event, "breakpoints", None):
        return f"breakpoint {event.breakpoints[0].number}"
    return "for another reason"


def _forget() -> None:
    """What GDB remembers of memory and registers may be out of date."""
    holder.drop()
    for what in ("register-cache", "dcache"):
        try:
            gdb.execute(f"maintenance flush {what}", to_string=True)
        except gdb.error:
            pass  # another GDB's name
