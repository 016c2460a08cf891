# SPDX-License-Identifier: MIT
"""The base classes of all commands: parsing, help, errors, printing.

The classes that derive from gdb.Command are here; commands/ describes each
command as data and asks the engine.
"""
from __future__ import annotations

import json
import os
import textwrap
from typing import Any, Callable, Optional

import gdb

from . import screen, value
from .core import layout
from .core.engine import EINTERRUPTED, EVERYTHING, EngineError, Session
from .core.options import BadOption, Option, Options, last_word
from .progress import wanted
from .target import Unavailable, holder

JSON = Option("json", "Print the answer as one JSON object on one line.")
NAME = Option(
    "name",
    "OBJ is a name such as module.attr['key'].attr[0]; keys are written as "
    "in Python. It is looked up by reading memory; no code runs.",
    marks_operand=True,
)


def finding(what: str) -> Option:
    """The option that asks for what belongs to a finding of refs leaks."""
    return Option("finding", f"Show {what} finding N of refs leaks (-all).",
                  metavar="N", number=True, default=0)


_LONGEST = 3600  # the most seconds of -timeout


def limit(what: str, default: int = 20) -> Option:
    """-limit N. With -json the default is everything."""
    return Option(
        "limit",
        f"Show at most N {what}; 0 shows all. The default is {default}, "
        "or all with -json.",
        metavar="N",
        number=True,
        default=Default(default),
    )


class Default(int):
    """A default value, to tell it from the same number given by the user."""


class Failure(Exception):
    """A command failed. The text says what, where, why, what to try next."""


class Command(gdb.Command):
    """A command. A subclass describes itself in the attributes below.

    It implements ask(), which gets the answer from the engine, and lines(),
    which turns the decoded answer into text. With -json the engine's JSON is
    printed instead.

    operand: its name in the usage line, None if there is none.
    verbatim: everything after the first word that is not an option belongs
    to the operand.
    """

    name: str
    summary: str
    text: str
    example: str
    options: tuple[Option, ...] = ()
    operand: Optional[str] = None
    operand_needed = False
    verbatim = False

    def __init__(self) -> None:
        self.parser = Options(self.options, self.operand, self.verbatim)
        self.__doc__ = self.help()
        super().__init__(self.name, gdb.COMMAND_DATA)

    def ask(self, session: Session, given: "Given") -> str:
        """The engine's answer as JSON text."""
        raise NotImplementedError

    def lines(self, answer: dict[str, Any], given: "Given") -> list[str]:
        """The decoded answer as lines of text."""
        raise NotImplementedError

    def usage(self) -> str:
        words = [self.name] + [f"[{o.usage}]" for o in self.options]
        if self.operand:
            needed = self.operand_needed
            words.append(self.operand if needed else f"[{self.operand}]")
        return " ".join(words)

    def help(self) -> str:
        usage = textwrap.fill(
            "Usage: " + self.usage(), 78, subsequent_indent="       ",
            break_long_words=False, break_on_hyphens=False,
        )
        parts = [self.summary, usage, textwrap.fill(self.text, 78)]
        if self.options:
            parts.append("\n".join(_described(o) for o in self.options))
        parts.append("Example:\n  " + self.example)
        return "\n\n".join(parts)

    def invoke(self, argument: str, from_tty: bool) -> None:
        self.dont_repeat()
        guarded(self.name, lambda: self._run(argument, from_tty))

    def asked(self, argument: str, from_tty: bool) -> tuple["Given", str]:
        """What the user gave, and the answer to it."""
        try:
            parsed = self.parser.parse(argument)
        except BadOption as error:
            raise Failure(str(error)) from error
        self._check_operand(parsed.operand)
        given = Given(parsed.values, parsed.operand)
        return given, with_status(
            lambda: self.ask(holder.session(), given),
            wanted(from_tty) and not given["json"],
        )

    def _run(self, argument: str, from_tty: bool) -> None:
        given, text = self.asked(argument, from_tty)
        if given["json"]:
            say_json(text)
        else:
            screen.prepare()
            say(screen.shown(self._laid_out(text, given), from_tty))

    def _laid_out(self, text: str, given: "Given") -> list[str]:
        try:
            answer = json.loads(text)
            return self.lines(answer, given) + layout.completeness(answer)
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise Failure(
                "these commands do not understand the engine's answer "
                f"({type(error).__name__}: {error}); use commands and engine "
                "of the same release"
            ) from error

    def _check_operand(self, operand: str) -> None:
        if operand and not self.operand:
            raise Failure(
                f'unexpected argument "{operand}"; usage: {self.usage()}'
            )
        if self.operand_needed and not operand:
            raise Failure(f"{self.operand} is missing; usage: {self.usage()}")

    def complete(self, text: str, word: Optional[str]) -> Any:
        # GDB calls this twice: first with word None, to find where the word
        # starts, then with word cut at the last of "-./:". So match the whole
        # token, and return only the part after GDB's cut.
        found = self.parser.complete(text)
        if (
            found is None
            and not self.verbatim
            and self.parser.has(NAME.name, text)
        ):
            found = _names(text)
        if found is None:
            found = self.complete_operand(text)
        if isinstance(found, int):
            return found
        if word is None:
            return gdb.COMPLETE_NONE
        token = last_word(text)
        cut = len(token) - len(word)
        return [candidate[cut:] for candidate in found]

    def complete_operand(self, text: str) -> Any:
        """A gdb.COMPLETE_ constant, or candidates for the whole token."""
        return gdb.COMPLETE_EXPRESSION if self.operand else []


def _names(text: str) -> list[str]:
    """The names of the target that begin as the last word does."""
    token = last_word(text)
    quote = token[:1] if token[:1] in ("'", '"') else ""
    try:
        session = holder.session()
        return [quote + name
                for name in value.names(session, token[len(quote):])]
    except (Unavailable, EngineError, gdb.error, ValueError):
        return []  # there is no line to say why


def _described(option: Option) -> str:
    return f"  -{option.name}" + (
        f" {option.metavar}" if option.metavar else ""
    ) + "\n" + textwrap.fill(
        option.help, 78, initial_indent="    ", subsequent_indent="    "
    )


class Given:
    """The options and the operand that the user gave."""

    def __init__(self, values: dict[str, Any], operand: str) -> None:
        self.values = values
        self.operand = operand

    def __getitem__(self, key: str) -> Any:
        return self.values[key]

    @property
    def limit(self) -> int:
        """The limit to pass to the engine."""
        chosen = self.values["limit"]
        if isinstance(chosen, Default) and self.values["json"]:
            return EVERYTHING
        return chosen or EVERYTHING

    def seconds(self, default: int) -> int:
        """The time that -timeout leaves, which has this default."""
        chosen = self.values["timeout"]
        if isinstance(chosen, Default):
            return default
        if chosen == 0:
            raise Failure("-timeout 0 leaves no time; it must be at least 1")
        return int(min(chosen, _LONGEST))

    def address(self, session: Session) -> int:
        """The address of the object that the operand refers to."""
        if self.values.get("name"):
            return value.named(session, self.operand)
        try:
            return value.written(self.operand)
        except (gdb.error, value.NotAnObject) as error:
            raise Failure(
                f"{self.operand}: {_one_line(error)}; give an address, a GDB "
                "expression, or -name MODULE.ATTR"
            ) from error


class ObjectCommand(Command):
    """A command about one object."""

    operand = "OBJ"
    operand_needed = True


class Prefix(gdb.Command):
    """A prefix command. Without a subcommand it calls .alone.

    GDB requires the prefix to exist before its subcommands; .alone may be one
    of these, so it is set after they were created."""

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self.alone: Callable[[str, bool], None]
        self.__doc__ = text
        super().__init__(name, gdb.COMMAND_DATA, gdb.COMPLETE_COMMAND, True)

    def invoke(self, argument: str, from_tty: bool) -> None:
        self.dont_repeat()
        word = argument.split()[0] if argument.split() else ""
        if word and not word.startswith("-"):
            raise gdb.GdbError(
                f'{self.name}: no command "{word}"; '
                f'"help {self.name}" lists them'
            )
        self.alone(argument, from_tty)


def with_status(work: Callable[[], Any], shown: bool) -> Any:
    """Do long work with a status line (if shown), stopped by Ctrl-C.

    GDB may notice Ctrl-C too while it reads, and raise KeyboardInterrupt."""
    status = holder.status
    if status.active:
        # $refs_...() in the operand of a command: Ctrl-C and the status line
        # stay that command's.
        return work()
    status.start(shown)
    status.active = True
    try:
        with status.interrupt:
            return work()
    except EngineError as error:
        if status.interrupt.hit and error.code != EINTERRUPTED:
            raise Failure("interrupted") from error
        raise
    finally:
        status.active = False
        status.clear()


def guarded(name: str, work: Callable[[], None]) -> None:
    """Run a command. Any exception becomes a one-line GdbError."""
    try:
        work()
    except KeyboardInterrupt:
        raise gdb.GdbError(f"{name}: interrupted") from None
    except MemoryError:
        raise gdb.GdbError(f"{name}: out of memory") from None
    except gdb.GdbError:
        raise
    except Unavailable as error:
        raise gdb.GdbError(f"{_prefix(name)}: {_one_line(error)}") from None
    except EngineError as error:
        raise gdb.GdbError(f"{name}: {_one_line(error)}") from None
    except (Failure, gdb.error, OSError, ValueError) as error:
        raise gdb.GdbError(f"{name}: {_one_line(error)}") from None
    except Exception as error:  # a bug; a traceback would not help the user
        raise gdb.GdbError(
            f"{name}: unexpected {type(error).__name__}: {_one_line(error)}; "
            "this is a bug in refscope, please report it"
        ) from None


def _prefix(name: str) -> str:
    """The first word: without a target all commands give the same error."""
    return name.split()[0]


def _one_line(error: object) -> str:
    return " ".join(str(error).split()).rstrip(".")


def say(lines: list[str]) -> None:
    """Print lines; characters that the terminal lacks become escapes."""
    if not lines:
        return
    charset = _charset()
    text = "\n".join(lines) + "\n"
    gdb.write(text.encode(charset, "backslashreplace").decode(charset))


def say_json(text: str) -> None:
    """Print JSON; characters that the terminal lacks become JSON escapes."""
    charset = _charset()
    try:
        text.encode(charset)
    except UnicodeEncodeError:
        text = json.dumps(json.loads(text), separators=(",", ":"))
    gdb.write(text + "\n")


def _charset() -> str:
    charset = gdb.host_charset()
    try:
        "".encode(charset)
    except LookupError:
        return "ascii"
    return charset


def file_candidates(token: str) -> list[str]:
    """The paths that start with token; folders end with a slash."""
    folder, start = os.path.split(token)
    place = os.path.expanduser(folder) or "."
    try:
        names = sorted(os.listdir(place))
    except OSError:
        return []
    found = []
    for entry in names:
        if entry.startswith(start) and (start or not entry.startswith(".")):
            whole = os.path.join(folder, entry)
            slash = os.path.isdir(os.path.join(place, entry))
            found.append(whole + "/" if slash else whole)
    return found
