# SPDX-License-Identifier: MIT
"""The state of each thread of a stopped process, as only GDB knows all of it:
its system call, its C functions, the room on its stack."""
from __future__ import annotations

import json
import os
import re
import resource
import stat
from typing import Any, NamedTuple, Optional

import gdb

from .core import judge
from .core.engine import Session

_DEEPEST = 100  # C calls of a thread that are looked at
# Source: Linux, include/uapi/linux/futex.h.
_FUTEX_COMMAND, _FUTEX_WAIT_BITSET = 0x7f, 9


def states() -> list[judge.Thread]:
    """All threads of the selected process."""
    inferior = gdb.selected_inferior()
    mappings = _mappings(inferior.pid)
    chosen = gdb.selected_thread()
    try:
        return [
            _thread(inferior.pid, one, mappings) for one in inferior.threads()
        ]
    finally:
        if chosen is not None:
            chosen.switch()


def with_locks(
    session: Session, found: list[judge.Thread]
) -> tuple[list[judge.Thread], str]:
    """The same with what is known of mutexes that they hold, for which all of
    the process's memory is looked through; and what to say if it is not all.
    """
    answer = json.loads(session.answer(
        "rs_answer_held_locks", gdb.selected_inferior().pid))
    holders = {one["thread"] for one in answer["held"]}
    return ([one._replace(holds=one.tid in holders) for one in found],
            "" if answer["complete"] else
            "; held locks were looked for in 1 GiB of its memory only")


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
            names.append(re.sub("^(__GI_|__libc_(?=.*alloc|free))", "",
                                name.split("@")[0]))
        frame = frame.older()
    return names, in_handler, in_loader
