# SPDX-License-Identifier: MIT
"""The status line that shows progress of long work, and Ctrl-C."""
from __future__ import annotations

import ctypes
import os
import signal
import time
from types import FrameType, TracebackType
from typing import Any, Optional

import gdb

TERMINAL = 2
_USUAL_COLUMNS = 80
FIRST_AFTER = 0.5
EVERY = 0.1


class Interrupt:
    """A context manager: inside it Ctrl-C sets .hit instead of raising.

    KeyboardInterrupt could be raised inside a ctypes callback before its
    first line, where nothing can catch it. signal.signal() sets Python's
    handler, but also replaces the process's handler, which is GDB's; so that
    one is restored after each call.
    """

    def __init__(self) -> None:
        self.hit = False
        self._old: Any = None

    def __enter__(self) -> "Interrupt":
        self._old = _handle(self._note)
        return self

    def __exit__(
        self,
        kind: Optional[type],
        error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        _handle(self._old)

    def _note(self, _number: int, _frame: Optional[FrameType]) -> None:
        self.hit = True


# At least as large as struct sigaction on every Linux (152 bytes on x86-64).
_SIGACTION_SIZE = 512
_libc = ctypes.CDLL(None)


def _handle(handler: Any) -> Any:
    action = ctypes.create_string_buffer(_SIGACTION_SIZE)
    _libc.sigaction(int(signal.SIGINT), None, action)
    try:
        return signal.signal(signal.SIGINT, handler)
    finally:
        _libc.sigaction(int(signal.SIGINT), action, None)


class StatusLine:
    """Shows progress; .report is the engine's progress callback."""

    def __init__(self) -> None:
        self.interrupt = Interrupt()
        self.active = False  # a command is at work
        self.shown = False
        self._visible = False
        self._started = self._last = 0.0

    def start(self, shown: bool) -> None:
        """Begin one command. Not for one within another (active)."""
        self.shown = shown
        self.interrupt = Interrupt()
        self._started = time.monotonic()
        self._last = self._started + FIRST_AFTER - EVERY

    def report(self, phase: str, done: int, total: int) -> bool:
        """Update the line. False: the user pressed Ctrl-C, stop."""
        now = time.monotonic()
        if self.shown and now - self._last >= EVERY:
            self._last = now
            self._write(_line(phase, done, total))
        return not self.interrupt.hit

    def clear(self) -> None:
        if self._visible:
            self._draw(b"")
        self._visible = False

    def _write(self, line: str) -> None:
        gdb.flush()
        width = _columns() - 1
        self._draw(line[:width].encode("ascii", "replace"))
        self._visible = True

    def _draw(self, text: bytes) -> None:
        # A terminal that went away or takes no more (EIO, EAGAIN) must not
        # end the work, whose answer may go elsewhere.
        try:
            os.write(TERMINAL, b"\r\x1b[K" + text)
        except OSError:
            self.shown = False


def wanted(from_tty: bool) -> bool:
    """Whether there is a user at a terminal on which to draw the line."""
    return from_tty and os.isatty(TERMINAL) and not _tui()


def _tui() -> bool:
    try:
        shown = gdb.execute("info win", to_string=True)
    except gdb.error:
        return False
    return "not active" not in shown


def _columns() -> int:
    try:
        return os.get_terminal_size(TERMINAL).columns or _USUAL_COLUMNS
    except OSError:
        return _USUAL_COLUMNS


def _line(phase: str, done: int, total: int) -> str:
    if total:
        return f"{phase}: {done * 100 // total}% of {total:,}"
    return f"{phase}: {done:,}" if done else phase
