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
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "..", "support"))

import cases  # noqa: E402
import interpreters  # noqa: E402
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
# A command, or its refusal in one line; then the program runs for a little.
GIVE = """python
import gdb, time
from refscope import acting
def give(command, seconds):
    try:
        print("DONE " + gdb.execute(command, to_string=True).strip())
    except gdb.error as error:
        print("REFUSED " + str(error))
    with acting._Winch():
        acting._run(acting._Ran(), time.monotonic() + seconds, lambda: False)
end
"""
TOLD = collections.Counter()
SCHEMA = {"collect": "collect_now", "gc": "gc_now", "garbage": "garbage_now",
          "cycles": "cycles_now"}


def ignored(line):
    """A mapping of executable memory that every process has."""
    return "/" in line or "[v" in line


def outside(pid):
    """What can be seen of a process: is to be the same afterwards."""
    def status(name, every=False):
        return sorted(
            line.split(":")[1].strip() for text in
            targets.fields_of(pid, "status", every)
            for line in text.splitlines() if line.startswith(name + ":"))

    with open("/proc/%d/maps" % pid, encoding="utf-8") as maps:
        code = [line for line in maps
                if line.split()[1][2] == "x" and not ignored(line)]
    children = [p for p, parent in targets.processes("DRSTtZ").items()
                if parent == pid]
    return {
        "descriptors": sorted(os.listdir("/proc/%d/fd" % pid)),
        "threads": len(os.listdir("/proc/%d/task" % pid)),
        "blocked": status("SigBlk", True), "pending": status("SigPnd", True),
        "shared": status("ShdPnd"), "tracer": status("TracerPid", True),
        "children": children, "code": code,
        "stopped": targets.states_of(pid, True) & set("tTZ"),
    }


class Acts:
    """Mixed into a TestCase for each interpreter."""
    interpreter = None

    def act(self, pid, folder, seed):
        pause = random.Random(seed)
        script = os.path.join(folder, "commands")
        with open(script, "w", encoding="utf-8") as file:
            file.write(GIVE)
            for number in range(STOPS):
                command = COMMANDS[number % len(COMMANDS)]
                file.write("python give(%r, %f)\n" % (
                    command, pause.random() / 50))
        return targets.bare_gdb(["-p", str(pid)], [
            "source " + GDB, "source " + script, "detach"])

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
                before = outside(target.pid)
                shown = self.act(target.pid, folder, seed)
                if state not in AT_WORK:
                    target.rest()
                after = outside(target.pid)
                with open(stop, "w", encoding="ascii"):
                    pass
                status = target.finish(b"go\n")
                told = re.findall(r"(?m)^(DONE|REFUSED) (.*)$", shown)
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


class Refused(unittest.TestCase):
    """What is never called, and left alone."""

    def check(self, words, options=(), core=False):
        with tempfile.TemporaryDirectory() as folder, targets.Target(
                targets.python(interpreters.find()[-1].path, SCRIPT, "read",
                               os.path.join(folder, "stop")),
                folder) as target:
            target.wait_ready()
            of = ["-c", target.gcore()] if core else ["-p", str(target.pid)]
            shown = targets.bare_gdb([*options, *of], [
                "source " + GDB, "refs collect -now", "refs gc disable",
                "refs garbage -clear", "refs cycles -break 1"])
            for command in ("collect", "gc", "garbage", "cycles"):
                self.assertIn("refs %s: %s" % (command, words), shown)
            self.assertEqual(target.finish(b"go\n"), 0)
            self.assertEqual(target.printed[1:], ["HEAP OK"])

    def test_a_core(self):
        self.check("a core cannot be called; see refs collect -rehearse",
                   core=True)

    def test_non_stop_mode(self):
        self.check("not in non-stop mode", ["-iex", "set non-stop on"])


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
