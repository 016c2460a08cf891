# SPDX-License-Identifier: MIT
"""GDB's width and styles for lines of an answer."""
from __future__ import annotations

import os
import re
from typing import Any, Callable, Optional

import gdb

from .core import text

_STDOUT = 1
_LEAST, _MOST = 60, 200  # columns that lines are laid out for
_COLORS = ("black", "red", "green", "yellow", "blue", "magenta", "cyan",
           "white")
_INTENSITIES = {"bold": "1", "dim": "2"}
_RESET = "\x1b[m"

# <TYPE NAME 0x1>, FUNCTION (FILE:1) and addresses elsewhere. In answers, text
# of the target has no escape sequences (text.clean()).
_TOKENS = re.compile(
    r"(?P<address>\b0x[0-9a-f]+\b)"
    r"|(?<=<)(?P<variable>[\w.]+)(?= (?:[^<>]* )?0x[0-9a-f])"
    r"|(?P<function>[\w.<>]+)(?= \([^()\s]+:\d+\))"
    r"|(?<=\()(?P<filename>[^()\s]+)(?=:\d+\))"
)


def columns() -> Optional[int]:
    """How long a line may be that GDB does not break; None: any."""
    width = gdb.parameter("width")
    return width - 1 if isinstance(width, int) and width > 1 else None


def prepare() -> None:
    """Have answers laid out for GDB's width."""
    width = columns()
    text.lay_out_for(
        text.WIDTH if width is None else min(max(width, _LEAST), _MOST) - 1
    )


def shown(lines: list[str], from_tty: bool) -> list[str]:
    """Lines for GDB's output: no wider than it is, with its styles if a user
    is at a terminal."""
    width = columns()
    if width is not None:
        lines = [part for line in lines for part in text.wrapped(line, width)]
    style = _styles() if from_tty and _has_styles() else None
    if not style:
        return lines
    return [_TOKENS.sub(lambda found: _styled(found, style), line)
            for line in lines]


def _has_styles() -> bool:
    try:
        enabled = gdb.parameter("style enabled")
    except RuntimeError:
        return False
    return (bool(enabled) and os.isatty(_STDOUT)
            and os.environ.get("TERM", "dumb") != "dumb")


def _styled(found: Any, style: dict[str, str]) -> str:
    start = style.get(found.lastgroup, "")
    return f"{start}{found.group()}{_RESET}" if start else found.group()


def _styles() -> dict[str, str]:
    """By name of a style: the escape sequence that turns it on."""
    return {name: _sequence(name) for name in _TOKENS.groupindex}


def _sequence(name: str) -> str:
    foreground = _setting(name, "foreground", lambda value: value)
    intensity = _setting(name, "intensity", str)
    codes = [_INTENSITIES[intensity]] if intensity in _INTENSITIES else []
    if hasattr(foreground, "escape_sequence"):  # gdb.Color, from GDB 17 on
        color = foreground.escape_sequence(True)
    else:
        color = ""
        if foreground in _COLORS:
            codes.append(str(30 + _COLORS.index(foreground)))
    return (f"\x1b[{';'.join(codes)}m" if codes else "") + color


def _setting(name: str, what: str, convert: Callable[[Any], Any]) -> Any:
    try:
        return convert(gdb.parameter(f"style {name} {what}"))
    except RuntimeError:
        return None
