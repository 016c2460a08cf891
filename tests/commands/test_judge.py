# SPDX-License-Identifier: MIT
"""Which way a live CPython is called, by the state of its threads."""
import sys
import unittest

import paths

sys.path.insert(0, paths.PACKAGES)

from refscope.core import judge, judge_tracker  # noqa: E402
from refscope.core.engine import (  # noqa: E402
    BLOCKED, LATER, PENDING, STOPPED)

MAIN, OTHER = 10, 11
READ, WRITE, FUTEX, SLEEP = 0, 1, 202, 230
LOCK = ["do_futex_wait", "sem_wait", "PyThread_acquire_lock_timed",
        "acquire_timed"]
OWN_LOCK = ["futex_wait", "pthread_cond_timedwait", "take_gil",
            "PyEval_RestoreThread"]


def thread(tid=MAIN, number=READ, calls=(), **more):
    given = {"static": False, "semaphore": False, "file": False,
             "in_handler": False, "in_loader": False, "room": 8 << 20, **more}
    return judge.Thread(tid=tid, number=number, calls=list(calls), **given)


def stop(*threads, **more):
    given = {"version": "3.11.7", "threaded": False, "interpreters": 1,
             "collecting": False, "holder": None, "lacks": [],
             "python": [t.tid for t in threads], **more}
    return judge.Stop(pid=MAIN, threads=threads, **given)


class Judge(unittest.TestCase):
    def check(self, way, words, *threads, **more):
        verdict = judge.choose(stop(*threads, **more))
        self.assertEqual(verdict.way, way, verdict)
        self.assertIn(words, verdict.why)
        return verdict

    def test_a_thread_that_waits_without_the_lock(self):
        verdict = self.check(BLOCKED, "waits in read", thread())
        self.assertFalse(verdict.together)
        verdict = self.check(
            BLOCKED, "thread 11 has to give up", thread(),
            thread(OTHER, None), holder=OTHER)
        self.assertTrue(verdict.together)
        self.assertEqual(verdict.tid, MAIN)

    def test_one_that_the_kernel_can_restart_as_it_was_is_preferred(self):
        verdict = self.check(BLOCKED, "waits in read", thread(MAIN, SLEEP),
                             thread(OTHER, READ))
        self.assertEqual(verdict.tid, OTHER)

    def test_a_thread_with_a_small_stack(self):
        small = thread(OTHER, READ, room=200 << 10)
        verdict = self.check(BLOCKED, "waits in clock_nanosleep",
                             thread(MAIN, SLEEP), small)
        self.assertEqual(verdict.tid, MAIN)
        verdict = self.check(BLOCKED, "waits in read",
                             thread(MAIN, WRITE), small)
        self.assertEqual(verdict.tid, OTHER)
        self.check(0, "it has 24 KiB of stack left", thread(room=24 << 10))

    def test_a_lock_of_the_program(self):
        self.check(BLOCKED, "waits in futex", thread(number=FUTEX, calls=LOCK))
        self.check(BLOCKED, "", thread(number=FUTEX, semaphore=True))
        # Of 2.7 the interpreter's lock looks the same.
        self.check(0, "is not known", thread(number=FUTEX, semaphore=True),
                   version="2.7.18")
        self.check(0, "is not known", thread(number=FUTEX))

    def test_the_interpreters_lock_is_waited_for(self):
        for one in (thread(number=FUTEX, calls=OWN_LOCK),
                    thread(number=FUTEX, static=True),
                    thread(number=FUTEX, calls=["PyThread_acquire_lock",
                                                "PyEval_EvalFrameEx"])):
            self.check(PENDING, "the call is queued", one,
                       thread(OTHER, None), holder=OTHER)

    def test_the_main_thread_at_work(self):
        self.check(PENDING, "the call is queued", thread(number=None),
                   holder=MAIN)
        self.check(0, "at its queue", thread(
            number=None, calls=["Py_AddPendingCall"]), holder=MAIN)

    def test_threads_that_hold_something(self):
        for words, one in (
                ("it is in malloc", thread(calls=["malloc", "x"])),
                ("it reads a file", thread(file=True)),
                ("in a signal handler", thread(in_handler=True)),
                ("the dynamic loader", thread(in_loader=True))):
            self.assertTrue(self.check(0, words, one).passing)
        self.assertIn("system call 1", judge.unfit(
            stop(thread(number=WRITE)), thread(number=WRITE)))

    def test_a_thread_that_is_not_pythons(self):
        self.check(0, "is not one of Python's", thread(), python=[])

    def test_a_running_collection_passes(self):
        verdict = self.check(0, "a collection is running", thread(),
                             collecting=True)
        self.assertTrue(verdict.passing and verdict.collecting)

    def test_what_is_never_called(self):
        for words, more in (
                ("free-threaded", {"threaded": True}),
                ("2 interpreters", {"interpreters": 2}),
                ("does not export PyGILState_Ensure",
                 {"lacks": ["PyGILState_Ensure"]})):
            self.assertFalse(self.check(0, words, thread(), **more).passing)
        for name in ("Py_FinalizeEx", "exit"):
            self.check(0, "the process is ending", thread(calls=[name]))

    def test_a_thread_that_holds_a_mutex_is_not_lent(self):
        verdict = self.check(BLOCKED, "waits in clock_nanosleep",
                             thread(holds=True), thread(OTHER, SLEEP))
        self.assertEqual(verdict.tid, OTHER)
        self.check(0, "it holds a mutex", thread(holds=True))


def registry(**more):
    return judge_tracker.Registry(**{
        "id": 0, "tracked": 1, "enabled": False, "wanted": False,
        "collecting": False, "locks": 0, "collections": 0, "lacks": [],
        **more})


class Tracker(unittest.TestCase):
    """Of librefscope in a C program."""

    def collect(self, way, words, *threads, **more):
        verdict = judge_tracker.collect(threads, registry(**more))
        self.assertEqual(verdict.way, way, verdict)
        self.assertIn(words, verdict.why)
        return verdict

    def look(self, way, words, *threads, function="rs_walk", **more):
        verdict = judge_tracker.look(threads, registry(**more), function)
        self.assertEqual(verdict.way, way, verdict)
        self.assertIn(words, verdict.why)
        return verdict

    def test_a_collection_while_all_threads_wait(self):
        verdict = self.collect(BLOCKED, "all threads wait; thread 11, in read",
                               thread(MAIN, SLEEP), thread(OTHER))
        self.assertFalse(verdict.passing or verdict.together)

    def test_no_collection_while_one_is_at_work_or_holds_something(self):
        for calls, number, words in (
                ((), None, "thread 11 is at work"),
                ((), WRITE, "thread 11 is in system call 1"),
                (("_int_malloc", "malloc", "f"), None, "is in _int_malloc()"),
                (("read", "free"), READ, "is in free()"),
                (("read", "rs_each"), READ, "is in rs_each()"),
                (("__lll_lock_wait", "f"), FUTEX,
                 "waits for a lock, in __lll_lock_wait()"),
                ((), FUTEX, "waits for what may be a lock"),
                (("dlopen",), READ, "is in the dynamic loader")):
            other = thread(OTHER, number, calls)
            verdict = self.collect(0, words, thread(), other)
            self.assertTrue(verdict.passing)
            self.assertIn("does not collect by itself", verdict.why)
            self.collect(LATER, words, thread(), other, enabled=True)

    def test_no_collection_while_one_holds_a_mutex(self):
        self.collect(0, "thread 11 holds a mutex", thread(),
                     thread(OTHER, holds=True))

    def test_a_semaphore_is_no_lock(self):
        self.collect(BLOCKED, "all threads wait",
                     thread(MAIN, FUTEX, semaphore=True))

    def test_a_thread_with_a_small_stack_does_not_collect(self):
        verdict = self.collect(BLOCKED, "thread 10", thread(),
                               thread(OTHER, room=64 << 10))
        self.assertEqual(verdict.tid, MAIN)
        self.collect(0, "128 KiB", thread(room=64 << 10))

    def test_a_lock_of_the_library(self):
        inside = thread(OTHER, None, ["rs_track", "f"])
        self.collect(0, "thread 11, in rs_track(), holds a lock", thread(),
                     inside, locks=1)
        self.collect(0, "a thread holds a lock of librefscope (of 2 held)",
                     thread(), locks=2)
        self.look(0, "thread 11, in rs_track(), holds a lock", thread(),
                  inside, locks=1)

    def test_a_running_collection(self):
        self.assertTrue(
            self.collect(0, "a collection is running", thread(),
                         collecting=True, enabled=True).collecting)
        self.look(0, "a collection is running", thread(), collecting=True,
                  function="rs_find_garbage")
        self.look(STOPPED, "calls rs_walk()", thread(), collecting=True)

    def test_looking_may_be_done_anywhere(self):
        at_work = thread(MAIN, None, ["_int_malloc", "malloc"])
        self.look(STOPPED, "thread 10, at work", at_work)
        verdict = self.look(STOPPED, "thread 11, in read", at_work,
                            thread(OTHER))
        self.assertEqual(verdict.tid, OTHER)

    def test_never(self):
        for choose in self.collect, self.look:
            choose(0, "is ending: thread 10 is in exit",
                   thread(MAIN, None, ["exit"]))
            choose(0, "cannot be called", thread(),
                   lacks=["code for this machine"])
        self.look(0, "does not export rs_walk()", thread(), lacks=["rs_walk"])
        self.collect(0, "does not export rs_collect()", thread(),
                     lacks=["rs_collect"])


if __name__ == "__main__":
    unittest.main()
