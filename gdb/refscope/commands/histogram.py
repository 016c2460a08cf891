# SPDX-License-Identifier: MIT
"""refs types: objects by type."""
from __future__ import annotations

from typing import Any

from ..command import JSON, Command, Given, limit
from ..core import layout
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


def register() -> None:
    Types()
