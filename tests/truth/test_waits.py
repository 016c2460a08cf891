# SPDX-License-Identifier: MIT
"""What threads wait for, and since when, where CPython notes it."""
import os
import signal
import time
import unittest

import cases
import engine
import interpreters
from targets import started


def monotonic():
    return time.clock_gettime_ns(time.CLOCK_MONOTONIC)


class Waits:
    """Mixed into a TestCase for each interpreter."""
    interpreter = None

    def setUp(self):
        child = started(self.interpreter, "waits.py")
        self.target = child.__enter__()
        self.addCleanup(child.__exit__, None, None, None)
        told = self.target.wait_ready()
        self.since = {name: int(ns) for name, ns in
                      zip(told[::3], told[2::3])}
        self.tids = dict(zip(told[::3], map(int, told[1::3])))
        self.target.rest()
        # From when on all of them wait.
        self.rested = monotonic()

    def threads(self, source):
        with engine.Session(source) as session:
            runtime, = session.info()["runtimes"]
        by_tid = {t["tid"]: t for t in runtime["threads"]}
        return {name: by_tid[tid] for name, tid in self.tids.items()}

    def check_calls(self, threads):
        self.assertEqual(
            {name: t["waits"]["name"] for name, t in threads.items()},
            {"lock": "futex", "limited": "futex", "importing": "futex",
             "sleeping": "clock_nanosleep"})
        self.assertIsNone(threads["sleeping"]["waits"]["for_ns"])

    def locks(self):
        """Those that note when they began."""
        own = self.interpreter.release >= [3, 14] or \
            self.interpreter.flavour.startswith("t")
        return ["lock", "limited", "importing"] if own else ["importing"]

    def check_times(self, threads, before, after):
        """It was looked at between these two times."""
        for name in self.locks():
            waited = threads[name]["waits"]["for_ns"]
            self.assertGreaterEqual(waited, before - self.rested)
            self.assertLessEqual(waited, after - self.since[name])

    def test_live(self):
        self.target.stop()
        before = monotonic()
        threads = self.threads(self.target.pid)
        self.check_calls(threads)
        self.check_times(threads, before, monotonic())
        for thread in threads.values():
            self.assertGreaterEqual(thread["ran_ms"], 0)
            # By two clocks that tick in hundredths of a second.
            self.assertGreaterEqual(
                thread["age_ms"] + 1000,
                (before - max(self.since.values())) // 1_000_000)

    def test_core(self):
        os.kill(self.target.pid, signal.SIGABRT)
        self.target.wait_exit()
        core = self.target.kernel_core()
        if core is None:
            self.skipTest("the kernel writes no core into the folder")
        threads = self.threads(core)
        self.check_calls(threads)
        for name in self.locks():
            self.assertIsNotNone(threads[name]["waits"]["for_ns"])
        # As far as times of files, which are of the last tick, tell it.
        self.check_times(threads, self.rested, monotonic())


cases.make(globals(), Waits, [
    i for i in interpreters.one_of_each(interpreters.find())
    if i.release >= [3, 13]])


if __name__ == "__main__":
    unittest.main()
