# SPDX-License-Identifier: MIT
"""Ranges of sizes, as a user writes them: 1000, 4K..1M, 512.., ..64."""
from __future__ import annotations

import re

_UNITS = {"": 0, "k": 10, "m": 20, "g": 30, "t": 40}
_MOST = (1 << 62) - 1


def parse(words: str) -> tuple[int, int]:
    """The least and the most bytes; 0 as the most: no limit.

    Raises ValueError."""
    low, dots, high = words.strip().lower().partition("..")
    if not dots:
        size = _size(low, words)
        return size, size
    least = _size(low, words) if low else 0
    most = _size(high, words) if high else 0
    if not low and not high or (high and most < least):
        raise _bad(words)
    return least, most


def _size(text: str, words: str) -> int:
    found = re.fullmatch(r"(\d{1,12})([kmgt]?)(i?b)?", text)
    size = int(found.group(1)) << _UNITS[found.group(2)] if found else -1
    if not 0 < size <= _MOST:
        raise _bad(words)
    return size


def _bad(words: str) -> ValueError:
    return ValueError(
        f'-size takes bytes or a range such as 4K..1M, 512.. or ..64, '
        f'not "{words}"'
    )
