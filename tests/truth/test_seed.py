# SPDX-License-Identifier: MIT
"""The story of the leak, told from outside, live and from a core.

What the interpreter prints in its own collection is what `refs collect` must
have said before it: the same lines, the same numbers.
"""
import os
import re
import tempfile
import unittest

import cases
import debugger
import interpreters
from bounded import not_applicable
from targets import FIXTURES, Target, python

# Script, options of stop_at.py, numbers in 2.7 and in 3.
ONE = ("one.py", ["--uncomment", "test_code_1"])
NORMAL = ("one.py", [])
TWO = ("two.py", [])
FIXES = [("two.py", ["--comment", "test_code_2"]),
         ("two.py", ["--comment", "test_code_3"]),
         ("two.py", ["--uncomment", "test_code_4"])]
VERSIONS = ("2.7", "3.8", "3.11", "3.12", "3.13", "3.13t", "3.14", "3.14t")


def gc_lines(lines):
    """The lines of the story; addresses as they are."""
    return sorted(line for line in lines
                  if line.startswith("gc: uncollectable "))


def whatever_way(texts):
    """Answers less how they were had: only of a core are types asked."""
    return [re.sub(r',"(method|learned)":"\w+"', "", text) for text in texts]


def totals(lines):
    found = [re.match(r"(unreachable|garbage) object num:(\d+)$", line)
             for line in lines]
    return {m[1]: int(m[2]) for m in found if m}


class Story:
    """Mixed into a TestCase for each interpreter."""
    interpreter = None

    def start(self, script, options):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        major = "2.7" if self.interpreter.version[0] == "2" else "3"
        target = Target(
            python(self.interpreter.path, os.path.join(
                FIXTURES, "stop_at.py"), *options,
                os.path.join(FIXTURES, major, script)), folder.name)
        self.addCleanup(target.__exit__, None, None, None)
        self.assertEqual(target.wait_ready(), ["before"])
        return target

    def is_old(self):
        return self.interpreter.release == [2, 7]

    def asked(self, target, *commands, core=True):
        """The same commands live and on a core, with the same answers."""
        core = core and target.gcore()
        live = debugger.run(target.pid, commands)
        if not core:
            return live
        dead = debugger.run(core, commands, self.interpreter.path)
        for number in range(len(commands)):
            self.assertEqual(whatever_way(live.lines(number)),
                             whatever_way(dead.lines(number)))
        return live

    def tell(self, script, options, core=True):
        """What the commands say before and after, and the interpreter; with a
        core of it before."""
        target = self.start(script, options)
        before = self.asked(target, "refs collect", "refs collect -json",
                            "refs cycles", "refs cycles -json", core=core)
        target.go_on()
        self.assertEqual(target.wait_ready(), ["after"])
        after = self.asked(target, "refs garbage", "refs garbage -json",
                           "refs collect -json", "refs cycles -json",
                           core=core and (script, options) == ONE)
        self.assertEqual(target.finish(), 0)
        return before, after, target.printed

    def bodies(self, script):
        """Functions that class bodies were run as, and only a collection ends.

        Free-threaded builds defer the count of every function that is not
        inside another: CPython 3.13, Objects/funcobject.c,
        PyFunction_NewWithQualName().
        """
        if "t" not in self.interpreter.flavour.split("-"):
            return 0
        with open(os.path.join(FIXTURES, "3", script),
                  encoding="utf-8") as text:
            return len(re.findall(r"(?m)^class ", text.read()))

    def check_numbers(self, before, printed, unreachable, garbage):
        said = {"unreachable": unreachable, "garbage": garbage}
        self.assertEqual(totals(printed), said)
        self.assertEqual(totals(before.lines(0)), said)
        self.assertEqual(gc_lines(before.lines(0)), gc_lines(printed))
        answer = before.json(1)
        self.assertEqual(answer["unreachable"], unreachable)
        self.assertEqual(answer["garbage"], garbage)

    def check_cuts(self, answer, labels):
        self.assertEqual(answer["rings"], 1)
        ring = answer["cycles"][0]
        self.assertEqual(sorted(c["label"] for c in ring["cuts"]), labels)
        self.assertEqual(sorted(p["label"] for p in ring["path"]), labels)
        return ring

    def test_a_ring_of_one(self):
        before, after, printed = self.tell(*ONE)
        objects = 1 + self.has_dict() + self.bodies(ONE[0])
        if self.is_old():
            self.check_numbers(before, printed, 2, 1)
            self.assertEqual(len(gc_lines(printed)), 2)
        else:
            self.check_numbers(before, printed, objects, 0)
        ring = self.check_cuts(before.json(3), ["._self"])
        self.assertIn("finalizer" if self.is_old() else "can be freed",
                      ring["why"])
        self.assertIn("._self", before.parts[2])
        self.assertIn("CGcLeak", before.parts[2])
        self.assertEqual(after.json(1)["total"], int(self.is_old()))
        if self.is_old():
            self.check_garbage_of_one(after)

    def has_dict(self):
        """3.11 and later keep the attributes inside the instance."""
        return self.interpreter.release < [3, 11]

    def check_garbage_of_one(self, after):
        leaked = after.json(1)["garbage"]
        self.assertEqual([o["type"] for o in leaked], ["CGcLeak"])
        self.assertIn("CGcLeak", after.parts[0])
        self.assertIn(leaked[0]["id"], after.parts[0])
        self.check_cuts(after.json(3), ["._self"])

    def test_a_ring_of_two(self):
        before, after, printed = self.tell(*TWO)
        if self.is_old():
            self.check_numbers(before, printed, 4, 2)
            self.assertEqual(len(gc_lines(printed)), 4)
        else:
            self.check_numbers(before, printed, 2 + 2 * self.has_dict() +
                               self.bodies(TWO[0]), 0)
        self.check_cuts(before.json(3), ["._a", "._b"])
        leaked = after.json(1)["garbage"]
        self.assertEqual(sorted(o["type"] for o in leaked),
                         ["CGcLeakA", "CGcLeakB"] if self.is_old() else [])

    def test_no_ring(self):
        for script, options in [NORMAL] + FIXES:
            with self.subTest(script=script, options=options):
                # The three that mend the leak in other ways have no new core.
                before, after, printed = self.tell(
                    script, options, core=options == [])
                self.check_numbers(before, printed, self.bodies(script), 0)
                self.assertEqual(before.json(3)["rings"], 0)
                self.assertEqual(after.json(1)["total"], 0)

    def test_the_leaked_dict_is_shown(self):
        if not self.has_dict():
            not_applicable("the attributes are inside the instance")
        target = self.start(*ONE)
        found = debugger.run(target.pid, ["refs collect -json"]).json()
        by_type = {o["type"]: o["id"] for o in found["objects"]}
        shown = self.asked(target, "refs show %s" % by_type["dict"],
                           "refs show %s" % by_type["CGcLeak"],
                           "refs count %s" % by_type["CGcLeak"],
                           "refs count -json %s" % by_type["CGcLeak"])
        self.assertIn("'_text'", shown.parts[0])
        self.assertIn("'##########'", shown.parts[0])
        self.assertIn("'_self'", shown.parts[0])
        self.assertIn("CGcLeak", shown.parts[1])
        ledger = shown.json(3)
        self.assertEqual(ledger["count"], 1)
        self.assertEqual(ledger["unexplained"], 0)
        self.assertEqual([h["label"] for h in ledger["holders"]],
                         ["['_self']"])
        self.assertIn("['_self']", shown.parts[2])


class KeptByTraceback:
    """A frame kept by a traceback keeps its locals alive."""
    interpreter = None

    def paths(self, how):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        target = Target(python(self.interpreter.path, os.path.join(
            FIXTURES, "kept_by_traceback.py"), how), folder.name)
        self.addCleanup(target.__exit__, None, None, None)
        address = target.wait_ready()[0]
        commands = ["refs why %s" % address, "refs why -json %s" % address]
        core = target.gcore()
        live = debugger.run(target.pid, commands)
        dead = debugger.run(core, commands, self.interpreter.path)
        self.assertEqual(whatever_way(live.parts),
                         whatever_way(dead.parts))
        self.assertEqual(target.finish(), 0)
        return live

    def check(self, typed, root):
        answer = typed.json(1)
        self.assertTrue(answer["alive"])
        told = [[step["object"]["type"] for step in path["steps"]]
                for path in answer["paths"]]
        self.assertTrue([t for t in told if "traceback" in t and
                         "frame" in t and t[-1] == "Buffer"], told)
        for word in ("traceback", "frame", "buf", "fails", root):
            self.assertIn(word, typed.parts[0])

    def test_last_traceback(self):
        self.check(self.paths("last"), "last_traceback")

    def test_exception_being_handled(self):
        self.check(self.paths("exc"), "")


def chosen():
    """One interpreter of each release that the story is told for."""
    for version in VERSIONS:
        threaded = version.endswith("t")
        for one in interpreters.find():
            if one.version.startswith(version.rstrip("t") + ".") and \
                    threaded == ("t" in one.flavour.split("-")):
                yield one
                break


for family in (Story, KeptByTraceback):
    cases.make(globals(), family, chosen())


if __name__ == "__main__":
    unittest.main()
