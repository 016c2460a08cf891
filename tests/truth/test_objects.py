# SPDX-License-Identifier: MIT
"""Which objects are of a type, a module, a generation, a size.

    PYTHONPATH=../support REFSCOPE_ENGINE=librefscope-engine.so
        REFSCOPE_TRUTH_ONLY="2.7 3.11" python3 -m unittest test_objects
"""
import json
import os
import unittest

import cases
import engine
import interpreters
from targets import started

# Each reads types and generations in its own way.
RELEASES = ([2, 7], [3, 8], [3, 11], [3, 12], [3, 13], [3, 15])


class Objects:
    """Mixed into a TestCase for each interpreter."""
    interpreter = None

    @classmethod
    def setUpClass(cls):
        target = cls.enterClassContext(started(cls.interpreter, "chosen.py"))
        target.wait_ready()
        target.stop()
        with open(os.path.join(target.folder, "chosen.json"),
                  encoding="ascii") as text:
            cls.said = json.load(text)
        cls.session = cls.enterClassContext(
            engine.Session(target.pid, exact="off"))

    def of(self, **wanted):
        answer = self.session.objects(**wanted)
        self.assertEqual(answer["total"], len(answer["objects"]))
        self.assertEqual(answer["bytes"],
                         sum(o["size"] for o in answer["objects"]))
        return [int(o["id"], 16) for o in answer["objects"]]

    def test_of_a_type(self):
        self.assertEqual(self.of(type="pkg.a.Node"), self.said["base"])
        self.assertEqual(self.of(type="Node", module="pkg.b"),
                         self.said["derived"])
        self.assertEqual(self.of(type="Node"), self.said["pkg"])
        self.assertEqual(self.of(type="^pkg[.](a|c)[.]No"), self.said["base"])

    def test_of_a_type_in_c(self):
        for name in ("deque", "collections.deque", "deq"):
            self.assertLessEqual(set(self.said["deque"]),
                                 set(self.of(type=name)))
        self.assertLessEqual(set(self.said["deque"]),
                             set(self.of(module="collections")))

    def test_of_a_package(self):
        self.assertEqual(self.of(module="pkg"), self.said["pkg"])

    def test_of_a_generation(self):
        if self.interpreter.flavour.startswith("t"):
            return  # it has one generation
        self.assertEqual(self.of(module="pkg", generations=1),
                         self.said["young"])
        self.assertEqual(self.of(module="pkg", generations=1 | 4),
                         self.said["pkg"])
        self.assertEqual(self.of(module="pkg", generations=4),
                         self.said["old"])

    def test_of_a_size(self):
        found = self.of(type="bytearray", size_least=100000, sort="size")
        self.assertEqual(sorted(found), self.said["large"])
        sizes = [o["size"] for o in self.session.objects(
            size_least=64, size_most=80)["objects"]]
        self.assertTrue(sizes)
        self.assertTrue(all(64 <= size <= 80 for size in sizes))

    def test_order(self):
        for key in ("size", "count"):
            got = [-1 if o[key] is None else o[key]
                   for o in self.session.objects(sort=key, limit=2000)[
                       "objects"]]
            self.assertEqual(got, sorted(got, reverse=True))
        got = self.session.objects(limit=50)
        found = [int(o["id"], 16) for o in got["objects"]]
        self.assertEqual(found, sorted(found))
        self.assertTrue(got["limited"])
        self.assertGreater(got["total"], 50)

    def test_what_is_wrong(self):
        for wanted, text in (
                ({"type": "NoSuch"}, r'no object has a type called "NoSuch"'),
                ({"type": "Node", "module": "pkg.c"}, r"of module pkg\.c"),
                ({"module": "nowhere"}, r"a type of module nowhere"),
                ({"type": "a(b"}, r'"a\(b", and it is not a regular expr'),
                ({"sort": "name"}, r'sort objects by "name"')):
            with self.subTest(wanted), \
                    self.assertRaisesRegex(engine.EngineError, text):
                self.session.objects(**wanted)


cases.make(globals(), Objects,
           [i for i in interpreters.find() if i.release in RELEASES])


if __name__ == "__main__":
    unittest.main()
