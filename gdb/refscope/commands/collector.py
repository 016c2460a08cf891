# SPDX-License-Identifier: MIT
"""refs collect, cycles, garbage and gc: about the garbage collector."""
from __future__ import annotations

from typing import Any

from ..command import FINDING, JSON, Command, Given, limit
from ..core import layout
from ..core.engine import Session
from ..core.options import Option

# rs_answer_collect(): a full collection.
_FULL = -1


class Collect(Command):
    name = "refs collect"
    summary = "Show what a collection would find now."
    text = (
        "Compute what the target's own collector would do, without running "
        "it. Print the unreachable objects: first those that it could not "
        "free (uncollectable), then those that it would free (collectable); "
        "then how many are unreachable, and how many it would put in the "
        "garbage list (gc.garbage)."
    )
    example = "refs collect -generation 0"
    options = (
        Option("generation", "Collect generation N (0 to 2) and the younger "
               "ones. The default is all.", metavar="N", number=True,
               choices=("0", "1", "2")),
        Option("rules", "Decide what is uncollectable by the rules of CPython "
               "up to 3.3 (2.7) or from 3.4 on (3.4), instead of the target's "
               "own.",
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
    summary = "Show reference cycles in the garbage."
    text = (
        "Print each set of objects that keep each other alive (a strongly "
        "connected component): a shortest cycle in it, with the names of its "
        "references, why it is not freed, and which single reference would "
        "free the whole set if it were dropped."
    )
    example = "refs cycles -limit 3"
    options = (
        Option("alive", "Show cycles among reachable objects instead."),
        FINDING,
        limit("cycles, and references of a long one"),
        JSON,
    )

    def ask(self, session: Session, given: Given) -> str:
        if given["finding"]:
            return session.answer(
                "rs_answer_cycles_of", given["finding"], given.limit
            )
        return session.answer("rs_answer_cycles", given["alive"], given.limit)

    def lines(self, answer: dict[str, Any], given: Given) -> list[str]:
        return layout.cycles(answer, given["alive"])


class Garbage(Command):
    name = "refs garbage"
    summary = "Show the garbage list of the collector."
    text = (
        "Print the objects in gc.garbage, or in the garbage list of a C "
        "program that uses librefscope: those that earlier collections could "
        "not free."
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
        "each generation the threshold, the count, the number of objects and, "
        "where the runtime records them, statistics of past collections."
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
