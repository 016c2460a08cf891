# SPDX-License-Identifier: MIT
"""A rehearsed collection comes to what the process then does.

Random rings of all kinds (fixtures/python/rings.py): a core is taken, the
process collects and says what that came to, and the collection is rehearsed on
the core. So are the reference that "refs cycles" proposes to drop, each of
them: what it promises to free has to be gone.
"""
import os
import tempfile
import unittest

import cases
import engine
import interpreters
from bounded import not_applicable
from targets import FIXTURES, Target, python

SCRIPT = os.path.join(FIXTURES, "rings.py")
RINGS = 25
# What may come of dropping a reference is up to these.
SPECIAL = ("generator", "final", "returns", "weak")


class Rehearsal:
    """Mixed into a TestCase for each interpreter."""
    interpreter = None

    def core_of(self, folder, *words):
        """A core before the collection, and what it came to."""
        if self.interpreter.flavour.startswith("t"):
            not_applicable("a free-threaded build runs nothing")
        with Target(python(self.interpreter.path, SCRIPT, *words),
                    folder) as target:
            target.wait_ready()
            core = target.gcore()
            target.finish()
        [came] = [line.split()[1:] for line in target.printed
                  if line.startswith("CAME")]
        return core, [int(word) for word in came]

    def rehearse(self, seed, *special):
        with tempfile.TemporaryDirectory() as folder:
            core, came = self.core_of(folder, str(seed), str(RINGS), *special)
            with engine.Session(core, run=True) as session:
                answer = session.rehearse()
                self.assertEqual([answer["returned"], answer["garbage"]],
                                 came, answer["differs"])
                self.assertLess(0, answer["memory"]["needed"])
                return answer, session.collect(limit=0)

    def test_rings_without_code_are_as_predicted(self):
        answer, predicted = self.rehearse(11)
        self.assertEqual(answer["differs"], [])
        self.assertEqual(answer["returned"], predicted["unreachable"])
        self.assertEqual({one["id"] for one in answer["objects"]},
                         {one["id"] for one in predicted["objects"]})
        self.assertEqual({one["fate"] for one in answer["objects"]},
                         {"freed"})

    def test_finalizers_generators_and_callbacks_run(self):
        for seed in (12, 13):
            answer, predicted = self.rehearse(seed, *SPECIAL)
            self.assertEqual(answer["unreachable"], predicted["unreachable"])
            low, high = predicted["returns"]
            self.assertLessEqual(low, answer["returned"])
            self.assertLessEqual(answer["returned"], high)

    def check_cut(self, session, number, edge, cut):
        told = "cycle %d, %s%s" % (number, cut["object"]["type"],
                                   cut["label"])
        try:
            answer = session.rehearse_cut(number, edge)
        except engine.EngineError as error:
            self.assertRegex(str(error), "only that code can drop it", told)
            return 0
        self.assertEqual(answer["dropped"]["label"], cut["label"])
        self.assertEqual(answer["dropped"]["to"], cut["to"])
        self.assertGreater(answer["watched"], 0, told)
        self.assertEqual(answer["freed"], answer["watched"], (told, answer))
        return 1

    def test_what_is_proposed_frees_what_was_promised(self):
        with tempfile.TemporaryDirectory() as folder:
            core, _ = self.core_of(folder, "14", "8", "final")
            tried = 0
            with engine.Session(core, run=True) as session:
                for number, cycle in enumerate(session.cycles()["cycles"], 1):
                    for edge, cut in enumerate(cycle["cuts"], 1):
                        tried += self.check_cut(session, number, edge, cut)
                with self.assertRaisesRegex(engine.EngineError,
                                            "there is no cycle 999"):
                    session.rehearse_cut(999)
                with self.assertRaisesRegex(engine.EngineError,
                                            "no reference 99 to drop"):
                    session.rehearse_cut(1, 99)
                self.drop_by_label(session)
            self.assertGreater(tried, 10)

    def drop_by_label(self, session):
        """The same by the holder and the label."""
        cut = session.cycles()["cycles"][0]["cuts"][0]
        holder = int(cut["object"]["id"], 16)
        answer = session.rehearse_drop(holder, cut["label"])
        self.assertEqual(answer["dropped"]["to"], cut["to"])
        self.assertEqual(answer["left_total"] + answer["freed"],
                         answer["watched"])
        with self.assertRaisesRegex(engine.EngineError,
                                    "has no reference .nothing"):
            session.rehearse_drop(holder, ".nothing")

    def test_too_little_memory_is_told_before_anything_runs(self):
        with tempfile.TemporaryDirectory() as folder:
            core, _ = self.core_of(folder, "15", "2")
            with engine.Session(core, run=True,
                                run_memory=16 << 20) as session:
                with self.assertRaisesRegex(
                        engine.EngineError, r"needs about \d+ MiB of memory "
                        r".* nothing was run; set refs run memory \d+M"):
                    session.rehearse()


cases.make(globals(), Rehearsal, interpreters.find())


if __name__ == "__main__":
    unittest.main()
