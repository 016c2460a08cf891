# SPDX-License-Identifier: MIT
"""The engine is found where it is told, installed or built."""
import os
import sys
import tempfile
import unittest
from unittest import mock

import paths

sys.path.insert(0, paths.PACKAGES)

from refscope.core import locate  # noqa: E402


class Locating(unittest.TestCase):
    def setUp(self):
        place = tempfile.TemporaryDirectory()
        self.addCleanup(place.cleanup)
        self.top = os.path.realpath(place.name)
        self.gdb = self.path("tree", "gdb")
        os.makedirs(self.gdb)
        for what in (
            mock.patch.object(locate, "folder", lambda: self.gdb),
            mock.patch.object(locate, "built", None),
            mock.patch.dict(os.environ),
        ):
            what.start()
            self.addCleanup(what.stop)
        os.environ.pop(locate.ENVIRONMENT, None)

    def path(self, *parts):
        return os.path.join(self.top, *parts)

    def library(self, *parts):
        path = self.path(*parts)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="ascii"):
            pass
        return path

    def test_the_environment_comes_first(self):
        told = self.library("mine.so")
        self.library("tree/.build/dev/helper/librefscope-engine.so")
        os.environ[locate.ENVIRONMENT] = told
        self.assertEqual(locate.find(), told)

    def test_a_wrong_environment_is_not_passed_over(self):
        self.library("tree/.build/dev/helper/librefscope-engine.so")
        os.environ[locate.ENVIRONMENT] = "/nowhere.so"
        with self.assertRaisesRegex(
            locate.Missing, "^no engine at /nowhere.so, which REFSCOPE_ENGINE"
        ):
            locate.find()

    def test_the_newest_build_is_taken(self):
        old = self.library("tree/.build/old/helper/librefscope-engine.so")
        new = self.library("tree/.build/new/helper/librefscope-engine.so")
        os.utime(old, (1, 1))
        self.assertEqual(locate.find(), new)

    def test_an_install_points_to_its_own(self):
        path = self.library("lib/x/librefscope-engine.so.1")
        with open(self.path("tree", "gdb", "engine-path"), "w",
                  encoding="ascii") as file:
            file.write("../../lib/x/librefscope-engine.so.1\n")
        self.assertEqual(locate.find(), path)

    def test_a_build_tree_takes_its_own(self):
        self.library("tree/.build/new/helper/librefscope-engine.so")
        locate.built = self.library("b/helper/librefscope-engine.so")
        self.assertEqual(locate.find(), locate.built)

    def test_missing_says_where_it_looked_and_what_to_do(self):
        with self.assertRaises(locate.Missing) as caught:
            locate.find()
        message = str(caught.exception)
        self.assertIn(self.path("tree/.build/*/helper"), message)
        self.assertIn("set REFSCOPE_ENGINE to its path", message)
        self.assertNotIn("\n", message)


if __name__ == "__main__":
    unittest.main()
