# SPDX-License-Identifier: MIT
"""refs types and refs objects as text."""
from __future__ import annotations

from typing import Any

from .. import text
from .collector import unseen


def types(answer: dict[str, Any]) -> list[str]:
    rows = [("objects", "size", "unreachable", "type")]
    for entry in answer["names"]:
        name = text.clean(entry["name"])
        if entry["types"] > 1:
            name += f" ({text.count(entry['types'], 'type')})"
        rows.append(
            (
                text.number(entry["objects"]),
                text.size(entry["bytes"]),
                text.number(entry.get("unreachable")),
                name,
            )
        )
    lines = text.columns(rows, ">>><")
    lines += text.more(len(answer["names"]), answer["names_total"], False)
    lines.append(
        f"{text.count(answer['objects'], 'object')}, "
        f"{text.size(answer['bytes'])}"
    )
    return lines + unreferenced(answer) + unseen(answer)


def unreferenced(answer: dict[str, Any]) -> list[str]:
    """How many objects only their blocks of malloc() tell."""
    found = answer.get("unreferenced")
    if not found:
        return []
    return [
        f"{text.count(found['objects'], 'object')} of these, "
        f"{text.size(found['bytes'])}, found by their malloc blocks alone: "
        "nothing that is read refers to them"
    ]


def objects(answer: dict[str, Any]) -> list[str]:
    rows = [("count", "size", "object")]
    for thing in answer["objects"]:
        value = thing.get("count")
        rows.append((
            "immortal" if value is None else text.number(value),
            text.size(thing.get("size")),
            text.described(thing, 80)
            + (" (found by its malloc block)" if thing.get("found") else ""),
        ))
    shown = len(answer["objects"])
    lines = text.columns(rows, ">><") if shown else []
    lines += text.more(shown, answer.get("total"), bool(answer.get("limited")))
    lines.append(
        f"{text.count(answer['total'], 'object')}, "
        f"{text.size(answer['bytes'])}"
    )
    return lines
