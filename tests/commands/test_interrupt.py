# SPDX-License-Identifier: MIT
"""Long work shows how far it is and ends at Ctrl-C; GDB goes on."""
import re
import time
import unittest

from session import Terminal, answers

PROGRAM = "/bin/sleep"
STARTED = ("--args", PROGRAM, "1000")


def wait_for_sleep(pid):
    """Wait until the loader is done and the program sleeps."""
    for _ in range(12000):
        with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
            if stat.read().rsplit(")", 1)[1].split()[0] == "S":
                return
        time.sleep(0.01)
    raise AssertionError("it does not sleep")


class Interrupt(unittest.TestCase):
    def setUp(self):
        self.gdb = Terminal(STARTED)
        self.addCleanup(self.gdb.__exit__)
        self.gdb.prompt()
        self.gdb.ask("set confirm off")
        self.gdb.ask("set pagination off")
        self.gdb.ask("starti")

    def interrupted(self):
        self.gdb.send("refs types\n")
        self.gdb.expect("waiting: ")
        self.gdb.send("\x03")
        return self.gdb.prompt()

    def test_ctrl_c_ends_the_command_in_one_line(self):
        got = self.interrupted()
        self.assertTrue(got.endswith(
            "\r\x1b[Krefs types: interrupted while waiting\r\n(gdb) "), got)

    def test_gdb_goes_on_and_can_be_interrupted_again(self):
        for number in range(3):
            self.assertIn("interrupted while waiting", self.interrupted())
            self.assertIn(f"= {number}", self.gdb.ask(f"print {number}"))

    def test_ctrl_c_is_gdbs_own_again_afterwards(self):
        self.interrupted()
        pid = re.search(r"process (\d+)", self.gdb.ask("info proc"))[1]
        self.gdb.send("continue\n")
        self.gdb.expect("Continuing")
        wait_for_sleep(pid)
        self.gdb.send("\x03")
        self.assertIn("SIGINT", self.gdb.prompt())

    def test_ctrl_c_in_gdbs_own_python_raises_as_before(self):
        self.interrupted()
        self.gdb.send("python import time; print('here'); time.sleep(60)\n")
        self.gdb.expect("\nhere")
        self.gdb.send("\x03")
        got = self.gdb.prompt()
        self.assertRegex(got, "KeyboardInterrupt|Quit")

    def test_the_status_line_is_one_line_rewritten(self):
        got = self.interrupted()
        drawn = self.gdb.text[:self.gdb.text.index(got)].rsplit("\n", 1)[-1]
        self.assertRegex(
            drawn, r"^(\r\x1b\[Kwaiting: \d+% of 1,000,000)*"
            r"\r\x1b\[Kwaiting: $")

    def test_json_shows_no_status(self):
        self.gdb.ask(
            "python import os; os.environ['DOUBLE_INTERRUPTS'] = '1'")
        got = self.gdb.ask("refs types -json")
        self.assertNotIn("waiting: ", got)
        self.assertIn("refs types: interrupted", got)


class Batch(unittest.TestCase):
    def test_batch_shows_no_status(self):
        got = answers(["starti", "refs types"], arguments=STARTED,
                      DOUBLE_INTERRUPTS="1")
        self.assertEqual(got[-1], "refs types: interrupted while waiting\n")


if __name__ == "__main__":
    unittest.main()
