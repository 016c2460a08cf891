# SPDX-License-Identifier: MIT
"""refs repr and refs eval: what code of a core says by itself."""
from __future__ import annotations

from typing import Any

import gdb

from ..command import JSON, NAME, Command, Failure, Given, limit
from ..core import layout
from ..core.engine import Session
from ..core.options import Option

# What an image is, in the words of every help that it concerns.
RISK = (
    "It runs in a process made of the core for this one question: alone, "
    "jailed (it can open, start, signal and reach nothing), limited in time "
    "and memory, and gone when the command ends. The risk: that is code and "
    "data of the core, which may be anybody's; the jail is the kernel's "
    "(seccomp), and what is said may be a lie. So it takes \"set refs run "
    "on\", and for cores from strangers leave it off. It needs the same "
    "executable and libraries on this machine, and one like it."
)

_OFF = (
    "this runs code of the core in a jailed process, and is off; "
    "if you trust the core that far: set refs run on"
)

TIMEOUT = Option(
    "timeout",
    "Give it N seconds of processor time. The default is 3.",
    metavar="N", number=True, default=3,
)
_LONGEST_MS = 3_600_000


class Run(gdb.Parameter):
    """

Usage: set refs run [on|off]

off (the default): no command runs more of a core's code than the
tp_traverse functions that "refs verify" asks. on: "refs repr" and "refs
eval" run what they are given, in a process made of the core, which is
jailed (it can open, start, signal and reach nothing), limited in time and
memory, and gone when the command ends. The risk: that is code and data of
the core, which may be anybody's; the jail is the kernel's (seccomp), and
what is said may be a lie.

Example:
  set refs run on"""

    set_doc = "Set whether refs repr and refs eval may run code of a core."
    show_doc = "Show whether refs repr and refs eval may run code of a core."

    def __init__(self) -> None:
        super().__init__("refs run", gdb.COMMAND_DATA, gdb.PARAM_BOOLEAN)
        self.value = False

    def get_set_string(self) -> str:
        return ""

    def get_show_string(self, value: str) -> str:
        may = "may" if value == "on" else "may not"
        return f'refs run is "{value}": commands {may} run code of a core.'


class _Running(Command):
    """A command that takes "set refs run on"."""

    operand_needed = True

    def answered(self, session: Session, name: str, given: Given,
                 *arguments: Any) -> str:
        if not gdb.parameter("refs run"):
            raise Failure(_OFF)
        if given["timeout"] == 0:
            raise Failure("-timeout 0 leaves no time; it takes seconds from 1")
        ms = min(given["timeout"] * 1000, _LONGEST_MS)
        return session.answer(name, *arguments, ms, given.limit)


class Repr(_Running):
    name = "refs repr"
    summary = "Show what an object of a core says of itself."
    text = (
        "Print repr(OBJ), by the object's own type. " + RISK + " \"refs show\" "
        "tells the type and contents of OBJ by reading, and runs nothing."
    )
    example = "refs repr -name __main__.cache"
    operand = "OBJ"
    options = (TIMEOUT, limit("bytes of text", 4096), JSON, NAME)

    def ask(self, session: Session, given: Given) -> str:
        return self.answered(
            session, "rs_answer_repr", given, given.address(session)
        )

    def lines(self, answer: dict[str, Any], given: Given) -> list[str]:
        return layout.repr_(answer)


class Eval(_Running):
    name = "refs eval"
    summary = "Run Python in a process made of a core."
    text = (
        "Run CODE, an expression or statements, by the interpreter of the "
        "core, and print what it prints and the value. CODE is the rest of "
        "the line; write -- before one that starts with -. It has names of "
        "its own: the program's are reached by way of import and "
        "sys.modules['__main__'], as far as they were imported. What it "
        "changes is gone with the process. " + RISK
    )
    example = "refs eval -name -object __main__.cache sorted(obj)[:3]"
    operand = "CODE"
    verbatim = True
    options = (
        Option("object", "Bind the name obj to an object: an address, an "
               "expression without spaces or, with -name, a name.",
               metavar="OBJ"),
        TIMEOUT,
        limit("bytes of text", 4096),
        JSON,
        NAME._replace(help="OBJ is a name such as module.attr['key']."),
    )

    def ask(self, session: Session, given: Given) -> str:
        address = 0
        if given["object"]:
            address = Given(given.values, given["object"]).address(session)
        elif given["name"]:
            raise Failure("-name needs -object OBJ")
        return self.answered(
            session, "rs_answer_eval", given, given.operand, address
        )

    def lines(self, answer: dict[str, Any], given: Given) -> list[str]:
        return layout.eval_(answer)

    def complete_operand(self, text: str) -> Any:
        return []


def register() -> None:
    Run()
    Repr()
    Eval()
