# SPDX-License-Identifier: MIT
"""refs types and refs objects: what objects there are."""
from __future__ import annotations

from typing import Any

from ..command import JSON, Command, Failure, Given, finding, limit
from ..core import layout, span
from ..core.engine import Session
from ..core.options import Option


class Types(Command):
    name = "refs types"
    summary = "Show how many objects of each type there are."
    text = (
        "Print, for each type, how many objects there are, their size, and "
        "how many of them a collection would find unreachable."
    )
    example = "refs types -sort count -limit 10"
    options = (
        Option("sort", "Sort by count, bytes or name. The default is bytes.",
               metavar="KEY", choices=("count", "bytes", "name"),
               default="bytes"),
        limit("types"),
        JSON,
    )

    def ask(self, session: Session, given: Given) -> str:
        return session.answer("rs_answer_types", given["sort"], given.limit)

    def lines(self, answer: dict[str, Any], given: Given) -> list[str]:
        return layout.types(answer)


class Objects(Command):
    name = "refs objects"
    summary = "List the objects of a type or a module or a finding."
    text = (
        "Print the objects that match all options that are given, each with "
        "its size, its count and its contents, and how many there are. "
        "Without options, all objects of the target match."
    )
    example = "refs objects -type Session -sort size -limit 5"
    options = (
        Option("type", "Objects of the type NAME, with or without its module. "
               "If no type is called that, NAME is a regular expression "
               "(POSIX extended), looked for in MODULE.NAME.",
               metavar="NAME"),
        Option("module", "Objects of types that MODULE, or a module of that "
               "package, defines.", metavar="MODULE"),
        Option("generation", "Objects that the collector tracks in generation "
               "N; 3 means those set aside by gc.freeze().",
               metavar="N", number=True, choices=("0", "1", "2", "3")),
        Option("size", "Objects of A to B bytes; either may be left out, and "
               "each may end in K, M or G.", metavar="A..B"),
        Option("unexplained", "Objects with references that no holder "
               "explains."),
        Option("over", "Objects with more holders than their count."),
        finding("the objects of"),
        Option("sort", "Sort by address, size or count. The default is "
               "address; the others begin with the largest.",
               metavar="KEY", choices=("address", "count", "size"),
               default="address"),
        limit("objects"),
        JSON,
    )

    def ask(self, session: Session, given: Given) -> str:
        least, most = _sizes(given["size"])
        generation = given["generation"]
        return session.objects(
            type=given["type"],
            module=given["module"],
            generations=0 if generation is None else 1 << generation,
            size_least=least,
            size_most=most,
            unexplained=given["unexplained"],
            over=given["over"],
            finding=given["finding"],
            sort=given["sort"],
            limit=given.limit,
        )

    def lines(self, answer: dict[str, Any], given: Given) -> list[str]:
        return layout.objects(answer)


def _sizes(words: str | None) -> tuple[int, int]:
    try:
        return span.parse(words) if words is not None else (0, 0)
    except ValueError as error:
        raise Failure(str(error)) from error


def register() -> None:
    Types()
    Objects()
