# SPDX-License-Identifier: MIT
"""refs check in the CI of a C extension: a project with CTest and pytest."""
import importlib.util
import os
import shutil
import subprocess
import tempfile
import unittest
import unittest.mock
import xml.etree.ElementTree as ElementTree

import paths

PROJECT = os.path.join(paths.ROOT, "fixtures", "extension_ci")
PYTHON = "/usr/bin/python3"
LIMIT = 300  # seconds


class Project(unittest.TestCase):
    def setUp(self):
        if not shutil.which("cmake") or not os.path.exists(PYTHON):
            self.skipTest("needs cmake and " + PYTHON)

    def built(self, leak):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.run_in(folder.name, "cmake", "-S", PROJECT, "-B", folder.name,
                    "-DPython3_EXECUTABLE=" + PYTHON,
                    "-DREFSCOPE_GDB=" + paths.SOURCED, "-DROWS_LEAK=" + leak,
                    *(["-G", "Ninja"] if shutil.which("ninja") else []))
        self.run_in(folder.name, "cmake", "--build", folder.name)
        return folder.name

    def run_in(self, folder, *words, fails=False):
        # Of the flags of this build (sanitizers) it knows nothing.
        environment = {name: value for name, value in os.environ.items()
                       if name not in ("CFLAGS", "LDFLAGS")}
        done = subprocess.run(words, cwd=folder, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True,
                              timeout=LIMIT, env=environment)
        self.assertEqual(done.returncode != 0, fails, done.stdout)
        return done.stdout

    def test_ctest(self):
        self.run_in(self.built("OFF"), "ctest", "--output-on-failure")
        folder = self.built("ON")
        said = self.run_in(folder, "ctest", "--output-on-failure", fails=True)
        self.assertIn("refs check: found 1", said)
        [suite] = ElementTree.parse(os.path.join(folder, "leaks.xml")).iter(
            "testsuite")
        self.assertEqual(suite.get("failures"), "1")
        self.assertIn("missing-decref bytes unheld",
                      suite.find("testcase").get("name"))

    def test_pytest(self):
        spec = importlib.util.spec_from_file_location(
            "test_leaks", os.path.join(PROJECT, "test_leaks.py"))
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        with unittest.mock.patch.object(module.sys, "executable", PYTHON):
            for leak in ("OFF", "ON"):
                with unittest.mock.patch.dict(os.environ, {
                        "REFSCOPE_GDB": paths.SOURCED,
                        "PYTHONPATH": self.built(leak)}):
                    if leak == "OFF":
                        module.test_leaks()
                    else:
                        self.assertRaises(AssertionError, module.test_leaks)


if __name__ == "__main__":
    unittest.main()
