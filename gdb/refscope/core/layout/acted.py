# SPDX-License-Identifier: MIT
"""What was done to a live process as text."""
from __future__ import annotations

from typing import Any

from .. import text
from .collector import compared, fates


def collected(answer: dict[str, Any]) -> list[str]:
    lines = how(answer) + fates(answer["objects"])
    predicted = answer["predicted"]
    if predicted:
        lines += text.more(len(answer["objects"]), predicted["unreachable"],
                           bool(answer["limited"]))
    lines.append(f"unreachable object num:{answer['returned']}")
    lines.append(f"garbage object num:{answer['garbage']}")
    return lines + compared(answer)


def switched(answer: dict[str, Any]) -> list[str]:
    before, after = answer["before"], answer["after"]
    lines = how(answer) + [
        f"{name}: {_shown(after[name])}" + (
            f", was {_shown(before[name])}"
            if before[name] != after[name] else "")
        for name in ("enabled", "debug", "thresholds", "frozen")
        if after[name] is not None
    ]
    if before == after:
        return lines + ["nothing changed"]
    back = answer["back"]
    return lines + [f"to put it back: {back}" if back
                    else "no command puts it back"]


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return " ".join(text.clean(str(one)) for one in value) or "none"
    return text.number(value)


def cleared(answer: dict[str, Any]) -> list[str]:
    return how(answer) + [
        "taken out of gc.garbage: "
        + text.count(answer["garbage_before"], "object"),
        f"garbage object num:{answer['garbage']}",
    ]


def how(answer: dict[str, Any]) -> list[str]:
    """By which thread, why that is safe, and what is left."""
    lines = [text.clean(answer["why"])]
    if answer["ran_ms"]:
        lines.append(f"the process ran for {answer['ran_ms']} ms")
    if answer["left"]:
        lines.append("28 KiB of memory for the call stay until the process "
                     "ends: a thread is still there")
    return lines
