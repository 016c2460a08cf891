# SPDX-License-Identifier: MIT
"""What a reader with limits would lose: very many, very deep, very strange.

Each program of fixtures/python/limits.py leaves garbage; what refscope says
would be collected, live and from a core, is what gc.collect() then returns.
"""
import os
import re
import signal
import unittest

import engine
import interpreters
from bounded import not_applicable
from targets import bare_gdb, started, with_pages

FOUND = [i for i in interpreters.one_of_each(interpreters.find())
         if not i.flavour and "unpacked" not in i.name]
# Their cores are looked at as well: the oldest's, one's between, the newest's.
WITH_CORES = {FOUND[0], FOUND[len(FOUND) // 2], FOUND[-1]} if FOUND else set()

MORTAL = [i for i in FOUND if i.release < [3, 12]]  # None and the like


def answers(session):
    return session.collect(limit=0)["unreachable"], session.info()["problems"]


class Bounds(unittest.TestCase):
    def program(self, interpreter, name, ask=answers):
        """What ask() says live and, of some, from a core, as a list, and what
        it returned."""
        with started(interpreter, "limits.py", name) as target:
            target.wait_ready()
            target.stop()
            with engine.Session(target.pid) as session:
                told = [ask(session)]
            target.resume()
            if interpreter in WITH_CORES:
                with engine.Session(target.gcore()) as session:
                    told.append(ask(session))
            self.assertEqual(target.finish(), 0, target.printed)
        returned = next(line.split()[1] for line in target.printed
                        if line.startswith("returned "))
        return told, int(returned)

    def check_all(self, name, found=None):
        """Of every interpreter: no problem, and the same number."""
        for interpreter in found or FOUND:
            with self.subTest(interpreter=interpreter.name):
                told, returned = self.program(interpreter, name)
                for answer in told:
                    self.assertEqual(answer, (returned, []))

    def test_thousands_of_mapped_files(self):
        # A shared library lies above them all, and thus is found last.
        self.check_all("mapped", [i for i in FOUND if "pyenv" in i.path][-3:]
                       or FOUND[:1])

    def test_long_chains_of_metaclasses(self):
        self.check_all("metaclasses")

    def test_long_chains_of_bases(self):
        self.check_all("bases")

    def test_thousands_of_slots(self):
        self.check_all("slots")

    def test_types_may_have_any_name(self):
        self.check_all("names")

    def test_sizes_of_hundreds_of_mebibytes(self):
        # Of 2.7 they would be written to, not only allocated.
        for interpreter in FOUND:
            if interpreter.release < [3]:
                continue
            with self.subTest(interpreter=interpreter.name), \
                    started(interpreter, "limits.py", "large_bytes") as target:
                address, size = target.wait_ready()
                target.stop()
                with engine.Session(target.pid) as session:
                    found = session.count(int(address, 16))["object"]
                self.assertEqual(found["size"], int(size))

    def test_a_reference_to_freed_memory_is_told_with_its_holder(self):
        for interpreter in FOUND:
            with self.subTest(interpreter=interpreter.name), \
                    started(interpreter, "limits.py", "freed") as target:
                holder = target.wait_ready()[0]
                target.stop()
                with engine.Session(target.pid) as session:
                    self.check_freed(session.info()["dangling"], holder)
                target.resume()
                if interpreter not in WITH_CORES:
                    continue
                with engine.Session(target.gcore()) as session:
                    self.check_freed(session.info()["dangling"], holder)

    def check_freed(self, dangling, holder):
        self.assertEqual(dangling["references"], 1)
        self.assertFalse(dangling["limited"])
        found, = dangling["holders"]
        self.assertEqual(found["object"]["id"], holder)
        self.assertEqual(found["label"], "[0]")

    def test_counts_that_no_32_bits_hold(self):
        # From 3.12 on a count has 32 bits, and what has more is immortal.
        if not MORTAL:
            not_applicable("counts have 32 bits in all that were found")
        for interpreter in MORTAL:
            with self.subTest(interpreter=interpreter.name), \
                    started(interpreter, "limits.py", "counts") as target:
                addresses = [int(word, 16) for word in target.wait_ready()]
                target.stop()
                told = [self.counts(target.pid, addresses)]
                target.resume()
                if interpreter in WITH_CORES:
                    told.append(self.counts(target.gcore(), addresses))
                self.assertEqual(target.finish(), 0, target.printed)
                said = [int(line.split()[1]) for line in target.printed
                        if line.startswith("count ")]
                self.assertEqual(len(said), len(addresses))
                self.assertLess(said[0], 0)
                for answer in told:
                    self.assertEqual(answer, said)

    def counts(self, source, addresses):
        with engine.Session(source) as session:
            told = [session.count(address) for address in addresses]
            self.assertIn("2 objects have a count below 0",
                          " ".join(session.info()["problems"]))
            self.assertIn("count below 0",
                          " ".join(session.collect(limit=0)["problems"]))
        for one in told:
            self.assertEqual(one["unexplained"],
                             one["count"] - one["named"] - one["evidence"]
                             if one["count"] > 0 else
                             one["count"] - one["named"])
        return [one["count"] for one in told]

    def test_none_is_none_with_a_count_of_0(self):
        # From 3.12 on nothing brings it there. The interpreter gives up at 0,
        # and may release it once more before it ends.
        if not MORTAL:
            not_applicable("None is immortal in all that were found")
        looked = 0
        for interpreter in MORTAL:
            with self.subTest(interpreter=interpreter.name), \
                    started(interpreter, "limits.py", "none_at_zero") as target:
                self.assertEqual(target.wait_exit(), -signal.SIGABRT)
                core = target.kernel_core()
                if not core:
                    continue
                looked += 1
                with engine.Session(core, exact="off") as session:
                    info = session.info()
                    none, = info["count_zero"]
                    self.assertEqual(none["object"]["text"], "None")
                    self.assertGreater(none["references"], 100)
                    found = session.count(int(none["object"]["id"], 16))
                said = bare_gdb([interpreter.path, core],
                                ["p *(long*)" + none["object"]["id"]])
                count = int(re.search(r"^\$1 = (-?\d+)$", said, re.M)[1])
                self.assertLessEqual(count, 0)
                self.assertEqual(none["count"], count)
                self.assertEqual(found["count"], count)
                self.assertLess(found["unexplained"], 0)
                self.assertNotIn("dangling", info)
        if not looked:
            self.skipTest("the kernel leaves no core here")

    def test_a_truncated_core_is_called_so(self):
        for interpreter in WITH_CORES:
            with self.subTest(interpreter=interpreter.name), \
                    started(interpreter, "limits.py", "names") as target:
                target.wait_ready()
                os.kill(target.pid, signal.SIGABRT)
                target.wait_exit()
                core = target.kernel_core()
                if not core:
                    self.skipTest("the kernel leaves no core here")
                self.check_truncated(core)

    def check_truncated(self, core):
        with engine.Session(core, exact="off") as session:
            whole = session.collect(limit=0)["unreachable"]
        size = os.path.getsize(core)
        for percent in (98, 95, 90, 80, 60, 40, 20, 5):
            os.truncate(core, size * percent // 100)
            try:
                with engine.Session(core, exact="off") as session:
                    self.assertTrue(any(
                        "is truncated" in line
                        for line in session.info()["problems"]))
                    if session.info()["objects"] is None:
                        continue
                    told = session.collect(limit=0)
                    self.assertLessEqual(told["unreachable"], whole)
                    self.assertTrue(any("is truncated" in line
                                        for line in told["problems"]))
            except engine.EngineError as error:
                self.assertIn("is truncated", str(error))
                self.assertNotIn("otherwise", str(error))

    def test_a_core_that_tells_of_other_pages(self):
        # Those of another machine, or of none (AT_PAGESZ may be anything).
        for interpreter in WITH_CORES:
            with self.subTest(interpreter=interpreter.name), \
                    started(interpreter, "limits.py", "slots") as target:
                target.wait_ready()
                cores = [target.gcore()]
                os.kill(target.pid, signal.SIGABRT)
                target.wait_exit()
                cores.append(target.kernel_core())
                for core in filter(None, cores):
                    self.check_pages(core)

    def check_pages(self, core):
        with engine.Session(core, exact="off") as session:
            right = answers(session), session.info()["objects"]
        self.assertEqual(right[0][1], [])
        for size in (1 << 14, 1 << 16, 1 << 20, 0, 4097, 1 << 63):
            with self.subTest(size=size), engine.Session(
                    with_pages(core, size), exact="off") as session:
                self.assertEqual(
                    (answers(session), session.info()["objects"]), right)

    def test_what_collect_returns(self):
        for name in ("generators", "callbacks", "finalizers", "bases"):
            for interpreter in FOUND:
                with self.subTest(interpreter=interpreter.name, name=name):
                    answered, returned = self.program(
                        interpreter, name, lambda session: session.collect())
                    for told in answered:
                        low, high = told["returns"]
                        self.assertLessEqual(low, returned)
                        self.assertGreaterEqual(high, returned)
                        if name == "bases":
                            self.assertEqual(low, high)
                            self.assertNotIn("decides", told)


if __name__ == "__main__":
    unittest.main()
