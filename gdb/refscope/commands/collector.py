# SPDX-License-Identifier: MIT
"""refs collect, cycles, garbage and gc: the collector, seen from outside."""
from __future__ import annotations

from typing import Any

from ..command import JSON, Command, Given, limit
from ..core import layout
from ..core.engine import Session
from ..core.options import Option

# "-1" of rs_answer_collect(): a full collection.
_FULL = -1


class Collect(Command):
    name = "refs collect"
    summary = "Show what a collection would find now."
    text = (
        "Work out what the target's own collector would do, without running "
        "it: which unreachable objects it could not free, then which it "
        "could, how many are unreachable, and how long its garbage list "
        "would be."
    )
    example = "refs collect -generation 0"
    options = (
        Option("generation", "Collect generation N (0 to 2) and the younger "
               "ones. The default is all.", metavar="N", number=True,
               choices=("0", "1", "2")),
        Option("rules", "Decide by the rules of CPython up to 3.3 (2.7) or "
               "since (3.4) instead of the target's own.",
               metavar="VERSION", choices=("2.7", "3.4")),
        limit("objects"),
        JSON,
    )

    def ask(self, session: Session, given: Given) -> str:
        generation = given["generation"]
        if generation is None:
            generation = _FULL
        return session.answer(
            "rs_answer_collect", generation, given["rules"], given.limit
        )

    def lines(self, answer: dict[str, Any], given: Given) -> list[str]:
        return layout.collect(answer)


class Cycles(Command):
    name = "refs cycles"
    summary = "Show each ring of references in the garbage."
    text = (
        "Print each set of objects that keep each other alive: a shortest "
        "ring in it with the labels of its references, why it is not freed, "
        "and each reference that, dropped alone, frees it."
    )
    example = "refs cycles -limit 3"
    options = (
        Option("alive", "Show rings among live objects instead."),
        limit("rings, and steps of a long one"),
        JSON,
    )

    def ask(self, session: Session, given: Given) -> str:
        return session.answer("rs_answer_cycles", given["alive"], given.limit)

    def lines(self, answer: dict[str, Any], given: Given) -> list[str]:
        return layout.cycles(answer, given["alive"])


class Garbage(Command):
    name = "refs garbage"
    summary = "Show the garbage list of the collector."
    text = (
        "Print what gc.garbage, or the garbage list of the helper library, "
        "contains: what collections that have run could not free."
    )
    example = "refs garbage"
    options = (limit("objects"), JSON)

    def ask(self, session: Session, given: Given) -> str:
        return session.answer("rs_answer_garbage", given.limit)

    def lines(self, answer: dict[str, Any], given: Given) -> list[str]:
        return layout.garbage(answer)


class Gc(Command):
    name = "refs gc"
    summary = "Show the state of the collector."
    text = (
        "Print whether the collector is enabled, its debug flags, and for "
        "each generation its threshold, its count, how many objects it has, "
        "and what its collections have done where the runtime records it."
    )
    example = "refs gc"
    options = (JSON,)

    def ask(self, session: Session, given: Given) -> str:
        return session.answer("rs_answer_gc")

    def lines(self, answer: dict[str, Any], given: Given) -> list[str]:
        return layout.gc(answer)


def register() -> None:
    for command in (Collect, Cycles, Garbage, Gc):
        command()
