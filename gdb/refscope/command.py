# SPDX-License-Identifier: MIT
"""The one place where refscope meets gdb.Command."""
from __future__ import annotations

import json
import os
import textwrap
from typing import Any, Callable, Optional

import gdb

from . import value
from .core import layout
from .core.engine import EINTERRUPTED, EVERYTHING, EngineError, Session
from .core.options import BadOption, Option, Options
from .progress import wanted
from .target import Unavailable, holder

JSON = Option("json", "Print the answer as one JSON object on one line.")
NAME = Option(
    "name",
    "OBJ is a name such as module.attr['key'].attr[0], resolved by reading.",
    marks_operand=True,
)


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
    """A number that the user did not write."""


class Failure(Exception):
    """A command cannot do it: what, where, why; what to try next."""


class Command(gdb.Command):
    """A subclass says what it is in data and answers in ask().

    lines() gets the decoded answer; with -json the engine's own text is
    printed instead.
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
        """The engine's answer, JSON."""
        raise NotImplementedError

    def lines(self, answer: dict[str, Any], given: "Given") -> list[str]:
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

    def _run(self, argument: str, from_tty: bool) -> None:
        try:
            parsed = self.parser.parse(argument)
        except BadOption as error:
            raise Failure(str(error)) from error
        self._check_operand(parsed.operand)
        given = Given(parsed.values, parsed.operand)
        text = engaged(
            lambda: self.ask(holder.session(), given),
            wanted(from_tty) and not given["json"],
        )
        if given["json"]:
            say_json(text)
        else:
            say(self._laid_out(text, given))

    def _laid_out(self, text: str, given: "Given") -> list[str]:
        try:
            answer = json.loads(text)
            return self.lines(answer, given) + layout.unasked(answer)
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise Failure(
                "the engine's answer is not as these commands know it "
                f"({type(error).__name__}: {error}); use both of one release"
            ) from error

    def _check_operand(self, operand: str) -> None:
        if operand and not self.operand:
            raise Failure(f'"{operand}" is too much; usage: {self.usage()}')
        if self.operand_needed and not operand:
            raise Failure(f"{self.operand} is missing; usage: {self.usage()}")

    def complete(self, text: str, word: Optional[str]) -> Any:
        # GDB calls twice: with word None to find where the word starts, then
        # with word cut at any of "-./:". Match the whole token; give back
        # only what follows GDB's cut.
        found = self.parser.complete(text)
        if found is None:
            found = self.complete_operand(text)
        if isinstance(found, int):
            return found
        if word is None:
            return gdb.COMPLETE_NONE
        token = "" if not text or text[-1].isspace() else text.split()[-1]
        cut = len(token) - len(word)
        return [candidate[cut:] for candidate in found]

    def complete_operand(self, text: str) -> Any:
        """A gdb.COMPLETE_ constant, or whole-token candidates."""
        return gdb.COMPLETE_EXPRESSION if self.operand else []


def _described(option: Option) -> str:
    return f"  -{option.name}" + (
        f" {option.metavar}" if option.metavar else ""
    ) + "\n" + textwrap.fill(
        option.help, 78, initial_indent="    ", subsequent_indent="    "
    )


class Given:
    """What the user wrote."""

    def __init__(self, values: dict[str, Any], operand: str) -> None:
        self.values = values
        self.operand = operand

    def __getitem__(self, key: str) -> Any:
        return self.values[key]

    @property
    def limit(self) -> int:
        """The engine's limit."""
        chosen = self.values["limit"]
        if isinstance(chosen, Default) and self.values["json"]:
            return EVERYTHING
        return chosen or EVERYTHING

    def address(self, session: Session) -> int:
        """The object that OBJ means."""
        if self.values.get("name"):
            return value.named(session, self.operand)
        try:
            return value.written(self.operand)
        except (gdb.error, value.NotAnObject) as error:
            raise Failure(
                f"{self.operand}: {_one_line(error)}; give an address, an "
                "expression that GDB knows, or -name MODULE.ATTR"
            ) from error


class ObjectCommand(Command):
    """A command about one object."""

    operand = "OBJ"
    operand_needed = True


class Prefix(gdb.Command):
    """A prefix: alone it does what .alone is set to do.

    GDB wants the prefix before the commands under it, of which alone may
    well be one; so it is set afterwards."""

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


def engaged(work: Callable[[], str], shown: bool) -> str:
    """Run long work with its status line and with Ctrl-C noted.

    GDB's own reading may notice Ctrl-C too and raise KeyboardInterrupt."""
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
    """Run a command: whatever goes wrong ends in one line."""
    try:
        work()
    except KeyboardInterrupt:
        raise gdb.GdbError(f"{name}: interrupted") from None
    except MemoryError:
        raise gdb.GdbError(f"{name}: out of memory") from None
    except gdb.GdbError:
        raise
    except Unavailable as error:
        raise gdb.GdbError(f"{_told_by(name)}: {_one_line(error)}") from None
    except EngineError as error:
        raise gdb.GdbError(f"{name}: {_one_line(error)}") from None
    except (Failure, gdb.error, OSError, ValueError) as error:
        raise gdb.GdbError(f"{name}: {_one_line(error)}") from None
    except Exception as error:  # a fault of ours, but not a page of it
        raise gdb.GdbError(
            f"{name}: unexpected {type(error).__name__}: {_one_line(error)}; "
            "this is a fault of refscope, please report it"
        ) from None


def _told_by(name: str) -> str:
    """Without a target all commands say the same."""
    return name.split()[0]


def _one_line(error: object) -> str:
    return " ".join(str(error).split()).rstrip(".")


def say(lines: list[str]) -> None:
    """Print lines in what GDB's terminal can show."""
    charset = _charset()
    text = "\n".join(lines) + "\n"
    gdb.write(text.encode(charset, "backslashreplace").decode(charset))


def say_json(text: str) -> None:
    """Print JSON as it is; what the terminal cannot show becomes escapes."""
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
    """Files that start with token, folders with a slash."""
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
