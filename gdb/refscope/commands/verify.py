# SPDX-License-Identifier: MIT
"""refs verify: comparing the two methods of finding references."""
from __future__ import annotations

from typing import Any

from ..command import JSON, Command, Given, limit
from ..core import layout
from ..core.engine import Session


class Verify(Command):
    name = "refs verify"
    summary = "Compare the references read from a core with tp_traverse."
    text = (
        "Rebuild a process from the core, jailed (it cannot open files, start "
        "processes or send signals, and ends with the command). In it call "
        "the tp_traverse function of each tracked CPython object, and the "
        "traverse callback of each object of a C program that has one, and "
        "compare the references that it visits with those read from memory. "
        "Print the types for which the two differ, with an example: where "
        "reading guesses, because the layout of the type is not known, this is "
        "to be expected, and other answers about a core ask the type ("
        "\"help set refs exact\"); elsewhere it is a bug in refscope, or a type "
        "that does not visit all that it holds. "
        "Objects whose function crashed, hung or made a forbidden system call are "
        "listed, and not compared. Unless \"set refs run on\" was given, only "
        "functions of the core's executable and libraries are called. The "
        "machine must be of the same kind, and have these files."
    )
    example = "refs verify"
    options = (limit("types and stopped objects each"), JSON)

    def ask(self, session: Session, given: Given) -> str:
        return session.answer("rs_answer_verify", given.limit)

    def lines(self, answer: dict[str, Any], given: Given) -> list[str]:
        return layout.verify(answer)


def register() -> None:
    Verify()
