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


def breaking(words):
    """Commands that drop a reference of the one cycle: of the holder, or of the
    label, that begins with these words."""
    return ["python import json; cuts = json.loads(gdb.execute('refs cycles "
            "-json', to_string=True))['cycles'][0]['cuts']",
            "python edge = [c['label'].startswith(%r) or ('<%%s 0x' %% "
            "c['object']['type']).startswith(%r) for c in cuts].index(True)" % (
                words, words),
            "python gdb.execute('refs cycles -break 1 %d' % (edge + 1))"]


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

    def broken(self, kind, commands):
        """What GDB says, and what the program says then."""
        with tempfile.TemporaryDirectory() as folder, targets.Target(
                targets.python(self.interpreter.path, NOT_DROPPED, kind),
                folder) as target:
            target.wait_ready()
            shown = targets.bare_gdb(
                [*targets.NO_DEBUG_FILES, "-p", str(target.pid)],
                ["source " + GDB, *commands])
            self.assertEqual(target.finish(), 0, shown)
        return shown, dict(line.split() for line in target.printed
                           if line.count(" ") == 1)

    def refuses(self, kind, holder, pattern):
        shown, printed = self.broken(kind, breaking(holder))
        self.assertRegex(shown, pattern)
        self.assertNotIn("freed:", shown)
        self.assertEqual((printed["THERE"], printed["LOST"]), ("1", "0"))
        self.assertEqual(printed["CALLED"], "0")

    def needs_a_lock(self):
        if self.interpreter.flavour.startswith("t"):
            not_applicable("a free-threaded build is not called")

    def test_what_would_not_be_dropped(self):
        self.needs_a_lock()
        moved = (r"code of the program: \w+\.__hash__\(\)(.|\n)*would not be "
                 "found, as its hash has changed; nothing was dropped")
        self.refuses("equal", "<set 0x", moved)
        self.refuses("dict", "[", moved)
        self.refuses("slot", "<Hides", "dropped safely: its class has another "
                     "slot of that name")

    def test_the_call_does_not_drop_it(self):
        self.needs_a_lock()
        self.refuses("method", "<Keeps", r"code of the program: Keeps\."
                     r"__delitem__\(\)(.|\n)*returned, but did not drop it; "
                     r"gc\.collect\(\) was not called")

    def test_a_property_of_that_name(self):
        """A dict that has it is changed; else it is refused."""
        self.needs_a_lock()
        shown, printed = self.broken("property", breaking("<Property"))
        self.assertEqual(printed["CALLED"], "0", shown)
        if printed["THERE"] == "1":
            self.assertIn("its class has a property of that name", shown)
        else:
            self.assertRegex(shown, r"freed: (\d) of \1 objects")

    def test_an_import_hook_of_the_program(self):
        self.needs_a_lock()
        shown, printed = self.broken("hook", ["refs collect -now"])
        self.assertIn("as predicted", shown)
        self.assertEqual((printed["THERE"], printed["CALLED"]), ("0", "0"))

    def test_each_that_is_proposed_can_be_dropped(self):
        with targets.started(self.interpreter, "not_dropped.py",
                             "fixed") as target:
            target.wait_ready()
            core = target.gcore()
            with engine.Session(core, run=True) as session:
                cycles = session.cycles()["cycles"]
                labels = [(c["object"]["type"], c["label"])
                          for cycle in cycles for c in cycle["cuts"]]
                for number, cycle in enumerate(cycles, 1):
                    for edge, cut in enumerate(cycle["cuts"], 1):
                        # What is suspended can drop its own variables.
                        if not cut["label"].startswith("local "):
                            self.assertEqual(session.rehearse_cut(
                                number, edge)["left"], [], labels)
            for fixed in (("module", ".__dict__"), ("traceback", ".tb_frame"),
                          ("functools.partial", ".args"),
                          ("method", ".__self__")):
                self.assertNotIn(fixed, labels)
            self.assertTrue(cycles)

    def test_each(self):
        self.needs_a_lock()
        broken = [self.check(seed) for seed in range(31, 31 + PROCESSES)]
        self.assertGreater(sum(broken), len(broken) // 2)


cases.make(globals(), Breaks, interpreters.find())


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
