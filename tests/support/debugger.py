# SPDX-License-Identifier: MIT
"""The commands, typed into a GDB in batch mode as a user types them.

Needs REFSCOPE_GDB, the refscope-gdb.py that a user sources.
"""
import json
import os
import subprocess

import schemas
import targets
from targets import GDB_SECONDS, NO_DEBUG_FILES, quiet_environment

PROMPT = "echo \\n-- %d --\\n"


class Typed:
    """What GDB printed, for each command."""

    def __init__(self, commands, text, status):
        self.commands = commands
        self.text = text
        self.status = status
        self.parts = []
        for number in range(len(commands)):
            start = text.find("\n-- %d --\n" % number)
            end = text.find("\n-- %d --\n" % (number + 1))
            if start < 0 or end < 0:
                raise AssertionError("GDB ended early:\n" + text)
            self.parts.append(text[start:end].split("\n", 2)[2])

    def lines(self, number=0):
        return self.parts[number].splitlines()

    def json(self, number=0):
        lines = [line for line in self.lines(number) if line.startswith("{")]
        if len(lines) != 1:
            raise AssertionError("not one line of JSON:\n" +
                                 self.parts[number])
        answer = json.loads(lines[0])
        name = schemas.name_of(self.commands[number])
        if name:
            schemas.check(name, answer)
        return answer


def run(target, commands, executable=None, environment=None,
        debug_files=False):
    """target: a pid, a core's path, or None; debug_files: with what packages
    of debug information have."""
    words = ["gdb", "-nx", "-batch", "-iex", "set debuginfod enabled off",
             "-iex", "set auto-load off"]
    if not debug_files:
        words += NO_DEBUG_FILES
    if isinstance(target, int):
        words += ["-p", str(target)]
    elif target:
        words += [executable] if executable else []
        words += ["-core", target]
    words += ["-ex", "source " + os.environ["REFSCOPE_GDB"]]
    for number, command in enumerate(commands):
        words += ["-ex", PROMPT % number, "-ex", command]
    words += ["-ex", PROMPT % len(commands)]
    env = dict(quiet_environment(), **(environment or {}))
    if os.environ.get("REFSCOPE_PRELOAD"):
        # Not before GDB itself, which then hangs in setlocale() at its start
        # (gdb 13.1, gcc 12): the engine brings libasan when it is loaded.
        env["ASAN_OPTIONS"] = "detect_leaks=0:verify_asan_link_order=0"
    done = targets.run(words, GDB_SECONDS, stdin=subprocess.DEVNULL,
                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                       encoding="utf-8", errors="replace", env=env)
    return Typed(commands, done.stdout, done.returncode)
