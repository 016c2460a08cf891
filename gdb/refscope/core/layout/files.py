# SPDX-License-Identifier: MIT
"""refs export as text."""
from __future__ import annotations

from typing import Any

from .. import text


def export(answer: dict[str, Any]) -> list[str]:
    line = (
        f"{text.clean(answer['file'])}: {text.count(answer['objects'], 'object')},"
        f" {text.count(answer['references'], 'reference')}"
    )
    if "bytes" in answer:
        line += f", {text.size(answer['bytes'])}"
    if answer.get("limited"):
        line += " (not all: -limit 0 writes all)"
    return [line]
