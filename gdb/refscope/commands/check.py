# SPDX-License-Identifier: MIT
"""refs check: a gate for scripts."""
from __future__ import annotations

import json
import os
import re
from typing import Any

import gdb

from ..command import JSON, Command, Failure, Given, guarded, say, say_json
from ..core import check
from ..core.engine import Session
from ..core.options import Option

# Exit statuses of GDB, which itself exits with 1 after an error.
_STATUS = {check.FOUND: 3, check.UNKNOWN: 2}


class Check(Command):
    name = "refs check"
    summary = "Fail when the target leaks or exceeds limits."
    text = (
        "Check the target against limits. Without options, refs leaks must "
        "have no findings that are certain or likely. The last line is "
        "\"refs check: clean\", \"found N\" or \"could not tell: WHY\". In gdb -batch the "
        "exit status is 0 when clean, 3 when something was found, and another "
        "one when the command could not tell."
    )
    example = "refs check -no-findings -max-number Session=100 -junit out.xml"
    options = (
        Option("no-findings", "Allow no findings of refs leaks that are "
               "certain or likely. The default, if no other limit is given."),
        Option("max-unexplained", "Allow at most N references that nothing "
               "explains, of those that refs leaks -all finds.",
               metavar="N", number=True),
        Option("max-unreachable", "Allow at most N objects that a collection "
               "would find unreachable.", metavar="N", number=True),
        Option("max-uncollectable", "Allow at most N objects that a collection "
               "would find and could not free.", metavar="N", number=True),
        Option("max-number", "Allow at most N objects of TYPE. Separate "
               "several by commas.", metavar="TYPE=N"),
        Option("ignore", "Leave out the findings whose keys are in FILE, one "
               "a line. Keys are printed with each finding.", metavar="FILE"),
        Option("junit", "Write the result to FILE, too, in JUnit's XML format.",
               metavar="FILE"),
        JSON,
    )

    def ask(self, session: Session, given: Given) -> str:
        wanted = _wanted(given)
        leaks, collect, types = (
            json.loads(session.answer(*call)) for call in (
                ("rs_answer_leaks", True, 0),
                ("rs_answer_collect", -1, None, 1),
                ("rs_answer_types", "count", 0),
            )
        )
        return json.dumps(check.judge(wanted, leaks, collect, types))

    def lines(self, answer: dict[str, Any], given: Given) -> list[str]:
        return check.lines(answer)

    def invoke(self, argument: str, from_tty: bool) -> None:
        self.dont_repeat()
        try:
            given, result = self.judged(argument, from_tty)
        except gdb.GdbError as error:
            given, result = None, check.unknown(_reason(str(error)))
        junit = given and given["junit"]
        if junit:
            result = _write(junit, result)
        if given and given["json"]:
            say_json(json.dumps(result))
        elif result["result"] != check.UNKNOWN or _is_batch():
            say(check.lines(result))
        if result["result"] in _STATUS and _is_batch():
            gdb.execute("set confirm off")
            gdb.execute(f"quit {_STATUS[result['result']]}")
        if result["result"] == check.UNKNOWN:
            raise gdb.GdbError(check.last_line(result))

    def judged(
        self, argument: str, from_tty: bool
    ) -> tuple[Given, dict[str, Any]]:
        """Raises gdb.GdbError."""
        got: list[Any] = []

        def work() -> None:
            given, text = self.asked(argument, from_tty)
            got.extend((given, json.loads(text)))

        guarded(self.name, work)
        return got[0], got[1]


def _reason(error: str) -> str:
    return re.sub(r"^refs( check)?: ", "", error)


def _wanted(given: Given) -> check.Wanted:
    limits = [given["max_unexplained"], given["max_unreachable"],
              given["max_uncollectable"]]
    numbers: tuple[tuple[str, int], ...] = ()
    ignored: frozenset[str] = frozenset()
    try:
        if given["max_number"]:
            numbers = check.parse_numbers(given["max_number"])
    except ValueError as error:
        raise Failure(str(error)) from error
    if given["ignore"]:
        try:
            with open(os.path.expanduser(given["ignore"]),
                      encoding="utf-8", errors="replace") as file:
                ignored = check.parse_ignored(file.readlines())
        except OSError as error:
            raise Failure(f"-ignore: {given['ignore']} cannot be read: "
                          f"{error.strerror}") from error
    alone = all(limit is None for limit in limits) and not numbers
    return check.Wanted(
        bool(given["no_findings"]) or alone, *limits, numbers, ignored
    )


def _write(path: str, result: dict[str, Any]) -> dict[str, Any]:
    try:
        with open(os.path.expanduser(path), "w", encoding="utf-8") as file:
            file.write(check.junit(result))
    except OSError as error:
        return check.unknown(f"{path} cannot be written: {error.strerror}")
    return result


def _is_batch() -> bool:
    """Whether this GDB was started with -batch."""
    try:
        with open("/proc/self/cmdline", "rb") as file:
            words = file.read().split(b"\0")[1:]
    except OSError:
        return False
    if b"--args" in words:
        words = words[: words.index(b"--args")]
    return any(re.fullmatch(rb"--?batch(-silent)?", word) for word in words)


def register() -> None:
    Check()
