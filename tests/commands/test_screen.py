# SPDX-License-Identifier: MIT
"""Lines of an answer fit GDB's width and have its styles."""
import sys
import types
import unittest
from unittest import mock

import paths

sys.path.insert(0, paths.PACKAGES)

PARAMETERS = {}
sys.modules["gdb"] = types.ModuleType("gdb")
sys.modules["gdb"].parameter = PARAMETERS.__getitem__

from refscope import screen  # noqa: E402
from refscope.core import text  # noqa: E402

STYLES = {"style %s %s" % (name, what): value
          for name, color in (("address", "blue"), ("variable", "cyan"),
                              ("function", "yellow"), ("filename", "green"))
          for what, value in (("foreground", color), ("intensity", "normal"))}


class Screen(unittest.TestCase):
    def setUp(self):
        PARAMETERS.clear()
        PARAMETERS.update(STYLES, width=None, **{"style enabled": True})
        self.addCleanup(text.lay_out_for, text.WIDTH)

    def styled(self, line, from_tty=True, term="xterm", isatty=True):
        with mock.patch.dict("os.environ", TERM=term), \
                mock.patch("os.isatty", lambda _fd: isatty):
            [line] = screen.shown([line], from_tty)
        return line

    def test_addresses_types_functions_and_files(self):
        self.assertEqual(
            self.styled("  [0]  <frame f (a.py:3) 0x7f01> of 0x7f02"),
            "  [0]  <\x1b[36mframe\x1b[m \x1b[33mf\x1b[m (\x1b[32ma.py\x1b[m:3)"
            " \x1b[34m0x7f01\x1b[m> of \x1b[34m0x7f02\x1b[m")

    def test_bold_and_none(self):
        PARAMETERS["style address foreground"] = "none"
        PARAMETERS["style address intensity"] = "bold"
        PARAMETERS["style variable foreground"] = "none"
        self.assertEqual(self.styled("<list 0x1>"),
                         "<list \x1b[1m0x1\x1b[m>")

    def test_no_styles_where_gdb_has_none(self):
        line = "<list 0x1>"
        self.assertEqual(self.styled(line, from_tty=False), line)
        self.assertEqual(self.styled(line, isatty=False), line)
        self.assertEqual(self.styled(line, term="dumb"), line)
        PARAMETERS["style enabled"] = False
        self.assertEqual(self.styled(line), line)

    def test_lines_break_between_words(self):
        PARAMETERS["width"] = 40
        lines = screen.shown(["  [0]  <list 0x7f05> [1, 2, 'aaa', 'bbb']",
                              "short", "x" * 60], False)
        self.assertEqual(lines, ["  [0]  <list 0x7f05> [1, 2, 'aaa',",
                                 "      'bbb']", "short", "x" * 60])

    def test_without_a_width_nothing_is_broken(self):
        PARAMETERS["width"] = 0
        self.assertEqual(screen.shown(["a " * 300], False), ["a " * 300])

    def test_texts_of_objects_are_as_long_as_the_width_permits(self):
        thing = {"type": "str", "id": "0x1", "text": "'%s'" % ("x" * 300)}
        for width, longest in ((None, 101), (0, 101), (80, 79), (150, 149),
                               (400, 200), (20, 60)):
            PARAMETERS["width"] = width
            screen.prepare()
            self.assertEqual(len(text.described(thing)), longest, width)


if __name__ == "__main__":
    unittest.main()
