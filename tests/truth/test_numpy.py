# SPDX-License-Identifier: MIT
"""numpy's arrays: sizes, items, owners, held against what Python says.

An interpreter of the distribution that has no numpy (on Debian, the package
python3-numpy) is named as skipped; the others have none.
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
from targets import FIXTURES, Target, quiet_environment

SCALARS = {"numpy.int8", "numpy.float64", "numpy.complex128", "numpy.void"}
IMPORT_SECONDS = 60


class Arrays:
    """Mixed into a TestCase for each interpreter."""
    interpreter = None

    @classmethod
    def setUpClass(cls):
        try:
            subprocess.run([cls.interpreter.path, "-c", "import numpy"],
                           check=True, stderr=subprocess.DEVNULL,
                           timeout=IMPORT_SECONDS, env=quiet_environment())
        except subprocess.CalledProcessError:
            raise unittest.SkipTest("%s has no numpy" % cls.interpreter.path)
        with tempfile.TemporaryDirectory() as folder, \
                Target([cls.interpreter.path, "-B", os.path.join(
                    FIXTURES, "numpy_arrays.py")], folder) as target:
            target.wait_ready()
            with open(os.path.join(folder, "arrays.json"),
                      encoding="utf-8") as text:
                cls.said = json.load(text)
            path = os.path.join(folder, "export.jsonl")
            with engine.Session(target.pid, exact="off") as session:
                cls.shown = {name: session.show(row["id"])
                             for name, row in cls.said.items()}
                session.export(path)
            cls.read = compare.Export(path).objects

    def test_sizes(self):
        for name, row in self.said.items():
            with self.subTest(name):
                self.assertEqual(self.shown[name]["object"]["size"],
                                 row["size"])

    def test_scalars_are_known(self):
        types = {s["object"]["type"] for s in self.shown.values()}
        self.assertLessEqual(SCALARS, types)

    def test_owners_of_views(self):
        for name, row in self.said.items():
            with self.subTest(name):
                answer = self.shown[name]
                self.assertEqual("views" in answer, "views" in row)
                self.assertEqual("maps" in answer, "maps" in row)
                if "views" in row:
                    self.assertEqual(
                        [answer["views"]["bytes"],
                         int(answer["views"]["object"]["id"], 0)],
                        row["views"])
                if "maps" in row:
                    self.assertEqual(answer["maps"]["bytes"], row["maps"])

    def test_references_are_base_dtype_and_items(self):
        for name, row in self.said.items():
            if "refs" not in row:
                continue
            with self.subTest(name):
                refs = [r for r in self.shown[name]["references"]
                        if r["kind"] == "owned" and
                        r["label"] not in ("type", ".mem_handler")]
                self.assertEqual(sorted(int(r["object"]["id"], 0)
                                        for r in refs), row["refs"])
                self.assertFalse([r for r in self.shown[name]["references"]
                                  if r["kind"] == "guess"])

    def test_counts_of_items_are_explained(self):
        held = collections.Counter()
        for row in self.read.values():
            held.update(int(r[0], 16) for r in row["out"]
                        if r[1] in ("strong", "owned"))
        rows = {a for a, row in self.read.items()
                if row["type"] in ("Row", "__main__.Row")}
        # rows, grid and its copy share, scalar, records
        self.assertEqual(len(rows), 500 + 12 + 1 + 14)
        self.assertEqual([hex(a) for a in rows
                          if self.read[a]["count"] != held[a]], [])

    def test_nothing_is_named_more_often_than_it_is_counted(self):
        self.assertEqual([(a, row["type"], row["unexplained"])
                          for a, row in self.read.items()
                          if row["unexplained"] < 0], [])


FOUND = [i for i in interpreters.find()
         if i.path.startswith("/usr/bin/") and not i.flavour]
for one in FOUND:
    globals()["Arrays_" + one.name] = type(
        "Arrays_" + one.name, (Arrays, unittest.TestCase),
        {"interpreter": one})


if __name__ == "__main__":
    unittest.main()
