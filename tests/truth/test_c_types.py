# SPDX-License-Identifier: MIT
"""Types of C whose layout is not known: what is told and what is owned.

Live, reading cannot know what they tell their collector: the answer says so,
with both bounds. A core settles it. Both know the same objects.
"""
import collections
import json
import os
import subprocess
import tempfile
import unittest

import compare
import engine
import interpreters
from targets import FIXTURES, Target, python, quiet_environment

HERE = os.path.dirname(os.path.abspath(__file__))
SECONDS = 60
RELEASES = ([2, 7], [3, 6], [3, 9], [3, 11], [3, 13])
INCLUDE = "import sysconfig; print(sysconfig.get_config_var('INCLUDEPY'))"


def include_of(interpreter):
    """Where its headers are, or None."""
    done = subprocess.run([interpreter.path, "-c", INCLUDE], check=False,
                          stdout=subprocess.PIPE, timeout=SECONDS,
                          env=quiet_environment())
    path = done.stdout.decode().strip()
    return path if os.path.exists(path + "/Python.h") else None


def extension(interpreter, include, folder):
    subprocess.run([os.environ.get("CC", "cc"), "-std=gnu99", "-w", "-shared",
                    "-fPIC", "-I" + include, "-o",
                    os.path.join(folder, "c_types.so"),
                    os.path.join(HERE, "c_types.c")], check=True,
                   timeout=SECONDS, env=quiet_environment())


class CTypes:
    interpreter = None
    include = None

    @classmethod
    def setUpClass(cls):
        cls.place = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.place.cleanup)
        folder = cls.place.name
        extension(cls.interpreter, cls.include, folder)
        command = python(cls.interpreter.path,
                         os.path.join(FIXTURES, "c_types.py"), folder)
        with Target(command, folder) as target:
            cls.pair = int(target.wait_ready()[0], 16)
            target.stop()
            cls.live = cls.answers(target.pid)
            target.resume()
            cls.core = cls.answers(target.gcore())
            assert target.finish() == 0, target.printed
        cls.returned = int(next(
            line.split()[1] for line in target.printed
            if line.startswith("returned ")))

    @classmethod
    def answers(cls, source):
        path = os.path.join(cls.place.name, "export")
        with engine.Session(source) as session:
            collect = session.collect(limit=0)
        with engine.Session(source) as session:
            session.export(path)
            whole = session.collect(limit=0)
            types = session.types()
            count = session.count(cls.pair)
            cycles = session.cycles(limit=1000)["cycles"]
            leaks = session.leaks()["findings"]
        assert json.dumps(whole["returns"]) == json.dumps(collect["returns"])
        return (collect, collections.Counter(
            (row["type"], row["size"])
            for row in compare.Export(path).objects.values()),
            types, count, cycles, leaks)

    def test_a_core_says_what_the_interpreter_says(self):
        collect = self.core[0]
        self.assertGreater(self.returned, 0)
        self.assertEqual(collect["returns"], [self.returned] * 2)
        self.assertEqual(collect["unreachable"], self.returned)
        self.assertNotIn("uncertain", collect)
        self.assertNotIn("uncertain", self.core[2])

    def test_a_live_process_says_what_it_does_not_know(self):
        collect = self.live[0]
        low, high = collect["uncertain"]["unreachable"]
        self.assertLessEqual(low, self.returned)
        self.assertGreaterEqual(high, self.returned)
        self.assertEqual(collect["returns"], [low, high])
        named = {one["type"]: one["objects"]
                 for one in collect["uncertain"]["types"]}
        # That of the ring that is alive does not matter.
        self.assertEqual(named["c_types.Pair"], 20)
        self.assertEqual(named["c_types.Apart"], 70)
        self.assertEqual(named["c_types.Far"], 15)
        self.assertEqual(named.get("c_types.Silent"),
                         50 if self.interpreter.release >= [3, 9] else None)
        self.assertEqual(self.live[2]["uncertain"], collect["uncertain"])

    def test_what_may_be_in_use_is_not_called_free_nor_certain(self):
        text = "it can be freed if C types tell"
        whys = [one["why"] for one in self.live[4] if any(
            member["type"] == "c_types.Silent" for member in one["members"])]
        self.assertEqual(len(whys),
                         50 if self.interpreter.release >= [3, 9] else 0)
        for why in whys:
            self.assertIn(text, why)
        self.assertNotIn(text, str(self.core[4]))
        self.assertEqual(
            [one["grade"] for one in self.live[5]
             if "c_types.Silent" in (one["ring"] or "")],
            ["likely"] if whys else [])

    def test_both_know_the_same_objects(self):
        self.assertEqual(self.live[1], self.core[1])

    def test_what_is_not_told_is_not_lost(self):
        for count in (self.live[3], self.core[3]):
            self.assertEqual(count["unexplained"], 0)
        self.assertEqual(self.core[3]["object"]["type"], "c_types.Pair")

    def test_rings_that_no_reading_shows(self):
        """Live, nothing in such a ring looks like garbage, and it may be."""
        # One is held by one of these that a local variable holds.
        self.check_rings("alone", 61)

    def test_a_stale_variable_holds_nothing(self):
        """A variable of C has the address of the last of them."""
        self.check_rings("stale", 60)

    def check_rings(self, mode, doubted):
        command = python(self.interpreter.path,
                         os.path.join(FIXTURES, "c_types.py"), self.place.name,
                         mode)
        with tempfile.TemporaryDirectory() as folder, \
                Target(command, folder) as target:
            target.wait_ready()
            target.stop()
            with engine.Session(target.pid) as session:
                live = session.collect(limit=0)
            target.resume()
            with engine.Session(target.gcore()) as session:
                core = session.collect(limit=0)
            self.assertEqual(target.finish(), 0)
        returned = int(target.printed[-1].split()[1])
        self.assertGreaterEqual(returned, 60)
        self.assertEqual(core["returns"], [returned, returned])
        low, high = live["returns"]
        self.assertEqual(live["uncertain"]["unreachable"], [low, high])
        self.assertLessEqual(low, returned)
        self.assertGreaterEqual(high, returned)
        named = {one["type"]: one["objects"]
                 for one in live["uncertain"]["types"]}
        self.assertEqual(named, {"c_types.Far": doubted})


SYSTEM = "/usr/bin/python3"


def has_greenlets():
    return os.access(SYSTEM, os.X_OK) and not subprocess.run(
        [SYSTEM, "-c", "import greenlet"], check=False, timeout=SECONDS,
        stderr=subprocess.DEVNULL, env=quiet_environment()).returncode


@unittest.skipUnless(has_greenlets(), "no python3-greenlet")
class Greenlets(unittest.TestCase):
    """Of the distribution: a type with a tp_is_gc, and frames of its own."""

    def look(self, source, counts):
        with engine.Session(source) as session:
            told = session.collect(limit=0)
            for word in counts:
                address, count = word.split("=")
                found = session.count(int(address, 16))
                with self.subTest(source=source, count=found):
                    self.assertEqual(found["count"], int(count))
                    self.assertEqual(found["unexplained"], 0)
                    self.assertTrue([
                        one for one in found["holders"]
                        if one["label"].startswith(("local ", "closure "))
                        or one["object"]["type"] == "cell"])
        return told

    def test_locals_of_suspended_ones_are_held_by_them(self):
        command = [SYSTEM, "-B", os.path.join(FIXTURES, "greenlets.py")]
        with tempfile.TemporaryDirectory() as folder, \
                Target(command, folder) as target:
            counts = target.wait_ready()
            self.assertEqual(len(counts), 40)
            target.stop()
            live = self.look(target.pid, counts)
            target.resume()
            core = self.look(target.gcore(), counts)
            target.finish()
        returned = int(target.printed[-1].split()[1])
        self.assertGreater(returned, 0)
        self.assertEqual(core["returns"], [returned, returned])
        self.assertNotIn("uncertain", core)
        low, high = live["uncertain"]["unreachable"]
        self.assertLessEqual(low, returned)
        self.assertGreaterEqual(high, returned)
        self.assertIn("greenlet.greenlet",
                      [one["type"] for one in live["uncertain"]["types"]])


done = []
for one in interpreters.find():
    if one.release not in RELEASES or one.release in done or one.flavour:
        continue
    headers = include_of(one)
    if headers:
        done.append(one.release)
        globals()["CTypes_" + one.name] = type(
            "CTypes_" + one.name, (CTypes, unittest.TestCase),
            {"interpreter": one, "include": headers})


if __name__ == "__main__":
    unittest.main()
