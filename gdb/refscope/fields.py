# SPDX-License-Identifier: MIT
"""Looking up fields of the target's structs in debug information.

The engine calls this for a CPython release of which it has no layout.
helper/runtime/cpython/layout uses the same functions to make the engine's
table of layouts.
"""
from __future__ import annotations

import os
import re
from typing import Any, Dict, Iterator, NamedTuple, Optional

import gdb

MAX_DEPTH = 4
AGGREGATE = (gdb.TYPE_CODE_STRUCT, gdb.TYPE_CODE_UNION)


class Field(NamedTuple):
    """The members of struct rs_debug_field (include/refscope/callbacks.h)."""

    offset: int
    size: int
    count: int = -1
    bit: int = -1
    width: int = -1
    pointer: bool = False


# A struct: its fields by name. The entry None has the size of the struct.
Struct = Dict[Optional[str], Field]


def flatten(aggregate: Any) -> Struct:
    """All fields of a struct; those of nested structs as "outer.inner",
    those of unnamed ones without a prefix."""
    found: Struct = {None: Field(0, aggregate.sizeof)}
    _add(aggregate, 0, "", found, 1)
    return found


def _add(
    aggregate: Any, base: int, prefix: str, found: Struct, depth: int
) -> None:
    for field in aggregate.fields():
        if getattr(field, "bitpos", None) is None:
            continue
        kind = field.type.strip_typedefs()
        offset = base + field.bitpos // 8
        inner = kind.code in AGGREGATE
        if not field.name:
            if inner:
                _add(kind, offset, prefix, found, depth)
            continue
        name = prefix + field.name
        found.setdefault(name, _field(field, kind, base, offset))
        if inner and depth < MAX_DEPTH:
            _add(kind, offset, name + ".", found, depth + 1)


def _field(field: Any, kind: Any, base: int, offset: int) -> Field:
    size = kind.sizeof
    count = bit = width = -1
    if kind.code == gdb.TYPE_CODE_ARRAY:
        low, high = kind.range()
        count, size = max(high - low + 1, 0), kind.target().sizeof
    if field.bitsize:
        bit, width = base * 8 + field.bitpos, field.bitsize
    pointer = kind.code == gdb.TYPE_CODE_PTR
    return Field(offset, size, count, bit, width, pointer)


# Names in CPython that are struct tags rather than typedefs. Looking for a name
# in the wrong domain takes a second: GDB expands all debug information that
# contains it.
_TAG = re.compile(
    r"_(?!Py|grouper)|_Py_|_PyWeak|BLOCK$|wrapperbase$|(?!static_|managed_)"
    r"[a-z]\w*(_cache|_entry|_generation|_header|_object|_s|_stat[es]+|"
    r"interpreters|runtimestate)$"
)
_DOMAINS = (gdb.SYMBOL_STRUCT_DOMAIN, gdb.SYMBOL_VAR_DOMAIN)


def find_struct(objfile: Any, name: str) -> Any:
    """The struct or union, or a typedef of one, in objfile; or None."""
    for domain in _DOMAINS if _TAG.match(name) else reversed(_DOMAINS):
        symbol = objfile.lookup_static_symbol(name, domain)
        if symbol is None or symbol.type is None:
            continue
        found = symbol.type.strip_typedefs()
        if found.code in AGGREGATE and found.sizeof and found.fields():
            return found
    return None


class Finder:
    """Implements the engine's find_field callback. Results are cached: a
    look-up makes GDB expand debug information, which takes about a second."""

    def __init__(self) -> None:
        self._seen: Any = None
        self._known: dict[tuple[Any, str], Struct | None] = {}

    def find(
        self,
        path: str | None,
        build_id: bytes | None,
        type_name: str,
        field: str | None,
    ) -> Field | None:
        """A field, or with field None the struct's size; None if unknown.

        Raises gdb.error, KeyboardInterrupt."""
        seen = gdb.selected_inferior().pid, gdb.objfiles()
        if seen != self._seen:
            self._seen, self._known = seen, {}
        key = build_id or path, type_name
        if key not in self._known:
            self._known[key] = self._look_up(path, build_id, type_name)
        struct = self._known[key]
        return struct.get(field) if struct is not None else None

    def _look_up(
        self, path: str | None, build_id: bytes | None, name: str
    ) -> Struct | None:
        for objfile in _places(path, build_id):
            found = find_struct(objfile, name)
            if found is not None:
                return flatten(found)
        return None


def _places(path: str | None, build_id: bytes | None) -> Iterator[Any]:
    """The object file itself, then those of CPython's extension modules.

    GDB looks in separate debug files by itself, so these are left out."""
    wanted = build_id.hex() if build_id else None
    files = [o for o in gdb.objfiles() if o.owner is None and o.filename]
    own = [o for o in files if is_file(o, path, wanted)]
    yield from own
    if own:
        for objfile in files:
            folder = os.path.dirname(objfile.filename)
            if os.path.basename(folder) == "lib-dynload":
                yield objfile


def is_file(objfile: Any, path: str | None, wanted: str | None) -> bool:
    """Whether objfile has this build-id; if there is none, this path."""
    if wanted and objfile.build_id:
        return bool(objfile.build_id == wanted)
    return bool(path) and objfile.filename == path
