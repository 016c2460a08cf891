# SPDX-License-Identifier: MIT
"""CPython's own tests of its collector: prediction and outcome agree.

Before each collection of test.test_gc the process is stopped and asked, and so
is a core of a copy of it (of the oldest and the newest); then it collects. An
interpreter without its tests (on Debian, the package libpython3-testsuite has
them) is named as skipped.
"""
import os
import tempfile
import unittest

import cases
import engine
import interpreters
from targets import FIXTURES, Target, python, wait_for_state

# One of each kind of collector, for the time it takes; all that are asked for
# by name.
VERSIONS = ("2.7", "3.7", "3.11", "3.13")
LEAST_STOPS = 40
# Their collector looks at a part of the old objects that it alone knows.
INCREMENTAL = ["3.14.%d" % micro for micro in range(5)]

# A finalizer, a piece of Python, brings its object back: the collector, when
# it is done, does not count that. Nobody can know before.
BRINGS_BACK = ("test_resurrection", "test_38379")
# A callback empties gc.garbage after the collection.
EMPTIES = ("test_collect_garbage",)
# Being stopped allocates, which these count.
DISTURBED = {"test_collect_generations", "test_get_count"}


class OwnCycles:
    """Mixed into a TestCase for each interpreter."""
    interpreter = None

    def answers(self, target, generation):
        target.stop()
        try:
            yield self.ask(target.pid, generation)
        finally:
            target.resume()
        core = target.kernel_core()
        if core:
            yield self.ask(core, generation)
            os.remove(core)

    def ask(self, source, generation):
        with engine.Session(source) as session:
            if generation == 1 and self.interpreter.version in INCREMENTAL:
                with self.assertRaisesRegex(engine.EngineError,
                                            "in increments"):
                    session.collect(1)
                return None
            return session.collect(generation if generation < 2 else -1,
                                   limit=0)

    def compare(self, test, generation, answer, came):
        if answer is None:
            return
        returned, garbage, uncollectable = came
        told = "%s, generation %d: told %s, came %s" % (
            test, generation, answer, came)
        if test.startswith(BRINGS_BACK):
            self.assertGreaterEqual(answer["unreachable"], returned, told)
        else:
            self.assertEqual(answer["unreachable"], returned, told)
        if not test.startswith(EMPTIES):
            self.assertEqual(answer["garbage"], garbage, told)
        if uncollectable >= 0:
            self.assertEqual(answer["uncollectable"], uncollectable, told)

    def run_through(self, target):
        stops, found, generations = 0, 0, set()
        for line in target.process.stdout:
            words = line.decode().split()
            if words[:1] == ["ABSENT"]:
                self.skipTest("%s has no test.test_gc" % self.interpreter.path)
            elif words[:1] == ["COLLECT"]:
                generation, test = int(words[2]), words[3]
                wait_for_state(target.pid, "S")
                answers = list(self.answers(target, generation))
                target.go_on()
            elif words[:1] == ["CAME"]:
                came = [int(w) for w in words[2:]]
                for answer in answers:
                    self.compare(test, generation, answer, came)
                stops += 1
                found += came[0]
                generations.add(generation)
            elif words[:1] == ["END"]:
                self.assertLessEqual(set(words[2:]), DISTURBED)
                return stops, found, generations
        self.fail("it ended early")

    def test_each_collection_is_foretold(self):
        words = [os.path.join(FIXTURES, "own_cycles.py")]
        if self.interpreter in interpreters.ends(CHOSEN):
            words.append("cores")
        with tempfile.TemporaryDirectory() as folder, \
                Target(python(self.interpreter.path, *words),
                       folder) as target:
            stops, found, generations = self.run_through(target)
        self.assertGreater(stops, LEAST_STOPS)
        self.assertGreater(found, LEAST_STOPS)
        # The tests of 3.14 do without a collection of the middle one.
        self.assertEqual(generations | (
            {1} if self.interpreter.release == [3, 14] else set()),
            {0, 1, 2})


FOUND = [one for one in interpreters.find() if one.flavour in ("", "t")]
CHOSEN = FOUND if os.environ.get("REFSCOPE_TRUTH_ONLY") else [
    one for one in FOUND
    if ".".join(one.version.split(".")[:2]) in VERSIONS]
cases.make(globals(), OwnCycles, CHOSEN)


if __name__ == "__main__":
    unittest.main()
