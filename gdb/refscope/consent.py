# SPDX-License-Identifier: MIT
"""What the user lets code of a core do: set refs run, set refs run memory."""
from __future__ import annotations

import re

AUTO = 0
LEAST = 16 << 20
_UNITS = {"": 0, "k": 10, "m": 20, "g": 30, "t": 40}


class Consent:
    """One for all of GDB: settings are not of one target."""

    def __init__(self) -> None:
        self.run = False
        self.memory = AUTO  # bytes


consent = Consent()


def parse_size(words: str) -> int:
    """Bytes of "512M", "2 GiB" or "auto". Raises ValueError."""
    text = words.strip().lower()
    if text == "auto":
        return AUTO
    found = re.fullmatch(r"(\d{1,12})\s*([kmgt]?)(i?b)?", text)
    size = int(found.group(1)) << _UNITS[found.group(2)] if found else 0
    if not LEAST <= size < 1 << 62:
        raise ValueError(
            f'"{words}" is not a valid size; give bytes, or a number with K, '
            "M or G (at least 16M), or auto"
        )
    return size


def size_text(size: int) -> str:
    """As it is written to set it: "512M"."""
    if size == AUTO:
        return "auto"
    for unit in "GMK":
        shift = _UNITS[unit.lower()]
        if size % (1 << shift) == 0:
            return f"{size >> shift}{unit}"
    return str(size)
