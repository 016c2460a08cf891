# SPDX-License-Identifier: MIT
"""What is sourced finds its engine, from an install and from a build tree."""
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

import paths
from session import GDB, environment, targets

sys.path.insert(0, paths.PACKAGES)

from refscope.core.engine import ABI  # noqa: E402

BUILD = os.environ["REFSCOPE_BUILD"]
ASK = ("python import refscope.core.locate as l; import "
       "refscope.core.engine as e; p = l.find(); print(p); "
       "print(e.Engine(p).version)")


class Install(unittest.TestCase):
    def setUp(self):
        place = tempfile.TemporaryDirectory()
        self.addCleanup(place.cleanup)
        self.top = os.path.realpath(place.name)

    def found(self, sourced):
        env = environment("")
        del env["REFSCOPE_ENGINE"]
        done = targets.run(
            [GDB, "-nx", "-batch", "-ex", "source " + sourced, "-ex", ASK],
            targets.GDB_SECONDS, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, encoding="utf-8", cwd="/")
        lines = done.stdout.splitlines()
        self.assertEqual(lines[1:], ["0.1.0"], done.stdout)
        return lines[0]

    def test_a_script_in_python_may_source_it(self):
        script = os.path.join(self.top, "mine.py")
        with open(script, "w", encoding="ascii") as file:
            file.write(f"import gdb\ngdb.execute('source {paths.SOURCED}')\n")
        env = environment(os.environ["REFSCOPE_ENGINE"])
        done = targets.run(
            [GDB, "-nx", "-batch", "-ex", "source " + script,
             "-ex", "help refs count"], targets.GDB_SECONDS, env=env,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, encoding="utf-8", cwd="/")
        self.assertIn("Usage: refs count", done.stdout)
        self.assertNotIn("Error", done.stdout)

    def install(self):
        prefix = os.path.join(self.top, "one")
        subprocess.run(
            ["cmake", "--install", BUILD, "--prefix", prefix],
            check=True, stdout=subprocess.DEVNULL, timeout=300)
        return prefix

    def test_an_install_wherever_it_is_moved(self):
        moved = os.path.join(self.top, "two")
        shutil.move(self.install(), moved)
        sourced = os.path.join(moved, "share/refscope/gdb/refscope-gdb.py")
        found = self.found(sourced)
        self.assertTrue(found.startswith(moved + "/lib"), found)
        self.assertTrue(found.endswith("/librefscope-engine.so.%d" % ABI), found)

    def test_only_what_is_needed_is_installed(self):
        folder = os.path.join(self.install(), "share/refscope/gdb")
        self.assertEqual(sorted(os.listdir(folder)),
                         ["engine-path", "refscope", "refscope-gdb.py"])
        for place, _folders, files in os.walk(folder + "/refscope"):
            self.assertTrue(all(f.endswith(".py") for f in files), files)
            self.assertIn("__init__.py", files)

    def test_schemas_are_installed(self):
        folder = os.path.join(self.install(), "share/refscope/schema")
        self.assertEqual(sorted(os.listdir(folder)), sorted(os.listdir(
            os.path.join(paths.ROOT, "include/refscope/schema"))))

    def test_a_program_of_ones_own_can_use_the_engine(self):
        prefix = self.install()
        source = os.path.join(self.top, "own.c")
        with open(source, "w", encoding="ascii") as file:
            file.write("#include <refscope/engine.h>\n"
                       "int main(void) { return !rs_engine_version(); }\n")
        [place] = [top for top, _, files in os.walk(prefix)
                   if "librefscope-engine.so" in files]
        subprocess.run(
            [os.environ.get("CC", "cc"), source, f"-I{prefix}/include",
             f"-L{place}", "-lrefscope-engine", "-Wl,--unresolved-symbols="
             "ignore-in-shared-libs", "-o", source[:-2]], check=True,
            timeout=300)

    def test_a_build_tree(self):
        found = self.found(os.path.join(BUILD, "gdb", "refscope-gdb.py"))
        self.assertEqual(
            found, os.path.join(BUILD, "helper", "librefscope-engine.so"))


if __name__ == "__main__":
    unittest.main()
