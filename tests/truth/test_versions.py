# SPDX-License-Identifier: MIT
"""Versions that nobody knows yet: named, and read as far as can be.

Cores of real interpreters in which the version is changed to another: a
later patch release, whose row is the nearest one's; a release that is not
known, of which _Py_DebugOffsets (3.13 on) still leads to interpreters,
threads and frames; one that never was read at all.
"""
import os
import struct
import tempfile
import unittest

import cases
import debugger
import engine
import interpreters
from bounded import not_applicable
from targets import Target, python

SCRIPT = """
import gc, os, sys, threading, time
class Leak(object):
    pass
def wait(ready):
    ready.append(1)
    time.sleep(100000)
def deeper(ready, depth):
    return deeper(ready, depth - 1) if depth else wait(ready)
def main():
    ready = []
    thread = threading.Thread(target=deeper, args=(ready, 5))
    thread.daemon = True
    thread.start()
    while not ready:
        time.sleep(0.01)
    gc.collect()
    gc.disable()
    for number in range(7):
        leak = Leak()
        leak.me = leak
    del leak
    print("READY %d %d" % (os.getpid(), sys.hexversion))
    sys.stdout.flush()
    sys.stdin.readline()
main()
"""
COOKIE = b"xdebugpy"
OUTLINE = ("interpreters, threads and frames are all that is read of it "
           "(refs info)")
KNOWN = "which this build cannot read: it knows 2.7 and 3.6 to 3.15"


def hexversion(text):
    major, minor, micro = map(int, text.split("."))
    return major << 24 | minor << 16 | micro << 8 | 0xf0


class Flipped:
    """Mixed into a TestCase for each interpreter."""
    interpreter = None

    @classmethod
    def setUpClass(cls):
        cls.place = tempfile.TemporaryDirectory()
        with Target(python(cls.interpreter.path, "-c", SCRIPT),
                    cls.place.name) as target:
            cls.hexversion = int(target.wait_ready()[0])
            target.rest()  # the other thread sleeps, in the line that is told
            cls.core = target.gcore()
        with engine.Session(cls.core) as session:
            cls.info, cls.collect = session.info(), session.collect()

    @classmethod
    def tearDownClass(cls):
        cls.place.cleanup()

    @classmethod
    def has_table(cls):
        return cls.hexversion >= 0x030d0000

    def flip(self, version, damage=False):
        """A core that says it is of another version."""
        path = os.path.join(self.place.name, "flipped")
        with open(self.core, "rb") as core:
            data = bytearray(core.read())
        if self.has_table():
            old = COOKIE + struct.pack("<Q", self.hexversion)
            new = COOKIE + struct.pack("<Q", hexversion(version))
        else:
            old = b"%s (" % self.interpreter.version.encode()
            new = b"%s (" % version.encode()
        self.assertEqual(len(old), len(new))
        at, found = data.find(old), 0
        while at >= 0:
            data[at:at + len(new)] = new
            if damage:  # of every group of numbers
                data[at + 24:at + 900] = b"\x07" * (900 - 24)
            found += 1
            at = data.find(old, at + len(new))
        self.assertGreater(found, 0)
        with open(path, "wb") as core:
            core.write(data)
        return path

    def runtime(self, info):
        runtime, = info["runtimes"]
        return runtime

    def check_read(self, version, problems):
        """All is read, by the nearest row, which is said."""
        with engine.Session(self.flip(version)) as session:
            info, collect = session.info(), session.collect()
        runtime = self.runtime(info)
        self.assertEqual(runtime["version"], version)
        self.assertRegex(runtime["layout"], r"\Atable \S+, the nearest known "
                         r"to %s(, \d+ of its offsets corrected by "
                         r"_Py_DebugOffsets(, and by probing)?)?\Z" % version)
        self.assertEqual("_Py_DebugOffsets" in runtime["layout"],
                         self.has_table())
        self.assertRegex("\n".join(info["problems"]), r"\A%s\Z" % problems)
        self.assertEqual(runtime["threads"],
                         self.runtime(self.info)["threads"])
        for key in ("objects", "tracked", "references"):
            self.assertEqual(info[key], self.info[key])
        self.assertEqual(collect, self.collect)
        self.assertGreaterEqual(collect["unreachable"], 7)

    def check_outline(self, version):
        """Named, with its threads and frames; the rest is refused."""
        path = self.flip(version)
        with engine.Session(path) as session:
            info = session.info()
            refused = []
            for question in (session.collect, session.gc, session.types,
                             session.garbage, session.verify,
                             lambda: session.count(0x1000),
                             lambda: session.resolve("sys"),
                             lambda: session.eval("1"),
                             lambda: session.repr(0x1000),
                             lambda: session.export(path + ".jsonl")):
                with self.assertRaises(engine.EngineError) as caught:
                    question()
                refused.append(str(caught.exception))
        runtime = self.runtime(info)
        self.assertEqual(runtime["version"], version)
        self.assertEqual(runtime["layout"], "its own _Py_DebugOffsets alone")
        self.assertEqual(runtime["interpreters"], 1)
        self.assertEqual(runtime["threads"],
                         self.runtime(self.info)["threads"])
        self.assertIsNone(runtime["gc"])
        self.assertIsNone(info["objects"])
        line, = info["problems"]
        self.assertIn(version, line)
        self.assertTrue(line.endswith("; " + OUTLINE), line)
        self.assertNotIn("\n", line)
        self.assertEqual(set(refused), {line})
        return path, line

    def check_refused(self, path, text):
        with self.assertRaises(engine.EngineError) as caught:
            engine.Session(path)
        self.assertIn(text, str(caught.exception))
        self.assertNotIn("\n", str(caught.exception))


class WithTable(Flipped):
    """3.13 and later."""

    def test_a_later_patch_release_is_read(self):
        minor = ".".join(self.interpreter.version.split(".")[:2])
        self.check_read(minor + ".99", "")

    def test_the_next_releases(self):
        as_last = "%d.%d" % (self.hexversion >> 24,
                             self.hexversion >> 16 & 0xff) == "3.15"
        versions = "3.16.0", "3.16.1", "3.17.2"
        if not as_last:
            versions += "3.15.0", "3.15.2"
        for version in versions:
            with self.subTest(version):
                if as_last:
                    self.check_read(version, "CPython %s is not known; it is "
                                    r"read as 3\.15\.\d+, because its types "
                                    "have the same sizes"
                                    % version.replace(".", r"\."))
                else:
                    self.check_outline(version)
        with self.subTest("4.0.0"):
            self.check_outline("4.0.0")

    def test_another_release_that_is_known(self):
        other = "3.13.7" if self.hexversion >= 0x030e0000 else "3.14.99"
        self.check_outline(other)

    def test_what_is_typed(self):
        path, line = self.check_outline("4.0.0")
        typed = debugger.run(path, ["refs info", "refs", "refs collect",
                                    "refs count 0x1000", "refs types",
                                    "refs info -json", "print 6 * 7"],
                             self.interpreter.path, debug_files=True)
        told = typed.lines(0)
        self.assertRegex(told[1], r"\A  cpython 4\.0\.0 in \S+ \(layout: its "
                         r"own _Py_DebugOffsets alone\)\Z")
        self.assertRegex(typed.parts[0], r"\n    thread \d+: wait "
                         r"\(<string>:7\) < deeper \(<string>:9\) < ")
        self.assertIn(line, " ".join(typed.parts[0].split()))
        self.assertNotIn("None", typed.parts[0])
        self.assertEqual(typed.parts[1], typed.parts[0])
        self.assertEqual(typed.lines(2), ["refs collect: " + line])
        self.assertEqual(typed.lines(3), ["refs count: " + line])
        self.assertEqual(typed.lines(4), ["refs types: " + line])
        self.assertEqual(typed.json(5)["objects"], None)
        self.assertEqual(typed.lines(6), ["$1 = 42"])

    def test_without_a_sane_table_it_is_refused(self):
        self.check_refused(self.flip("4.0.0", damage=True),
                           "contains CPython 4.0.0, " + KNOWN)


class WithText(Flipped):
    """Up to 3.10 the version is a text in the process."""

    def test_a_later_patch_release_is_read(self):
        parts = self.interpreter.version.split(".")
        if len(parts[2]) != 2:
            not_applicable("the text has no place for one more digit")
        self.check_read(".".join(parts[:2] + ["99"]), "")

    def test_a_release_that_never_was_read_is_named(self):
        major, minor, micro = self.interpreter.version.split(".")
        older = {"2.7": "2.6", "3.10": "3.05"}.get(major + "." + minor, "3.5")
        self.check_refused(
            self.flip(older + "." + micro), "contains CPython %s.%s, %s" % (
                older.replace("05", "5"), micro, KNOWN))


FOUND = [i for i in interpreters.find() if not i.flavour]
for one in FOUND:
    # Of 3.11 and 3.12 the version is a constant, which is in no core.
    if one.release < [3, 11] or one.release >= [3, 13]:
        cases.make(globals(),
                   WithTable if one.release >= [3, 13] else WithText, [one])


if __name__ == "__main__":
    unittest.main()
