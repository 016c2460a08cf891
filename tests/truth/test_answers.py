# SPDX-License-Identifier: MIT
"""Every answer of every command, on every interpreter, fits its schema.

Of a core of fixtures/python/zoo.py, which the CTest fixture heap.INTERPRETER
makes, and of a process; and of C programs. What schemas do not describe is in
no answer, what they require is in each (include/refscope/schema).
"""
import copy
import json
import os
import tempfile
import unittest

import cases
import debugger
import heaps
import interpreters
import schemas
from targets import FIXTURES, Target, python

NATIVE = os.path.join(os.environ["REFSCOPE_BUILD"], "fixtures", "native")
# Every command that takes no object, and every one that does.
OVERALL = ["refs info -json", "refs -json", "refs gc -json",
           "refs collect -json -limit 30", "refs collect -json -rules 2.7",
           "refs collect -json -generation 0", "refs cycles -json -limit 5",
           "refs cycles -json -alive -limit 5", "refs garbage -json",
           "refs types -json -limit 0", "refs types -json -sort bytes",
           "refs objects -json -limit 3", "refs leaks -json",
           "refs leaks -json -all",
           "refs objects -json -type dict -sort size -limit 3"]
OF_OBJECT = ["refs count -json {}", "refs show -json {}",
             "refs reachable -json {}", "refs reachable -json -list -depth 2 {}",
             "refs referrers -json -depth 3 {}", "refs why -json {}"]
AROUND = "refs export dot -json {folder}/x.dot {}"
FILES = ["refs export jsonl -json {folder}/x.jsonl",
         "refs export dot -json {folder}/x.dot"]
OF_CORE = ["refs verify -json", "set refs run on", "refs eval -json 6 * 7",
           "refs eval -json 1 / 0", "refs eval -json import sys"]
NAMES = ["sys.modules", "os.path.join", "__main__"]


class Case(unittest.TestCase):
    def setUp(self):
        place = tempfile.TemporaryDirectory()
        self.addCleanup(place.cleanup)
        self.folder = place.name
        if not schemas.HAVE:
            self.skipTest("no jsonschema (Debian: python3-jsonschema)")

    def commands(self, objects, more=()):
        found = OVERALL + FILES + list(more)
        found += [c.replace("{}", o) for o in objects for c in OF_OBJECT]
        found += [AROUND.replace("{}", o) for o in objects if o[0] != "-"]
        return [c.replace("{folder}", self.folder) for c in found]

    def check(self, target, commands, executable, refused=()):
        """Each prints one line of JSON that fits; some may refuse instead."""
        typed = debugger.run(target, commands, executable)
        for number, command in enumerate(commands):
            name = schemas.name_of(command)
            if name is None or command in refused:
                continue
            with self.subTest(command):
                schemas.check(name, typed.json(number))
        with open(self.folder + "/x.jsonl", encoding="utf-8") as lines:
            rows = list(map(json.loads, lines))
        schemas.check("jsonl_header", rows[0])
        for row in rows[1::max(1, len(rows) // 2000)]:
            schemas.check("jsonl_object", row)


class Answers:
    """Mixed into a Case for each interpreter."""
    interpreter = None

    def is_threaded(self):
        return self.interpreter.flavour.startswith("t")

    def test_of_a_core(self):
        more = list(OF_CORE)
        # A free-threaded build runs nothing.
        if not self.is_threaded():
            more += ["refs repr -json -name " + name for name in NAMES]
        refused = OF_CORE[2:] if self.is_threaded() else ()
        self.check(heaps.core_of(self.interpreter),
                   self.commands(["-name " + n for n in NAMES], more),
                   self.interpreter.path, refused)

    def test_of_a_process(self):
        words = python(self.interpreter.path, os.path.join(
            FIXTURES, "kept_by_traceback.py"), "last")
        with Target(words, self.folder) as target:
            address = target.wait_ready()[0]
            self.check(target.pid, self.commands([address, "-name sys"]), None)


class Schemas(unittest.TestCase):
    """They can fail."""
    ANSWER = {"total": 1, "garbage": [
        {"id": "0x10", "type": "x", "count": None, "size": 8, "gc": "none",
         "text": "", "runtime": "native"}], "limited": False,
        "method": "read", "not_traversed": 0, "learned": "read",
        "unasked": 0}

    def setUp(self):
        if not schemas.HAVE:
            self.skipTest("no jsonschema (Debian: python3-jsonschema)")
        self.answer = copy.deepcopy(self.ANSWER)

    def misfit(self, text):
        with self.assertRaisesRegex(schemas.Misfit, text):
            schemas.check("garbage", self.answer)

    def test_what_fits(self):
        schemas.check("garbage", self.answer)

    def test_a_member_more(self):
        self.answer["extra"] = 1
        self.misfit(r"(?s)extra.*schema/garbage\.json")

    def test_a_member_less(self):
        del self.answer["unasked"]
        self.misfit("'unasked' is a required property")

    def test_a_member_more_of_an_object(self):
        self.answer["garbage"][0]["extra"] = 1
        self.misfit(r"(?s)\['garbage'\]\[0\].*extra")

    def test_a_member_of_another_kind(self):
        self.answer["garbage"][0]["id"] = 16
        self.misfit(r"\['garbage'\]\[0\]\['id'\]: 16 is not of type")

    def test_an_answer_without_a_schema(self):
        with self.assertRaisesRegex(schemas.Misfit, "no schema for nosuch"):
            schemas.check("nosuch", {})

    def test_each_is_a_schema(self):
        for name, schema in schemas.read_all().items():
            with self.subTest(name):
                schemas.check_schema(schema)


class Native(Case):
    def look(self, program, *options):
        """Of a process and of its core; the first object of its garbage."""
        path = os.path.join(NATIVE, program)
        with Target([path, *options], self.folder) as target:
            target.wait_ready()
            found = debugger.run(target.pid, ["refs collect -json"]).json()
            commands = self.commands([found["objects"][0]["id"]])
            # Generations are the interpreter's.
            refused = [c for c in commands if "-generation" in c]
            self.check(target.pid, commands, None, refused)
            if "REFSCOPE_PRELOAD" not in os.environ:
                self.check(target.gcore(), commands + ["refs verify -json"],
                           path, refused + ["refs verify -json"])

    def test_of_a_c_program(self):
        self.look("leak", "two", "--stop")


cases.make(globals(), Answers, interpreters.find(), base=Case)


if __name__ == "__main__":
    unittest.main()
