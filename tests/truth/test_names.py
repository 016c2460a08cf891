# SPDX-License-Identifier: MIT
"""What a name means is what it means in the program.

    PYTHONPATH=../support REFSCOPE_ENGINE=librefscope-engine.so
        REFSCOPE_TRUTH_ONLY="2.7 3.11" python3 -m unittest test_names
"""
import json
import os
import unittest

import cases
import engine
import interpreters
from targets import started

# Each keeps text, bytes, numbers and dicts in its own way.
RELEASES = ([2, 7], [3, 6], [3, 11], [3, 12], [3, 15])


class Names:
    """Mixed into a TestCase for each interpreter."""
    interpreter = None

    @classmethod
    def setUpClass(cls):
        target = cls.enterClassContext(started(cls.interpreter, "keys.py"))
        target.wait_ready()
        target.stop()
        with open(os.path.join(target.folder, "keys.json"),
                  encoding="ascii") as text:
            cls.said = json.load(text)
        cls.session = cls.enterClassContext(
            engine.Session(target.pid, exact="off"))

    def test_keys(self):
        for name, address in self.said.items():
            with self.subTest(name):
                self.assertEqual(self.session.resolve(name), address)

    def test_what_is_not_there(self):
        for name, text in (
                ("d[(1, 4)]", r"d\[\(1, 4\)\]: no such element"),
                ("d[(1, 2, 3)]", "no such element"),
                ("d[b'l']", "no such element"),
                ("d['Non']", "no such element"),
                ("d[(1, 2]", r"`\[\(1, 2\]`: in brackets a name has a"),
                ("d[((((((1,),),),),),)]", "in brackets a name has a number"),
                ("d[]", "in brackets a name has a number"),
                ("d[(1, 2)", "a `]` is missing"),
                ("one[None]", "no such element")):
            with self.subTest(name), \
                    self.assertRaisesRegex(engine.EngineError, text):
                self.session.resolve(name)

    def test_how_names_go_on(self):
        for text, wanted in (
                ("ne", {"nested"}), ("__mai", {"__main__"}),
                ("sys.mod", {"sys.modules"}), ("os.pat", {"os.path"}),
                ("one.pl", {"one.plain"}), ("one.sl", {"one.slot"}),
                ("Thing.sh", {"Thing.shared"}), ("one.sh", {"one.shared"}),
                ("nested['x'][0][None][0].pl",
                 {"nested['x'][0][None][0].plain"}),
                ("__main__.one.p", {"__main__.one.plain"}),
                ("encodings.utf_", {"encodings.utf_8"})):
            with self.subTest(text):
                got = set(self.session.names(text))
                self.assertLessEqual(wanted, got)
                self.assertTrue(all(g.startswith(text) for g in got), got)
        for text in ("nested['x", "nosuch.", "one.nosuch.", "d[(1, 2)"):
            with self.subTest(text):
                self.assertEqual(self.session.names(text), [])

    def test_no_more_names_than_asked_for(self):
        self.assertEqual(len(self.session.names("", 3)), 3)
        self.assertGreater(len(self.session.names("")), 10)


cases.make(globals(), Names,
           [i for i in interpreters.find() if i.release in RELEASES])


if __name__ == "__main__":
    unittest.main()
