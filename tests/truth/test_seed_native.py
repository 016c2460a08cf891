# SPDX-License-Identifier: MIT
"""The story of the leak in C, told from outside, live and from cores.

As test_seed.py: what rs_collect() prints in the process is what
`refs collect` must have said before it.
"""
import os
import tempfile
import unittest

import debugger
from targets import Target
from test_seed import gc_lines, totals

LEAK = os.path.join(os.environ["REFSCOPE_BUILD"], "fixtures", "native",
                    "leak")
FIXES = [["none"], ["two", "--fix", "1"], ["two", "--fix", "2"],
         ["two", "--fix", "3"]]


class Story(unittest.TestCase):
    def start(self, *options):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        target = Target([LEAK] + list(options), folder.name)
        self.addCleanup(target.__exit__, None, None, None)
        return target

    def asked(self, target, *commands):
        """The same commands live and on a core, with the same answers."""
        core = target.gcore()
        live = debugger.run(target.pid, commands)
        dead = debugger.run(core, commands, LEAK)
        for number in range(len(commands)):
            self.assertEqual(live.lines(number), dead.lines(number))
        return live

    def tell(self, *options):
        target = self.start(*options, "--stop", "--stop-after")
        target.wait_ready()
        before = self.asked(target, "refs collect", "refs collect -json",
                            "refs cycles", "refs cycles -json",
                            "refs gc -json")
        target.go_on()
        target.wait_ready()
        after = self.asked(target, "refs garbage", "refs garbage -json",
                           "refs cycles -json")
        self.assertEqual(target.finish(), 0)
        return before, after, target.printed

    def check_numbers(self, before, printed, unreachable, garbage):
        said = {"unreachable": unreachable, "garbage": garbage}
        self.assertEqual(totals(printed), said)
        self.assertEqual(totals(before.lines(0)), said)
        self.assertEqual(gc_lines(before.lines(0)), gc_lines(printed))
        answer = before.json(1)
        self.assertEqual(answer["unreachable"], unreachable)
        self.assertEqual(answer["garbage"], garbage)
        self.assertEqual([r["name"] for r in before.json(4)["runtimes"]],
                         ["native"])

    def check_cuts(self, answer, labels):
        self.assertEqual(answer["rings"], 1)
        ring = answer["cycles"][0]
        self.assertEqual(sorted(c["label"] for c in ring["cuts"]), labels)
        self.assertEqual(sorted(p["label"] for p in ring["path"]), labels)
        self.assertIn("finalizer", ring["why"])

    def test_a_ring_of_one(self):
        before, after, printed = self.tell("one")
        self.check_numbers(before, printed, 2, 1)
        self.assertEqual(len(gc_lines(printed)), 2)
        self.check_cuts(before.json(3), ["._self"])
        self.assertIn("CGcLeak", before.parts[2])
        leaked = after.json(1)["garbage"]
        self.assertEqual([o["type"] for o in leaked], ["CGcLeak"])
        self.check_cuts(after.json(2), ["._self"])

    def test_a_ring_of_two(self):
        before, after, printed = self.tell("two")
        self.check_numbers(before, printed, 4, 2)
        self.assertEqual(len(gc_lines(printed)), 4)
        self.check_cuts(before.json(3), ["._a", "._b"])
        self.assertEqual(sorted(o["type"] for o in after.json(1)["garbage"]),
                         ["CGcLeakA", "CGcLeakB"])

    def test_each_fix_brings_both_numbers_to_zero(self):
        for options in FIXES:
            with self.subTest(options=options):
                before, after, printed = self.tell(*options)
                self.check_numbers(before, printed, 0, 0)
                self.assertEqual(before.json(3)["rings"], 0)
                self.assertEqual(after.json(1)["total"], 0)

    def test_a_collector_that_runs_finalizers_leaves_nothing(self):
        before, after, printed = self.tell("two", "--finalize")
        self.check_numbers(before, printed, 4, 0)
        self.assertEqual(before.json(3)["rings"], 1)
        self.assertEqual(after.json(1)["total"], 0)

    def test_the_leaked_dict_is_shown(self):
        target = self.start("one", "--stop")
        target.wait_ready()
        found = debugger.run(target.pid, ["refs collect -json"]).json()
        by_type = {o["type"]: o["id"] for o in found["objects"]}
        leaked = by_type["CGcLeak"]
        shown = self.asked(target, "refs show %s" % by_type["dict"],
                           "refs count %s" % leaked,
                           "refs count -json %s" % leaked)
        for word in ("_text", "'##########'", "_self", "CGcLeak"):
            self.assertIn(word, shown.parts[0])
        ledger = shown.json(2)
        self.assertEqual((ledger["count"], ledger["unexplained"]), (1, 0))
        self.assertIn("_self", ledger["holders"][0]["label"])

    def test_a_core_by_the_kernel_says_the_same(self):
        target = self.start("two", "--abort")
        printed = []
        for line in target.process.stdout:
            printed.append(line.decode())
        target.wait_exit()
        core = target.kernel_core()
        if core is None:
            self.skipTest("the kernel writes no core into the folder")
        typed = debugger.run(core, ["refs collect"], LEAK)
        self.assertEqual(totals(typed.lines()),
                         {"unreachable": 4, "garbage": 2})
        self.assertEqual(len(gc_lines(typed.lines())), 4)


if __name__ == "__main__":
    unittest.main()
