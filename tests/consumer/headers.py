# SPDX-License-Identifier: MIT
"""The public headers compile as C11 to C17 and C++11 to C++23.

Usage: headers.py ROOT LIBRARY FLAGS...
With gcc and clang, whichever are there, all warnings being errors; and what is
compiled runs: the macros mean the same in both languages.
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT, LIBRARY, *FLAGS = sys.argv[1:]
SOURCE = os.path.join(HERE, "every_macro.c")
WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Werror"]
C = ("c11", "c17", "gnu11")
CXX = ("c++11", "c++14", "c++17", "c++20", "c++2b")


def compilers(names):
    # A library that gcc built with sanitizers needs gcc's runtime.
    found = [name for name in names if shutil.which(name) and
             not (FLAGS and name.startswith("clang"))]
    if not found:
        raise unittest.SkipTest("none of " + ", ".join(names))
    return found


class Headers(unittest.TestCase):
    def build(self, compiler, *flags):
        with tempfile.TemporaryDirectory() as folder:
            # In C++ linking takes a step of its own: the library is C.
            program = os.path.join(folder, "program")
            done = subprocess.run(
                [compiler, *flags, "-I", os.path.join(ROOT, "include"),
                 SOURCE, "-x", "none", LIBRARY, *FLAGS, "-lpthread", "-o",
                 program], capture_output=True, text=True, check=False,
                timeout=300)
            self.assertEqual(done.returncode, 0, done.stderr[:4000])
            done = subprocess.run([program], capture_output=True, text=True,
                                  check=False, timeout=300,
                                  env={"ASAN_OPTIONS": "detect_leaks=0"})
            self.assertEqual((done.returncode, done.stdout), (0, ""))

    def test_c(self):
        for compiler in compilers(("gcc", "clang")):
            for standard in C:
                with self.subTest(compiler=compiler, standard=standard):
                    self.build(compiler, "-std=" + standard, *WARNINGS,
                               "-DRS_TEST_DESIGNATORS")

    def test_cxx_without_designators_is_pedantically_clean(self):
        for compiler in compilers(("g++", "clang++")):
            for standard in CXX:
                with self.subTest(compiler=compiler, standard=standard):
                    self.build(compiler, "-x", "c++", "-std=" + standard,
                               *WARNINGS)

    def test_cxx_takes_further_members_by_name(self):
        for compiler in compilers(("g++", "clang++")):
            for standard in CXX:
                # Before C++20 an extension, which -Wpedantic tells.
                quiet = (["-Wno-c++20-designator"] if "clang" in compiler
                         else [])
                if "clang" in compiler and standard == "c++11":
                    # Nothing there says that a member may be left out.
                    quiet += ["-Wno-unknown-warning-option",
                              "-Wno-missing-designated-field-initializers"]
                pedantic = "-Wpedantic" if standard in CXX[3:] else "-Wall"
                with self.subTest(compiler=compiler, standard=standard):
                    self.build(compiler, "-x", "c++", "-std=" + standard,
                               "-Wall", "-Wextra", "-Werror", pedantic,
                               *quiet, "-DRS_TEST_DESIGNATORS")

    def test_what_a_debugger_may_call_is_called_with_each_lock_held(self):
        with open(os.path.join(ROOT, "include", "refscope",
                               "refscope.h")) as file:
            header = file.read()
        with open(os.path.join(ROOT, "tests", "unit", "tracker",
                               "test_tracker_unknown.c")) as file:
            text = file.read()
        start = text.index("static void check_switches(")
        called = text[start:text.index("END_TEST", start)]
        calls = []
        said = ""
        # A comment holds for what is declared until the next that says so.
        for comment, function in re.findall(
                r"/\*\*((?:.|\n)*?)\*/|^RS_PUBLIC\s[^;]*?(\brs_\w+)\(",
                header, re.M):
            if "Debugger:" in comment:
                said = " ".join(comment.replace("*", " ").split()).split(
                    "Debugger:")[1]
            if not function:
                continue
            with self.subTest(function=function):
                one = re.search(function + r"\(\)[^,.]*? (yes|no)\b", said)
                word = one.group(1) if one else said.split()[0].strip(",.;")
                self.assertIn(word, ("yes", "no"))
                if word == "yes":
                    calls.append(function)
                    self.assertRegex(called, r"\b%s\(" % function)
        self.assertIn("rs_find_garbage", calls)
        self.assertIn("rs_garbage_at", calls)
        self.assertNotIn("rs_collect", calls)
        self.assertNotIn("rs_track", calls)
        self.assertNotIn("rs_garbage_clear", calls)
        self.assertGreater(len(calls), 10)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
