# SPDX-License-Identifier: MIT
"""Convenience functions such as $refs_count(), for use in expressions."""
from __future__ import annotations

from typing import Any

import gdb

from . import value
from .command import guarded, with_status
from .core.engine import ENOTFOUND, EngineError, Session
from .target import holder, in_passing


class Missing(Exception):
    """Nothing has that name yet, in the condition of a breakpoint."""


class Number(gdb.Function):
    """A function of one object, by address, expression or name."""

    def __init__(self, what: str, text: str) -> None:
        self.what = what
        self.name = "$refs_" + what
        self.__doc__ = text
        super().__init__("refs_" + what)

    def invoke(self, *things: gdb.Value) -> Any:
        if len(things) != 1:
            raise gdb.GdbError(
                f"{self.name}: takes one object, not {len(things)}; "
                f"usage: {self.name}(OBJ)"
            )
        result: Any = None

        def work() -> None:
            nonlocal result
            name = value.text(things[0])
            if in_passing():
                result = self.of_moment(name, things[0])
            else:
                result = with_status(lambda: self.of_stop(name, things[0]),
                                     False)

        guarded(self.name, work)
        return result

    def of_stop(self, name: str | None, thing: gdb.Value) -> Any:
        """The number, of a target that is stopped for the user."""
        session = holder.session(interactive=False)
        if name is not None:
            return self.number(session, session.number("address", name))
        return self.number(session, value.address(thing))

    def of_moment(self, name: str | None, thing: gdb.Value) -> Any:
        """The number, of a target that runs on if a condition is false.

        Of a name that does not exist yet: a number that makes it false."""
        try:
            if name is None:
                address = value.address(thing, none=True)
                if not address:  # $refs_obj() of such a name
                    raise Missing
            else:
                address = None
            return self._fresh(name, address)
        except Missing:
            return self.of_nothing()

    def _fresh(self, name: str | None, address: int | None) -> Any:
        session = holder.renewed()
        if session is not None:
            try:
                if address is None and name is not None:
                    address = session.now("find", name)
                return self.now(session, address or 0)
            except EngineError as error:
                if error.code != ENOTFOUND:
                    raise
                if name and address is None and not holder.has_new_mappings():
                    raise Missing from error
        holder.drop()
        session = holder.session(interactive=False)
        if name is not None:
            try:
                address = session.number("address", name)
            except EngineError as error:
                if error.code != ENOTFOUND:
                    raise
                raise Missing from error
        return self.number(session, address or 0)

    def number(self, session: Session, address: int) -> Any:
        return session.number(self.what, address)

    def now(self, session: Session, address: int) -> Any:
        """number(), by a session that was renewed."""
        holder.drop()
        session = holder.session(interactive=False)
        return self.number(session, address)

    def of_nothing(self) -> Any:
        """A number with which no comparison is true."""
        return float("nan")


class Count(Number):
    """$refs_count: needs no more than the object itself."""

    def now(self, session: Session, address: int) -> Any:
        return session.now("count", address)


class Garbage(Number):
    """$refs_garbage: used without a comparison."""

    def of_nothing(self) -> Any:
        return 0


class Object(Number):
    """$refs_obj: the address that a name means."""

    def number(self, session: Session, address: int) -> Any:
        return gdb.Value(address).cast(gdb.lookup_type("void").pointer())

    now = number

    def of_nothing(self) -> Any:
        return 0


_NUMBERS = {
    "count": """The reference count of an object.

Usage: $refs_count(OBJ)

OBJ is an address, a pointer, an object, or its name in quotes. It can be
used in the condition of a breakpoint, which reads the object anew each time.
There a name that does not exist yet makes every comparison false. The count
of an immortal object is -1.

Example:
  break leak.c:12 if $refs_count(node) > 2""",
    "obj": """The address of the object that a name means.

Usage: $refs_obj(NAME)

NAME is in quotes, such as "module.attr['key'].attr[0]"; no code runs. In the
condition of a breakpoint it is 0 while nothing has that name.

Example:
  print $refs_obj("__main__.cache")""",
    "unexplained": """The part of an object's count that nothing found explains.

Usage: $refs_unexplained(OBJ)

OBJ is an address, a pointer, an object, or its name in quotes. The first
question at a stop searches all memory of the target.

Example:
  print $refs_unexplained(node)""",
    "reachable": """The number of objects reachable from an object.

Usage: $refs_reachable(OBJ)

OBJ is an address, a pointer, an object, or its name in quotes. The number
includes OBJ itself.

Example:
  print $refs_reachable("__main__.cache")""",
    "garbage": """Whether a collection would find an object unreachable.

Usage: $refs_garbage(OBJ)

OBJ is an address, a pointer, an object, or its name in quotes. The result is
1 if it would, else 0.

Example:
  print $refs_garbage(0x7ffff7a1c280)""",
}


def register() -> None:
    kinds = {"count": Count, "garbage": Garbage, "obj": Object}
    for what, text in _NUMBERS.items():
        kinds.get(what, Number)(what, text)
