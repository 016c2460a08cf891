# SPDX-License-Identifier: MIT
"""refs count, show, reachable, referrers and why: about one object."""
from __future__ import annotations

from typing import Any

from ..command import JSON, NAME, Failure, Given, ObjectCommand, limit
from ..core import layout
from ..core.engine import Session
from ..core.options import Option

_DEEPEST = 2**32 - 1


class Count(ObjectCommand):
    name = "refs count"
    summary = "Show the reference count of an object and who holds it."
    text = (
        "Print the ledger of OBJ: its count, each holder with the label "
        "of the reference, and how much of the count no holder found so far "
        "explains. A reference marked (guess) is a word that looks like one."
    )
    example = "refs count -name __main__.cache"
    options = (limit("holders"), JSON, NAME)

    def ask(self, session: Session, given: Given) -> str:
        return session.answer(
            "rs_answer_count", given.address(session), given.limit
        )

    def lines(self, answer: dict[str, Any], given: Given) -> list[str]:
        return layout.count(answer)


class Show(ObjectCommand):
    name = "refs show"
    summary = "Show an object and what it refers to."
    text = (
        "Print the type of OBJ, its count, its size, what the collector "
        "thinks of it, and each reference in it with its label."
    )
    example = "refs show 0x7ffff7a1c280"
    options = (limit("references"), JSON, NAME)

    def ask(self, session: Session, given: Given) -> str:
        return session.answer(
            "rs_answer_show", given.address(session), given.limit
        )

    def lines(self, answer: dict[str, Any], given: Given) -> list[str]:
        return layout.show(answer)


class Reachable(ObjectCommand):
    name = "refs reachable"
    summary = "Show what an object keeps reachable."
    text = (
        "Print how many objects can be reached from OBJ, itself included, "
        "and their size: all of them, those that would go with it, those "
        "that others hold too, and by type."
    )
    example = "refs reachable -list -depth 2 -name __main__.cache"
    options = (
        Option("depth", "Go at most N references far; 0 goes on to the end.",
               metavar="N", number=True, default=0),
        Option("list", "List the objects, the nearest first."),
        limit("types and objects"),
        JSON,
        NAME,
    )

    def ask(self, session: Session, given: Given) -> str:
        return session.answer(
            "rs_answer_reachable",
            given.address(session),
            _depth(given),
            given["list"],
            given.limit,
        )

    def lines(self, answer: dict[str, Any], given: Given) -> list[str]:
        return layout.reachable(answer)


class Referrers(ObjectCommand):
    name = "refs referrers"
    summary = "Show who refers to an object."
    text = (
        "Print each object that holds OBJ with the label of the reference; "
        "with -depth, who holds those, as a tree. A tree ends at 25 times "
        "-limit lines, with -limit 0 at 100,000."
    )
    example = "refs referrers -depth 3 0x7ffff7a1c280"
    options = (
        Option("depth", "Show N levels of referrers. The default is 1.",
               metavar="N", number=True, default=1),
        limit("referrers of an object"),
        JSON,
        NAME,
    )

    def ask(self, session: Session, given: Given) -> str:
        if given["depth"] == 0:
            raise Failure("-depth 0 shows nothing; it takes a number from 1")
        return session.answer(
            "rs_answer_referrers",
            given.address(session),
            _depth(given),
            given.limit,
        )

    def lines(self, answer: dict[str, Any], given: Given) -> list[str]:
        return layout.referrers(answer)


class Why(ObjectCommand):
    name = "refs why"
    summary = "Show what keeps an object alive."
    text = (
        "Print the shortest paths to OBJ from roots: locals of frames, "
        "modules, fields of the interpreter, objects that the program holds "
        "by itself. Each step names the reference that leads to the next."
    )
    example = "refs why -limit 1 -name __main__.cache['old']"
    options = (limit("paths", 3), JSON, NAME)

    def ask(self, session: Session, given: Given) -> str:
        return session.answer(
            "rs_answer_why", given.address(session), given.limit
        )

    def lines(self, answer: dict[str, Any], given: Given) -> list[str]:
        return layout.why(answer)


def _depth(given: Given) -> int:
    return min(given["depth"], _DEEPEST)


def register() -> None:
    for command in (Count, Show, Reachable, Referrers, Why):
        command()
