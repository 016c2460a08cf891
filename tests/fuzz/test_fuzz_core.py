# SPDX-License-Identifier: MIT
"""A spoilt core never crashes or hangs the engine.

Takes a real core of an interpreter (of the kernel, of gcore), cuts it off at
random points and flips bits in it: see fuzz_core.c. The seeds are fixed.
"""
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest

import targets

SECONDS = 1200  # for all rounds of one kind

SCRIPT = """
import os, sys
class Leak:
    def __init__(self): self.me = self
    def __del__(self): pass
kept = [{'number': i, 'text': str(i)} for i in range(500)]
for i in range(20): Leak()
print('READY %d' % os.getpid()); sys.stdout.flush()
sys.stdin.readline()
"""


class FuzzCore(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="rs-fuzz-")
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        command = targets.python(sys.executable, "-c", SCRIPT)
        with targets.Target(command, cls.folder) as target:
            target.wait_ready()
            cls.gcore = target.gcore()
            os.kill(target.pid, signal.SIGABRT)
            target.wait_exit()
            cls.kernel = target.kernel_core()

    def fuzz(self, core, how, level, rounds, seed):
        if core is None:
            self.skipTest("the kernel wrote no core into the folder")
        copy = os.path.join(self.folder, "spoilt")
        shutil.copyfile(core, copy)
        done = targets.run(
            [os.environ["REFSCOPE_FUZZ_CORE"], copy, how, level, str(rounds),
             str(seed)], SECONDS, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, encoding="utf-8", errors="replace")
        self.assertEqual(done.returncode, 0, done.stdout[-6000:])
        last = done.stdout.splitlines()[-1].split()
        self.assertEqual(int(last[0]) + int(last[2]), rounds, done.stdout)
        print("%s %s: %s" % (how, level, " ".join(last)))
        return int(last[0]), int(last[2])

    def test_a_whole_core_is_answered(self):
        # Otherwise the rest would prove nothing.
        for core in (self.gcore, self.kernel):
            for level in ("memory", "session"):
                with self.subTest(core=core, level=level):
                    self.assertEqual(self.fuzz(core, "none", level, 1, 1),
                                     (1, 0))

    def test_a_core_that_tells_of_other_pages(self):
        # Files that are mapped here end at pages of ours. Some are larger than
        # those, the others no machine has.
        for core in (self.gcore, self.kernel):
            if core is None:
                continue
            for size in (0, 1 << 20, (1 << 64) - 1):
                told = targets.with_pages(core, size)
                with self.subTest(core=core, size=size):
                    for level in ("memory", "session"):
                        self.assertEqual(
                            self.fuzz(told, "none", level, 1, 1), (1, 0))

    def test_memory_of_a_core_cut_off(self):
        for core in (self.gcore, self.kernel):
            answered, refused = self.fuzz(core, "cut", "memory", 100, 1)
            self.assertGreater(answered, 10)
            self.assertGreater(refused, 0)

    def test_memory_with_flipped_headers_and_notes(self):
        for core in (self.gcore, self.kernel):
            self.fuzz(core, "head", "memory", 200, 2)

    def test_session_on_a_core_cut_off(self):
        for core in (self.gcore, self.kernel):
            answered, refused = self.fuzz(core, "cut", "session", 100, 3)
            self.assertGreater(refused, 10)

    def test_session_with_flipped_headers_and_notes(self):
        self.fuzz(self.kernel, "head", "session", 50, 4)

    def test_lost_objects_are_told(self):
        # $REFSCOPE_FUZZ_LOST: more rounds of each kind, as in fuzz.lost, or
        # fewer.
        rounds = int(os.environ.get("REFSCOPE_FUZZ_LOST", "24"))
        for core in (self.gcore, self.kernel):
            for how, seed in (("cut", 6), ("head", 7), ("bits", 8),
                              ("loads", 9), ("pages", 10)):
                with self.subTest(core=core, how=how):
                    self.fuzz(core, how, "objects", rounds, seed)

    def test_session_with_flipped_bits_anywhere(self):
        self.fuzz(self.gcore, "bits", "session", 50, 5)


if __name__ == "__main__":
    unittest.main()
