# SPDX-License-Identifier: MIT
"""$refs_...() where GDB evaluates it while the program goes on: each time it is
what it is then, whatever it was before."""
import os
import re
import tempfile
import time
import unittest

from session import Terminal, answers

ENGINE = os.environ["REFSCOPE_ENGINE"]
PYTHON = "/usr/bin/python3"
SECONDS = 60  # for a turn of the program
# After turn n, os.getppid() is called with n + 2 references to L.
PROGRAM = """
import os, sys, time
L, kept = [], []
for turn in range(30):
    kept.append(L)
    if turn == 10:
        M = [[]]
    if turn == 20:  # new memory, which was not mapped before
        many = [[n] for n in range(400000)]
        N = [many]
    os.getppid()
if len(sys.argv) > 1:
    file = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT, 0o600)
    print("looping", flush=True)
    while True:
        kept.append(L)
        os.pwrite(file, b"%d" % len(kept), 0)
        time.sleep(0.01)
"""


def wait_for_turn(told, after):
    """Until the program has made a turn with more than `after` references."""
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        try:
            with open(told, encoding="ascii") as file:
                if int(file.read() or 0) + 1 > after:
                    return
        except FileNotFoundError:
            pass
        time.sleep(0.01)
    raise AssertionError("the program makes no turn")


class Conditions(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        place = tempfile.TemporaryDirectory()
        cls.addClassCleanup(place.cleanup)
        cls.program = os.path.join(place.name, "program.py")
        with open(cls.program, "w", encoding="ascii") as file:
            file.write(PROGRAM)

    def arguments(self, *more):
        return ["--args", PYTHON, "-I", "-S", self.program, *more]

    def run_with(self, *commands, after=()):
        first = ["set confirm off", "set breakpoint pending on",
                 "set debuginfod enabled off"]
        got = answers([*first, *commands, "run", *after], engine=ENGINE,
                      arguments=self.arguments())
        return got[len(first) + len(commands):]

    def stops_at(self, condition):
        """The references to L at the stop; None: it never stopped."""
        run, count = self.run_with(
            "break getppid if " + condition,
            after=['print $refs_count("__main__.L")'])
        self.assertNotIn("Error", run)
        if "exited normally" in run:
            return None
        self.assertIn("Breakpoint 1", run)
        return int(count.split(" = ")[1])

    def test_a_count_is_that_of_each_hit(self):
        self.assertEqual(self.stops_at('$refs_count("__main__.L") > 13'), 14)
        self.assertIsNone(self.stops_at('$refs_count("__main__.L") > 99'))

    def test_other_numbers_are_those_of_each_hit(self):
        self.assertEqual(
            self.stops_at('$refs_reachable("__main__.M") == 2'), 12)
        self.assertEqual(
            self.stops_at('$refs_unexplained("__main__.L") == 0 '
                          '&& $refs_count("__main__.L") == 9'), 9)

    def test_no_comparison_is_true_while_nothing_has_the_name(self):
        for name, compared, count in (("M", "< 5", 12), ("M", ">= 1", 12),
                                      ("N", "== 1", 22)):
            with self.subTest(name=name, compared=compared):
                self.assertEqual(self.stops_at(
                    f'$refs_count("__main__.{name}") {compared}'), count)
        self.assertIsNone(self.stops_at('$refs_garbage("__main__.Z")'))
        self.assertIsNone(self.stops_at('$refs_obj("__main__.Z")'))

    def test_an_address_by_name(self):
        self.assertEqual(self.stops_at(
            '$refs_obj("__main__.M") != 0 '
            '&& $refs_count($refs_obj("__main__.M")) == 1'), 12)
        self.assertIsNone(
            self.stops_at('$refs_count($refs_obj("__main__.Z")) < 1'))

    def test_dprintf_prints_each_number(self):
        [run] = self.run_with(
            r'dprintf getppid,"%d references\n", $refs_count("__main__.L")')
        self.assertEqual([int(n) for n in re.findall(r"(\d+) references", run)],
                         list(range(2, 32)))

    def test_stop_in_python_sees_each_number(self):
        script = os.path.join(os.path.dirname(self.program), "stop.py")
        with open(script, "w", encoding="ascii") as file:
            file.write("import gdb\nclass B(gdb.Breakpoint):\n"
                       "    def stop(self):\n"
                       "        return int(gdb.parse_and_eval("
                       "'$refs_count(\"__main__.L\")')) == 7\n"
                       "B('getppid')\n")
        run, count = self.run_with("source " + script,
                                   after=['print $refs_count("__main__.L")'])
        self.assertIn("Breakpoint 1", run)
        self.assertEqual(int(count.split(" = ")[1]), 7)

    def test_the_commands_look_anew_afterwards(self):
        _, count, types = self.run_with(
            'break getppid if $refs_count("__main__.L") == 9',
            after=["refs count -name __main__.L", "refs types -limit 1"])
        self.assertIn("count: 9", count)
        self.assertIn("objects", types)

    def test_while_it_runs_it_is_refused_in_one_line(self):
        told = os.path.join(os.path.dirname(self.program), "turns")
        gdb = Terminal(self.arguments(told), engine=ENGINE)
        self.addCleanup(gdb.__exit__)
        gdb.prompt()
        for setting in ("confirm off", "pagination off",
                        "debuginfod enabled off", "breakpoint pending on"):
            gdb.ask("set " + setting)
        gdb.ask("break getppid if 0")
        gdb.send("run &\n")
        gdb.prompt()
        gdb.expect("\nlooping")
        asked = 'print $refs_count("__main__.L")\n'
        refused = (r"\$refs_count: the process is running; interrupt it "
                   r"first\r\n")
        numbers = []
        for _ in range(3):
            # On a busy machine it may not come to a turn by itself.
            wait_for_turn(told, numbers[-1] if numbers else 0)
            gdb.send(asked)
            gdb.expect(refused)
            gdb.send("interrupt\n")
            gdb.expect("SIGINT|stopped")
            gdb.send(asked)
            got = gdb.expect(r"\$\d+ = \d+\r\n")
            numbers.append(int(re.search(r"= (\d+)\r", got)[1]))
            gdb.send("continue &\n")
            gdb.expect("Continuing")
        self.assertEqual(numbers, sorted(set(numbers)), "none from before")


if __name__ == "__main__":
    unittest.main()
