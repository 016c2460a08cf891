# SPDX-License-Identifier: MIT
"""A live C program that links librefscope is acted on, and asked, at any stop.

Usage: native.py PROGRAM STOPS

PROGRAM is built from acted.c. In each of its states GDB attaches, and at STOPS
moments one command is given that calls the library in it; then it detaches. The
program is looked at from outside, goes on, and checks its own heap at its end.
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

import moments  # noqa: E402
import schemas  # noqa: E402
import targets  # noqa: E402

PROGRAM = sys.argv[1]
STOPS = int(sys.argv[2]) if len(sys.argv) > 2 else 6
GDB = os.environ["REFSCOPE_GDB"]
AT_WORK = ("busy", "threads", "joined", "quiet")
AT_REST = ("read", "sleep", "select", "futex", "epoll", "wait")
COMMANDS = ("refs collect -now -timeout 1 -json", "refs collect -judge -json",
            "refs reachable -now -json %(kept)s",
            "refs referrers -now -json %(kept)s")
TOLD = collections.Counter()
# A word of librefscope's is set, and put back at the end of the command.
LOCKED = "python exec(%r)" % """
import gdb
from contextlib import contextmanager
process = gdb.selected_inferior()
def word(at, value, size=4):
    process.write_memory(at, value.to_bytes(size, "little"))
def number(at, size=8):
    return int.from_bytes(process.read_memory(at, size), "little")
registry = int(gdb.parse_and_eval("(long)&rs_registry"))
def region(object):
    # struct rs_registry.leaf, struct rs_leaf.region, struct rs_region.lock
    return number(registry + 48) + 16 + (object >> 16 & 0xffff) * 16 + 12
LOCK = registry + 68  # struct rs_registry.lock
def locked(at, *commands):
    word(at, 1)
    for command in commands:
        try:
            print("DONE " + gdb.execute(command, to_string=True).strip())
        except gdb.error as error:
            print("REFUSED " + str(error))
    word(at, 0)
"""

# One of a ring, which only a traverse callback visits.
HIDES = ("python cycle = [o for o in __import__('json').loads(gdb.execute("
         "'refs objects -json -type hides', to_string=True))['objects']]"
         "[-1]['id']")


def started(folder, state):
    return targets.Target(
        [PROGRAM, state, os.path.join(folder, "stop")], folder)


def let_end(folder):
    with open(os.path.join(folder, "stop"), "w", encoding="ascii"):
        pass


class Native(unittest.TestCase):
    """Each state, at random moments."""

    def check(self, state):
        rng = random.Random(state)
        with tempfile.TemporaryDirectory() as folder, \
                started(folder, state) as target:
            kept, = target.wait_ready(asleep=False)
            if state in AT_REST:
                target.rest()
            before = moments.outside(target.pid)
            commands = [COMMANDS[n % len(COMMANDS)] % {"kept": kept}
                        for n in range(STOPS)]
            shown = moments.stops(target.pid, folder, commands, rng, GDB,
                                  targets.NO_DEBUG_FILES)
            if state in AT_REST:
                target.rest()
            after = moments.outside(target.pid)
            let_end(folder)
            status = target.finish(b"go\n")
        told = moments.given(shown)
        self.assertEqual(len(told), STOPS, shown[-3000:])
        if state in AT_WORK:
            for key in ("threads", "blocked", "pending", "tracer"):
                before[key] = after[key] = None
        self.assertEqual(before, after, shown[-3000:])
        self.assertEqual(target.printed[1:], ["HEAP OK"], shown[-3000:])
        self.assertEqual(status, 0, shown[-3000:])
        self.judge(state, told)

    def judge(self, state, told):
        for how, line in told:
            way = re.sub(r"0x[0-9a-f]+|\d+", "N", line)[:100]
            if how == "DONE":
                answer = json.loads(line)
                way = self.check_answer(state, answer)
            TOLD[state, how, way] += 1
        if state in AT_REST:
            self.assertEqual({how for how, _line in told}, {"DONE"}, told)

    def check_answer(self, state, answer):
        if "returned" in answer:
            schemas.check("collect_now", answer)
            if state in AT_REST:
                self.assertEqual(answer["way"], "blocked")
            return answer["way"] + " collect"
        name = ("collect_judged" if "own" in answer else
                "referrers" if "referrers" in answer else "reachable")
        schemas.check(name, answer)
        now = answer.get("now", answer)
        # With traverse callbacks it may find more.
        if name == "collect_judged" or not now["callbacks"]:
            self.assertEqual((now["only_own"], now["only_read"]), (0, 0))
        self.assertEqual(now["only_read"], 0)
        self.assertFalse(now["unreadable"])
        return now["way"] + " " + name


def each_state():
    def test_of(state):
        return lambda self: self.check(state)

    for state in AT_WORK + AT_REST:
        setattr(Native, "test_" + state, test_of(state))


class Chosen(unittest.TestCase):
    """One situation each."""

    def given(self, state, first, commands, last=(), **more):
        """What the commands print in that state; it ends well."""
        options = more.pop("options", ())
        with tempfile.TemporaryDirectory() as folder, \
                started(folder, state) as target:
            kept, = target.wait_ready(asleep=False)
            if state in AT_REST + ("locked", "inside", "holding"):
                target.rest()
            if more.pop("ends", False):
                first = ["shell touch %s/stop" % folder, *first]
            words = [*first, *(w % {"kept": kept} for w in commands), *last]
            of = more.pop("of", None)
            if of:
                shown = of(target, options, words)
            else:
                shown = targets.bare_gdb(
                    [*targets.NO_DEBUG_FILES, *options, "-p",
                     str(target.pid)],
                    ["source " + GDB, *words])
            let_end(folder)
            self.assertEqual(target.finish(b"go\n"), 0, shown)
            self.assertEqual(target.printed[1:], ["HEAP OK"], shown)
        return shown

    def test_what_each_finds(self):
        shown = self.given("read", (), (
            "refs collect -judge", "refs collect -now -limit 1",
            "refs reachable -now %(kept)s", "refs referrers -now %(kept)s"))
        for text in (
                # Of the 20 rings 4 are held by a traverse callback alone.
                "says: unreachable object num:32\nby reading: the same\n",
                "unreachable object num:40\ngarbage object num:0\n"
                "predicted: it finds 32\nreading cannot call the traverse "
                "callbacks of 454 objects; it called them\n",
                "rs_walk() says: 2 objects\nby reading: the same\n",
                "rs_referrers() says: 0 references\nby reading: the same\n"):
            self.assertIn(text, shown)

    def test_a_difference_is_one_line(self):
        shown = self.given("read", (HIDES,), (
            "python gdb.execute('refs reachable -now ' + cycle)",
            "python gdb.execute('refs referrers -now ' + cycle)"))
        self.assertRegex(shown, r"rs_walk\(\) says: 2 objects\nby reading: 1, "
                         r"1 only it names \(<final 0x[0-9a-f]+>\); reading "
                         r"cannot call the traverse callbacks of 454 objects\n")
        self.assertRegex(shown, r"rs_referrers\(\) says: 1 reference\n"
                         "by reading: the same\n")

    def test_in_malloc(self):
        shown = self.given("alone", ("tbreak malloc", "continue"), (
            "refs collect -judge", "refs referrers -now %(kept)s",
            "refs collect -now -timeout 1"))
        self.assertIn("rs_find_garbage() says", shown)
        self.assertRegex(shown, "refs collect: nothing was called: thread "
                         r"\d+.*, and the program does not collect by itself")

    def test_a_lock_of_the_library(self):
        commands = ("'refs collect -judge', 'refs reachable -now %(kept)s', "
                    "'refs referrers -now %(kept)s', "
                    "'refs collect -now -timeout 1'")
        shown = self.given("read", (LOCKED,), (
            "python locked(LOCK, 'refs collect -judge')",
            "python locked(region(%%(kept)s), %s)" % commands))
        told = moments.given(shown)
        self.assertEqual(len(told), 5, shown)
        for how, line in told:
            self.assertEqual(how, "REFUSED")
            self.assertIn("nothing was called: a thread holds a lock of "
                          "librefscope", line)

    def test_a_lock_of_the_program(self):
        shown = self.given("locked", (), (
            "refs collect -now -timeout 1", "refs collect -judge"))
        self.assertRegex(shown, r"refs collect: nothing was called: thread \d+ "
                         r"waits for (a lock, in \w+\(\)|what may be a lock)")
        self.assertIn("rs_find_garbage() says", shown)

    def test_a_lock_that_the_program_holds(self):
        shown = self.given("holding", (), ("refs collect -now -timeout 1",))
        self.assertRegex(shown, r"nothing was called: thread \d+ holds a mutex")

    def test_inside_the_library(self):
        shown = self.given("inside", (), (
            "refs collect -now -timeout 1", "refs collect -judge"))
        self.assertRegex(shown, r"thread \d+ is in rs_each\(\)")
        self.assertIn("rs_find_garbage() says", shown)

    def test_a_wish_that_is_not_met_is_taken_back(self):
        shown = self.given("spins", (LOCKED,), (
            "refs collect -now -timeout 1",
            "python print('ENABLED %%d' %% number(registry + 112, 4))"))
        self.assertIn("nothing was called: no object was tracked within 1 s; "
                      "the wish to collect is taken back", shown)
        self.assertIn("ENABLED 1\n", shown)

    def test_a_callback_that_does_not_come_back(self):
        hang = "set var *(int *)&hangs = %d"
        walk = "python gdb.execute('refs reachable -now -timeout 1 ' + cycle)"
        shown = self.given("read", (HIDES, hang % 1), (
            walk, "refs collect -judge"), (hang % 0,))
        self.assertIn("rs_walk() did not end within 1 s; it ends by itself "
                      "when the process runs on", shown)

    def test_a_process_that_is_ending(self):
        shown = self.given(
            "sleep", ("tbreak exit", "continue"),
            ("refs collect -now", "refs collect -judge"), ends=True)
        self.assertEqual(shown.count("nothing was called: the process is "
                                     "ending: thread"), 2, shown)

    REFUSED = ("refs collect -now", "refs collect -judge",
               "refs reachable -now %(kept)s", "refs referrers -now %(kept)s")

    def refused(self, text, **more):
        shown = self.given("read", more.pop("first", ()), self.REFUSED, **more)
        self.assertEqual(len(re.findall(
            r"(?m)^refs \w+: " + re.escape(text), shown)), 4, shown)

    def test_never_called(self):
        self.refused("not in non-stop mode",
                     options=["-iex", "set non-stop on"])
        self.refused("only a process on this machine can be called, not one "
                     "behind a remote connection", of=remote)
        self.refused("a core cannot be called", of=core)


def core(target, options, words):
    return targets.bare_gdb([*options, "-c", target.gcore()],
                            ["source " + GDB, *words])


def remote(target, options, words):
    with moments.Server(target.pid) as server:
        return targets.bare_gdb(
            [*options, "-ex", "target remote " + server.address],
            ["source " + GDB, *words, "detach"])


each_state()


def tearDownModule():
    for key, number in sorted(TOLD.items()):
        print("%5d  %s" % (number, "  ".join(key)))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
