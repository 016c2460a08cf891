# SPDX-License-Identifier: MIT
"""refs and refs info: an overview of the target."""
from __future__ import annotations

from typing import Any

from ..command import JSON, Command, Given, Option, Prefix
from ..core import layout
from ..core.engine import Session


class Info(Command):
    name = "refs info"
    summary = "Show what the target is and what could not be read."
    text = (
        "Print the runtimes that were found, with their version and the "
        "source of their struct layouts; threads with their frames; the state "
        "of the collector; the number of objects and references; and what "
        "could not be read. \"refs\" alone does the same."
    )
    example = "refs info -ledger"
    options = (
        Option(
            "ledger",
            "Search memory for what holds references, add up what all counts "
            "are made of and what the target's memory is used for, and say "
            "how many findings \"refs leaks\" has.",
        ),
        JSON,
    )

    def ask(self, session: Session, given: Given) -> str:
        if given["ledger"]:
            session.answer("rs_answer_leaks", False, 1)
        return session.answer("rs_answer_info")

    def lines(self, answer: dict[str, Any], given: Given) -> list[str]:
        return layout.info(answer)


_REFS = """Inspect reference counts and leaks in a paused process or a core.

Usage: refs [-json]
       refs COMMAND [OPTION]... [ARGUMENT]

COMMAND is one of those below; without one, "refs info" is run. Commands
only read the process. Those that change it, and then only where that is
safe, are "refs collect -now", "refs gc" with a switch and "refs garbage
-clear". For a core, code may run in a separate, jailed process without
files, network or other processes: see "help set refs exact" and, for "refs
repr", "refs eval" and rehearsals, "help set refs run".

The argument OBJ of a command is an address, a GDB expression, or -name
MODULE.ATTR['key'].ATTR. The functions $refs_count(OBJ),
$refs_unexplained(OBJ), $refs_reachable(OBJ), $refs_garbage(OBJ) and
$refs_obj("NAME") can be used in expressions and in conditions of
breakpoints.

Example:
  refs collect"""


def register() -> None:
    prefix = Prefix("refs", _REFS)
    prefix.alone = Info().invoke
