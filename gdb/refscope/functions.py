# SPDX-License-Identifier: MIT
"""Convenience functions such as $refs_count(), for use in expressions."""
from __future__ import annotations

import gdb

from . import value
from .command import guarded, with_status
from .target import holder


class Number(gdb.Function):
    """A function of one object, by address, expression or name."""

    def __init__(self, what: str, text: str) -> None:
        self.what = what
        self.__doc__ = text
        super().__init__("refs_" + what)

    def invoke(self, *things: gdb.Value) -> int:
        name = "$refs_" + self.what
        if len(things) != 1:
            raise gdb.GdbError(
                f"{name}: takes one object, not {len(things)}; "
                f"usage: {name}(OBJ)"
            )
        thing = things[0]
        result = 0

        def work() -> None:
            nonlocal result
            session = holder.session(interactive=False)
            path = value.text(thing)
            if path is None:
                address = value.address(thing)
            else:
                address = value.named(session, path)
            result = session.number(self.what, address)

        guarded(name, lambda: with_status(work, False))
        return result


_NUMBERS = {
    "count": """The reference count of an object.

Usage: $refs_count(OBJ)

OBJ is an address, a pointer, an object, or its name in quotes. It can be
used in the condition of a breakpoint. The count of an immortal object is -1.

Example:
  break leak.c:12 if $refs_count(node) > 2""",
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
    for what, text in _NUMBERS.items():
        Number(what, text)
