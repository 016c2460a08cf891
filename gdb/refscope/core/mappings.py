# SPDX-License-Identifier: MIT
"""Parsing the output of GDB's "info proc mappings"."""
from __future__ import annotations

import re

from .engine import Range

_LINE = re.compile(
    r"\s*0x(?P<start>[0-9a-f]+)\s+0x(?P<end>[0-9a-f]+)\s+0x[0-9a-f]+\s+"
    r"0x(?P<offset>[0-9a-f]+)\s+(?:(?P<perms>[r-][w-][x-][ps-])\s*)?"
    r"(?P<path>.*?)\s*"
)
_PROT = {"r": 1, "w": 2, "x": 4}


def parse(shown: str) -> list[Range]:
    """The mappings of a listing; names such as [heap] are not paths."""
    ranges = []
    for line in shown.splitlines():
        found = _LINE.fullmatch(line)
        if not found:
            continue
        path = found["path"]
        # Some targets show no permissions; assume that all can be read.
        perms = found["perms"] or "rw-p"
        ranges.append(
            Range(
                int(found["start"], 16),
                int(found["end"], 16),
                int(found["offset"], 16),
                path if path.startswith("/") else None,
                sum(_PROT.get(letter, 0) for letter in perms[:3]),
            )
        )
    return ranges
