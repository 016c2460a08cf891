# SPDX-License-Identifier: MIT
"""refs verify: two ways to learn references, held against each other."""
from __future__ import annotations

from typing import Any

from ..command import JSON, Command, Given, limit
from ..core import layout
from ..core.engine import Session


class Verify(Command):
    name = "refs verify"
    summary = "Hold what is read of a core against what its types tell."
    text = (
        "Make a process of the core, alone and jailed (it can open, start "
        "and signal nothing, and is gone when the command ends), and have "
        "the tp_traverse function of each CPython type tell what each tracked "
        "object refers to, and the traverse callback of a C program's type "
        "what its fields leave out. "
        "Print the types for which reading found something "
        "else, with an example each: a fault of refscope, or of a type that "
        "hides what it holds. An object whose function was stopped, because "
        "it crashed, hung or reached outside, is named and tells nothing. "
        "This runs code of the core: it needs the same executable and "
        "libraries on this machine, and one like it."
    )
    example = "refs verify"
    options = (limit("types and stopped objects each"), JSON)

    def ask(self, session: Session, given: Given) -> str:
        return session.answer("rs_answer_verify", given.limit)

    def lines(self, answer: dict[str, Any], given: Given) -> list[str]:
        return layout.verify(answer)


def register() -> None:
    Verify()
