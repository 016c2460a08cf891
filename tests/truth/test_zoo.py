# SPDX-License-Identifier: MIT
"""Every kind of object, on every interpreter, held against the truth.

    PYTHONPATH=../support REFSCOPE_ENGINE=librefscope-engine.so
        REFSCOPE_TRUTH_ONLY="2.7 3.11" python3 -m unittest test_zoo
"""
import os
import tempfile
import unittest

import cases
import compare
import debugger
import engine
import interpreters
from bounded import not_applicable
from targets import FIXTURES, Target, python


class Zoo:
    """Mixed into a TestCase for each interpreter."""
    interpreter = None
    program = ["zoo.py"]

    @classmethod
    def setUpClass(cls):
        cls.enterClassContextLater(tempfile.TemporaryDirectory())
        folder = cls.contexts[0].name
        words = python(cls.interpreter.path, os.path.join(
            FIXTURES, cls.program[0]), *cls.program[1:])
        cls.target = Target(words, folder)
        cls.contexts.append(cls.target)
        cls.target.wait_ready()
        cls.folder = folder
        cls.truth = compare.Truth(folder)
        cls.core = cls.target.gcore()
        cls.target.stop()
        cls.exports = {}
        cls.answers = {}
        cls.lines = {}
        cls.compared = {}

    @classmethod
    def enterClassContextLater(cls, context):
        # unittest got enterClassContext() in 3.11.
        context.__enter__()
        cls.contexts = [context]

    @classmethod
    def tearDownClass(cls):
        for context in reversed(cls.contexts):
            context.__exit__(None, None, None)
        # A class lives as long as the run; what it learned is a gigabyte.
        del cls.truth, cls.exports, cls.answers, cls.lines, cls.compared

    def source(self, name):
        if name == "live":
            return self.target.pid
        if name == "gcore":
            return self.core
        core = self.target.kernel_core()
        if core is None:
            self.skipTest("the kernel writes no core into the folder")
        return core

    def ask(self, name):
        """The export and the answers of one source, made once.

        A name is that of a source: what is read of it; or that and, after
        a space, another value of refs exact."""
        if name not in self.exports:
            source, _, exact = name.partition(" ")
            source = self.source(source)
            path = os.path.join(self.folder, name + ".jsonl")
            with engine.Session(source, exact=exact or "off") as session:
                session.export(path)
                self.answers[name] = {
                    "collect": session.collect(),
                    "garbage": session.garbage(),
                    "info": session.info(), "gc": session.gc(),
                    "immortal": [session.count(a, 10)
                                 for a in self.immortal()]}
            self.assertEqual(self.answers[name]["info"]["problems"], [])
            self.exports[name] = compare.Export(path, self.lines)
            os.remove(path)
        return self.exports[name]

    def immortal(self):
        """One of each type of what the interpreter never frees."""
        found = {row[0]: address for address, row in self.truth.objects.items()
                 if row[1] > compare.IMMORTAL}
        return list(found.values())

    def references(self, name, tracked):
        """compare.references() of one export, made once."""
        asked = name, tracked
        if asked not in self.compared:
            self.compared[asked] = compare.references(
                self.truth, self.ask(name), tracked)
        return self.compared[asked]

    def check_references(self, name):
        every, extra = self.references(name, True)
        note("%s %s, tracked: %s" % (self.interpreter.name, name, every))
        held, held_extra = self.references(name, False)
        note("%s %s, untracked: %s" % (self.interpreter.name, name, held))
        for found in (every, extra, held, held_extra):
            self.assertGreater(found.total, 0)
            self.assertEqual(found.equal, found.total, str(found))

    def check_asked(self, source):
        """Types tell all; and what is asked by itself makes none worse."""
        read, _ = self.references(source, True)
        for exact in ("on", "auto"):
            name = source + " " + exact
            every, _extra = self.references(name, True)
            info = self.answers[name]["info"]
            note("%s %s, %d asked: %s" % (self.interpreter.name, name,
                                          info["asked"], every))
            self.assertEqual(info["unasked"], 0)
            if exact == "on":
                self.assertEqual(info["asked"], info["tracked"])
                self.assertEqual(every.equal, every.total, str(every))
            self.assertGreaterEqual(every.equal, read.equal, str(every))
            self.check_counts(name)
            self.check_collection(name)

    def check_counts(self, name):
        found = compare.counts(self.truth, self.ask(name))
        note("%s %s, counts: %s" % (self.interpreter.name, name, found))
        self.assertEqual(found.equal, found.total, str(found))

    def check_membership(self, name):
        lacking, besides = compare.membership(self.truth, self.ask(name))
        told = [(self.truth.objects[a][0], hex(a)) for a in lacking] + [
            (self.exports[name].objects[a]["type"], hex(a)) for a in besides]
        note("%s %s, tracked by one side only: %d lacking, %d besides %s" % (
            self.interpreter.name, name, len(lacking), len(besides),
            told[:8]))
        self.assertFalse(told)

    def check_collection(self, name):
        export = self.ask(name)
        answer = self.answers[name]["collect"]
        note("%s %s, collect: %s, is %s" % (
            self.interpreter.name, name,
            {k: answer[k] for k in ("unreachable", "uncollectable",
                                    "garbage")},
            self.truth.collect["collected"]))
        self.assertEqual(answer["unreachable"],
                         self.truth.collect["collected"])
        self.assertEqual(answer["garbage"],
                         len(self.truth.collect["garbage"]))
        garbage = {int(o["id"], 16) for o in answer["objects"]
                   if o["why"] == "finalizer"}
        garbage |= {int(o["id"], 16)
                    for o in self.answers[name]["garbage"]["garbage"]}
        self.assertEqual(garbage, set(self.truth.collect["garbage"]))
        told = {int(o["id"], 16) for o in answer["objects"]}
        self.assertEqual(len(told), answer["unreachable"])
        self.assertEqual(export.unreachable(), told)
        self.assertEqual(told, self.truth.unreachable & told)

    def test_references_live(self):
        self.check_references("live")

    def test_references_of_a_core_by_gdb(self):
        self.check_references("gcore")

    def test_references_of_a_core_by_the_kernel(self):
        self.check_references("kernel")

    def test_what_types_of_a_core_by_gdb_tell(self):
        if self.interpreter not in interpreters.ends(FOUND):
            not_applicable("the oldest and the newest interpreter do")
        self.check_asked("gcore")

    def test_what_types_of_a_core_by_the_kernel_tell(self):
        self.check_asked("kernel")

    def test_counts_live(self):
        self.check_counts("live")

    def test_counts_of_a_core_by_gdb(self):
        self.check_counts("gcore")

    def test_counts_of_a_core_by_the_kernel(self):
        self.check_counts("kernel")

    def test_what_is_never_freed_has_nothing_to_explain(self):
        self.ask("live")
        told = self.answers["live"]["immortal"]
        types = {one["object"]["type"] for one in told}
        release = self.interpreter.release
        if release < [3, 11]:
            self.assertEqual(types, set())
        else:  # code of modules that are part of the executable up to 3.12
            self.assertLessEqual({"int", "str"}, types)
            # and, without the GIL, once there is a second thread
            if not self.interpreter.flavour.startswith("t"):
                self.assertEqual("code" in types, release < [3, 13])
        for one in told:
            self.assertEqual((one["count"], one["unexplained"]), (None, 0),
                             one)

    def test_tracked_objects_live(self):
        self.check_membership("live")

    def test_tracked_objects_of_a_core_by_gdb(self):
        self.check_membership("gcore")

    def test_collection_live(self):
        self.check_collection("live")

    def test_collection_of_a_core_by_gdb(self):
        self.check_collection("gcore")

    def test_collection_of_a_core_by_the_kernel(self):
        self.check_collection("kernel")

    def test_what_was_counted_of_collections(self):
        # Before 3.7 the counts are in a static variable, which is not read.
        told = self.interpreter.release >= [3, 7]
        for name in ("live", "gcore"):
            self.ask(name)
            runtime, = self.answers[name]["gc"]["runtimes"]
            read = runtime["generations"]
            for said, generation in zip(self.truth.stats, read):
                for key in ("collections", "collected", "uncollectable"):
                    self.assertEqual(generation[key],
                                     said[key] if told else None, (name, key))
            if told:
                self.assertEqual(len(self.truth.stats), len(read))
                self.assertGreater(sum(g["collections"] for g in read), 0)

    def test_the_commands_give_the_same(self):
        if self.interpreter not in interpreters.ends(FOUND):
            not_applicable("the oldest and the newest interpreter do")
        path = os.path.join(self.folder, "typed.jsonl")
        typed = debugger.run(self.core, [
            "refs export jsonl %s" % path,
            "refs collect -json -limit 100000"], self.interpreter.path)
        self.ask("gcore auto")
        self.assertFalse(compare.unlike(compare.Export(path),
                                        self.exports["gcore auto"]),
                         typed.text)
        self.assertEqual(typed.json(1), self.answers["gcore auto"]["collect"])

    def test_live_and_core_give_the_same(self):
        live, core = self.ask("live"), self.ask("gcore")
        self.assertFalse(compare.unlike(live, core))
        self.assertEqual(self.answers["live"]["collect"],
                         self.answers["gcore"]["collect"])
        self.assertEqual(self.answers["live"]["garbage"],
                         self.answers["gcore"]["garbage"])
        self.assertEqual(without_time(self.answers["live"]["gc"]),
                         without_time(self.answers["gcore"]["gc"]))


def without_time(answer):
    """What refs gc says, but for how long ago it was."""
    for runtime in answer["runtimes"]:
        runtime.pop("ago_by", None)
        for one in runtime.get("last_collections", ()):
            del one["ago_ns"]
    return answer


def note(text):
    path = os.environ.get("REFSCOPE_TRUTH_REPORT")
    if path:
        with open(path, "a", encoding="utf-8") as report:
            report.write(text + "\n")


FOUND = interpreters.find()
cases.make(globals(), Zoo, FOUND)


if __name__ == "__main__":
    unittest.main()
