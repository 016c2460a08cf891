# SPDX-License-Identifier: MIT
"""What gc.collect() returns: one number where nothing of the program runs.

Each function of fixtures/python/endings.py leaves garbage; what refscope says
of it, live, of a core by the kernel and of one by GDB, is held against what
gc.collect() then says. GDB writes cores of the oldest and the newest.
"""
import os
import tempfile
import unittest

import engine
import interpreters
from targets import FIXTURES, Limit, Target, python

SECONDS = 300  # until the next line
# Something of the program may run; of the others the number is certain.
RUNS = {"suspended_with_a_handler", "callbacks", "finalizers", "hanging",
        "coming_back", "handling", "with_a_frame_object", "never_awaited",
        "awaiting_in_a_context"}


def may_differ(interpreter, name):
    """Whether two numbers may be said."""
    if name in RUNS:
        return True
    # Patch releases differ in what becomes of one that has not begun.
    if name in ("not_begun", "hanging"):
        return interpreter.release in ([3, 12], [3, 13])
    # What is freed cannot be told from counts that are deferred.
    return "t" in interpreter.flavour


class Endings:
    interpreter = None
    by_gdb = False

    def test_returns_are_those_of_the_interpreter(self):
        command = python(self.interpreter.path,
                         os.path.join(FIXTURES, "endings.py"))
        with tempfile.TemporaryDirectory() as folder, \
                Target(command, folder) as target:
            names = self.each(target)
        self.assertEqual(len(names),
                         12 if self.interpreter.release < [3] else 19)

    def each(self, target):
        names = []
        words = target.wait_ready()
        while words:
            answers = self.ask(target)
            target.go_on()
            line = self.line_of(target)
            for source, told in answers.items():
                with self.subTest(words[0], source=source, told=told):
                    self.check(words[0], told, int(line[1]), int(line[2]))
            names.append(words[0])
            words = self.next(target)
        return names

    def ask(self, target):
        def predict(source):
            with engine.Session(source) as session:
                return session.collect(limit=0)

        target.stop()
        answers = {"live": predict(target.pid)}
        target.resume()
        kernel = target.kernel_core()
        if kernel:
            answers["kernel"] = predict(kernel)
            os.remove(kernel)
        if self.by_gdb:
            answers["gcore"] = predict(target.gcore())
        return answers

    @staticmethod
    def line_of(target):
        with Limit(target.process, SECONDS, "no line came"):
            return target.process.stdout.readline().decode().split()

    def next(self, target):
        line = self.line_of(target)
        return line[2:] if line else None

    def check(self, name, told, returned, garbage):
        low, high = told["returns"]
        self.assertIs(told["collecting"], False)
        self.assertGreater(told["unreachable"], 0)
        self.assertLessEqual(low, returned)
        self.assertGreaterEqual(high, returned)
        self.assertEqual(told["garbage"], garbage)
        self.assertEqual("decides" in told, low < high)
        if low == high:
            self.assertEqual(told.get("freed_first", 0),
                             told["unreachable"] - returned)
        if not may_differ(self.interpreter, name):
            self.assertEqual(low, high)


found = interpreters.find()
for one in found:
    globals()["Endings_" + one.name] = type(
        "Endings_" + one.name, (Endings, unittest.TestCase), {
            "interpreter": one,
            "by_gdb": one in interpreters.ends(found)})


if __name__ == "__main__":
    unittest.main()
