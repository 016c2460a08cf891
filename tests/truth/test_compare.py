# SPDX-License-Identifier: MIT
"""The comparison itself sees what is wrong with an export."""
import json
import os
import tempfile
import unittest

import compare

TRUTH = {"version": "3.11.7 (main)", "hexversion": 0, "own": [0x90],
         "objects": {str(0x10): ["list", 2, [0x20, 0x20, 0x30], True],
                     str(0x30): ["dict", 1, [], True],
                     str(0x20): ["str", 5, [], False],
                     str(0x90): ["frame", 7, [0x10], True]}}


def row(address, kind, count, out, tracked="tracked", unreachable=False):
    return {"id": hex(address), "type": kind, "count": count, "size": 1,
            "gc": tracked, "unreachable": unreachable, "garbage": False,
            "out": out}


class Compare(unittest.TestCase):
    def compared(self, *rows):
        with tempfile.TemporaryDirectory() as folder:
            for name, said in (("truth", TRUTH), ("collect", {}),
                               ("stats", {"stats": None}),
                               ("unreachable", {"unreachable": []})):
                with open(os.path.join(folder, name + ".json"), "w") as out:
                    json.dump(said, out)
            path = os.path.join(folder, "x.jsonl")
            with open(path, "w") as out:
                for line in ({"refscope": 1},) + rows:
                    out.write(json.dumps(line) + "\n")
            return compare.Truth(folder), compare.Export(path)

    def right(self):
        strong = [["0x20", "strong", "[0]"], ["0x20", "strong", "[1]"],
                  ["0x30", "strong", "[2]"], ["0x40", "owned", "type"]]
        return [row(0x10, "list", 2, strong), row(0x30, "dict", 1, []),
                row(0x20, "str", 5, [], "none")]

    def test_what_is_right_is_equal(self):
        truth, export = self.compared(*self.right())
        every, extra = compare.references(truth, export, True)
        self.assertEqual((every.equal, every.total), (2, 2))
        self.assertEqual((extra.equal, extra.total), (2, 2))
        self.assertEqual(compare.counts(truth, export).share, 1.0)
        self.assertEqual(compare.membership(truth, export), (set(), set()))

    def test_a_reference_held_twice_and_told_once_is_seen(self):
        rows = self.right()
        del rows[0]["out"][0]
        every, extra = compare.references(*self.compared(*rows), True)
        self.assertEqual(every.by_type, {"list": 1})
        self.assertEqual(extra.by_type, {})

    def test_a_reference_too_many_is_seen(self):
        rows = self.right()
        rows[1]["out"].append(["0x20", "strong", "?"])
        _every, extra = compare.references(*self.compared(*rows), True)
        self.assertEqual(extra.by_type, {"dict": 1})

    def test_what_a_list_does_not_own_is_not_told(self):
        rows = self.right()
        rows[0]["out"][0][1] = "weak"
        every, _extra = compare.references(*self.compared(*rows), True)
        self.assertEqual(every.by_type, {"list": 1})

    def test_what_a_dict_does_not_own_is_told_less_its_keys(self):
        rows = self.right()
        rows[1]["out"] += [["0x20", "weak", "key 'x'"]]
        every, _extra = compare.references(*self.compared(*rows), True)
        self.assertEqual(every.by_type, {})
        rows[1]["out"] += [["0x20", "weak", "['x']"]]
        every, _extra = compare.references(*self.compared(*rows), True)
        self.assertEqual(every.by_type, {"dict": 1})

    def test_a_lost_object_is_seen(self):
        rows = self.right()
        del rows[1]
        truth, export = self.compared(*rows)
        every, _extra = compare.references(truth, export, True)
        self.assertEqual(every.by_type, {"dict": 1})
        self.assertEqual(compare.membership(truth, export), ({0x30}, set()))

    def test_an_object_too_many_is_seen(self):
        rows = self.right() + [row(0x50, "set", 1, [])]
        self.assertEqual(compare.membership(*self.compared(*rows)),
                         (set(), {0x50}))

    def test_a_wrong_count_is_seen(self):
        rows = self.right()
        rows[2]["count"] = 2
        self.assertEqual(compare.counts(*self.compared(*rows)).by_type,
                         {"str": 1})

    def test_a_count_off_by_one_is_seen(self):
        rows = self.right()
        rows[1]["count"] = 2
        self.assertEqual(compare.counts(*self.compared(*rows)).by_type,
                         {"dict": 1})

    def test_a_count_without_end_told_as_a_number_is_seen(self):
        rows = self.right()
        rows[2]["count"] = 999999999
        truth, export = self.compared(*rows)
        truth.objects[0x20][1] = 999999999
        self.assertEqual(compare.counts(truth, export).by_type, {"str": 1})
        export.objects[0x20]["count"] = None
        self.assertEqual(compare.counts(truth, export).by_type, {})

    def test_a_mortal_object_told_as_immortal_is_seen(self):
        rows = self.right()
        rows[2]["count"] = None
        self.assertEqual(compare.counts(*self.compared(*rows)).by_type,
                         {"str": 1})


if __name__ == "__main__":
    unittest.main()
