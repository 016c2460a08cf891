# SPDX-License-Identifier: MIT
"""set refs and show refs: the prefixes that settings stand under."""
from __future__ import annotations

import gdb

from ..command import Prefix

_SET = """Set what refs commands may do and how.

Usage: set refs SETTING VALUE

SETTING is one of those below; "help set refs SETTING" tells its values.

Example:
  set refs run on"""

_SHOW = """Show what refs commands may do and how.

Usage: show refs [SETTING]

SETTING is one of those below; without one, all are shown.

Example:
  show refs run"""

SETTINGS = ("exact", "run", "run memory")


def _show_all(_argument: str, _from_tty: bool) -> None:
    for name in SETTINGS:
        gdb.execute("show refs " + name)


_MEANING = {
    "auto": "read, and of a core asked for where reading would guess",
    "on": "asked for, in a jailed process made of a core",
    "off": "read",
}


class Exact(gdb.Parameter):
    """Usage: set refs exact [auto|on|off]

There are two ways to learn what a CPython object refers to. Reading
decodes the object's memory by the layout of its type; of types that are
in no table, and of the state that modules keep in C, it can only guess.
Asking lets the type's own tp_traverse function tell. It runs in a process
made of a core, which is jailed (it can open, start and signal nothing) and
gone when the command ends. Asked references are exact for types of every
extension. Names, sizes, roots, and references that the collector is not
told of are read either way.

auto (the default) reads, but asks where reading would guess, of a core
whose executable and libraries are on this machine. Only their functions
are called: code that the core itself brings runs after "set refs run on"
alone. What could not be asked is read, and "refs info" says how many
objects and of which types. All else is read: it gives the same and
costs less. "refs collect" asks only when what it finds may depend on it.
on asks for every tracked object, and is an error where that cannot be: of
a process, take a core (gcore) and open that. off reads alone and runs
nothing. "refs info" says which way it was.

Example:
  set refs exact on"""

    # GDB puts one line end between these and the text above.
    set_doc = "Set whether types are asked for references of their objects.\n"
    show_doc = (
        "Show whether types are asked for references of their objects.\n"
    )

    def __init__(self) -> None:
        super().__init__("refs exact", gdb.COMMAND_DATA,
                         gdb.PARAM_AUTO_BOOLEAN)
        self.value = None  # auto

    def get_set_string(self) -> str:
        return ""

    def get_show_string(self, value: str) -> str:
        return f'refs exact is "{value}": references are {_MEANING[value]}.'


def register() -> None:
    setting = Prefix("set refs", _SET)
    setting.alone = lambda *_: gdb.execute("help set refs")
    Prefix("show refs", _SHOW).alone = _show_all
    Exact()
