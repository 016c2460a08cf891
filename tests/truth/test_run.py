# SPDX-License-Identifier: MIT
"""What objects of a core say of themselves, and what code in it may not do.

On every interpreter: waiting, busy, and with threads that want its lock;
in the kernel's core and in GDB's. Each repr must be the one that the program
wrote down before. Then code that reaches for files, the network, processes,
time and memory: each attempt ends in one line that names it.
"""
import json
import os
import re
import tempfile
import time
import unittest

import cases
import debugger
import engine
import interpreters
from bounded import not_applicable
from targets import FIXTURES, Target, bare_gdb, processes, python

MODES = ("waits", "busy", "threads")
HERE = "/tmp/refscope-was-here-%d" % os.getpid()
ME = os.getpid()
STOPS = 8
# Takes blocks of all sizes, of all that keep some.
EVERY_BLOCK = ("all([bytearray(n), (n,) * (n % 30), [n], {n: n}, 1.5 * n, "
               "1 << n, 'a' * n, set([n])] for n in range(4000))")
UNREACHED = "a lock that was held when the process stopped"

# What is tried, and what is then said. The modules are those that the
# fixture imported.
HOSTILE = (
    ("open(%r, 'w')" % HERE, r"called open(at)?, which is not allowed"),
    ("open('/etc/passwd')", r"called open(at)?, which is not allowed"),
    ("import os; os.listdir('/')", r"stopped: it called open(at)?, "),
    ("import os; os.mkdir(%r)" % HERE, r"stopped: it called mkdir, "),
    ("import os; os.unlink('/etc/passwd')", r"stopped: it called unlink, "),
    ("import xml.sax.saxutils", r"stopped: it called \w+, .* has no files"),
    ("import socket; socket.socket()", r"stopped: it called socket, "),
    ("import os; os.fork()", r"stopped: it called v?fork|clone, "),
    ("import os; os.system('touch %s')" % HERE, r"stopped: it called \w+, "),
    ("import os; os.execv('/bin/true', ['true'])", r"it called execve, "),
    ("import os; os.kill(1, 9)", r"stopped: it called kill, "),
    ("import os; os.kill(%d, 15)" % ME, r"stopped: it called kill, "),
    ("import os; os.killpg(os.getpgid(0), 9)", r"called getpgid, "),
    ("import os; os.write(1, b'x')", r"stopped: it called write, "),
    ("import os; os.read(0, 1)", r"stopped: it called read, "),
    ("import os; os.abort()", r"stopped: it called \w*kill, "),
    ("import os; os._exit(3)", r"the code ended its process with status 3"),
    ("import signal; signal.signal(2, signal.SIG_IGN)",
     r"stopped: it called rt_sigaction, "),
    ("import signal; signal.alarm(1)", r"called (alarm|setitimer), "),
    ("import threading; threading.Thread(target=int).start()",
     r"stopped: it called \w+, "),
    ("import time; time.sleep(1000)", r"stopped: it called \w+, "),
    ("import threading; l = threading.Lock(); l.acquire(); l.acquire()",
     r"the code waited for " + UNREACHED),
    ("import ctypes; ctypes.string_at(8)",
     r"the code crashed with signal 11 at 0x8"),
    ("import ctypes; ctypes.CDLL(None).syscall(57)", r"called fork, "),
    ("import ctypes; ctypes.CDLL(None).syscall(62, %d, 9)" % ME,
     r"called kill, "),
    ("import ctypes; ctypes.CDLL(None).syscall(101, 16, 1, 0, 0)",
     r"called ptrace, "),
    # Advice that takes away the page itself, which may be everybody's.
    ("import ctypes; ctypes.CDLL(None).syscall(28, 4096, 4096, 100)",
     r"called madvise, "),
    # A mapping that others could see.
    ("import ctypes; ctypes.CDLL(None).syscall(9, 0, 4096, 3, 1, 0, 0)",
     r"called mmap, "),
    ("while True: pass", r"the code took more than 1 s of processor time; "),
    ("def f(n):\n return f(n + 1)\nf(0)", r"raised (Recursion|Runtime)Error"),
    ("import sys; sys.setrecursionlimit(1 << 30)\n"
     "class A(object):\n"
     " def __getattr__(self, n): return getattr(self, n + 'x'[:0])\n"
     "A().a", r"the code (ran out of stack|took more than 1 s)|"
     r"raised (Recursion|Memory)Error"),
    ("b'a' * (1 << 40)", r"raised MemoryError"),
    ("x = []\nwhile True: x.append(b'a' * (1 << 20))", r"raised MemoryError"),
    ("import sys; sys.exit(4)", r"raised SystemExit: 4"),
    ("raise KeyboardInterrupt('x')", r"raised KeyboardInterrupt: x"),
    ("1 +", r"raised SyntaxError: invalid syntax|unexpected EOF"),
)


# Run by GDB: into malloc() for a block that no cache has, and on until just
# behind the instruction that takes the arena's lock. Names that the libc
# exports are enough for that: its debug information need not be there.
TAKE_LOCK = """
import gdb
gdb.execute("break malloc if (unsigned long)$rdi >= 2000")
gdb.execute("continue")
gdb.execute("delete")
for _ in range(2000):
    code = gdb.execute("x/i $pc", to_string=True)
    gdb.execute("stepi", to_string=True)
    if "cmpxchg" in code:
        gdb.execute("gcore %s")
        break
"""
LOST = (r"CPython \d+\.\d+\.\d+: the core lacks the memory of thread \d+, "
        r"which would run its code")


def lost_stacks(path):
    """GDB 13 leaves a stack empty when its guard is a part of it, as glibc
    has it from 2.42 on."""
    shown = bare_gdb(["-core", path], ["thread apply all x/gx $fs_base"])
    return ":\t0x0000000000000000" in shown


def outcome(session, code, **how):
    """What eval() came to, as one line."""
    try:
        answer = session.eval(code, **how)
    except engine.EngineError as error:
        return str(error)
    raised = answer["raised"]
    if raised:
        return "raised %s: %s" % (raised["type"], raised["message"])
    return answer["value"]


def descendants():
    """Processes that came of this one: an image has a supervisor between."""
    parent = processes("DRSTtZ")
    return [pid for pid, its in parent.items()
            if ME in (its, parent.get(its))]


EVERY = interpreters.find()
# Free-threaded builds run nothing.
FOUND = [i for i in EVERY if not i.flavour.startswith("t")]


class Speaks:
    """Mixed into a TestCase for each interpreter."""
    interpreter = None
    kernel = True

    def core(self, mode, by_gdb):
        """A Session of its core, and what the program wrote."""
        place = tempfile.TemporaryDirectory()
        self.addCleanup(place.cleanup)
        words = python(self.interpreter.path,
                       os.path.join(FIXTURES, "speaks.py"), mode)
        with Target(words, place.name) as target:
            target.wait_ready(asleep=mode == "waits")
            if mode != "waits":
                time.sleep(0.3)
            if by_gdb:
                path = target.gcore()
            else:
                target.process.send_signal(6)
                target.wait_exit()
                path = target.kernel_core()
        if path is None:
            self.skipTest("the kernel writes no core into the folder")
        with open(os.path.join(place.name, "said"), encoding="ascii") as said:
            told = [json.loads(line) for line in said]
        self.assertGreater(len(told), 60)
        return path, told

    def check_reprs(self, session, told):
        for number, thing in enumerate(told):
            got = session.repr(int(thing["id"], 16))
            with self.subTest(number=number, said=str(thing)[:80]):
                self.assertFalse(got["limited"])
                self.assertEqual(got["value"], thing.get("value"))
                if "raised" in thing:
                    self.assertEqual(got["raised"], {
                        "type": thing["raised"],
                        "message": thing["message"]})
                else:
                    self.assertIsNone(got["raised"])

    def check_eval(self, session, told):
        ids = [int(thing["id"], 16) for thing in told]
        main = "import sys; objects = sys.modules['__main__'].objects\n"
        got = session.eval(main + "print([id(o) for o in objects])")
        self.assertEqual(json.loads(got["printed"].replace("L", "")), ids)
        node = next(t for t in told
                    if t.get("value", "").startswith("<Node 3"))
        got = session.eval("obj.number, __name__, len(obj.__dict__)",
                           int(node["id"], 16))
        self.assertEqual(got["value"], "(3, 'refs', 1)")
        self.assertEqual(got["printed"], "")
        # Each has a process of its own.
        got = session.eval(main + "del objects[:]\nprint(len(objects))")
        self.assertEqual(got["printed"], "0\n")
        got = session.eval(main + "print(len(objects))")
        self.assertEqual(got["printed"], "%d\n" % len(ids))

    def is_unsound(self, told):
        return re.search("crashed with signal|waited for" + (
            "|called write" if "debug" in self.interpreter.flavour else ""),
            told)

    def sound_core(self, mode, by_gdb):
        """core(), not stopped in the midst of an allocation.

        That leaves lists of free blocks in a state in which what needs a
        block crashes or waits or (a debug build) writes that it does not like
        it, and is told to: another core is taken then."""
        for _ in range(STOPS):
            path, told = self.core(mode, by_gdb)
            with engine.Session(path) as session:
                got = outcome(session, EVERY_BLOCK)
            if not self.is_unsound(got):
                return path, told
        self.fail("stopped in an allocation %d times: %s" % (STOPS, got))

    def check(self, mode, by_gdb):
        """Of a process at work nobody knows what it was in the midst of."""
        # How an image is made of a core by GDB is no matter of versions.
        if by_gdb and self.interpreter not in interpreters.ends(FOUND):
            not_applicable("the oldest and the newest interpreter do")
        for left in reversed(range(1 if mode == "waits" else STOPS)):
            try:
                return self.check_once(mode, by_gdb)
            except engine.EngineError as error:
                if not left or not self.is_unsound(str(error)):
                    raise

    def check_once(self, mode, by_gdb):
        path, told = self.sound_core(mode, by_gdb)
        before = os.stat(path)
        with engine.Session(path) as session:
            if by_gdb and mode == "threads" and lost_stacks(path):
                self.assertRegex(outcome(session, "1"), LOST)
                return
            self.check_reprs(session, told)
            self.check_eval(session, told)
        after = os.stat(path)
        self.assertEqual((before.st_mtime_ns, before.st_size),
                         (after.st_mtime_ns, after.st_size))

    def test_waits(self):
        self.check("waits", False)

    def test_busy(self):
        self.check("busy", False)

    def test_threads(self):
        self.check("threads", False)

    def test_waits_by_gdb(self):
        self.check("waits", True)

    def test_busy_by_gdb(self):
        self.check("busy", True)

    def test_threads_by_gdb(self):
        self.check("threads", True)

    def test_hostile_code_is_stopped(self):
        path, told = self.core("waits", False)
        with engine.Session(path) as session:
            for code, expected in HOSTILE:
                with self.subTest(code):
                    # Where a limit of time is not meant, none is to be met:
                    # to fill all memory takes some machines seconds.
                    meant = "took more" in expected
                    start = time.monotonic()
                    got = outcome(session, code,
                                  timeout_ms=1000 if meant else 60000)
                    self.assertRegex(got, expected)
                    self.assertNotIn("\n", got)
                    self.assertLess(time.monotonic() - start, 300)
                    self.assertFalse(os.path.exists(HERE))
                    self.assertEqual(descendants(), [])
            # And after all that it still answers.
            self.assertEqual(session.eval("6 * 7")["value"], "42")

    def test_no_collection_is_started(self):
        place = tempfile.TemporaryDirectory()
        self.addCleanup(place.cleanup)
        words = python(self.interpreter.path,
                       os.path.join(FIXTURES, "collection_due.py"))
        with Target(words, place.name) as target:
            target.wait_ready()
            path = target.gcore()
        with engine.Session(path) as session:
            got = session.eval(
                "import gc, sys; main = sys.modules['__main__']\n"
                "print([main.RING() is not None, gc.isenabled()])\n"
                "print(all(0 <= n < 100000 for n in gc.get_count()))\n"
                "made = [[] for _ in range(20000)]\n"
                "print(main.RING() is not None)\n"
                "gc.collect()\n"
                "print(main.RING())")
        self.assertEqual(got["printed"], "[True, True]\nTrue\nTrue\nNone\n")

    def test_code_of_any_form(self):
        path, _told = self.core("waits", False)
        with engine.Session(path) as session:
            for code, expected in (
                    ("  1 + 1 ", "2"), ("None", "None"), ("x = 1; x", None),
                    ("u'\xe9' == u'\\xe9'", "True"), ("# nothing", None),
                    ("def f(:", "raised SyntaxError"),
                    ("return 1", "raised SyntaxError: 'return' outside "
                                 "function (line 1)"),
                    ("1 is 1, '\\d'", r"(True, '\\d')"),
                    ("assert (1, 2)", None),
                    ("nosuch", "raised NameError: name 'nosuch' is not "
                               "defined")):
                with self.subTest(code):
                    got = outcome(session, code)
                    self.assertEqual(got and got[:len(expected or "")],
                                     expected)
            got = session.eval("print('a\\0b')\nimport sys\n"
                               "sys.stderr.write('c')\n1 / 0")
            self.assertEqual(got["printed"], "a\0b\nc")
            self.assertEqual(got["raised"]["type"], "ZeroDivisionError")
            got = session.eval("x = 5; x")
            self.assertEqual((got["printed"], got["value"]), ("5\n", None))
            got = session.eval("'x' * 3000000")
            self.assertEqual(len(got["value"]), 1 << 20)
            self.assertTrue(got["limited"])
            got = session.eval("'xxxxx'", limit=3)
            self.assertEqual((got["value"], got["limited"]), ("'xx", True))


@unittest.skipUnless(FOUND, "no build with the interpreter lock is chosen")
class Stopped(unittest.TestCase):
    """A lock of malloc's that was taken at the stop."""

    def test_a_lock_that_is_taken_is_told(self):
        # One whose libc GDB knows the exported symbols of.
        found = [i for i in FOUND if not interpreters.is_unpacked(i)]
        code = ("import threading, os, sys\n"
                "def work():\n"
                "    while True:\n"
                "        [bytearray(n) for n in range(2000, 9000, 500)]\n"
                "t = threading.Thread(target=work); t.daemon = True\n"
                "t.start()\n"
                "print('READY %d' % os.getpid()); sys.stdout.flush()\n"
                "sys.stdin.readline()\n")
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "core.gdb")
            with Target(python(found[-1].path, "-c", code),
                        folder) as target:
                target.wait_ready()
                script = os.path.join(folder, "stop.py")
                with open(script, "w", encoding="ascii") as text:
                    text.write(TAKE_LOCK % path)
                shown = bare_gdb(["-p", str(target.pid)],
                                 ["source " + script])
            self.assertTrue(os.path.exists(path), shown)
            with engine.Session(path) as session:
                self.assertRegex(
                    outcome(session, "[bytearray(5000)]", timeout_ms=1000),
                    "the code waited for " + UNREACHED)


@unittest.skipUnless(FOUND, "no build with the interpreter lock is chosen")
class Typed(unittest.TestCase):
    """Through GDB: off until it is switched on."""

    def test_commands(self):
        speaks = type("One", (Speaks, unittest.TestCase),
                      {"interpreter": FOUND[-1]})()
        self.addCleanup(speaks.doCleanups)
        path, _told = speaks.core("waits", False)
        node = "-name __main__.objects[33]"
        typed = debugger.run(path, [
            "refs repr " + node, "refs eval 1", "set refs run on",
            "refs repr " + node, "refs eval -name -object "
            "__main__.objects[33] print(obj.number); obj",
            "refs eval import os; os.fork()", "refs eval -- -1",
            "set refs run off", "refs eval 1", "print 6 * 7"],
            FOUND[-1].path)
        off = (": this would run code of the core in a jailed process, which "
               "is not enabled; if you trust the core that far: set refs run "
               "on")
        self.assertEqual(typed.lines(0), ["refs repr" + off])
        self.assertEqual(typed.lines(1), ["refs eval" + off])
        self.assertRegex(typed.parts[3], r"\A<Node 3 of \d+>\n\Z")
        # As at a prompt: what is printed, then what the last expression is.
        self.assertRegex(typed.parts[4], r"\A3\n<Node 3 of \d+>\n\Z")
        self.assertEqual(typed.lines(5), ["refs eval: the code was stopped: "
                                          "it called clone, which is not allowed"])
        self.assertEqual(typed.lines(6), ["-1"])
        self.assertEqual(typed.lines(8), ["refs eval" + off])
        self.assertEqual(typed.lines(9), ["$1 = 42"])

    def test_a_process_is_not_asked(self):
        with tempfile.TemporaryDirectory() as folder:
            words = python(FOUND[-1].path,
                           os.path.join(FIXTURES, "speaks.py"), "waits")
            with Target(words, folder) as target:
                target.wait_ready()
                target.stop()
                with engine.Session(target.pid) as session:
                    self.assertRegex(outcome(session, "1"),
                                     r"only code of a core can be run")


class Threaded:
    """A free-threaded build runs nothing, and says so."""
    interpreter = None
    core = Speaks.core

    def test_it_is_refused(self):
        path, told = self.core("waits", True)
        with engine.Session(path) as session:
            refused = r"CPython [\d.]+: code of a free-threaded build " \
                r"cannot be run"
            self.assertRegex(outcome(session, "1"), refused)
            with self.assertRaisesRegex(engine.EngineError, refused):
                session.repr(int(told[0]["id"], 16))


cases.make(globals(), Threaded,
           [i for i in EVERY if i.flavour.startswith("t")])
cases.make(globals(), Speaks, FOUND)


if __name__ == "__main__":
    unittest.main()
