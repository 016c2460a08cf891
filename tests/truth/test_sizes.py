# SPDX-License-Identifier: MIT
"""The size of each object, held against sys.getsizeof().

    PYTHONPATH=../support REFSCOPE_ENGINE=librefscope-engine.so
        REFSCOPE_TRUTH_ONLY="2.7 3.11" python3 -m unittest test_sizes
"""
import collections
import json
import os
import tempfile
import unittest

import cases
import compare
import engine
import interpreters
from targets import FIXTURES, Target

TYPES = 60  # at least so many agree


class Sizes:
    """Mixed into a TestCase for each interpreter."""
    interpreter = None

    def test_every_object_is_as_large_as_the_interpreter_says(self):
        with tempfile.TemporaryDirectory() as folder:
            with Target([self.interpreter.path, "-B", os.path.join(
                    FIXTURES, "sizes.py")], folder) as target:
                target.wait_ready()
                target.stop()
                with open(os.path.join(folder, "sizes.json"),
                          encoding="utf-8") as text:
                    said = json.load(text)
                path = os.path.join(folder, "export.jsonl")
                with engine.Session(target.pid, exact="off") as session:
                    session.export(path)
                read = compare.Export(path).objects
        self.check({int(a): row for a, row in said["sizes"].items()},
                   set(said["own"]), read)

    def check(self, said, own, read):
        wrong, right = collections.defaultdict(list), set()
        for address, (kind, size) in said.items():
            row = read.get(address)
            if row is None or address in own:
                continue
            if row["size"] == size:
                right.add(row["type"])
            else:
                wrong[row["type"]].append((row["size"], size))
        told = "\n".join("%6d %s: %s" % (
            len(pairs), kind, ", ".join("%d is %d" % p for p in pairs[:4]))
            for kind, pairs in sorted(wrong.items(),
                                      key=lambda item: -len(item[1])))
        self.assertFalse(wrong, "sizes that differ:\n" + told)
        self.assertGreaterEqual(len(right), TYPES)


cases.make(globals(), Sizes, interpreters.find())


if __name__ == "__main__":
    unittest.main()
