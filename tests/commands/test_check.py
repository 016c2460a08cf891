# SPDX-License-Identifier: MIT
"""refs check: what is found, what is said, and how GDB exits."""
import os
import subprocess
import sys
import unittest
import xml.etree.ElementTree as ElementTree

import paths

sys.path[:0] = [paths.PACKAGES, os.path.join(paths.ROOT, "tests", "support")]

import schemas  # noqa: E402
import session  # noqa: E402
from refscope.core import check  # noqa: E402

FINDING = {"kind": "missing-decref", "key": "missing-decref m.Row unheld",
           "grade": "certain", "number": 12, "type": "Row", "bytes": 600,
           "references": 12, "evidence": ["each has 1 reference"]}
POSSIBLE = dict(FINDING, grade="possible", key="missing-decref str in use",
                references=3)
COLLECT = {"unreachable": 5, "uncollectable": 0}
TYPES = {"types": [{"type": "m.Row", "objects": 12},
                   {"type": "Row", "objects": 1}]}


class Judge(unittest.TestCase):
    def judge(self, found=(), leaks=None, **wanted):
        result = check.judge(check.Wanted(**wanted), dict(
            leaks or {}, findings=list(found)), COLLECT, TYPES)
        if schemas.HAVE:
            schemas.check("check", result)
        return result

    def test_clean(self):
        result = self.judge([POSSIBLE])
        self.assertEqual(check.lines(result), [
            "ok     no-findings: no findings", "refs check: clean"])

    def test_a_finding(self):
        result = self.judge([FINDING, POSSIBLE])
        self.assertEqual(check.lines(result), [
            "FAILED no-findings: missing-decref: 12 Row, 600 bytes (certain): "
            "each has 1 reference",
            "         key: missing-decref m.Row unheld",
            "refs check: found 1"])

    def test_what_is_ignored(self):
        ignored = check.parse_ignored(
            ["# known", "", " missing-decref m.Row unheld \n"])
        result = self.judge([FINDING, POSSIBLE], ignored=ignored,
                            unexplained=3)
        self.assertEqual(result["result"], "clean")

    def test_limits(self):
        result = self.judge(
            [FINDING, POSSIBLE], findings=False, unexplained=14, unreachable=5,
            uncollectable=0, numbers=check.parse_numbers("Row=12,x.Y=0"))
        self.assertEqual(check.lines(result), [
            "FAILED max-unexplained: 15 unexplained, more than 14",
            "ok     max-unreachable: 5 unreachable, at most 5",
            "ok     max-uncollectable: 0 uncollectable, at most 0",
            "FAILED max-number Row: 13 Row objects, more than 12",
            "ok     max-number x.Y: 0 x.Y objects, at most 0",
            "refs check: found 2"])
        for wrong in ("Row", "=3", "Row=x", "Row=1,"):
            with self.assertRaises(ValueError):
                check.parse_numbers(wrong)

    def test_what_was_not_read_is_not_clean(self):
        for leaks in ({"problems": ["no stack"]}, {"collecting": True},
                      {"incomplete": True}, {"unread": {"objects": 1}}):
            self.assertEqual(self.judge(leaks=leaks)["result"],
                             "could not tell")
            self.assertEqual(self.judge([FINDING], leaks)["result"], "found")
        self.assertEqual(
            check.last_line(self.judge(leaks={"problems": ["no stack"]})),
            "refs check: could not tell: no stack")

    def test_junit(self):
        for result, counts in (
                (self.judge([FINDING], unreachable=9), ("2", "1", "0")),
                (check.unknown("<&>"), ("1", "0", "1"))):
            suite = ElementTree.fromstring(check.junit(result))
            self.assertEqual(tuple(suite.get(key) for key in (
                "tests", "failures", "errors")), counts)


class Status(unittest.TestCase):
    def test_without_a_target_it_could_not_tell(self):
        done = subprocess.run(
            [session.GDB, "-nx", "-batch", "-ex", "source " + paths.SOURCED,
             "-ex", "refs check"], stdin=subprocess.DEVNULL, timeout=120,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
            env=session.environment(os.environ["REFSCOPE_ENGINE"]))
        self.assertEqual(done.returncode, 2)
        self.assertRegex(done.stdout.decode().splitlines()[-1],
                         r"^refs check: could not tell: no process or core")


if __name__ == "__main__":
    unittest.main()
