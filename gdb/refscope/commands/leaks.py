# SPDX-License-Identifier: MIT
"""refs leaks: what leaks, how much, and what to look at next."""
from __future__ import annotations

from typing import Any

from ..command import JSON, Command, Given, limit
from ..core import layout
from ..core.engine import Session
from ..core.options import Option


class Leaks(Command):
    name = "refs leaks"
    summary = "Show what leaks in the whole heap."
    text = (
        "Print what is wrong with the references of the target, most bytes "
        "first: references that nothing explains (missing decref), objects "
        "with more holders than their count (over-decref), references to "
        "freed memory (dangling), cycles that no collection will free (dead "
        "ring, hidden ring), objects that nothing holds and only blocks of "
        "malloc() show (lost), and the contents of garbage lists. Objects that "
        "are alike are one finding. Each has a grade, certain or likely, an example, and the "
        "command that shows more of it; its number holds as long as the target "
        "does not run."
    )
    example = "refs leaks -all -limit 5"
    options = (
        Option("all", "Show what is only possible, too: a single object, or "
               "what C code may rightly hold (held by c)."),
        limit("findings"),
        JSON,
    )

    def ask(self, session: Session, given: Given) -> str:
        return session.answer("rs_answer_leaks", given["all"], given.limit)

    def lines(self, answer: dict[str, Any], given: Given) -> list[str]:
        return layout.leaks(answer, given["all"])


def register() -> None:
    Leaks()
