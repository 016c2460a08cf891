# SPDX-License-Identifier: MIT
"""Install the helper and build a project that finds it, in both ways.

Usage: consume.py BUILD-DIRECTORY CMAKE COMPILER SANITIZERS
"""
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

BUILD, CMAKE, COMPILER, SANITIZE = sys.argv[1:5]
PROJECT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "project")
FLAGS = [f"-fsanitize={SANITIZE}"] if SANITIZE else []
STRICT = ["-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Werror"]


def run(*words, **options):
    done = subprocess.run(words, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=900,
                          **options)
    if done.returncode:
        raise AssertionError(f"{' '.join(words)}: {done.stdout}")
    return done.stdout


class Consumer(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.work = tempfile.mkdtemp(prefix="refscope-consumer-")
        built = os.path.join(cls.work, "installed")
        run(CMAKE, "--install", BUILD, "--prefix", built,
            "--component", "helper")
        # Nothing in it may remember where it was installed first.
        cls.prefix = os.path.join(cls.work, "moved")
        os.rename(built, cls.prefix)
        cls.libdir = next(
            root for root, _, files in os.walk(cls.prefix)
            if "librefscope.a" in files)

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.work)

    def check(self, program):
        env = dict(os.environ, LD_LIBRARY_PATH=self.libdir,
                   ASAN_OPTIONS="detect_leaks=1")
        self.assertEqual(run(program, env=env), "1\n")

    def test_pkg_config(self):
        env = dict(os.environ,
                   PKG_CONFIG_PATH=os.path.join(self.libdir, "pkgconfig"))
        flags = run("pkg-config", "--cflags", "--libs", "refscope",
                    env=env).split()
        program = os.path.join(self.work, "with-pkg-config")
        run(COMPILER, *STRICT, *FLAGS, os.path.join(PROJECT, "ring.c"),
            *flags, "-o", program)
        self.check(program)

    def test_find_package(self):
        where = os.path.join(self.work, "cmake")
        run(CMAKE, "-S", PROJECT, "-B", where,
            f"-DCMAKE_PREFIX_PATH={self.prefix}",
            f"-DCMAKE_C_COMPILER={COMPILER}",
            f"-DCMAKE_C_FLAGS={' '.join(STRICT + FLAGS)}")
        run(CMAKE, "--build", where)
        for library in ("refscope", "refscope-static"):
            with self.subTest(library=library):
                self.check(os.path.join(where, "with-" + library))

    def test_needs_libc_only_and_exports_only_its_own(self):
        library = os.path.join(self.libdir, "librefscope.so")
        needed = [line.split("[")[1].split("]")[0]
                  for line in run("readelf", "-d", library).splitlines()
                  if "(NEEDED)" in line]
        if not SANITIZE:
            self.assertEqual(needed, ["libc.so.6"])
        names = [line.split()[-1] for line in
                 run("nm", "-D", "--defined-only", library).splitlines()]
        self.assertIn("rs_registry", names)
        self.assertEqual([n for n in names if not n.startswith("rs_")], [])


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
