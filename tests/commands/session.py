# SPDX-License-Identifier: MIT
"""GDB, run in batch or on a terminal of its own."""
import os
import pty
import re
import select
import subprocess
import sys
import time

import paths
from paths import SOURCED

sys.path.insert(0, os.path.join(paths.ROOT, "tests", "support"))

import targets  # noqa: E402

# The stand-in, for all that is not about answers of the engine.
DOUBLE = os.environ["REFSCOPE_DOUBLE"]
GDB = os.environ.get("GDB", "gdb")
PROMPT = "(gdb) "
# Seconds, of which a few are enough on a machine that does nothing else.
TIMEOUT = 300
PATIENCE = 120


def environment(engine, **more):
    """Ours less what would change another process or GDB's words."""
    env = {k: v for k, v in os.environ.items()
           if k not in ("LD_PRELOAD", "PYTHONHOME", "PYTHONPATH",
                        "DEBUGINFOD_URLS", "PYTHONIOENCODING")}
    env.update(LC_ALL="C.UTF-8", PYTHONDONTWRITEBYTECODE="1", TERM="dumb")
    env.update(REFSCOPE_ENGINE=engine, **more)
    return env


def batch(commands, engine=DOUBLE, arguments=(), sourced=SOURCED, **more):
    """What each command printed, errors included, as a list of texts.

    Each is given to GDB by itself: one that fails does not end the others."""
    words = [GDB, "-nx", "-batch", *targets.NO_DEBUG_FILES,
             "-ex", "source " + sourced]
    for command in commands:
        words += ["-ex", "echo \\001", "-ex", command]
    words += ["-ex", "echo \\001", *arguments]
    done = targets.run(
        words, TIMEOUT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, env=environment(engine, **more))
    parts = done.stdout.decode("utf-8", "replace").split("\x01")
    if done.returncode < 0 or len(parts) != len(commands) + 2:
        raise AssertionError(f"gdb ended early ({done.returncode}):\n"
                             + "\n".join(parts))
    return [parts[0]] + parts[1:-1]


def answers(commands, **how):
    """batch() without what came before the first command, which must be
    nothing: sourcing the commands says nothing."""
    first, *rest = batch(commands, **how)
    if first.strip():
        raise AssertionError("before the first command:\n" + first)
    return rest


class Server:
    """gdbserver, attached to a process."""

    def __init__(self, pid):
        self.process = subprocess.Popen(
            ["gdbserver", "--once", "--attach", "127.0.0.1:0", str(pid)],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, encoding="utf-8")
        # A number, not a name: a bare machine's /etc/hosts has none.
        said = []
        with targets.Limit(self.process, PATIENCE, "gdbserver did not listen"):
            for line in self.process.stdout:
                said.append(line)
                found = re.match(r"Listening on port (\d+)", line)
                if found:
                    self.port = int(found[1])
                    return
        raise AssertionError("gdbserver does not listen: " + "".join(said))

    def close(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


class Terminal:
    """GDB on a terminal, for what only a person meets."""

    def __init__(self, arguments, engine=DOUBLE, rows=50, columns=100):
        env = environment(engine, LINES=str(rows), COLUMNS=str(columns))
        self.master, slave = pty.openpty()
        self.process = subprocess.Popen(
            ["setsid", "--ctty", GDB, "-nx", "-q", "-ex",
             "source " + SOURCED, *arguments],
            stdin=slave, stdout=slave, stderr=slave, env=env)
        os.close(slave)
        self.text = ""
        self.seen = 0

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        self.process.kill()
        self.process.wait()
        os.close(self.master)

    def send(self, text):
        os.write(self.master, text.encode())

    def expect(self, pattern, seconds=PATIENCE):
        """What came until the pattern did, and it."""
        end = time.monotonic() + seconds
        while True:
            found = re.compile(pattern, re.S).search(self.text, self.seen)
            if found:
                got = self.text[self.seen:found.end()]
                self.seen = found.end()
                return got
            ready, _, _ = select.select(
                [self.master], [], [], max(0, end - time.monotonic()))
            try:
                data = os.read(self.master, 65536) if ready else b""
            except OSError:
                data = b""
            if not data:
                raise AssertionError(
                    f"no {pattern!r} in {self.text[self.seen:]!r}")
            self.text += data.decode("utf-8", "replace")

    def prompt(self):
        return self.expect(re.escape(PROMPT))

    def ask(self, command):
        """What a command prints, without its echo."""
        self.send(command + "\n")
        got = self.prompt()
        # What a slow machine shows of the progress is wiped out again.
        got = re.sub("\r\x1b\\[K[^\r\n]*(?=\r\x1b\\[K)|\r\x1b\\[K", "", got)
        return got[:-len(PROMPT)].split("\n", 1)[-1].replace("\r\n", "\n")
