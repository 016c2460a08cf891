# SPDX-License-Identifier: MIT
"""A live CPython is acted on at any stop, and is none the worse for it.

Usage: acts.py STOPS

In each state of acted.py, and for each interpreter, GDB attaches, and at STOPS
moments one acting command is given; then it detaches. The program is looked at
from outside (threads, signals, descriptors, mappings, children), goes on, and
at its end has the output that it would have had. $REFSCOPE_TRUTH_ONLY chooses
interpreters.
"""
import collections
import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "..", "support"))

import cases  # noqa: E402
import interpreters  # noqa: E402
import moments  # noqa: E402
import schemas  # noqa: E402
import targets  # noqa: E402

STOPS = int(sys.argv[1]) if len(sys.argv) > 1 else 3
SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "acted.py")
GDB = os.environ["REFSCOPE_GDB"]
STATES = ("busy", "threads", "joined", "read", "sleep", "select", "futex",
          "epoll", "wait")
AT_WORK = ("busy", "threads", "joined")  # never at rest
COMMANDS = ("refs collect -now -json", "refs gc threshold 650 9 -json",
            "refs collect -now -generation 1 -json",
            "refs garbage -clear -json", "refs cycles -break 1 -json")
TOLD = collections.Counter()
SCHEMA = {"collect": "collect_now", "gc": "gc_now", "garbage": "garbage_now",
          "cycles": "cycles_now"}


class Acts:
    """Mixed into a TestCase for each interpreter."""
    interpreter = None

    def act(self, pid, folder, seed):
        commands = [COMMANDS[n % len(COMMANDS)] for n in range(STOPS)]
        return moments.stops(pid, folder, commands, random.Random(seed), GDB)

    def check(self, state):
        seed = "%s %s" % (state, self.interpreter.name)
        with tempfile.TemporaryDirectory() as folder:
            stop = os.path.join(folder, "stop")
            with targets.Target(
                    targets.python(self.interpreter.path, SCRIPT, state, stop),
                    folder) as target:
                target.wait_ready(asleep=False)
                if state not in AT_WORK:
                    target.rest()
                before = moments.outside(target.pid)
                shown = self.act(target.pid, folder, seed)
                if state not in AT_WORK:
                    target.rest()
                after = moments.outside(target.pid)
                with open(stop, "w", encoding="ascii"):
                    pass
                status = target.finish(b"go\n")
                told = moments.given(shown)
                self.assertEqual(len(told), STOPS, shown[-3000:])
                if state in ("threads", "joined"):
                    for key in ("threads", "blocked", "pending", "tracer"):
                        before[key] = after[key] = None
                self.assertEqual(before, after, shown[-3000:])
                self.assertEqual(target.printed[1:], ["HEAP OK"], shown[-3000:])
                self.assertEqual(status, 0, shown[-3000:])
                self.judge(state, told)

    def judge(self, state, told):
        for how, line in told:
            way = re.sub(r"\d+", "N", line)[:120]
            if how == "DONE":
                answer = json.loads(line)
                way = answer["way"]
                schemas.check(SCHEMA[answer.get("verb", "collect")], answer)
                if not answer["ran_ms"] and "predicted" in answer:
                    self.assertEqual(answer["differs"], [], line)
            TOLD[self.interpreter.name, state, how, way] += 1


COMMAND_OF = {
    "collect": "refs collect -now", "gc": "refs gc disable",
    "garbage": "refs garbage -clear", "cycles": "refs cycles -break 1"}
OF_CORES = {
    "collect": "a core cannot be called; see refs collect -rehearse",
    "gc": "a core cannot be changed; refs gc alone shows its switches",
    "garbage": "a core cannot be changed; refs garbage alone lists what is in "
               "gc.garbage",
    "cycles": "a core cannot be changed; refs cycles -try shows on it what "
              "that would free"}


def reader(folder, state="read"):
    """The newest interpreter, in a state."""
    return targets.Target(
        targets.python(interpreters.find()[-1].path, SCRIPT, state,
                       os.path.join(folder, "stop")), folder)


class Refused(unittest.TestCase):
    """What is never called, and left alone."""

    def check_shown(self, target, words, shown):
        for command in COMMAND_OF:
            text = words if isinstance(words, str) else words[command]
            self.assertIn("refs %s: %s" % (command, text), shown)
        self.assertEqual(target.finish(b"go\n"), 0)
        self.assertEqual(target.printed[1:], ["HEAP OK"])

    def check(self, words, options=(), core=False, first=()):
        with tempfile.TemporaryDirectory() as folder, \
                reader(folder) as target:
            target.wait_ready()
            of = ["-c", target.gcore()] if core else ["-p", str(target.pid)]
            shown = targets.bare_gdb([*options, *of], [
                "source " + GDB, *first, *COMMAND_OF.values()])
            self.check_shown(target, words, shown)

    def test_a_core(self):
        self.check(OF_CORES, core=True)

    def test_non_stop_mode(self):
        self.check("not in non-stop mode", ["-iex", "set non-stop on"])

    def test_breakpoints_that_are_always_inserted(self):
        self.check("not with \"set breakpoint always-inserted on\"",
                   first=["set breakpoint always-inserted on"])

    def test_while_gdb_records(self):
        self.check("not while GDB records the process",
                   first=["record full"])

    def test_several_processes(self):
        with tempfile.TemporaryDirectory() as folder, \
                reader(folder) as other:
            other.wait_ready()
            self.check("not while GDB debugs several processes", first=[
                "add-inferior", "inferior 2", "attach %d" % other.pid,
                "inferior 1"])
            self.assertEqual(other.finish(b"go\n"), 0)
            self.assertEqual(other.printed[1:], ["HEAP OK"])

    def test_a_remote_connection(self):
        with tempfile.TemporaryDirectory() as folder, \
                reader(folder) as target:
            target.wait_ready()
            with moments.Server(target.pid) as server:
                shown = targets.bare_gdb(
                    ["-ex", "target remote " + server.address], [
                        "source " + GDB, *COMMAND_OF.values(), "detach"])
            self.check_shown(target, "only a process on this machine can be "
                             "called, not one behind a remote connection",
                             shown)


class Ended(unittest.TestCase):
    """GDB is interrupted, or killed, while it acts."""

    def check(self, number, state, seed):
        """Send GDB a signal at a random moment; what it printed."""
        pause = random.Random(seed)
        with tempfile.TemporaryDirectory() as folder, \
                reader(folder, state) as target:
            target.wait_ready(asleep=False)
            commands = ["python print('BEGUN', flush=True)"]
            commands += list(COMMAND_OF.values()) * 10
            words = ["gdb", "-nx", "-batch", "-p", str(target.pid),
                     "-ex", "source " + GDB]
            for command in commands:
                words += ["-ex", command]
            gdb = subprocess.Popen(
                words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT, universal_newlines=True,
                env=targets.quiet_environment(), start_new_session=True)
            with targets.Limit(gdb, 120, "gdb did not end"):
                shown = ""
                while "BEGUN" not in shown:
                    line = gdb.stdout.readline()
                    self.assertTrue(line, shown)
                    shown += line
                time.sleep(pause.random() * 1.5)
                if gdb.poll() is None:
                    gdb.send_signal(number)
                shown += gdb.stdout.read()
                gdb.wait()
            gdb.stdout.close()
            with open(os.path.join(folder, "stop"), "w", encoding="ascii"):
                pass
            self.assertEqual(target.finish(b"go\n"), 0, shown[-3000:])
            self.assertEqual(target.printed[1:], ["HEAP OK"], shown[-3000:])

    def test_killed(self):
        for seed in range(max(2, STOPS // 2)):
            self.check(signal.SIGKILL, ("read", "threads")[seed % 2], seed)

    def test_interrupted(self):
        for seed in range(max(2, STOPS // 2)):
            self.check(signal.SIGINT, ("busy", "read")[seed % 2], seed)


for name in STATES:
    def test(self, state=name):
        self.check(state)
    setattr(Acts, "test_" + name, test)


def tearDownModule():
    for (name, state, how, way), number in sorted(TOLD.items()):
        print("%-14s %-8s %4d %s %s" % (name, state, number, how, way))


cases.make(globals(), Acts, interpreters.find())


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
