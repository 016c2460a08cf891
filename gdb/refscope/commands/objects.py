# SPDX-License-Identifier: MIT
"""refs count, show, reachable, referrers and why: about a single object."""
from __future__ import annotations

import json
from typing import Any

from ..command import JSON, NAME, Failure, Given, ObjectCommand, finding, limit
from ..core import engine as rs
from ..core import layout
from ..core.engine import Session
from ..core.options import Option
from . import now

_DEEPEST = 2**32 - 1


class Count(ObjectCommand):
    name = "refs count"
    summary = "Show the reference count of an object and who holds it."
    text = (
        "Print the reference count of OBJ, each holder with the name of the "
        "reference; as evidence, words outside objects that hold its address: "
        "C variables, stacks, registers, blocks of malloc(); and the part of "
        "the count that none of these explains. A reference marked (guess) is "
        "a word in memory of unknown layout that looks like a reference: "
        "evidence too."
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
        "Print the type of OBJ, its reference count, its size, whether the "
        "collector tracks it, and each of its references by name. The size is "
        "that of sys.getsizeof(), not of the allocator's block. Of a numpy "
        "array or memoryview that shows memory of another object, and of a "
        "mmap, it says how much that is; it is no part of the size."
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
        "Print the number and size of the objects that can be reached from "
        "OBJ, itself included: all of them, those that would be freed with "
        "it (retained), those that others hold too (shared), and by type. -now "
        "has rs_walk() in a live C program count the tracked ones, too."
    )
    example = "refs reachable -list -depth 2 -name __main__.cache"
    options = (
        Option("depth", "Follow at most N references in a row; 0, the "
               "default, means no limit.",
               metavar="N", number=True, default=0),
        Option("list", "List the objects, nearest first."),
        now.NOW,
        now.TIMEOUT,
        limit("types and objects"),
        JSON,
        NAME,
    )

    def ask(self, session: Session, given: Given) -> str:
        if given["now"] and given["depth"]:
            raise Failure("-now does not go with -depth: rs_walk() has none")
        address = given.address(session)
        text = session.answer(
            "rs_answer_reachable",
            address,
            _depth(given),
            given["list"],
            given.limit,
        )
        if given["now"]:
            return now.asked(session, given, rs.WALK, address, text)
        return text

    def lines(self, answer: dict[str, Any], given: Given) -> list[str]:
        return layout.reachable(answer) + layout.asked(answer, "rs_walk")


class Referrers(ObjectCommand):
    name = "refs referrers"
    summary = "Show who refers to an object."
    text = (
        "Print each object that refers to OBJ, with the name of the "
        "reference; with -depth, a tree of referrers. A tree has at most 25 "
        "times as many lines as -limit, or 100,000 with -limit 0. -now has "
        "rs_referrers() in a live C program name the tracked ones, too."
    )
    example = "refs referrers -depth 3 0x7ffff7a1c280"
    options = (
        Option("depth", "Show N levels of referrers. The default is 1.",
               metavar="N", number=True, default=1),
        now.NOW,
        now.TIMEOUT,
        limit("referrers of an object"),
        JSON,
        NAME,
    )

    def ask(self, session: Session, given: Given) -> str:
        if given["depth"] == 0:
            raise Failure("-depth 0 would show nothing; it must be at least 1")
        if given["now"] and given["depth"] != 1:
            raise Failure("-now does not go with -depth: rs_referrers() has "
                          "none")
        address = given.address(session)
        text = session.answer(
            "rs_answer_referrers",
            address,
            _depth(given),
            given.limit,
        )
        if given["now"]:
            return now.asked(session, given, rs.REFERRERS, address, text)
        return text

    def lines(self, answer: dict[str, Any], given: Given) -> list[str]:
        return layout.referrers(answer) + layout.asked(answer, "rs_referrers")


class Why(ObjectCommand):
    name = "refs why"
    summary = "Show what keeps an object alive."
    text = (
        "Print the shortest paths to OBJ from roots: local variables, "
        "modules, fields of the interpreter, roots that a C program declared. "
        "Each line names the reference that leads to the next object."
    )
    example = "refs why -limit 1 -name __main__.cache['old']"
    options = (finding("what keeps alive the example of"), limit("paths", 3),
               JSON, NAME)
    operand_needed = False

    def ask(self, session: Session, given: Given) -> str:
        if given["finding"]:
            address = _example(session, given["finding"])
        elif given.operand:
            address = given.address(session)
        else:
            raise Failure(f"OBJ is missing; usage: {self.usage()}")
        return session.answer("rs_answer_why", address, given.limit)

    def lines(self, answer: dict[str, Any], given: Given) -> list[str]:
        return layout.why(answer)


def _example(session: Session, finding: int) -> int:
    """The address of the object that stands for a finding."""
    found = json.loads(session.answer("rs_answer_leaks", True, 0))["findings"]
    for one in found:
        if one["finding"] == finding:
            return int(one["example"]["id"], 16)
    raise Failure(
        f"no finding {finding}: there are {len(found)}; they are listed by: "
        "refs leaks -all"
    )


def _depth(given: Given) -> int:
    return min(given["depth"], _DEEPEST)


def register() -> None:
    for command in (Count, Show, Reachable, Referrers, Why):
        command()
