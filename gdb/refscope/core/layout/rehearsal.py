# SPDX-License-Identifier: MIT
"""refs collect -rehearse, refs cycles -try and refs rehearse as text."""
from __future__ import annotations

from typing import Any

from .. import text
from .collector import attached, compared


def rehearsal(answer: dict[str, Any]) -> list[str]:
    lines = _found(answer)
    lines.append(f"unreachable object num:{answer['unreachable']}")
    lines.append(f"garbage object num:{answer['garbage']}")
    lines.append(f"gc.collect() returned {text.number(answer['returned'])}")
    return lines + compared(answer) + _printed(answer) + _memory(answer)


def dropped(answer: dict[str, Any]) -> list[str]:
    cut = answer["dropped"]
    of = f"of {text.count(answer['watched'], 'tracked object')}"
    lines = [
        f"dropped: {text.name(cut['object'])}"
        f"{attached(text.clean(cut['label']))}",
        f"freed at once: {text.number(answer['freed_at_once'])} {of}",
        f"freed after a collection: {text.number(answer['freed'])} {of}",
    ]
    if answer["cleared"]:
        lines.append(
            "taken out of gc.garbage for that: "
            + text.count(answer["cleared"], "object")
        )
    if answer["left"]:
        lines.append("not freed:")
        lines += text.indent(text.described(one) for one in answer["left"])
        lines += text.more(len(answer["left"]), answer["left_total"], False)
    return lines + _printed(answer) + _memory(answer)


def _found(answer: dict[str, Any]) -> list[str]:
    lines = []
    for one in answer["objects"]:
        kept = one["fate"] == "uncollectable"
        state = "uncollectable" if kept else "collectable"
        again = ", held again" if one["fate"] == "alive" else ""
        lines.append(f"gc: {state} {text.name(one)}{again}")
    return lines + text.more(
        len(lines), answer["unreachable"], answer["limited"]
    )


def _printed(answer: dict[str, Any]) -> list[str]:
    said = [text.clean(line) for line in answer["printed"].splitlines()]
    return ["the program printed:"] + text.indent(said) if said else []


def _memory(answer: dict[str, Any]) -> list[str]:
    memory = answer["memory"]
    return [
        f"rehearsed with about {text.size(memory['needed'])} of memory, of "
        f"{text.size(memory['allowed'])} allowed"
    ]
