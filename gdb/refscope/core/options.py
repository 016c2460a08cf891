# SPDX-License-Identifier: MIT
"""Parsing options in GDB's style: -limit 20 -json [--] OPERAND.

As in GDB, options come first, may be abbreviated as long as they are unique,
and "--" ends them. The rest is the operand, unchanged, with spaces and quotes,
because it may be an expression. Unlike in GDB, options that are written in
full may also follow the operand.
"""
from __future__ import annotations

import re
from typing import Any, NamedTuple, Optional


class BadOption(Exception):
    """A wrong option. The text says what is wrong and what is allowed."""


class Option(NamedTuple):
    """An option: with metavar it takes one value, without it is a flag."""

    name: str
    help: str
    metavar: Optional[str] = None
    choices: tuple[str, ...] = ()
    number: bool = False
    default: Any = None
    # Changes the meaning of the operand, so it must come before it.
    marks_operand: bool = False

    @property
    def usage(self) -> str:
        return f"-{self.name} {self.metavar}" if self.metavar else f"-{self.name}"

    @property
    def key(self) -> str:
        return self.name.replace("-", "_")

    @property
    def initial(self) -> Any:
        return self.default if self.metavar else False


class Parsed(NamedTuple):
    """The options by key, and the operand ("" when there is none)."""

    values: dict[str, Any]
    operand: str


class Options:
    """The options of one command."""

    def __init__(
        self,
        options: tuple[Option, ...],
        operand: str | None = None,
        verbatim: bool = False,
    ) -> None:
        """verbatim: options come before the operand only."""
        self.options = options
        self.operand = operand
        self.verbatim = verbatim

    def parse(self, text: str) -> Parsed:
        """Raises BadOption."""
        values = {option.key: option.initial for option in self.options}
        rest = text.strip()
        while rest.startswith("-"):
            word, tail = _first(rest)
            if word == "--":
                return Parsed(values, tail)
            option = self._named(word[1:])
            rest = self._take(option, tail, values)
        return Parsed(values, self._trailing(rest, values))

    def _named(self, name: str) -> Option:
        found = [o for o in self.options if o.name.startswith(name) and name]
        exact = [o for o in found if o.name == name]
        if len(exact or found) == 1:
            return (exact or found)[0]
        known = ", ".join("-" + option.name for option in found or self.options)
        if found:
            raise BadOption(f"-{name} is ambiguous: {known}")
        message = f'no option "-{name}"; options are {known}'
        if self.operand:
            message += (
                f" (write -- before {self.operand} if that starts with -)"
            )
        raise BadOption(message)

    def _take(self, option: Option, rest: str, values: dict[str, Any]) -> str:
        if not option.metavar:
            values[option.key] = True
            return rest
        word, tail = _first(rest)
        values[option.key] = convert(option, word)
        return tail

    def _trailing(self, operand: str, values: dict[str, Any]) -> str:
        while not self.verbatim:
            found = re.search(r"\s-([a-z]+)(?:\s+(\S+))?$", operand)
            option = found and self._exact(found.group(1))
            if not found or not option:
                return operand
            if found.group(2) and not option.metavar:
                return operand
            self._take(option, found.group(2) or "", values)
            operand = operand[: found.start()].rstrip()
        return operand

    def _exact(self, name: str) -> Option | None:
        for option in self.options:
            if option.name == name and not option.marks_operand:
                return option
        return None

    def complete(self, text: str) -> list[str] | None:
        """Candidates for the last word of text; None if it is the operand."""
        words = text.split()
        token = last_word(text)
        if token:
            words.pop()
        while words:
            word = words.pop(0)
            if word == "--":
                return None
            option = self._exact_or_unique(word)
            if option is None:
                if self.verbatim:
                    return None
                break
            if option.metavar and not words:
                return [c for c in option.choices if c.startswith(token)]
            if option.metavar:
                words.pop(0)
        # An operand may be followed by options, so "-" always offers them.
        if token.startswith("-"):
            names = ["-" + option.name for option in self.options]
            return [name for name in names if name.startswith(token)]
        return None

    def has(self, name: str, text: str) -> bool:
        """Whether the option, a flag, is among the words of text."""
        flags = [self._exact_or_unique(word) for word in text.split()]
        return any(flag and flag.name == name for flag in flags)

    def _exact_or_unique(self, word: str) -> Option | None:
        if not word.startswith("-"):
            return None
        try:
            return self._named(word[1:])
        except BadOption:
            return None


def _first(text: str) -> tuple[str, str]:
    """The first word and the rest."""
    word, *tail = text.split(None, 1) or [""]
    return word, tail[0].strip() if tail else ""


def last_word(text: str) -> str:
    """The word that is being written; "" after a space."""
    return "" if not text or text[-1].isspace() else text.split()[-1]


def convert(option: Option, word: str) -> Any:
    """The value of an option, from its text. Raises BadOption."""
    if option.choices and word not in option.choices:
        raise BadOption(
            f"-{option.name} takes {one_of(option.choices)}"
            + (f', not "{word}"' if word else "")
        )
    if not option.number:
        return word
    if re.fullmatch(r"\d{1,18}", word):
        return int(word)
    if word == "unlimited":
        return 0
    raise BadOption(
        f"-{option.name} takes a number" + (f', not "{word}"' if word else "")
    )


def one_of(choices: tuple[str, ...]) -> str:
    """"a, b or c"."""
    if len(choices) < 2:
        return "".join(choices)
    return ", ".join(choices[:-1]) + " or " + choices[-1]
