# SPDX-License-Identifier: MIT
"""The address of the object that the user's text or value refers to."""
from __future__ import annotations

import json
import re

import gdb

from .core.engine import Session

_NUMBER = re.compile(r"0x[0-9a-f]+|[0-9]+", re.I)
_TOP = 1 << 64
_NAMES_MOST = 5000


class NotAnObject(ValueError):
    """A value is not an object. The text says why."""


def named(session: Session, name: str) -> int:
    """The address of module.attr[key].attr. Raises EngineError."""
    answer = json.loads(session.answer("rs_answer_resolve", unquoted(name)))
    return int(answer["object"]["id"], 16)


def unquoted(name: str) -> str:
    """Without the quotes around all of it: no name begins with one."""
    if len(name) > 2 and name[0] in "\"'" and name[-1] == name[0]:
        return name[1:-1]
    return name


def names(session: Session, text: str) -> list[str]:
    """The names that begin with the text, sorted. Raises EngineError."""
    answer = json.loads(session.answer("rs_answer_names", text, _NAMES_MOST))
    return sorted(set(answer["names"]))


def written(expression: str) -> int:
    """The address that the text refers to. Raises gdb.error, NotAnObject."""
    # A literal must not depend on GDB's current language.
    if _NUMBER.fullmatch(expression):
        return _checked(int(expression, 0 if "x" in expression.lower() else 10))
    # Nothing may run code in the target, not even the user's expression.
    with gdb.with_parameter("may-call-functions", False):
        return address(gdb.parse_and_eval(expression))


def address(value: gdb.Value, none: bool = False) -> int:
    """The value of a pointer or integer, otherwise the value's own address.

    none: 0 is an address, too, of no object. Raises gdb.error, NotAnObject."""
    kind = value.type.strip_typedefs()
    if kind.code in (gdb.TYPE_CODE_REF, gdb.TYPE_CODE_RVALUE_REF):
        value = value.referenced_value()
        kind = value.type.strip_typedefs()
    if kind.code in (gdb.TYPE_CODE_PTR, gdb.TYPE_CODE_INT, gdb.TYPE_CODE_ENUM):
        number = int(value)
        return 0 if none and not number else _checked(number)
    if kind.code == gdb.TYPE_CODE_VOID:
        raise NotAnObject("the value is void")
    if kind.code == gdb.TYPE_CODE_ARRAY:
        # .address of an array that exists only in GDB would allocate memory
        # in the target; .address of its first element is an error instead.
        value = value[kind.range()[0]]
    if value.address is None:
        raise NotAnObject(f"a value of type {value.type} has no address")
    return int(value.address)


def text(value: gdb.Value) -> str | None:
    """The text of an array of characters, None for any other value."""
    kind = value.type.strip_typedefs()
    if kind.code != gdb.TYPE_CODE_ARRAY or kind.target().sizeof != 1:
        return None
    return value.string()


def _checked(number: int) -> int:
    number %= _TOP
    if number == 0:
        raise NotAnObject("the address is 0")
    return number
