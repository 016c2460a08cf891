# SPDX-License-Identifier: MIT
"""refs repr and refs eval as text."""
from __future__ import annotations

from typing import Any

from .. import text


def repr_(answer: dict[str, Any]) -> list[str]:
    return _lines(answer["value"]) + _end(answer)


def eval_(answer: dict[str, Any]) -> list[str]:
    printed, value = answer["printed"], answer["value"]
    lines = _lines(printed)
    # That print() returned None is not worth a line.
    if value is not None and not (printed and value == "None"):
        lines += _lines(value)
    return lines + _end(answer)


def _lines(said: str | None) -> list[str]:
    return [text.clean(line) for line in (said or "").splitlines()]


def _end(answer: dict[str, Any]) -> list[str]:
    lines = []
    raised = answer["raised"]
    if raised:
        message = text.clean(raised["message"] or "")
        lines.append("raised " + text.clean(raised["type"])
                     + (": " + message if message else ""))
    if answer["limited"]:
        lines.append("... and more (-limit 0 shows all)")
    return lines
