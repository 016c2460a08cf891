# SPDX-License-Identifier: MIT
"""refs leaks as text."""
from __future__ import annotations

from typing import Any

from .. import text

# What a finding is about, one of it and several.
_WHAT = {
    "dead-ring": ("cycle", "cycles"),
    "hidden-ring": ("cycle", "cycles"),
    "dangling": ("holder", "holders"),
}


def leaks(answer: dict[str, Any], all_: bool = False) -> list[str]:
    lines = [_title(answer)]
    findings = answer["findings"]
    names = [finding["kind"].replace("-", " ") for finding in findings]
    width = max(map(len, names), default=0)
    for finding, name in zip(findings, names):
        lines.append("")
        lines += _finding(finding, f"{name:{width}}")
    total = answer["total"] + (answer["possible"] if all_ else 0)
    rest = text.more(len(findings), total, False)
    if answer["possible"] and not all_:
        rest.append(
            f"{text.count(answer['possible'], 'finding')} more "
            "may be leaks or not: refs leaks -all"
        )
    return lines + ([""] + rest if rest else [])


def _title(answer: dict[str, Any]) -> str:
    title = "no findings"
    if answer["total"]:
        title = (
            f"{text.count(answer['total'], 'finding')}, "
            f"{text.size(answer['bytes'])}"
        )
    waiting = answer["waiting"]["objects"]
    if waiting:
        verb = "waits" if waiting == 1 else "wait"
        title += f"; {text.count(waiting, 'object')} {verb} for the collector"
    return title


def _finding(finding: dict[str, Any], name: str) -> list[str]:
    head = f"{finding['finding']}  {name}  {_what(finding)}"
    if finding["bytes"]:
        head += f", {text.size(finding['bytes'])}"
    lines = [f"{head} ({finding['grade']})"]
    rows = [("", text.clean(line)) for line in finding["evidence"]]
    rows.append(("like", _like(finding)))
    rows += [("next", text.clean(command)) for command in finding["next"]]
    return lines + [f"   {row[0]:4}  {row[1]}" for row in rows]


def _what(finding: dict[str, Any]) -> str:
    number, kind = finding["number"], text.clean(finding["type"])
    one, several = _WHAT.get(finding["kind"], ("object", "objects"))
    words = f"{text.number(number)} {one if number == 1 else several}"
    if finding["kind"] in ("dead-ring", "hidden-ring"):
        return words
    return f"{text.number(number)} {kind} {one if number == 1 else several}"


def _like(finding: dict[str, Any]) -> str:
    if finding["ring"]:
        return text.elide(text.clean(finding["ring"]), 2 * text.WIDTH)
    return text.described(finding["example"])
