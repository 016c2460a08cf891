# SPDX-License-Identifier: MIT
"""refs verify as text."""
from __future__ import annotations

import collections
from typing import Any, Sequence

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
        f"{text.count(entry['objects'], 'object')} differ"
        + (", reading guesses" if entry.get("guessed") else ""),
        f"  such as {text.described(entry['example'])}",
    ]
    for key, words in (("only_traversed", "found only by traversing"),
                       ("only_read", "found only by reading")):
        if entry[key]:
            lines.append(f"    {words}:")
            lines += _targets(entry[key], entry.get("targets") or ())
    return lines


def _targets(addresses: list[str], known: Sequence[dict[str, Any]]) -> list[str]:
    """What is at them, a line each; how often, where it is more than once."""
    named = {thing["id"]: text.described(thing) for thing in known}
    lines = []
    for address, times in collections.Counter(addresses).items():
        shown = named.get(address, f"{address}, at which no object is known")
        lines.append("      " + shown + (f"  {times} times"
                                         if times > 1 else ""))
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
    if answer["differ"] and answer.get("guessed") == answer["differ"]:
        lines.append(
            "(all of types of which reading can only guess what they visit: "
            "with \"refs exact\" auto, answers about a core ask them)"
        )
    elif answer["differ"] and "guessed" in answer:
        lines.append(
            f"({text.number(answer['differ'] - answer['guessed'])} of types "
            "whose layout is known: a fault of refscope, or of these types; "
            "set refs exact on goes by what they say)"
        )
    return lines


def _compared(answer: dict[str, Any]) -> str:
    differ = answer["differ"]
    return (
        f"traversed {text.count(answer['objects'], 'object')}, "
        f"{text.count(answer['references'], 'reference')}: "
        + (f"{text.number(differ)} differ" if differ else "all agree")
    )
