# SPDX-License-Identifier: MIT
"""refs export: writing the graph to a file."""
from __future__ import annotations

import os
from typing import Any

import gdb

from ..command import (
    JSON,
    NAME,
    Command,
    Failure,
    Given,
    Prefix,
    file_candidates,
    limit,
)
from ..core import layout
from ..core.engine import Session
from ..core.options import Option, last_word


class _Export(Command):
    """A command whose operand begins with a file name."""

    operand = "FILE"
    operand_needed = True

    def lines(self, answer: dict[str, Any], given: Given) -> list[str]:
        return layout.export(answer)

    def complete_operand(self, text: str) -> Any:
        token = last_word(text)
        if text.strip() == token:
            return gdb.COMPLETE_FILENAME
        # GDB's own completer would take the options for part of the name.
        return file_candidates(token)


class Jsonl(_Export):
    name = "refs export jsonl"
    summary = "Write all objects and references to a file as JSON lines."
    text = (
        "Write one line about the target, then one line for each object, with "
        "its references. An existing FILE is replaced, but only once "
        "everything has been written."
    )
    example = "refs export jsonl -labels off /tmp/graph.jsonl"
    options = (
        Option("labels", "Write the name of each reference (on, the default) "
               "or leave the names out (off), which is faster.",
               metavar="on|off", choices=("on", "off"), default="on"),
        JSON,
    )

    def ask(self, session: Session, given: Given) -> str:
        path = _path(given.operand)
        return session.answer(
            "rs_export_jsonl", path, given["labels"] == "on"
        )


class Dot(_Export):
    name = "refs export dot"
    summary = "Write a Graphviz picture of the garbage or of an object."
    text = (
        "Write the garbage as a graph or, with OBJ, the objects around OBJ. "
        "An existing FILE is replaced, but only once everything has been "
        "written. A name with spaces must be in quotes."
    )
    example = "refs export dot -depth 2 /tmp/leak.dot 0x7ffff7a1c280"
    operand = "FILE [OBJ]"
    options = (
        Option("depth", "Show objects up to N references away from OBJ, in "
               "both directions. The default is 2.",
               metavar="N", number=True, default=2),
        limit("objects"),
        JSON,
        NAME._replace(help="OBJ is a name such as module.attr['key']."),
    )

    def ask(self, session: Session, given: Given) -> str:
        file, rest = _split(given.operand)
        address = 0
        if rest:
            address = Given(given.values, rest).address(session)
        elif given["name"]:
            raise Failure("-name needs OBJ after FILE")
        return session.answer(
            "rs_export_dot",
            _path(file),
            address,
            min(given["depth"], 2**32 - 1),
            given.limit,
        )


def _split(operand: str) -> tuple[str, str]:
    """FILE, quoted or not, and the rest of the operand."""
    if operand[0] in "'\"":
        name, closed, rest = operand[1:].partition(operand[0])
        if not closed:
            raise Failure(f"{operand}: the quote is not closed")
        return name, rest.strip()
    name, *rest = operand.split(None, 1)
    return name, rest[0] if rest else ""


def _path(name: str) -> str:
    """An absolute path: the engine may have another current folder."""
    if len(name) > 1 and name[0] in "'\"" and name[0] == name[-1]:
        name = name[1:-1]
    return os.path.abspath(os.path.expanduser(name))


_EXPORT = """Write objects and references to a file.

Usage: refs export FORMAT [OPTION]... FILE

FORMAT is jsonl (everything, for programs) or dot (a picture).

Example:
  refs export jsonl /tmp/graph.jsonl"""


def _alone(_argument: str, _from_tty: bool) -> None:
    raise gdb.GdbError(
        "refs export: FORMAT is missing; usage: refs export jsonl|dot FILE"
    )


def register() -> None:
    Prefix("refs export", _EXPORT).alone = _alone
    Jsonl()
    Dot()
