# SPDX-License-Identifier: MIT
"""refs repr and refs eval: running code of a core in a jailed process."""
from __future__ import annotations

from typing import Any

import gdb

from ..command import (
    JSON,
    NAME,
    Command,
    Default,
    Failure,
    Given,
    Prefix,
    limit,
)
from ..consent import consent, parse_size, size_text
from ..core import layout
from ..core.engine import Session
from ..core.options import Option

# For the help of the commands that run code of a core.
RISK = (
    "This happens in a separate process that is rebuilt from the core for "
    "this one command. It is jailed (it cannot open files, start processes, "
    "send signals or reach the network), limited in time and memory, and "
    "ends with the command. The risk: a core may come from "
    "a stranger, so its code may be hostile. The jail depends on the kernel "
    "(seccomp), and the result may be false. So it requires \"set refs run on\", which "
    "should stay off for cores from strangers. The machine must be of the "
    "same kind, and have the same executable and libraries."
)

OFF = (
    "this would run code of the core in a jailed process, which is not "
    "enabled; if you trust the core that far: set refs run on"
)

_SECONDS = 3
TIMEOUT = Option(
    "timeout",
    "Stop it after N seconds of processor time. The default is 3.",
    metavar="N", number=True, default=Default(_SECONDS),
)


_RUN = """Set whether commands may run code of a core.

Usage: set refs run [on|off]
       set refs run memory [auto|SIZE]

"off", the default: "refs repr", "refs eval" and rehearsals ("refs collect
-rehearse", "refs cycles -try", "refs rehearse") are refused, and traversing
("help set refs exact", "refs verify") calls only functions of the
executable and libraries on this machine with which the core was made; no
byte of the core itself is executed.

"on": these may run any code of the core, and objects are traversed whatever
their function is.

All of this happens in a separate process that is rebuilt from the core. It
is jailed (it cannot open files, start processes, send signals or reach the
network), limited in time and memory, and ends with the command. The risk:
a core may come from a stranger, so its code may be hostile. The jail
depends on the kernel (seccomp), and the result may be false.

Example:
  set refs run on"""

_SHOW_RUN = """Show whether commands may run code of a core.

Usage: show refs run
       show refs run memory

Example:
  show refs run"""


class _Value(gdb.Command):
    """A value as a command: GDB has no setting that is a prefix too."""

    def __init__(self, word: str, value: bool) -> None:
        self.value = value
        may = "may" if value else "may not"
        self.__doc__ = (f"Commands {may} run code of a core.\n\n"
                        f"Usage: set refs run {word}\n\n"
                        f"Example:\n  set refs run {word}")
        super().__init__("set refs run " + word, gdb.COMMAND_DATA,
                         gdb.COMPLETE_NONE)

    def invoke(self, argument: str, _from_tty: bool) -> None:
        self.dont_repeat()
        if argument.strip():
            raise gdb.GdbError('"on" or "off" expected.')
        consent.run = self.value


class _Run(Prefix):
    """set refs run: with no value on, as GDB's own switches."""

    def invoke(self, argument: str, _from_tty: bool) -> None:
        self.dont_repeat()
        if argument.strip() not in ("", "1", "yes", "enable", "0", "no",
                                    "disable"):
            raise gdb.GdbError('"on" or "off" expected.')
        consent.run = argument.strip() not in ("0", "no", "disable")


def _show_run(_argument: str, _from_tty: bool) -> None:
    value, may = ("on", "may") if consent.run else ("off", "may not")
    print(f'refs run is "{value}": commands {may} run code of a core.')


class Memory(gdb.Parameter):
    """Usage: set refs run memory [auto|SIZE]

SIZE is a number of bytes, or one with K, M or G, from 16M on. It limits
the memory that code of a core may allocate or modify, results included.
Code that exceeds it is ended, and the answer says so. "auto", the default,
is a quarter of the free memory, at most 1 GiB. A core that GDB wrote is
copied into memory on demand; that comes on top, at most the size of the
core.

Example:
  set refs run memory 4G"""

    set_doc = "Set how much memory code of a core may use.\n"
    show_doc = "Show how much memory code of a core may use.\n"

    def __init__(self) -> None:
        super().__init__("refs run memory", gdb.COMMAND_DATA,
                         gdb.PARAM_STRING_NOESCAPE)
        self.value = size_text(consent.memory)

    def get_set_string(self) -> str:
        try:
            consent.memory = parse_size(self.value or "auto")
        except ValueError as error:
            raise gdb.GdbError(str(error)) from error
        finally:
            self.value = size_text(consent.memory)
        return ""

    def get_show_string(self, value: str) -> str:
        meaning = ("a quarter of the free memory, at most 1 GiB"
                   if value == "auto" else "that much")
        return (f'refs run memory is "{value}": code of a core may use '
                f"{meaning}.")


class _Running(Command):
    """A command that requires "set refs run on"."""

    operand_needed = True

    def answered(self, session: Session, name: str, given: Given,
                 *arguments: Any) -> str:
        if not consent.run:
            raise Failure(OFF)
        ms = 1000 * given.seconds(_SECONDS)
        return session.answer(name, *arguments, ms, given.limit)


class Repr(_Running):
    name = "refs repr"
    summary = "Show the repr() of an object of a core."
    text = (
        "Print repr(OBJ), by running the code of its type. " + RISK +
        " \"refs show\" prints the type and contents of OBJ without running "
        "anything."
    )
    example = "refs repr -name __main__.cache"
    operand = "OBJ"
    options = (TIMEOUT, limit("bytes of text", 4096), JSON, NAME)

    def ask(self, session: Session, given: Given) -> str:
        return self.answered(
            session, "rs_answer_repr", given, given.address(session)
        )

    def lines(self, answer: dict[str, Any], given: Given) -> list[str]:
        return layout.repr_(answer)


class Eval(_Running):
    name = "refs eval"
    summary = "Run Python code in a process rebuilt from a core."
    text = (
        "Run CODE, an expression or statements, with the interpreter of the "
        "core. Print its output and its value. CODE is the rest of the line; "
        "write -- before it if it starts with -. It has its own empty "
        "namespace; the program's names can be reached by importing modules "
        "that were loaded when the core was taken, and through "
        "sys.modules['__main__']. No automatic collection runs in it. Its "
        "changes are lost. " + RISK
    )
    example = "refs eval -name -object __main__.cache sorted(obj)[:3]"
    operand = "CODE"
    verbatim = True
    options = (
        Option("object", "Make the name obj in CODE refer to this object: an "
               "address, an expression without spaces or, with -name, a name.",
               metavar="OBJ"),
        Option("interpreter", "Run it in interpreter N, as refs info numbers "
               "them. The default is the one whose thread has the lock, "
               "else the first.", metavar="N", number=True),
        TIMEOUT,
        limit("bytes of text", 4096),
        JSON,
        NAME._replace(help="OBJ is a name such as module.attr['key']."),
    )

    def ask(self, session: Session, given: Given) -> str:
        address = 0
        if given["object"]:
            address = Given(given.values, given["object"]).address(session)
        elif given["name"]:
            raise Failure("-name needs -object OBJ")
        interpreter = given["interpreter"]
        return self.answered(
            session, "rs_answer_eval", given, given.operand, address,
            -1 if interpreter is None else interpreter,
        )

    def lines(self, answer: dict[str, Any], given: Given) -> list[str]:
        return layout.eval_(answer)

    def complete_operand(self, text: str) -> Any:
        return []


def register() -> None:
    setting = _Run("set refs run", _RUN)
    setting.alone = lambda *_: None
    _Value("on", True)
    _Value("off", False)
    Prefix("show refs run", _SHOW_RUN).alone = _show_run
    Memory()
    Repr()
    Eval()
