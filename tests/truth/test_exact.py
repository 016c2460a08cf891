# SPDX-License-Identifier: MIT
"""refs exact: what types told, merged into what was read.

That asked references are those of gc.get_referents() is also tested in
test_zoo, for every interpreter. Here: packaged C extensions ($REFSCOPE_PACKAGES
lists more folders with some, colons between), and cores whose types cannot
tell. 50 MB of core each.
"""
import collections
import json
import os
import shutil
import sys
import tempfile
import unittest

import compare
import debugger
import engine
import interpreters
import spoil
from targets import FIXTURES, Target, python

NOWHERE = 0x1234


class Case(unittest.TestCase):
    """One process, stopped; its truth and its cores."""
    command = None

    @classmethod
    def setUpClass(cls):
        place = tempfile.TemporaryDirectory()
        cls.addClassCleanup(place.cleanup)
        cls.folder = place.name
        cls.target = Target(cls.command, cls.folder)
        cls.addClassCleanup(cls.target.__exit__)
        cls.target.wait_ready()
        cls.truth = compare.Truth(cls.folder)
        cls.core = cls.target.gcore()
        cls.target.stop()

    @classmethod
    def tearDownClass(cls):
        del cls.truth

    def ask(self, source, exact):
        """The export and what refs info says."""
        path = os.path.join(self.folder, "%s.jsonl" % exact)
        with engine.Session(source, exact=exact) as session:
            session.export(path)
            return compare.Export(path), session.info()


def named(export, address):
    """Strong references with their labels, in any order."""
    return collections.Counter(
        (r[0], r[2]) for r in export.objects[address]["out"]
        if r[1] == "strong")


def beside(export, address):
    """References that the collector is not told of."""
    return [r for r in export.objects[address]["out"]
            if r[1] in ("owned", "weak")]


PYTHON = interpreters.find()


@unittest.skipUnless(PYTHON, "no interpreter")
class Zoo(Case):
    # When a second thread starts, free-threaded 3.13 makes all modules
    # immortal and untracks them: nobody is asked then of what has to be
    # guessed (Python/gc_free_threading.c, _PyGC_ImmortalizeDeferredObjects()).
    command = PYTHON and python(PYTHON[-1].path,
                                os.path.join(FIXTURES, "zoo.py"), "small",
                                "alone")

    def spoilt(self, name):
        """A core in which the traverse function of a type is no function."""
        path = os.path.join(self.folder, "spoilt." + name)
        shutil.copy(self.core, path)
        export, _info = self.ask(self.core, "off")
        with engine.Session(self.core, exact="off") as session:
            address = session.resolve(name)
        spoil.Core(path).write(address + spoil.traverse(PYTHON[-1]), NOWHERE)
        return path, export

    def test_names_are_those_of_reading(self):
        read, _ = self.ask(self.core, "off")
        asked, info = self.ask(self.core, "on")
        self.assertEqual(info["learned"], "asked")
        self.assertEqual(info["asked"], info["tracked"])
        same = 0
        lost = set(read.objects) - set(asked.objects)
        for address, row in read.objects.items():
            # What only a guess led to is not there any more.
            self.assertEqual([r for r in row["out"] if r[1] != "guess" and
                              int(r[0], 16) in lost and address not in lost],
                             [])
            if address in lost or collections.Counter(read.of(address, "strong")) != \
                    collections.Counter(asked.of(address, "strong")):
                continue
            self.assertEqual(named(read, address), named(asked, address))
            self.assertEqual(beside(read, address), beside(asked, address))
            self.assertEqual(
                {k: row[k] for k in ("type", "count", "size", "gc")},
                {k: asked.objects[address][k]
                 for k in ("type", "count", "size", "gc")})
            same += 1
        self.assertGreater(same, len(read.objects) * 0.995)

    def test_what_a_type_told_is_strong_and_other_guesses_stay(self):
        read, _ = self.ask(self.core, "off")
        guessed = [a for a in read.tracked() if read.of(a, "guess")]
        self.assertTrue(guessed, "nothing to ask")
        for exact in ("auto", "on"):
            asked, info = self.ask(self.core, exact)
            self.assertEqual(info["unasked"], 0)
            # A type has nothing to say of a str that its object may hold.
            self.assertEqual([a for a in asked.tracked()
                              if collections.Counter(asked.of(a, "guess")) -
                              collections.Counter(read.of(a, "guess"))], [])
            for address in guessed:
                self.assertEqual(
                    collections.Counter(asked.of(address, "strong")),
                    collections.Counter(self.truth.objects[address][2]))

    def test_of_a_type_that_faults_the_reading_stands(self):
        spoilt, read = self.spoilt("builtins.list")
        lists = [a for a in read.tracked()
                 if read.objects[a]["type"] == "list"]
        self.assertGreater(len(lists), 100)
        asked, info = self.ask(spoilt, "on")
        self.assertGreaterEqual(info["unasked"], len(lists))
        for address in lists:
            self.assertEqual(read.objects[address]["out"],
                             asked.objects[address]["out"])
        with engine.Session(spoilt, exact="on") as session:
            told = session.collect()
        self.assertGreaterEqual(told["unasked"], len(lists))
        self.assertEqual(told["unreachable"], self.truth.collect["collected"])

    def test_auto_is_never_worse_than_reading(self):
        spoilt, _ = self.spoilt("types.ModuleType")
        read, _ = self.ask(spoilt, "off")
        asked, _ = self.ask(spoilt, "auto")
        for address, row in read.objects.items():
            if row["type"] == "module":
                self.assertEqual(row, asked.objects[address])

    def test_a_core_that_was_moved_is_traversed_all_the_same(self):
        """Images map the file that is open, whatever its name is now."""
        moved = os.path.join(self.folder, "moved")
        shutil.copy(self.core, moved)
        before, _ = self.ask(moved, "auto")
        with engine.Session(moved, exact="auto") as session:
            os.rename(moved, moved + ".away")
            info = session.info()
            path = os.path.join(self.folder, "moved.jsonl")
            session.export(path)
        self.assertEqual(info["method"], "traversed")
        self.assertEqual(info["not_traversed"], 0)
        self.assertFalse(compare.unlike(compare.Export(path), before))
        os.rename(moved + ".away", moved)
        with engine.Session(moved, exact="on") as session:
            os.rename(moved, moved + ".away")
            shutil.copy(self.core, moved)  # another file of that name
            self.assertEqual(session.collect()["unreachable"],
                             self.truth.collect["collected"])

    def test_a_process_is_read_or_refused(self):
        with engine.Session(self.target.pid, exact="auto") as session:
            self.assertEqual(session.collect()["learned"], "read")
        with engine.Session(self.target.pid, exact="on") as session:
            for question in (session.collect, session.info, session.garbage):
                with self.assertRaisesRegex(engine.EngineError,
                                            r"take a core \(gcore FILE\)"):
                    question()
            self.assertEqual(session.gc()["learned"], "read")

    def test_no_descriptor_stays_open(self):
        before = sorted(os.listdir("/proc/self/fd"))
        for exact in ("off", "on"):
            with engine.Session(self.core, exact=exact) as session:
                session.collect(limit=1)
        with engine.Session(self.core, exact="off", run=True) as session:
            self.assertEqual(session.eval("6 * 7")["value"], "42")
        self.assertEqual(sorted(os.listdir("/proc/self/fd")), before)

    def test_the_commands_take_the_setting(self):
        typed = debugger.run(self.core, [
            "refs info", "set refs exact on", "refs info",
            "refs collect -json", "refs verify -json", "set refs exact off",
            "refs info", "refs info -json"], PYTHON[-1].path)
        self.assertRegex(typed.parts[0], r"references: read from memory, and "
                         r"found by tp_traverse for \d+ objects? ")
        self.assertRegex(typed.parts[2], r"references: read from memory, and "
                         r"found by tp_traverse for [\d,]{5,} objects ")
        self.assertEqual(typed.json(3)["learned"], "asked")
        self.assertEqual(typed.json(3)["unreachable"],
                         self.truth.collect["collected"])
        # What is read is right, so both ways agree whatever the setting is.
        self.assertGreater(typed.json(4)["objects"], 10000)
        # But for the dict of interned strings, which 3.14 tracks.
        self.assertIn([(t["type"], t["differ"])
                       for t in typed.json(4)["types"]], ([], [("dict", 1)]))
        self.assertIn("references: read from memory (", typed.parts[6])
        self.assertEqual(typed.json(7)["learned"], "read")

    def test_the_commands_say_what_could_not_be_asked(self):
        spoilt, _ = self.spoilt("builtins.list")
        typed = debugger.run(spoilt, ["set refs exact on", "refs collect"],
                             PYTHON[-1].path)
        self.assertRegex(typed.parts[1], r"\n\([\d,]+ objects could not be "
                         r"traversed; .*\)\n$")


SYSTEM = "/usr/bin/python3"


@unittest.skipUnless(os.access(SYSTEM, os.X_OK), "no " + SYSTEM)
class Extensions(Case):
    command = [SYSTEM, "-B", os.path.join(FIXTURES, "extensions.py")] + [
        p for p in os.environ.get("REFSCOPE_PACKAGES", "").split(":") if p]

    def test_their_types_tell_what_they_tell_the_interpreter(self):
        with open(os.path.join(self.folder, "extensions.json"),
                  encoding="utf-8") as told:
            told = json.load(told)
        for name, what in sorted(told.items()):
            sys.stderr.write("%s: %s\n" % (name, what))
        read, _ = self.ask(self.core, "off")
        before, _extra = compare.references(self.truth, read, True)
        cores = [self.core, self.target.kernel_core()]
        # With sanitizers one core, for the time it takes.
        cores = [core for core in cores if core]
        if "REFSCOPE_PRELOAD" in os.environ:
            cores = cores[-1:]
        for core in cores:
            for exact in ("on", "auto"):
                with self.subTest(core=os.path.basename(core), exact=exact):
                    self.check(core, exact, before.equal)

    def check(self, core, exact, before):
        export, info = self.ask(core, exact)
        self.assertEqual(info["learned"], "asked")
        self.assertEqual(info["unasked"], 0)
        self.assertEqual(info["problems"], [])
        every, _extra = compare.references(self.truth, export, True)
        sys.stderr.write("%s, %s, %d asked: %s\n" % (
            os.path.basename(core), exact, info["asked"], every))
        # Of one that is active, gc.get_referents() says nothing, for its type
        # says that it takes no part; the collector follows what it refers to.
        if exact == "on":
            self.assertEqual(set(every.by_type) - {"greenlet"}, set(),
                             str(every))
        self.assertGreaterEqual(every.equal, before)


if __name__ == "__main__":
    unittest.main()
