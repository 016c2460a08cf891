# SPDX-License-Identifier: MIT
"""Letting a stopped process run for a while, all of its threads."""
from __future__ import annotations

import os
import re
import signal
import threading
import time
from typing import Any, Callable

import gdb

from .command import Failure
from .target import holder

# What stops the process: by default it is ignored, so it does no harm should
# GDB end before it has taken it.
_SIGNAL = signal.SIGWINCH


class Ran:
    """How long the process ran, and the thread to select afterwards."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.stopped_by = ""
        self.thread = gdb.selected_thread()

    def select(self) -> None:
        if self.thread is not None and self.thread.is_valid():
            self.thread.switch()


def _parameter(name: str) -> Any:
    try:
        return gdb.parameter(name)
    except RuntimeError:
        return None  # this GDB has none


class Winch:
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


class _Silence:
    """Meanwhile GDB writes nothing to its terminal: that the process received
    the signal that was sent to it is printed by no setting that could be
    changed. Not for GDB/MI, whose clients read it."""

    def __init__(self) -> None:
        self.saved = -1

    def __enter__(self) -> None:
        if _is_mi():
            return
        gdb.flush()
        self.saved = os.dup(1)
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        os.close(nowhere)

    def __exit__(self, *_error: object) -> None:
        if self.saved < 0:
            return
        gdb.flush()
        os.dup2(self.saved, 1)
        os.close(self.saved)


def _is_mi() -> bool:
    try:
        with open("/proc/self/cmdline", "rb") as words:
            return re.search(rb"\0-(-interpreter|i)[=\0]mi",
                             words.read()) is not None
    except OSError:
        return True


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


def run(ran: Ran, until: float, done: Callable[[], bool]) -> None:
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
        with _Silence():
            gdb.execute("with scheduler-locking off -- continue",
                        to_string=True)
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


def forget() -> None:
    """What GDB remembers of memory and registers may be out of date."""
    holder.drop()
    for what in ("register-cache", "dcache"):
        try:
            gdb.execute(f"maintenance flush {what}", to_string=True)
        except gdb.error:
            pass  # another GDB's name
