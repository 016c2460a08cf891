# SPDX-License-Identifier: MIT
"""refs verify as text."""
from __future__ import annotations

from typing import Any

from .. import text


def verify(answer: dict[str, Any]) -> list[str]:
    lines: list[str] = []
    for entry in answer["types"]:
        lines += _type(entry)
    lines += text.more(
        len(answer["types"]), answer.get("total"), bool(answer.get("limited"))
    )
    lines += [
        "stopped: "
        + text.name({**fault, "type": fault.get("type") or "?"})
        + f" {text.clean(fault['why'])}"
        for fault in answer["faults"]
    ]
    lines += _totals(answer)
    return lines


def _type(entry: dict[str, Any]) -> list[str]:
    """A type whose references differ, with an example."""
    lines = [
        f"{text.clean(entry['type'])}: {text.number(entry['differ'])} of "
        f"{text.count(entry['objects'], 'object')} differ",
        f"  such as {text.described(entry['example'])}",
    ]
    for key, words in (("only_traversed", "found only by traversing"),
                       ("only_read", "found only by reading")):
        if entry[key]:
            lines.append(f"    {words}: {', '.join(entry[key])}")
    return lines


def _totals(answer: dict[str, Any]) -> list[str]:
    lines = []
    for key, words in (("only_traversed", "by traversing"),
                       ("only_read", "by reading")):
        if answer[key]:
            lines.append(f"{text.count(answer[key], 'tracked object')} found "
                         f"only {words}")
    if answer.get("refused"):
        lines.append(
            f"{text.count(answer['refused'], 'object')} not traversed: their "
            "traverse function is in no file on this machine with the core's "
            "build-id; if you trust the core: set refs run on"
        )
    if answer["lists_broken"]:
        lines.append(text.count(answer["lists_broken"], "damaged gc list"))
    runtimes = answer.get("runtimes") or ()
    if len(runtimes) > 1:
        lines += [f"{text.clean(r['name'])}: {_compared(r)}" for r in runtimes]
    lines.append(
        _compared(answer)
        + (f", {text.number(answer['faults_total'])} stopped"
           if answer["faults_total"] else "")
    )
    return lines


def _compared(answer: dict[str, Any]) -> str:
    differ = answer["differ"]
    return (
        f"traversed {text.count(answer['objects'], 'object')}, "
        f"{text.count(answer['references'], 'reference')}: "
        + (f"{text.number(differ)} differ" if differ else "all agree")
    )
