# SPDX-License-Identifier: MIT
"""Rehearsals: a core's own collector, run in a jailed process."""
from __future__ import annotations

from typing import Any

from ..command import JSON, NAME, Command, Default, Failure, Given, limit
from ..consent import consent
from ..core import layout
from ..core.engine import Session
from ..core.options import Option
from .run import OFF, RISK

_FIRST = -1  # interpreter: the first
_SECONDS = 30

INTERPRETER = Option(
    "interpreter",
    "For a rehearsal: in interpreter N, as refs info numbers them. The "
    "default is the first.",
    metavar="N", number=True,
)
TIMEOUT = Option(
    "timeout",
    "Stop a rehearsal after N seconds of processor time. The default is 30.",
    metavar="N", number=True, default=Default(_SECONDS),
)
ABOUT = (
    "A rehearsal runs the program's own collector, with its finalizers and "
    "callbacks, in a process that is rebuilt from the core. "
)


def rehearsed(session: Session, name: str, given: Given,
              *arguments: Any) -> str:
    """The engine's answer of rs_answer_rehearse_<name>()."""
    if not consent.run:
        raise Failure(OFF)
    ms = 1000 * given.seconds(_SECONDS)
    interpreter = given["interpreter"]
    return session.answer(
        "rs_answer_rehearse_" + name,
        *arguments,
        _FIRST if interpreter is None else interpreter,
        ms,
        given.limit,
    )


class Rehearse(Command):
    name = "refs rehearse"
    summary = "Show what dropping one reference would free."
    text = (
        ABOUT + "In it the reference of OBJ that refs show prints as LABEL is "
        "dropped; then the collector runs. The command prints which of the "
        "objects that the reference leads to are gone then. OBJ is an "
        "address, an expression without spaces or, with -name, a name without spaces. "
        + RISK
    )
    example = "refs rehearse -drop -name __main__.ring .next"
    operand = "OBJ LABEL"
    operand_needed = True
    options = (
        Option("drop", "Drop a reference; there is nothing else yet."),
        INTERPRETER,
        TIMEOUT,
        limit("objects"),
        JSON,
        NAME,
    )

    def ask(self, session: Session, given: Given) -> str:
        words = given.operand.split(None, 1)
        if not given["drop"] or len(words) < 2:
            raise Failure("usage: " + self.usage())
        address = Given(given.values, words[0]).address(session)
        return rehearsed(session, "drop", given, address, words[1])

    def lines(self, answer: dict[str, Any], given: Given) -> list[str]:
        return layout.dropped(answer)


def register() -> None:
    Rehearse()
