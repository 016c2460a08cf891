# SPDX-License-Identifier: MIT
"""Sessions of GDB, held against what they printed when they were right.

<family>/<case>.gdb has a command a line, and before them, in comments, what
to look at:

    # target: leak one --stop
    # ways: live core remote
    # python: 2.7

target is a fixture: a program of fixtures/native, or a script of
fixtures/python with the version of the interpreter (or "system") in python.
It is run until it says READY. Words after READY are $1, $2... in commands.
ways: attached, in a core, through gdbserver; each must print the same.

<family>/<case>.out is what they print, as on a screen, where

    ...         as a whole line stands for any lines, or none
    ~ line      for any lines of this answer, this one among them: several in a
                row in any order, as addresses order what refers
    <addr>      stands for an address
    <addr:a>    for an address, and for the same one wherever it stands
    <n>         for a number
    <any>       for anything in this line
    <pid>       for the process's number
    <tmp>       for the folder of the run

UPDATE=1 writes the .out files that do not hold anew, with each address as
<addr:...>. What differs from run to run is to be marked by hand then.
"""
import difflib
import os
import re
import shutil
import sys
import tempfile
import unittest

import paths
from session import Server, batch

sys.path.insert(0, os.path.join(paths.ROOT, "tests", "support"))

import interpreters  # noqa: E402
import targets  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
BUILD = os.environ["REFSCOPE_BUILD"]
ENGINE = os.environ["REFSCOPE_ENGINE"]
UPDATE = os.environ.get("UPDATE") == "1"
PYTHON_FIXTURES = os.path.join(paths.ROOT, "fixtures", "python")
SANITIZED = "REFSCOPE_SANITIZED" in os.environ
MISSING = object()


class Case:
    """One .gdb file."""

    def __init__(self, path):
        self.path = path
        self.family = os.path.basename(os.path.dirname(path))
        self.name = os.path.basename(path)[:-4]
        self.directives = {"ways": "live core"}
        self.commands = []
        with open(path, encoding="utf-8") as file:
            for line in file.read().splitlines():
                found = re.match(r"# (target|ways|python): (.*)", line)
                if found:
                    self.directives[found[1]] = found[2]
                elif line and not line.startswith("#"):
                    self.commands.append(line)

    @property
    def ways(self):
        ways = self.directives["ways"].split()
        if SANITIZED and "python" not in self.directives:
            # The core of a program with sanitizers has all of their shadow
            # memory in it: tens of GiB.
            ways = [way for way in ways if way != "core"]
        return ways

    @property
    def expected_path(self):
        return self.path[:-4] + ".out"

    def expected(self):
        if not os.path.exists(self.expected_path):
            return ""
        with open(self.expected_path, encoding="utf-8") as file:
            return file.read()

    def command(self):
        """The words that run the target, MISSING when it cannot run here."""
        words = self.directives["target"].split()
        version = self.directives.get("python")
        if version is None:
            program = os.path.join(BUILD, "fixtures", "native", words[0])
            return [program] + words[1:]
        python = interpreter(version)
        if python is None:
            return MISSING
        script = [os.path.join(PYTHON_FIXTURES, w) if w.endswith(".py") else w
                  for w in words]
        return targets.python(python, *script)


def interpreter(version):
    for found in interpreters.find():
        if version == "system" and found.path == "/usr/bin/python3":
            return found.path
        if found.version.startswith(version + "."):
            return found.path
    return None


def cases():
    found = []
    for family in sorted(os.listdir(HERE)):
        folder = os.path.join(HERE, family)
        if os.path.isdir(folder):
            found += [Case(os.path.join(folder, name))
                      for name in sorted(os.listdir(folder))
                      if name.endswith(".gdb")]
    return found


def transcript(case, way):
    """What the session prints, with the folder of the run named <tmp>."""
    command = case.command()
    with tempfile.TemporaryDirectory() as folder:
        folder = os.path.realpath(folder)
        with targets.Target(command, folder) as target:
            words = target.wait_ready()
            server = None
            if way == "live":
                reach = [f"attach {target.pid}"]
            elif way == "core":
                reach = [f"file {executable(target.pid)}",
                         f"core {target.gcore()}"]
            else:
                server = Server(target.pid)
                reach = [f"file {executable(target.pid)}",
                         f"target remote 127.0.0.1:{server.port}"]
            try:
                shown = session(case, reach, words, folder)
            finally:
                if server:
                    server.close()
            return shown.replace(folder, "<tmp>"), target.pid


def executable(pid):
    return os.readlink(f"/proc/{pid}/exe")


def session(case, reach, words, folder):
    """Run the case's commands; the screen as if they had been typed."""
    commands = [_filled(c, words, folder) for c in case.commands]
    # GDB's own reading of symbols, which refs does not need, takes the most
    # time by far.
    quiet = ["set confirm off", "set width 0", "set auto-load no",
             "set auto-solib-add off", *reach]
    got = batch(quiet + commands, engine=ENGINE)[1 + len(quiet):]
    return "".join(f"(gdb) {written}\n{shown}" for written, shown
                   in zip(case.commands, got))


def _filled(command, words, folder):
    for number, word in enumerate(words, 1):
        command = command.replace(f"${number}", word)
    return command.replace("<tmp>", folder)


TOKEN = re.compile(r"<(addr|n|any|pid)(?::(\w+))?>")
TOKENS = {"addr": r"0x[0-9a-f]+", "n": r"-?[0-9][0-9,]*", "any": r".*",
          "pid": r"[0-9]+"}


# Lazily, lines of the same answer.
WITHIN = r"(?:(?!\(gdb\) ).*\n)*?"


def pattern(expected):
    """The .out file as a regular expression."""
    made = []
    bound = set()
    lines = expected.splitlines()
    for line, following in zip(lines, lines[1:] + [""]):
        if line == "...":
            made.append(r"(?:.*\n)*?")
        elif line.startswith("~ "):
            made.append(f"(?={WITHIN}{_line(line[2:], bound)})")
            if not following.startswith("~ "):
                made.append(WITHIN)
        else:
            made.append(_line(line, bound))
    return re.compile("".join(made))


def _line(line, bound):
    made = []
    at = 0
    for token in TOKEN.finditer(line):
        made.append(re.escape(line[at:token.start()]))
        made.append(_token(token, bound))
        at = token.end()
    return "".join(made) + re.escape(line[at:]) + r"\n"


def _token(token, bound):
    name = token[2]
    if name is None:
        return TOKENS[token[1]]
    if name in bound:
        return f"(?P={name})"
    bound.add(name)
    return f"(?P<{name}>{TOKENS[token[1]]})"


def named_addresses(shown):
    """The screen with each address as <addr:a>, <addr:b>..., by appearance."""
    names = {}

    def name(found):
        number = names.setdefault(found[0], len(names))
        word = ""
        while True:
            word = chr(ord("a") + number % 26) + word
            number = number // 26 - 1
            if number < 0:
                return f"<addr:{word}>"

    return re.sub(r"0x[0-9a-f]{6,}", name, shown)


class Transcripts(unittest.TestCase):
    def check(self, case, way):
        if case.command() is MISSING:
            self.skipTest("no Python " + case.directives["python"])
        if way == "remote" and not shutil.which("gdbserver"):
            self.skipTest("no gdbserver")
        shown, pid = transcript(case, way)
        expected = case.expected()
        if pattern(expected).fullmatch(shown):
            return
        named = named_addresses(shown).replace(str(pid), "<pid>")
        if UPDATE and way == case.ways[0]:
            with open(case.expected_path, "w", encoding="utf-8") as file:
                file.write(named)
            return
        self.fail("".join(difflib.unified_diff(
            expected.splitlines(True), named.splitlines(True),
            os.path.relpath(case.expected_path, paths.ROOT), way)))


class Matching(unittest.TestCase):
    """The comparison itself can fail."""

    def check(self, expected, shown, holds):
        found = pattern(expected).fullmatch(shown)
        self.assertEqual(bool(found), holds)

    def test_plain_lines(self):
        self.check("a\nb\n", "a\nb\n", True)
        self.check("a\nb\n", "a\n", False)
        self.check("a\n", "a\nb\n", False)
        self.check("a.\n", "ab\n", False)

    def test_any_lines(self):
        self.check("a\n...\nb\n", "a\nb\n", True)
        self.check("a\n...\nb\n", "a\nx\ny\nb\n", True)
        self.check("a\n...\nb\n", "a\nx\ny\n", False)

    def test_lines_in_any_order(self):
        self.check("a\n~ b\n~ c\nd\n", "a\nc\nx\nb\nd\n", True)
        self.check("a\n~ b\n~ c\nd\n", "a\nc\nx\nd\n", False)
        self.check("~ <addr:a> b\n~ c <addr:a>\n", "c 0x1\n0x1 b\n", True)
        self.check("~ <addr:a> b\n~ c <addr:a>\n", "c 0x2\n0x1 b\n", False)
        self.check("~ b\n(gdb) c\n...\n", "(gdb) c\nb\n", False)
        self.check("(gdb) a\n~ b\n(gdb) c\n", "(gdb) a\nb\n(gdb) c\n", True)

    def test_placeholders(self):
        self.check("<x <addr>>\n", "<x 0x7f>\n", True)
        self.check("<x <addr>>\n", "<x 7f>\n", False)
        self.check("<addr:a> <addr:a>\n", "0x1 0x1\n", True)
        self.check("<addr:a> <addr:a>\n", "0x1 0x2\n", False)
        self.check("<n> of <n>\n", "1,234 of -5\n", True)
        self.check("<n>\n", "x\n", False)

    def test_what_an_update_writes_holds(self):
        shown = "a 0x7ffff00\nb 0x7ffff00 0x7ffff01\n"
        self.assertEqual(named_addresses(shown),
                         "a <addr:a>\nb <addr:a> <addr:b>\n")
        self.check(named_addresses(shown), shown, True)


class Document(unittest.TestCase):
    """gdb/STORY.md has the whole story as its test has seen it."""
    PATH = os.path.join(paths.ROOT, "gdb", "STORY.md")
    OUT = os.path.join(HERE, "story", "whole-2.7.out")

    @staticmethod
    def readable(expected):
        """With values in place of what differs from run to run."""
        def value(found):
            kind, name = found[1], found[2] or "a"
            if kind == "addr":
                return hex(0x7f25dd326780 + 0x40 * (ord(name) - ord("a")))
            return {"pid": "4711", "n": "3"}.get(kind, "...")

        return TOKEN.sub(value, expected).replace("<tmp>", "/tmp")

    def test_story_is_in_the_document(self):
        with open(self.OUT, encoding="utf-8") as file:
            story = self.readable(file.read())
        with open(self.PATH, encoding="utf-8") as file:
            text = file.read()
        before, shown, after = re.split(r"(?s)(?<=```\n)(.*)(?=\n```\n)",
                                        text)
        if UPDATE and shown != story.rstrip("\n"):
            with open(self.PATH, "w", encoding="utf-8") as file:
                file.write(before + story.rstrip("\n") + after)
            return
        self.assertEqual(shown, story.rstrip("\n"))


def _add(case, way):
    def test(self):
        self.check(case, way)

    name = f"test_{case.family}_{case.name}_{way}"
    setattr(Transcripts, re.sub(r"\W", "_", name), test)


for _case in cases():
    for _way in _case.ways:
        _add(_case, _way)

if __name__ == "__main__":
    unittest.main()
