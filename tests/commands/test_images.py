# SPDX-License-Identifier: MIT
"""Images end with GDB, and are nothing to it while it lives.

The core is of a Python with a thousand objects whose traverse function takes
its time: to ask them takes longer than is allowed.
"""
import os
import re
import signal
import sys
import tempfile
import time
import unittest

import paths
from session import PATIENCE, Terminal

sys.path.insert(0, os.path.join(paths.ROOT, "tests", "support"))

from targets import Target, processes  # noqa: E402

ENGINE = os.environ["REFSCOPE_ENGINE"]
SLOW = r"""
import ctypes, gc, mmap, os, sys
class Slow(object): pass
slow = [Slow() for _ in range(1000)]
gc.disable()
# mov $200000000,%ecx; 1: dec %ecx; jnz 1b; xor %eax,%eax; ret
code = mmap.mmap(-1, 4096, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, 7)
code.write(b"\xb9\x00\xc2\xeb\x0b\xff\xc9\x75\xfc\x31\xc0\xc3")
place = ctypes.addressof(ctypes.c_char.from_buffer(code))
traverse = ctypes.c_void_p.from_address(id(Slow) + 23 * 8)
assert traverse.value
traverse.value = place
print("READY %d" % os.getpid())
sys.stdout.flush()
sys.stdin.readline()
os._exit(0)
"""
SOON = 30  # seconds; what is asked for takes longer


def is_jailed(pid):
    try:
        with open(f"/proc/{pid}/status", encoding="ascii") as status:
            return "\nSeccomp:\t2\n" in status.read()
    except OSError:
        return False


def image_of(gdb):
    """Its keeper and it, or None."""
    parent = processes()
    for pid, keeper in parent.items():
        if parent.get(keeper) == gdb and is_jailed(pid):
            return keeper, pid
    return None


def wait_for(what, seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        got = what()
        if got:
            return got
        time.sleep(0.02)
    raise AssertionError("not within %d s" % seconds)


class Images(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        place = tempfile.TemporaryDirectory()
        cls.addClassCleanup(place.cleanup)
        with Target([sys.executable, "-I", "-S", "-c", SLOW],
                    place.name) as target:
            target.wait_ready()
            cls.core = target.gcore()

    def setUp(self):
        self.gdb = Terminal(
            ("-iex", "set debuginfod enabled off", "-iex",
             "set auto-load off", "-core", self.core), engine=ENGINE)
        self.addCleanup(self.gdb.__exit__)
        self.gdb.prompt()
        for setting in ("confirm off", "pagination off", "width 0",
                        "refs run on", "refs exact on"):
            self.gdb.ask("set " + setting)
        self.pid = int(self.gdb.ask("python print(os.getpid())"))

    def killed_during(self, command):
        self.gdb.send(command + "\n")
        both = wait_for(lambda: image_of(self.pid), PATIENCE)
        os.kill(self.pid, signal.SIGKILL)
        try:
            wait_for(lambda: not set(both) & set(processes()), SOON)
        finally:
            for pid in set(both) & set(processes()):
                os.kill(pid, signal.SIGKILL)

    def test_an_image_that_is_asked_ends_with_gdb(self):
        self.killed_during("refs types")

    def test_an_image_that_runs_code_ends_with_gdb(self):
        self.killed_during('refs eval -timeout 600 exec("while True: pass")')

    def test_ctrl_c_ends_an_image_and_no_more(self):
        self.gdb.send("refs types\n")
        wait_for(lambda: image_of(self.pid), PATIENCE)
        self.gdb.send("\x03")
        self.assertIn("interrupted", self.gdb.prompt())
        self.assertIsNone(image_of(self.pid))
        self.assertEqual(self.gdb.ask("refs eval 6 * 7"), "42\n")

    def start_another(self, script):
        """Inferior 2, stopped at its start; its PID."""
        self.gdb.ask("add-inferior -no-connection -exec /bin/sh")
        self.gdb.ask("inferior 2")
        self.gdb.ask("set args -c '%s'" % script)
        self.gdb.ask("starti")
        told = self.gdb.ask("info inferiors")
        return int(re.search(r"\* 2 +process (\d+)", told)[1])

    def children(self):
        return {pid for pid, parent in processes("DRSTtZ").items()
                if parent == self.pid}

    def ask(self):
        self.gdb.ask("inferior 1")
        self.assertEqual(self.gdb.ask("refs eval 6 * 7"), "42\n")
        self.assertIn("took more than 1 s", self.gdb.ask(
            'refs eval -timeout 1 exec("while True: pass")'))
        self.assertIn("which is not allowed", self.gdb.ask(
            "refs eval import os; os.fork()"))

    def test_a_stopped_inferior_is_as_it_was(self):
        other = self.start_another("exit 7")
        self.ask()
        self.assertEqual(self.children(), {other})
        self.gdb.ask("inferior 2")
        self.assertRegex(self.gdb.ask("continue"),
                         r"Inferior 2 .* exited with code 07")
        self.assertEqual(self.children(), set())

    def test_an_inferior_that_ends_meanwhile_is_noticed(self):
        place = tempfile.TemporaryDirectory()
        self.addCleanup(place.cleanup)
        end = os.path.join(place.name, "end")
        self.gdb.ask("set non-stop on")
        self.start_another(f"while [ ! -e {end} ]; do :; done; exit 7")
        self.gdb.ask("continue &")
        self.gdb.ask("inferior 1")
        # Of its own time, and long enough to be seen by a busy machine.
        self.gdb.send('refs eval -timeout 3 exec("while True: pass")\n')
        wait_for(lambda: image_of(self.pid), PATIENCE)
        with open(end, "w", encoding="ascii"):
            pass
        self.gdb.expect("took more than 3 s")
        self.gdb.seen = 0
        self.gdb.expect(r"Inferior 2 [^\n]* exited with code 07")
        self.assertEqual(self.children(), set())


if __name__ == "__main__":
    unittest.main()
