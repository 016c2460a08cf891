# SPDX-License-Identifier: MIT
"""A program of 8 threads that track and untrack, stopped at any moment.

Usage: stops.py HARM STOPS CALLS
At each of STOPS the registry, read from outside, is right; at each of CALLS
the functions that a debugger may call return, whatever lock a stopped thread
holds, and the program goes on. In the end it is as well as at its start.
"""
import os
import random
import re
import signal
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "..", "support"))

import engine  # noqa: E402
import targets  # noqa: E402

HARM, STOPS, CALLS = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
SETTLED, SIZE = 64, 24
BUSY = -8


class Stops(unittest.TestCase):
    def setUp(self):
        self.errors = open(os.devnull, "wb")
        self.process = subprocess.Popen(
            [HARM, "run"], stdout=subprocess.PIPE, stderr=self.errors)
        self.addCleanup(self.end)
        with targets.Limit(self.process, 300, "it did not say READY"):
            words = self.process.stdout.readline().split()
        self.assertEqual(words[0], b"READY")
        self.settled = int(words[2], 16)
        self.random = random.Random(STOPS)

    def end(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        self.errors.close()

    def wait_a_little(self):
        time.sleep(self.random.random() / 50)

    def check_registry(self):
        with engine.Session(self.process.pid) as session:
            found = session.collect()
            self.assertEqual(found["unreachable"], 0)
            for member in ("unknown", "unread", "incomplete", "collecting"):
                self.assertFalse(found.get(member), found)
            info = session.info()
            # Each thread has up to 50 of its own.
            self.assertLessEqual(SETTLED, info["tracked"])
            self.assertLessEqual(info["tracked"], SETTLED + 8 * 50)
            self.assertEqual(info["problems"], [])
            for i in range(SETTLED):
                one = session.count(self.settled + i * SIZE)
                self.assertEqual(one["count"], 1)
                self.assertEqual(one["named"], int(i > 0) + int(i == 1))

    def test_what_is_read_at_any_stop_is_right(self):
        for _ in range(STOPS):
            self.wait_a_little()
            os.kill(self.process.pid, signal.SIGSTOP)
            targets.wait_for_state(self.process.pid, "T")
            self.check_registry()
            os.kill(self.process.pid, signal.SIGCONT)
        self.check_alive()

    def check_alive(self):
        """Its threads still work: they use up processor time."""
        def used():
            with open(f"/proc/{self.process.pid}/stat", "rb") as file:
                fields = file.read().rsplit(b")", 1)[1].split()
            return int(fields[11]) + int(fields[12])

        before = used()
        for _ in range(600):
            if used() > before + 5:
                return
            time.sleep(0.1)
        self.fail("its threads do nothing any more")

    CALLS = ("(long)rs_find_garbage(0, 0, 0)",
             "(long)rs_count({settled})",
             "(int)rs_type_check(0, 0, 0)",
             "(long)rs_garbage_count()",
             "(int)rs_walk({settled}, count_one, &made)",
             "(int)rs_each(count_one, &made)")

    def call(self):
        words = ["gdb", "-nx", "-batch", "-iex", "set debuginfod enabled off",
                 *targets.NO_DEBUG_FILES,
                 "-p", str(self.process.pid),
                 "-ex", "set scheduler-locking on"]
        for call in self.CALLS:
            words += ["-ex", "print " + call.format(settled=self.settled)]
        done = subprocess.run(words, stdin=subprocess.DEVNULL, check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, timeout=600)
        found = re.findall(r"^\$\d+ = (-?\d+)", done.stdout, re.M)
        self.assertEqual(len(found), len(self.CALLS), done.stdout[-3000:])
        garbage, count, check, listed, walk, each = map(int, found)
        self.assertIn(garbage, (0, BUSY))
        self.assertIn(count, (1, BUSY))
        self.assertEqual((check, listed), (7, 0))
        self.assertIn(walk, (0, -BUSY))
        self.assertIn(each, (0, -BUSY))

    def test_calls_of_a_debugger_return_at_any_stop(self):
        for _ in range(CALLS):
            self.wait_a_little()
            self.call()
        self.check_alive()
        self.assertIsNone(self.process.poll())


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
