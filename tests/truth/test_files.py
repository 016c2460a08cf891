# SPDX-License-Identifier: MIT
"""What the interpreter's file adds to a core, and what is had without it.

A stripped file: local functions have no symbols and are learnt from objects;
all is read as with them. No file, as with the core of a container: the names
of types lie in memory that no core has, and what is exported is known by its
symbol; the same objects, of the same types.
"""
import json
import os
import shutil
import subprocess
import tempfile
import unittest

import cases
import engine
import interpreters
from targets import FIXTURES, Target


def libpython(path):
    """The shared library that the interpreter at path runs from, or None."""
    shown = subprocess.run(["ldd", path], stdout=subprocess.PIPE, timeout=60,
                           stderr=subprocess.DEVNULL, check=False,
                           encoding="utf-8").stdout
    return next((line.split()[2] for line in shown.splitlines()
                 if line.strip().startswith("libpython")), None)


def histogram(path):
    """{type: (objects, bytes)}, and unreachable objects."""
    with engine.Session(path, exact="off") as session:
        types = session.types()["types"]
        unreachable = session.collect(limit=0)["unreachable"]
    return {t["type"]: (t["objects"], t["bytes"]) for t in types}, unreachable


def without_symbols(line):
    """What a line of an export says, but for names of C variables."""
    told = json.loads(line)
    for place in told.get("places", ()):
        del place[2]
    return told


def exported(path):
    """The lines of the export, without the first: it names files."""
    with tempfile.TemporaryDirectory() as folder, \
            engine.Session(path, exact="off") as session:
        out = os.path.join(folder, "jsonl")
        session.export(out)
        with open(out, encoding="utf-8") as file:
            return [without_symbols(line) for line in list(file)[1:]]


class Files:
    """Mixed into a TestCase for each interpreter."""
    interpreter = None

    def setUp(self):
        place = tempfile.TemporaryDirectory()
        self.addCleanup(place.cleanup)
        self.folder = place.name
        self.copies = os.path.join(self.folder, "bin")
        os.mkdir(self.copies)
        self.real = os.path.realpath(self.interpreter.path)
        self.library = libpython(self.real)

    def copy(self):
        for path in filter(None, (self.real, self.library)):
            shutil.copy(path, self.copies)

    def core(self):
        """GDB's core of a process of the copies."""
        words = ["env", "LD_LIBRARY_PATH=" + self.copies]
        if self.library:
            words.append("PYTHONHOME=" + os.path.dirname(
                os.path.dirname(self.library)))
        words += [os.path.join(self.copies, os.path.basename(self.real)),
                  "-s", "-S", "-B", os.path.join(FIXTURES, "speaks.py"),
                  "waits"]
        with Target(words, self.folder) as target:
            target.wait_ready()
            with open("/proc/%d/maps" % target.pid, encoding="utf-8") as maps:
                mapped = maps.read()
            for path in filter(None, (self.real, self.library)):
                self.assertIn("/bin/" + os.path.basename(path), mapped)
            return target.gcore()

    def test_types_are_named_by_symbol(self):
        self.copy()
        path = self.core()
        whole, unreachable = histogram(path)
        shutil.rmtree(self.copies)
        lost, lost_unreachable = histogram(path)
        self.assertEqual(lost_unreachable, unreachable)
        self.assertEqual(sum(n for n, _ in lost.values()),
                         sum(n for n, _ in whole.values()))
        nameless = {name: n - lost.get(name, (0,))[0]
                    for name, (n, _) in whole.items()
                    if n != lost.get(name, (0,))[0]}
        # 2.7 does not export the types of methods and slots.
        most = sum(n for n, _ in whole.values()) / (
            10 if self.interpreter.release < [3] else 50)
        self.assertLess(sum(map(abs, nameless.values())), most, nameless)

    def test_a_stripped_file_is_enough(self):
        self.copy()
        for name in os.listdir(self.copies):
            subprocess.run(["strip", os.path.join(self.copies, name)],
                           check=True, timeout=60)
        path = self.core()
        stripped = exported(path)
        self.copy()
        self.assertEqual(stripped, exported(path))


cases.make(globals(), Files, [i for i in interpreters.find()
                              if not i.flavour and
                              not interpreters.is_unpacked(i)])


if __name__ == "__main__":
    unittest.main()
