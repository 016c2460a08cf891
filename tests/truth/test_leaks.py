# SPDX-License-Identifier: MIT
"""Leaks that were planted are found, and nothing is where none was.

    PYTHONPATH=../support REFSCOPE_ENGINE=librefscope-engine.so
        REFSCOPE_TRUTH_ONLY="2.7 3.11" python3 -m unittest test_leaks
"""
import os
import unittest

import engine
import interpreters
from targets import started

NUMBER = 10
# Kind, type, number, references, grade; see fixtures/python/leaks.py.
PLANTED = {
    ("over-decref", "Over", NUMBER, NUMBER, "certain"),
    ("dead-ring", "Node", NUMBER, 0, "certain"),
    ("garbage", "Trash", NUMBER, 0, "certain"),
    ("dangling", "list", 1, NUMBER, "certain"),
}
# In 2.7 C code keeps names, numbers and types in use where nothing is looked
# for: the dummy key of dicts, names of slots, numbers in their blocks.
OLD = {"missing-decref %s in use" % kind
       for kind in ("str", "int", "type", "_ctypes.PyCSimpleType")}
LOST = 2000
HIDDEN = ("hidden-ring", "lk.Lock", NUMBER, 0, "certain")


class Leaks:
    """Mixed into a TestCase for each interpreter."""
    interpreter = None

    def found(self, number):
        """What is found of that many planted leaks of each kind, twice."""
        seen = []
        for _ in range(2):
            with started(self.interpreter, "leaks.py",
                         str(number)) as target:
                target.wait_ready()
                target.rest()
                target.stop()
                with engine.Session(target.pid, exact="off") as session:
                    answer = session.leaks()
                    self.check_objects(session, answer)
                    if self.interpreter.release > [3]:
                        self.check_hidden(session, number)
                seen.append(answer)
            if not number:
                break
        return seen

    def check_objects(self, session, answer):
        """A finding's number stands for its objects."""
        for one in answer["findings"]:
            of = session.objects(finding=one["finding"])
            self.assertEqual(of["total"], one["objects"], one["key"])
            if one["grade"] != "possible" and one["kind"] != "hidden-ring":
                self.assertIn(one["example"]["id"],
                              [o["id"] for o in of["objects"]])

    def check_hidden(self, session, number):
        """What hides a cycle is named, and what would show it."""
        found = [one["hidden_by"] for one in session.cycles()["cycles"]
                 if "hidden_by" in one]
        self.assertEqual(
            [(one["object"]["type"], one["label"], one["without"]["label"])
             for one in found],
            [("lk.Lock", "type", "['default']")] * number)

    def test_what_was_planted_is_found(self):
        answers = self.found(NUMBER)
        expected = set(PLANTED)
        if self.interpreter.release > [3]:
            expected.add(HIDDEN)
        for answer in answers:
            found = {tuple(one[key] for key in (
                "kind", "type", "number", "references", "grade"))
                for one in answer["findings"]}
            self.assertEqual(expected - found, set())
            # Of a few a word that is left over somewhere may be evidence.
            for key, least in (
                    ("missing-decref __main__.Lost unheld", NUMBER - 2),
                    ("missing-decref __main__.Held in use", NUMBER - 2),
                    ("missing-decref str unheld", NUMBER // 2)):
                numbers = [one["number"] for one in answer["findings"]
                           if one["key"] == key]
                self.assertEqual([n >= least for n in numbers], [True], key)
            shared = [one["references"] for one in answer["findings"]
                      if one["type"] == "Shared" and one["grade"] == "likely"]
            self.assertEqual([n > 9 * NUMBER for n in shared], [True])
            # An address would be another one in each run.
            self.assertEqual([one["number"] for one in answer["findings"]
                              if one["key"] == "garbage __main__.type@"],
                             [NUMBER])
        # Keys do not depend on the run.
        planted = {kind for _, kind, *_ in expected}
        keys = [{one["key"] for one in answer["findings"]
                 if one["type"] in planted and one["grade"] != "possible"}
                for answer in answers]
        self.assertEqual(keys[0], keys[1])

    def test_what_is_said_to_show_a_ring_lets_the_collector_free_it(self):
        for kind in [], ["final"]:
            with started(self.interpreter, "hidden_match.py",
                         *kind) as target:
                target.wait_ready()
                target.stop()
                with engine.Session(target.pid, exact="off") as session:
                    named = [one for one in session.cycles()["cycles"]
                             if "hidden_by" in one]
                target.resume()
                self.assertEqual(target.finish(), 0)
            left = "LEFT 1" in [line.strip() for line in target.printed]
            self.assertEqual(left, bool(kind)
                             and self.interpreter.release < [3])
            hides = self.interpreter.release < [3, 10] and not left
            self.assertEqual(len(named), hides, kind)

    def found_in_malloc(self, number):
        """The lost objects that are planted and are found, of these and of all
        that are found by their blocks those with unexplained references, and
        the findings."""
        with started(self.interpreter, "lost_large.py",
                     str(number)) as target:
            target.wait_ready()
            target.rest()
            target.stop()
            with open(os.path.join(target.folder, "lost_large.txt")) as file:
                planted = {int(one, 16) for one in file.read().split()}
            with engine.Session(target.pid, exact="off") as session:
                every = {int(one["id"], 16): one
                         for one in session.objects()["objects"]}
                found = [one for one in every.values()
                         if one.get("found") == "malloc block"]
                unexplained = {
                    int(one["id"], 16): one["text"][:40] for one in
                    session.objects(unexplained=True)["objects"]
                    if one.get("found")}
                for answer in (session.types(), session.info()):
                    self.assertEqual(
                        answer.get("unreferenced", {}).get("objects", 0),
                        len(found))
                self.assertEqual(planted - set(every), set())
                self.assertEqual(set(unexplained) - planted, set(),
                                 unexplained)
                return planted, session.leaks()

    def test_large_objects_that_are_lost_are_found(self):
        planted, leaks = self.found_in_malloc(LOST)
        self.assertEqual(len(planted), LOST)
        lost = [one for one in leaks["findings"] if one["key"] in (
            "lost bytes unheld", "lost str unheld", "lost int unheld",
            "lost long unheld", "missing-decref unicode unheld")]
        self.assertEqual(len(lost), 3)
        # In 2.7 a unicode is small, and its text is in another block.
        self.assertEqual({(one["kind"], one["grade"]) for one in lost
                          if one["type"] != "unicode"}, {("lost", "certain")})
        # Of a few a word that is left over somewhere may be evidence.
        self.assertGreater(sum(one["number"] for one in lost), 0.95 * LOST)

    def test_one_that_is_lost_is_possible(self):
        _, leaks = self.found_in_malloc(1)
        self.assertEqual([one["key"] for one in leaks["findings"]
                          if one["grade"] != "possible" and
                          one["key"] not in OLD], [])

    def test_no_large_object_is_lost_where_none_is(self):
        self.found_in_malloc(0)

    def test_what_alone_keeps_an_object_is_told(self):
        with started(self.interpreter, "kept.py") as target:
            target.wait_ready()
            target.rest()
            target.stop()
            with open(os.path.join(target.folder, "kept.txt")) as file:
                told = [line.split() for line in file]
            with engine.Session(target.pid, exact="off") as session:
                for kind, address in told:
                    answer = session.why(int(address, 16))
                    self.assertEqual(answer.get("only", {}).get("kind"), kind)
                    self.assertEqual(answer["alive"], kind != "nothing")

    def test_nothing_is_found_where_nothing_is(self):
        [answer] = self.found(0)
        known = OLD if self.interpreter.release == [2, 7] else set()
        self.assertEqual([one for one in answer["findings"]
                          if one["grade"] != "possible" and
                          one["key"] not in known], [])


def wanted():
    """The distribution's, 2.7 and the newest."""
    found = interpreters.find()
    newest = max((one.numbers for one in found
                  if not one.flavour.startswith("t")), default=None)
    return [one for one in found if one.path == "/usr/bin/python3" or
            one.release == [2, 7] or
            (one.numbers == newest and not one.flavour)]


for one in wanted():
    globals()["Leaks_" + one.name] = type(
        "Leaks_" + one.name, (Leaks, unittest.TestCase), {"interpreter": one})


if __name__ == "__main__":
    unittest.main()
