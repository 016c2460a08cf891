# SPDX-License-Identifier: MIT
"""refs and refs info: what is being looked at."""
from __future__ import annotations

from typing import Any

from ..command import JSON, Command, Given, Prefix
from ..core import layout
from ..core.engine import Session


class Info(Command):
    name = "refs info"
    summary = "Show what is being looked at and what could be read of it."
    text = (
        "Print the runtimes found (their version, and where the layout of "
        "their objects comes from), threads with their frames, the state of "
        "the collector, how many objects and references there are, and what "
        "could not be read. \"refs\" alone does the same."
    )
    example = "refs info"
    options = (JSON,)

    def ask(self, session: Session, given: Given) -> str:
        return session.answer("rs_answer_info")

    def lines(self, answer: dict[str, Any], given: Given) -> list[str]:
        return layout.info(answer)


_REFS = """Show who holds what in a paused process or a core.

Usage: refs [-json]
       refs COMMAND [OPTION]... [ARGUMENT]

COMMAND is one of those below; without one, "refs info" is meant. None
writes to the process or runs code in it. (Code of a core may run in a process
apart, which can reach nothing: "help set refs exact"; and, if "set refs run"
is on, "refs repr" and "refs eval".) OBJ, where a command takes it, is
an address, an expression that GDB knows, or -name MODULE.ATTR['key'].ATTR.
The functions $refs_count(OBJ), $refs_unexplained(OBJ), $refs_reachable(OBJ)
and $refs_garbage(OBJ) give numbers to expressions and conditions.

Example:
  refs collect"""


def register() -> None:
    prefix = Prefix("refs", _REFS)
    prefix.alone = Info().invoke
