# SPDX-License-Identifier: MIT
"""A spoilt core's own code is asked, and nothing outside learns of it.

Takes real cores of a small Python (by the kernel, by gcore) and of a C
program with traverse callbacks, and flips bits of their headers, notes, types
and lists: see fuzz_ask.c. The seeds are fixed. REFSCOPE_FUZZ_ROUNDS rounds
in all, by two processes at a time.
"""
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

import targets

ROUNDS = int(os.environ.get("REFSCOPE_FUZZ_ROUNDS", "1000"))
ASK = os.environ["REFSCOPE_FUZZ_ASK"]
SHELF = os.environ.get("REFSCOPE_FUZZ_SHELF")  # not one with sanitizers
WORKERS = 2

SCRIPT = """
import os, sys
class Leak:
    def __init__(self): self.me = self
    def __del__(self): pass
kept = [{'number': i, 'text': str(i)} for i in range(50)]
for i in range(5): Leak()
print('READY %d' % os.getpid()); sys.stdout.flush()
sys.stdin.readline()
"""
PYTHON = ["setarch", "-R", sys.executable, "-I", "-S", "-c", SCRIPT]
NUMBERS = re.compile(
    r"(\d+) answered, (\d+) refused, (\d+) failed; (\d+) asked, (\d+) not, "
    r"(\d+) with a function stopped, (\d+) with a broken list; "
    r"(\d+) interrupted; longest (\d+) ms")


class FuzzAsk(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="rs-ask-")
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        cls.python = os.path.join(cls.folder, "python")
        os.mkdir(cls.python)
        with targets.Target(PYTHON, cls.python) as target:
            target.wait_ready()
            cls.gcore = target.gcore()
            os.kill(target.pid, signal.SIGABRT)
            target.wait_exit()
            cls.kernel = target.kernel_core()
        cls.native = None
        if SHELF:
            native = os.path.join(cls.folder, "native")
            os.mkdir(native)
            with targets.Target(["setarch", "-R", SHELF, "--abort"], native) as target:
                target.wait_exit()
                cls.native = target.kernel_core()
        # Whom flipped bits might find: a child like those of a debugger.
        cls.victim = subprocess.Popen(["sleep", "100000"])
        cls.addClassCleanup(cls.victim.wait)
        cls.addClassCleanup(cls.victim.kill)

    def fuzz(self, core, rounds, seed):
        """Two processes with half of the rounds each. @return the sums."""
        started, begin = [], time.monotonic()
        for worker in range(WORKERS):
            room = tempfile.mkdtemp(dir=self.folder)
            copy = os.path.join(room, "spoilt")
            shutil.copyfile(core, copy)
            share = rounds // WORKERS
            process = subprocess.Popen(
                [ASK, copy, str(share), str(seed + 100 * worker)], cwd=room,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                encoding="utf-8", errors="replace")
            self.addCleanup(process.stdout.close)
            self.addCleanup(process.wait)
            self.addCleanup(process.kill)
            started.append((room, share, process))
        sums = [0] * 9
        for room, share, process in started:
            out = process.communicate(timeout=1500)[0]
            self.assertEqual(process.returncode, 0, out[-6000:])
            numbers = [int(n) for n in NUMBERS.search(out).groups()]
            self.assertEqual(numbers[0] + numbers[1], share, out[-6000:])
            sums = [a + b for a, b in zip(sums, numbers)]
            self.assertEqual(os.listdir(room), ["spoilt"])
        self.assertIsNone(self.victim.poll())
        print("%s: %s; %.1f s" % (
            os.path.relpath(core, self.folder),
            dict(zip("answered refused failed asked unasked stopped broken "
                     "interrupted longest".split(), sums)), time.monotonic() - begin))
        return dict(answered=sums[0], asked=sums[3], stopped=sums[5],
                    broken=sums[6])

    def check(self, core, rounds, seed):
        if core is None:
            self.skipTest("the kernel wrote no core into the folder")
        rounds -= rounds % WORKERS
        got = self.fuzz(core, rounds, seed)
        # Otherwise the flips do not hit, or nothing is asked any more.
        self.assertGreater(got["asked"], rounds // 4)
        self.assertGreater(got["stopped"], 0)
        return got

    def test_kernel_core_of_a_python(self):
        got = self.check(self.kernel, ROUNDS // 4, 1)
        self.assertGreater(got["broken"], 0)

    def test_gcore_of_a_python(self):
        got = self.check(self.gcore, ROUNDS // 4, 2)
        self.assertGreater(got["broken"], 0)

    @unittest.skipUnless(SHELF, "its core would hold all of a sanitizer's "
                         "shadow memory")
    def test_core_of_a_c_program(self):
        self.check(self.native, ROUNDS // 2, 3)


if __name__ == "__main__":
    unittest.main()
