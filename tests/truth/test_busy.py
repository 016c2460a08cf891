# SPDX-License-Identifier: MIT
"""Processes stopped in the middle of work: no wrong answer.

Each interpreter runs fixtures/python/busy.py twice: threads that change
containers all share, and a thread that collects besides. It is stopped at
instants that nobody chose (delays from a fixed seed), looked at as it stands,
in a core by GDB, and, killed, in a core by the kernel. Whatever it is about:

- what it never lets go is there, tracked, and not called unreachable;
- where it collects not, the garbage is what it leaked, all and nothing else;
- where it was collecting, the answer says so;
- no object is named by more references than its count has.
"""
import collections
import json
import os
import random
import signal
import tempfile
import time
import unittest

import cases
import compare
import engine
import interpreters
from targets import FIXTURES, Target, python

SEED = 20
STOPS = 3  # at least
MOST_STOPS = 25  # until one was inside a collection
LARGEST_COUNT = 1 << 24
IN_HAND = ": 1 pools of small blocks are damaged"
IN_PART = "could be read in part only"
TRANSIT = "was in the middle of a collection"


class Busy:
    """Mixed into a TestCase for each interpreter."""
    interpreter = None

    def start(self, folder, mode):
        script = os.path.join(FIXTURES, "busy.py")
        target = Target(python(self.interpreter.path, script, mode), folder)
        self.addCleanup(target.__exit__)
        target.wait_ready()
        with open(os.path.join(folder, "kept.json")) as text:
            said = json.load(text)
        self.kept, self.rings = set(said["kept"]), set(said["rings"])
        self.folder = folder
        self.random = random.Random(SEED)
        time.sleep(0.3)
        return target

    def phase(self):
        """Whether gc.collect() is being called."""
        with open(os.path.join(self.folder, "phase"), "rb") as mapped:
            return mapped.read(1) == b"\1"

    def wait_somewhere(self, in_collection):
        """Some time, from the start of a collection on if there is one."""
        time.sleep(self.random.uniform(0, 0.03))
        if not in_collection:
            return
        end = time.monotonic() + 2
        while self.phase() and time.monotonic() < end:
            pass
        while not self.phase() and time.monotonic() < end:
            pass
        time.sleep(self.random.uniform(0, 0.004))

    def check(self, source, whole=False):
        """@return whether it was collecting."""
        with engine.Session(source) as session:
            answer = session.collect()
            info = session.info()
            collecting = session.gc()["runtimes"][0]["collecting"]
            if whole:
                path = os.path.join(self.folder, "whole.jsonl")
                session.export(path)
        # A thread in the allocator has one of its pools in its hands; one that
        # makes a container larger has its items where nothing points yet.
        problems = [p for p in info["problems"]
                    if IN_HAND not in p and IN_PART not in p]
        told = {int(o["id"], 16) for o in answer["objects"]}
        self.assertFalse(told & self.kept)
        self.assertEqual(len(told), answer["unreachable"])
        self.assertEqual((answer["uncollectable"], answer["garbage"]), (0, 0))
        if self.rings:  # all the garbage that there is
            # And what a collection lets go first, where threads run at once.
            queued = sum(t["merge_queue"]["objects"]
                         for t in info["runtimes"][0]["threads"]
                         if "merge_queue" in t)
            self.assertLessEqual(self.rings, told)
            self.assertTrue(queued or told == self.rings,
                            told - self.rings)
        if collecting:
            self.assertEqual([TRANSIT in p for p in problems], [True])
        else:
            self.assertEqual(problems, [])
        if not self.phase():
            self.assertIs(collecting, False)
        if whole:
            self.check_objects(compare.Export(path))
        return collecting

    def check_objects(self, export):
        sources = collections.defaultdict(collections.Counter)
        for address, row in export.objects.items():
            for reference in row["out"]:
                if reference[1] in ("strong", "owned"):
                    sources[int(reference[0], 16)][address] += 1
        # A strong reference leads to an object.
        self.assertLessEqual(set(sources), set(export.objects))
        counts = {a: row["count"] for a, row in export.objects.items()
                  if row["count"] is not None}
        self.assertLess(max(counts.values()), LARGEST_COUNT)
        over = [a for a, count in counts.items()
                if sources[a].total() > count]
        # A list has its new size before its new elements (list_extend() of
        # 3.13): what lay there before is told. Only one thread holds the
        # interpreter lock, so that there is one such list at most.
        filling = self.filling(export, sources, over)
        over = ["<%s %#x>: named by %s, count %d" % (
            export.objects[a]["type"], a, [hex(n) for n in sources[a]],
            counts[a]) for a in over
            if sources[a].total() - sources[a][filling] > counts[a]]
        # And one object's count.
        self.assertLessEqual(len(over), 1, over[:20])
        self.assertLessEqual(self.kept, export.tracked())

    @staticmethod
    def filling(export, sources, over):
        """The list that names most of what is named too often, or None."""
        named = collections.Counter()
        for address in over:
            named.update(n for n in sources[address]
                         if export.objects[n]["type"] == "list")
        return max(named, key=named.get, default=None)

    def stop_often(self, target, in_collection):
        inside = stops = 0
        while stops < STOPS or (in_collection and not inside and
                                stops < MOST_STOPS):
            self.wait_somewhere(in_collection)
            target.stop()
            inside += bool(self.check(target.pid))
            target.resume()
            stops += 1
        return inside

    def check_cores(self, target, in_collection):
        self.wait_somewhere(in_collection)
        target.stop()
        live = self.check(target.pid)
        self.assertIs(self.check(target.gcore(), whole=True), live)
        target.resume()
        self.wait_somewhere(in_collection)
        os.kill(target.pid, signal.SIGABRT)
        target.wait_exit()
        core = target.kernel_core()
        if core is None:
            self.skipTest("the kernel writes no core into the folder")
        self.check(core, whole=True)

    def run_mode(self, mode):
        in_collection = mode == "collect"
        with tempfile.TemporaryDirectory() as folder:
            target = self.start(folder, mode)
            inside = self.stop_often(target, in_collection)
            self.assertEqual(inside > 0, in_collection)
            self.check_cores(target, in_collection)

    def test_threads_that_allocate(self):
        self.run_mode("allocate")

    def test_threads_beside_one_that_collects(self):
        self.run_mode("collect")


cases.make(globals(), Busy, interpreters.one_of_each(interpreters.find()))


if __name__ == "__main__":
    unittest.main()
