# SPDX-License-Identifier: MIT
"""What counts are made of: nothing is left of those of a clean program, and
what only C code holds is found where it is held.

    PYTHONPATH=../support REFSCOPE_ENGINE=librefscope-engine.so
        REFSCOPE_PLANTED=libplanted.so REFSCOPE_TRUTH_ONLY="2.7 3.11"
        python3 -m unittest test_ledger
"""
import json
import os
import re
import shutil
import subprocess
import tempfile
import unittest

import cases
import engine
import interpreters
from targets import FIXTURES, Target, python, started

# In these objects are planted: each has frames and allocators of its own kind.
# Those of another distribution's libc are left to the clean program.
PLANTED = ("2_7_18", "3_8_18", "3_11_7", "3_13_0")

# The function that keeps the object: kinds and text of the place.
WHERE = {
    "static": ("static", r"^planted\.so: kept_static$"),
    "array": ("static", r"^planted\.so: kept_array\+0x28$"),
    "tls": ("tls", r"^thread-local variables of thread \d+$"),
    "block": ("malloc", r"^\d+-byte block 0x[0-9a-f]+\+0x8, held by "
                        r"planted\.so: kept_block$"),
    "nested": ("malloc", r"^\d+-byte block 0x[0-9a-f]+\+0x8, held by \d+-byte "
                         r"block 0x[0-9a-f]+\+0x8, held by planted\.so: "
                         r"kept_outer$"),
    "vector": ("malloc", r"^\d+-byte block 0x[0-9a-f]+\+0x18, held by "
                         r"planted\.so: kept_vector(\.\d+)?$"),
    "on_stack": ("stack", r"^stack of thread \d+$"),
    "in_register": ("register", r"^r12 of thread \d+$"),
}
# Without symbols, variables are told by their section.
NO_SYMBOL = r"planted\.so \.bss\+0x[0-9a-f]+"


class Clean:
    """Mixed into a TestCase for each interpreter."""
    interpreter = None

    def test_all_is_explained(self):
        with started(self.interpreter, "clean.py") as target:
            target.wait_ready()
            target.stop()
            with engine.Session(target.pid, exact="off") as session:
                sums = session.ledger()
                told = session.info()["ledger"]
        self.assertEqual({key: sums[key] for key in told}, told)
        self.assertEqual(sums["counts"] + sums["over"],
                         sums["named"] + sums["evidence"] +
                         sums["unexplained"])
        self.assertEqual((sums["over"], sums["over_objects"]), (0, 0))
        # From 3.12 on what is never freed has no count: little is left.
        share = 1e-4 if self.interpreter.release >= [3, 12] else 5e-4
        self.assertLessEqual(sums["unexplained"], sums["counts"] * share)


class Known:
    """Mixed into a TestCase for each interpreter: what one of its own fields
    holds has a name, and is no word that happens to be found."""
    interpreter = None

    def test_holders_of_each_are_named(self):
        with started(self.interpreter, "held_by_interpreter.py") as target:
            target.wait_ready()
            target.stop()
            with open(os.path.join(target.folder, "held.json"),
                      encoding="ascii") as text:
                held = json.load(text)
            with engine.Session(target.pid, exact="off") as session:
                for what, address in held.items():
                    answer = session.count(address)
                    self.assertEqual(
                        (answer["named"], answer["evidence"],
                         answer["unexplained"]), (answer["count"], 0, 0),
                        (what, answer))
                    self.assertIn(what, json.dumps(session.why(address)))


class Balance:
    """Mixed into a TestCase for each interpreter: what the memory is for."""
    interpreter = None
    PARTS = ("objects", "free", "malloc_free", "files", "stacks", "other")

    def balance(self, of, whole):
        """Of a process or a core, whose memory has so many bytes."""
        with engine.Session(of, exact="off") as session:
            session.ledger()
            told = session.info()
        balance = told["balance"]
        self.assertEqual(sum(balance[part] for part in self.PARTS),
                         balance["memory"])
        self.assertLess(abs(balance["memory"] - whole), whole / 50)
        for part in ("objects", "malloc_free", "files", "stacks"):
            self.assertGreater(balance[part], 0, part)
        # But for those in variables of the interpreter.
        self.assertLessEqual(balance["objects"], told["bytes"])
        self.assertGreater(balance["objects"], told["bytes"] / 2)
        return balance

    def test_parts_add_up_to_the_whole(self):
        with started(self.interpreter, "clean.py") as target:
            target.wait_ready()
            target.stop()
            with open("/proc/%d/status" % target.pid,
                      encoding="ascii") as status:
                resident, = [1024 * int(line.split()[1]) for line in status
                             if line.startswith("VmRSS:")]
            live = self.balance(target.pid, resident)
            target.resume()
            core = target.gcore()
            dead = self.balance(core, os.path.getsize(core))
        # What is in use is resident; of files a core has little.
        self.assertAlmostEqual(live["objects"], dead["objects"],
                               delta=live["objects"] / 50)
        self.assertLess(dead["files"], live["files"])


class Planted:
    """Mixed into a TestCase for some interpreters."""
    interpreter = None

    def start(self, place, strip):
        library = os.path.join(place, "planted.so")
        shutil.copy(os.environ["REFSCOPE_PLANTED"], library)
        if strip:
            subprocess.run(["strip", library], check=True, timeout=60)
        target = Target(python(self.interpreter.path, os.path.join(
            FIXTURES, "planted.py"), library), place)
        self.addCleanup(target.__exit__)
        target.wait_ready()
        return target

    def check(self, session, place, kinds, strip):
        with open(os.path.join(place, "planted.json"),
                  encoding="ascii") as text:
            told = json.load(text)
        for name in kinds:
            kind, form = WHERE[name]
            if strip:
                form = re.sub(r"planted\\\.so: kept_\w+(\\\+0x28)?"
                              r"(\(\\\.\\d\+\)\?)?", lambda _: NO_SYMBOL, form)
            with self.subTest(name):
                answer = session.count(told[name])
                self.assertEqual((answer["count"], answer["named"],
                                  answer["evidence"], answer["unexplained"]),
                                 (1, 0, 1, 0), answer)
                self.assertTrue([
                    one for one in answer["places"]
                    if one["kind"] == kind and re.search(form, one["place"])],
                    answer["places"])

    def test_live(self):
        with tempfile.TemporaryDirectory() as place:
            target = self.start(place, False)
            target.stop()
            # Registers of a process are known to its debugger alone.
            kinds = [name for name in WHERE if name != "in_register"]
            with engine.Session(target.pid, exact="off") as session:
                self.check(session, place, kinds, False)

    def test_core_of_a_stripped_library(self):
        with tempfile.TemporaryDirectory() as place:
            target = self.start(place, True)
            core = target.gcore()
            with engine.Session(core, exact="off") as session:
                self.check(session, place, WHERE, True)


cases.make(globals(), Clean, interpreters.find())
cases.make(globals(), Known, interpreters.find())
cases.make(globals(), Balance, interpreters.find())
cases.make(globals(), Planted,
           [i for i in interpreters.find() if i.name in PLANTED])


if __name__ == "__main__":
    unittest.main()
