# SPDX-License-Identifier: MIT
"""Breaking a cycle of a live CPython frees it, and harms nothing else.

Usage: breaks.py PROCESSES

Of each interpreter so many make random rings that nothing else holds
(fixtures/python/rings.py). A core is taken, on which the reference of a random
cycle is tried; then GDB breaks that cycle of the live process: it has to come to
what the rehearsal said. The program goes on and collects at its end.
$REFSCOPE_TRUTH_ONLY chooses interpreters.
"""
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
import engine  # noqa: E402
import interpreters  # noqa: E402
import schemas  # noqa: E402
import targets  # noqa: E402
from bounded import not_applicable  # noqa: E402

PROCESSES = int(sys.argv[1]) if len(sys.argv) > 1 else 4
RINGS = "9"
NOT_DROPPED = os.path.join(targets.FIXTURES, "not_dropped.py")
SCRIPT = os.path.join(targets.FIXTURES, "rings.py")
GDB = os.environ["REFSCOPE_GDB"]
UNSAFE = ("refs cycles: this reference cannot be dropped safely|"
          r"gc\.collect\(\) was not called, and nothing was changed but by")


class Breaks:
    """Mixed into a TestCase for each interpreter."""
    interpreter = None

    def choose(self, session, rng):
        """The number of a cycle and of one of its references."""
        cycles = session.cycles()["cycles"]
        number = rng.choice([n for n, cycle in enumerate(cycles, 1)
                             if cycle["cuts"]])
        edge = rng.randrange(len(cycles[number - 1]["cuts"])) + 1
        return number, edge

    def rehearsed(self, target, rng):
        """What to break, and what that frees; None: only code of the program
        can drop it."""
        core = target.gcore()
        with engine.Session(core, run=True) as session:
            number, edge = self.choose(session, rng)
            try:
                return number, edge, session.rehearse_cut(number, edge)
            except engine.EngineError as error:
                self.assertRegex(str(error), "only that code can drop it|"
                                 "no way to drop this reference")
                return number, edge, None

    def check(self, seed):
        rng = random.Random(seed)
        with tempfile.TemporaryDirectory() as folder, targets.Target(
                targets.python(self.interpreter.path, SCRIPT, str(seed),
                               RINGS, "final"), folder) as target:
            target.wait_ready()
            number, edge, expected = self.rehearsed(target, rng)
            shown = targets.bare_gdb(["-p", str(target.pid)], [
                "source " + GDB,
                "refs cycles -break %d %d -json" % (number, edge)])
            target.rest()
            self.assertEqual(target.finish(), 0, shown)
        self.assertEqual(len([line for line in target.printed
                              if line.startswith("CAME")]), 1, shown)
        return self.judge(expected, shown)

    def judge(self, expected, shown):
        found = re.findall(r'(?m)^\{"way".*$', shown)
        if expected is None:
            self.assertEqual(found, [], shown)
            self.assertRegex(shown, UNSAFE)
            return 0
        self.assertEqual(len(found), 1, shown)
        answer = json.loads(found[0])
        schemas.check("cycles_now", answer)
        for of in "object", "to":
            answer["dropped"][of] = answer["dropped"][of]["id"]
        want = expected["dropped"]
        self.assertEqual(
            answer["dropped"], dict(
                want, object=want["object"]["id"],
                call=answer["dropped"]["call"]))
        self.assertEqual(answer["freed"], answer["objects"], found[0])
        self.assertEqual(expected["left"], [])
        self.assertEqual(answer["ran_ms"], 0)
        return 1

    def broken(self, kind):
        """What GDB says, and what the program says then. The references of
        its garbage that are not attributes of a Node or a Key."""
        with tempfile.TemporaryDirectory() as folder, targets.Target(
                targets.python(self.interpreter.path, NOT_DROPPED, kind),
                folder) as target:
            target.wait_ready()
            with engine.Session(target.gcore()) as session:
                [cycle] = session.cycles()["cycles"]
            edge = [c["object"]["type"] in ("set", "Hides", "Keeps")
                    for c in cycle["cuts"]].index(True) + 1
            shown = targets.bare_gdb(["-p", str(target.pid)], [
                "source " + GDB, "refs cycles -break 1 %d" % edge])
            self.assertEqual(target.finish(), 0, shown)
        return shown, target.printed

    def test_the_call_does_not_drop_it(self):
        if self.interpreter.flavour.startswith("t"):
            not_applicable("a free-threaded build is not called")
        for kind in "set", "slot", "method":
            shown, printed = self.broken(kind)
            self.assertRegex(shown, r"returned, but did not drop it; "
                             r"gc\.collect\(\) was not called")
            self.assertNotIn("freed:", shown)
            self.assertIn("THERE 1", [line.strip() for line in printed])

    def test_each(self):
        if self.interpreter.flavour.startswith("t"):
            not_applicable("a free-threaded build is not called")
        broken = [self.check(seed) for seed in range(31, 31 + PROCESSES)]
        self.assertGreater(sum(broken), len(broken) // 2)


cases.make(globals(), Breaks, interpreters.find())


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
