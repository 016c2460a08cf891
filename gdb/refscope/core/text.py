# SPDX-License-Identifier: MIT
"""Formatting numbers, sizes, objects, references and tables."""
from __future__ import annotations

import re
import textwrap
from typing import Any, Iterable, Sequence

WIDTH = 100  # columns that answers are laid out for where none are said
LABEL_WIDTH = 36
NAME_WIDTH = 60
# The default repr() of an object, without the address.
PLAIN = re.compile(r"<[^<>]* (object|instance)>")

# Texts come from the target, which may be hostile, so their control characters
# must not reach the terminal. U+0085, U+2028 and U+2029 would end a line.
_CONTROLS = {
    code: f"\\x{code:02x}"
    for code in (*range(0x20), *range(0x7F, 0xA0))
}
_CONTROLS.update({0x09: "\\t", 0x0A: "\\n", 0x0D: "\\r"})
_CONTROLS.update({0x2028: "\\u2028", 0x2029: "\\u2029"})
# Characters that change the direction of the text around them.
_CONTROLS.update({c: f"\\u{c:04x}" for c in (*range(0x202A, 0x202F),
                                             *range(0x2066, 0x206A))})


_page = {"extra": 0}  # columns more than WIDTH


def lay_out_for(columns: int) -> None:
    """From now on lines are to have at most so many columns."""
    _page["extra"] = columns - WIDTH


def width() -> int:
    """The columns that a line may have."""
    return WIDTH + _page["extra"]


def wrapped(line: str, columns: int) -> list[str]:
    """A line as several, none longer than columns if its words permit; those
    after the first are indented more."""
    if len(line) <= columns:
        return [line]
    lead = " " * (len(line) - len(line.lstrip()))
    return textwrap.wrap(
        line.lstrip(), columns, initial_indent=lead,
        subsequent_indent=lead + "    ", break_long_words=False,
        break_on_hyphens=False, replace_whitespace=False,
        drop_whitespace=True,
    ) or [line]


def clean(text: Any) -> str:
    """text as one printable line."""
    shown = str(text).translate(_CONTROLS)
    return shown.encode("utf-8", "backslashreplace").decode("utf-8")


def number(value: int | None) -> str:
    """1234567 as 1,234,567; None (not known) as "-"."""
    return "-" if value is None else f"{value:,}"


def size(value: int | None) -> str:
    """A number of bytes, in a unit that leaves at most four digits."""
    if value is None:
        return "-"
    if abs(value) < 10000:
        return f"{value} B"
    scaled = float(value)
    for unit in ("KiB", "MiB", "GiB"):
        scaled /= 1024
        if abs(scaled) < 1000:
            return f"{scaled:.1f} {unit}"
    return f"{scaled / 1024:.1f} TiB"


def duration(nanoseconds: int) -> str:
    """250 us, 1.3 ms, 4.2 s, 3 min, 2.5 h, 3 days."""
    value = float(nanoseconds)
    for unit, size, most in (
        ("us", 1e3, 1e6),
        ("ms", 1e6, 1e9),
        ("s", 1e9, 120e9),
        ("min", 60e9, 7200e9),
        ("h", 3600e9, 48 * 3600e9),
    ):
        if value < most:
            return f"{value / size:.{1 if value < 10 * size else 0}f} {unit}"
    return f"{value / 86400e9:.0f} days"


def count(value: int, noun: str) -> str:
    """1 object, 2 objects."""
    return f"{number(value)} {noun}" + ("" if value == 1 else "s")


def elide(text: str, width: int) -> str:
    """text, shortened at its end to at most width columns."""
    return text if len(text) <= width else text[: width - 3] + "..."


def name(thing: dict[str, Any]) -> str:
    """An OBJECT of an answer as <type 0xaddress> or <type name 0xaddress>."""
    words = [clean(thing.get("type", "?"))]
    if thing.get("name"):
        words.append(elide(clean(thing["name"]), NAME_WIDTH))
    return f"<{' '.join(words)} {thing.get('id', '?')}>"


def described(thing: dict[str, Any], width: int = WIDTH) -> str:
    """name(), the owner of a dict, and the object's text if it says more.

    width is that on a page of WIDTH columns; another page has more or less."""
    shown = name(thing)
    if thing.get("of"):
        shown += " of " + clean(thing["of"])
    # "<m.Leak object at 0x7f..>" only repeats the name, and of
    # "<function f at 0x7f..>" the address does.
    text = clean(thing.get("text") or "")
    if text.startswith("<"):
        text = re.sub(rf"( at)? {thing.get('id')}\b", "", text, count=1)
    repeats = text == f"<{clean(thing.get('type', '?'))}>"
    # "<class 'm.C'>" only repeats the name; "<bound method C.f of <C>>" does not.
    if thing.get("name") and text.startswith("<"):
        repeats = " of " not in text
    if text and not repeats and not PLAIN.fullmatch(text):
        room = width + _page["extra"] - len(shown)
        shown += " " + elide(text, max(20, room))
    return shown


def label(reference: dict[str, Any]) -> str:
    """The name of a reference, with its kind if it is not strong."""
    if reference.get("kind") == "root":
        return clean(reference.get("root") or "root")
    shown = clean(reference.get("label") or "(unnamed)")
    kind = reference.get("kind", "strong")
    return shown if kind == "strong" else f"{shown} ({kind})"


def columns(rows: Sequence[Sequence[str]], align: str, gap: str = "  ") -> list[str]:
    """Rows as aligned columns; align has "<" or ">" for each column.

    Cells that are wider than LABEL_WIDTH do not widen their column."""
    if not rows:
        return []
    widths = [
        max(_width(row[i]) for row in rows) for i in range(len(align))
    ]
    lines = []
    for row in rows:
        cells = [f"{c:{a}{w}}" for c, a, w in zip(row, align, widths)]
        lines.append(gap.join(cells).rstrip())
    return lines


def _width(cell: str) -> int:
    return len(cell) if len(cell) <= LABEL_WIDTH else 0


def indent(lines: Iterable[str], by: str = "  ") -> list[str]:
    return [by + line for line in lines]


def more(shown: int, total: int | None, limited: bool) -> list[str]:
    """The last line of a list that is not shown completely; or nothing."""
    if total is not None and total > shown:
        return [f"... and {number(total - shown)} more (-limit 0 shows all)"]
    if limited:
        return ["... and more (-limit 0 shows all)"]
    return []
