# SPDX-License-Identifier: MIT
"""set refs and show refs: the prefixes that settings stand under."""
from __future__ import annotations

import gdb

from ..command import Prefix

_SET = """Set how refs commands find references and what they may run.

Usage: set refs SETTING VALUE

SETTING is one of those below; "help set refs SETTING" explains its values.

Example:
  set refs run on"""

_SHOW = """Show how refs commands find references and what they may run.

Usage: show refs [SETTING]

SETTING is one of those below; without one, all are shown.

Example:
  show refs run"""

SETTINGS = ("exact", "run", "run memory", "threads")


def _show_all(_argument: str, _from_tty: bool) -> None:
    for name in SETTINGS:
        gdb.execute("show refs " + name)


_MEANING = {
    "auto": "read from memory; in a core, objects whose references would be "
            "guesses are traversed",
    "on": "found by traversing objects, in a jailed process rebuilt from a "
          "core",
    "off": "read from memory",
}


class Exact(gdb.Parameter):
    """Usage: set refs exact [auto|on|off]

There are two methods to find the references of a CPython object. Reading
decodes the object's memory according to the layout of its type. For types
whose layout is not known, and for the C state of modules, it has to guess.
Traversing calls the tp_traverse function of the object's type, as the
garbage collector does. This happens in a separate process that is rebuilt
from a core; it is jailed (it cannot open files, start processes or send
signals) and ends with the command. Traversed references are exact for the
types of all extensions. Names, sizes, roots, and references that
tp_traverse does not visit are read with either method.

"auto", the default: read. Where that would have to guess, traverse, if the
target is a core whose executable and libraries are on this machine. Only
functions in these files are called; code that only the core contains runs
only after "set refs run on". Objects that cannot be traversed are read, and
"refs info" shows how many there are and of which types. "refs collect"
traverses only if its result could depend on it.

"on": traverse every tracked object, which takes longer. Commands fail where
that is not possible. For a process, take a core (gcore FILE) and open it
(core FILE).

"off": only read, and run nothing.

"refs info" says which method was used.

Example:
  set refs exact on"""

    # GDB puts one line end between these and the text above.
    set_doc = "Set whether references are read or found by tp_traverse.\n"
    show_doc = "Show whether references are read or found by tp_traverse.\n"

    def __init__(self) -> None:
        super().__init__("refs exact", gdb.COMMAND_DATA,
                         gdb.PARAM_AUTO_BOOLEAN)
        self.value = None  # auto

    def get_set_string(self) -> str:
        return ""

    def get_show_string(self, value: str) -> str:
        return f'refs exact is "{value}": references are {_MEANING[value]}.'


class Threads(gdb.Parameter):
    """Usage: set refs threads N

A large core is read by several threads at once: by N at most, or, with 0,
the default, by as many as there are processors. Answers do not depend on it.
Small cores and processes are read by one.

Example:
  set refs threads 1"""

    set_doc = "Set how many threads read a large core.\n"
    show_doc = "Show how many threads read a large core.\n"

    def __init__(self) -> None:
        super().__init__("refs threads", gdb.COMMAND_DATA,
                         gdb.PARAM_ZUINTEGER)
        self.value = 0  # as many as there are processors

    def get_set_string(self) -> str:
        return ""

    def get_show_string(self, value: str) -> str:
        number = "one for each processor" if value == "0" else value
        return f"refs threads is {value}: threads for a large core: {number}."


def register() -> None:
    setting = Prefix("set refs", _SET)
    setting.alone = lambda *_: gdb.execute("help set refs")
    Prefix("show refs", _SHOW).alone = _show_all
    Exact()
    Threads()
