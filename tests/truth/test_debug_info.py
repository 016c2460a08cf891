# SPDX-License-Identifier: MIT
"""An engine that knows no layout reads a core by debug information, through
GDB, exactly as the one that has a row of that very release.

    PYTHONPATH=../support REFSCOPE_ENGINE=.. REFSCOPE_UNTABLED=..
        REFSCOPE_GDB=refscope-gdb.py python3 -m unittest test_debug_info
"""
import os
import tempfile
import unittest

import cases
import debugger
import interpreters
from targets import FIXTURES, Target, python

SERIES = ("2.7", "3.8", "3.11", "3.12", "3.13")
KNOWN = os.environ["REFSCOPE_ENGINE"]
UNTABLED = os.environ["REFSCOPE_UNTABLED"]
LOOKED_UP = ("python import refscope.target as t; "
             "print('looked up', len(t.holder._fields._known))")


def has_debug_info(module):
    with open(module, "rb") as file:
        return b".debug_info" in file.read()


def mapped(pid):
    """The file that holds the interpreter."""
    with open("/proc/%d/maps" % pid, encoding="utf-8") as maps:
        files = [line.split()[-1] for line in maps if "/" in line]
    return next((f for f in files if "/libpython" in f),
                os.path.realpath("/proc/%d/exe" % pid))


class Read:
    """What the commands give of one target with one engine."""

    def __init__(self, engine, target, executable, folder):
        path = os.path.join(folder, "export." + os.path.basename(engine))
        typed = debugger.run(target, [
            "refs info", "refs info -json", "refs export jsonl " + path,
            "refs collect -json -limit 100000", "refs gc -json", LOOKED_UP],
            executable, {"REFSCOPE_ENGINE": engine}, debug_files=True)
        self.text, self.lines = typed.text, typed.lines(0)
        self.looked_up = typed.lines(5)
        self.export = b""
        if os.path.exists(path):
            self.info, self.collect = typed.json(1), typed.json(3)
            self.forget_times()
            self.gc = typed.json(4)
            with open(path, "rb") as file:
                self.export = file.read()

    def forget_times(self):
        """Two commands look at a live process at two moments."""
        for runtime in self.info["runtimes"]:
            for thread in runtime.get("threads") or ():
                del thread["age_ms"], thread["ran_ms"]

    def layout(self):
        return self.info["runtimes"][0].pop("layout")


class Compared:
    """Mixed into a TestCase for each interpreter."""
    interpreter = None

    def start(self):
        place = tempfile.TemporaryDirectory()
        self.addCleanup(place.cleanup)
        self.folder = place.name
        target = Target(python(self.interpreter.path,
                               os.path.join(FIXTURES, "zoo.py")), self.folder)
        self.addCleanup(target.__exit__)
        target.wait_ready()
        return target

    def read(self, engine, target):
        return Read(engine, target, self.interpreter.path, self.folder)

    def compare(self, target):
        known = self.read(KNOWN, target)
        found = self.read(UNTABLED, target)
        self.assertRegex("\n".join(found.lines),
                         r"\(layout: debug info[,)]", found.text)
        self.assertRegex(found.layout(), "^debug info")
        self.assertRegex(known.layout(), "^table " +
                         self.interpreter.version.replace(".", r"\."))
        self.assertEqual(known.looked_up, ["looked up 0"])
        self.assertNotEqual(found.looked_up, ["looked up 0"])
        self.assertGreater(found.info["references"], 100000)
        self.assertEqual(found.info, known.info)
        self.assertEqual(found.info["problems"], [])
        self.assertEqual(found.collect, known.collect)
        self.assertEqual(found.gc, known.gc)
        self.assertTrue(found.export == known.export, "exports differ")

    def test_it_is_read_the_same(self):
        target = self.start()
        core = target.gcore()
        if not has_debug_info(mapped(target.pid)):
            self.refused(self.read(UNTABLED, core))
            return
        self.compare(core)
        if self.interpreter == FOUND[0]:
            target.stop()
            self.compare(target.pid)

    def refused(self, found):
        lines = [line for line in found.text.splitlines()
                 if "this build cannot read" in line]
        self.assertTrue(lines, found.text)
        self.assertFalse(found.export)


def first_of_each():
    """One interpreter of each of SERIES."""
    found = {}
    for one in interpreters.find():
        if interpreters.series(one) in SERIES and ".pyenv" in one.path:
            found.setdefault(interpreters.series(one), one)
    return list(found.values())


FOUND = first_of_each()
cases.make(globals(), Compared, FOUND)


if __name__ == "__main__":
    unittest.main()
