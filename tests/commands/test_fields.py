# SPDX-License-Identifier: MIT
"""Where fields are, out of the debug information of a program of our own."""
import json
import os
import tempfile
import unittest

from session import answers

PROGRAM = """
struct inner { char pad[3]; short deep[4]; };
typedef struct { int first; unsigned low : 3, high : 7; } plain;
typedef union { long word; char byte[16]; } both;
struct outer {
	void *pointer;
	struct inner in;
	union { long a; struct { char b, c; }; };
	plain flags;
	char rest[];
};
struct later;
struct later *opaque;
struct outer outer;
both all;
int main(void) { return 0; }
"""
ASK = """python
import json, gdb
from refscope.fields import Finder
path = gdb.current_progspace().filename
own = bytes.fromhex(gdb.objfiles()[0].build_id)
def ask(type, field=None, build_id=own, path=path):
    found = Finder().find(path, build_id, type, field)
    print(json.dumps(found))
end"""


class Fields(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        place = tempfile.TemporaryDirectory()
        cls.addClassCleanup(place.cleanup)
        folder = os.path.realpath(place.name)
        cls.program = os.path.join(folder, "a")
        source = os.path.join(folder, "a.c")
        with open(source, "w", encoding="ascii") as file:
            file.write(PROGRAM)
        assert os.system(f"cc -g -Wl,--build-id {source} -o "
                         f"{cls.program}") == 0
        cls.script = os.path.join(folder, "ask.gdb")
        with open(cls.script, "w", encoding="ascii") as file:
            file.write(ASK)

    def ask(self, *calls):
        first = ["break main", "run", "source " + self.script]
        got = answers(first + ["python ask(%s)" % call for call in calls],
                      arguments=[self.program])
        return [json.loads(text) for text in got[len(first):]]

    def test_of_all_kinds(self):
        # offset, size, count, bit, width, pointer
        self.assertEqual(self.ask(
            "'outer'", "'outer', 'pointer'", "'outer', 'in'",
            "'outer', 'in.deep'", "'outer', 'a'", "'outer', 'c'",
            "'outer', 'flags.first'", "'outer', 'flags.high'",
            "'plain', 'low'", "'both', 'byte'", "'outer', 'rest'"), [
                [0, 40, -1, -1, -1, False], [0, 8, -1, -1, -1, True],
                [8, 12, -1, -1, -1, False], [12, 2, 4, -1, -1, False],
                [24, 8, -1, -1, -1, False], [25, 1, -1, -1, -1, False],
                [32, 4, -1, -1, -1, False], [36, 4, -1, 291, 7, False],
                [4, 4, -1, 32, 3, False], [0, 1, 16, -1, -1, False],
                [40, 1, 1, -1, -1, False]])

    def test_what_is_not_there(self):
        self.assertEqual(self.ask(
            "'outer', 'none'", "'none'", "'none', 'x'", "'later'", "'int'",
            "'main'", "''"), [None] * 7)

    def test_of_that_file_alone(self):
        self.assertEqual(self.ask(
            "'inner', None, b'x' * 20", "'inner', None, None, '/other'",
            "'inner', None, None", "'inner', None, own, None"),
            [None, None, [0, 12, -1, -1, -1, False],
             [0, 12, -1, -1, -1, False]])


if __name__ == "__main__":
    unittest.main()
