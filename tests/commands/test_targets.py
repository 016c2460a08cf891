# SPDX-License-Identifier: MIT
"""Targets that cannot be read end in one line each; GDB goes on."""
import json
import os
import re
import shutil
import sys
import tempfile
import unittest

import debuginfod
import paths
from session import Server, answers

sys.path.insert(0, os.path.join(paths.ROOT, "tests", "support"))

import targets  # noqa: E402

BUILD = os.environ["REFSCOPE_BUILD"]
ENGINE = os.environ["REFSCOPE_ENGINE"]
LEAK = os.path.join(BUILD, "fixtures", "native", "leak")


def ask(*commands, arguments=(), **more):
    return answers(["set confirm off", "set width 0", *commands],
                   engine=ENGINE, arguments=arguments, **more)[2:]


class Case(unittest.TestCase):
    def one_line(self, got, text):
        self.assertRegex(got, text)
        self.assertEqual(got.count("\n"), 1, got)


class Cores(Case):
    @classmethod
    def setUpClass(cls):
        if "REFSCOPE_SANITIZED" in os.environ:
            raise unittest.SkipTest("cores with sanitizers take tens of GiB")
        place = tempfile.TemporaryDirectory()
        cls.addClassCleanup(place.cleanup)
        cls.core = os.path.join(place.name, "core.leak")
        ask("break rs_collect", "run one", "gcore " + cls.core,
            arguments=[LEAK])
        assert os.path.exists(cls.core)

    def test_a_core_without_its_executable(self):
        got = ask("core " + self.core, "refs collect")
        self.assertRegex(got[1], r"unreachable object num:2\ngarbage object "
                         r"num:1\n$")

    def test_a_core_with_another_executable(self):
        got = ask("file /bin/true", "core " + self.core, "refs collect",
                  "refs info -json")
        self.assertIn("unreachable object num:2\n", got[2])
        self.assertRegex(got[3], '"problems":[^"]*"/\\S*true ')

    def test_a_file_that_only_a_server_has(self):
        home = os.path.dirname(self.core)
        leak = os.path.join(home, "leak")
        core = self.core + ".moved"
        shutil.copy(LEAK, leak)
        ask("break rs_collect", "run one", "gcore " + core, arguments=[leak])
        away = os.path.join(home, "away")
        os.rename(leak, away)
        lacking = f'"{re.escape(leak)}: not found on this machine'
        for switch, told in (("on", False), ("off", True)):
            with debuginfod.Server({debuginfod.build_id(away): away}) as at:
                got = ask("set debuginfod enabled " + switch,
                          "set debuginfod urls " + at.url, "core " + core,
                          "refs info -json",
                          DEBUGINFOD_CACHE_PATH=os.path.join(home, switch))
            self.assertEqual(bool(re.search(lacking, got[3])), told, got[3])
            self.assertEqual(bool(at.served), not told)

    def test_a_core_with_nothing_says_which_file_is_missing(self):
        true = os.path.join(os.path.dirname(self.core), "true")
        shutil.copy("/bin/true", true)
        core = self.core + ".nothing"
        ask("starti", "gcore " + core, arguments=[true])
        os.rename(true, true + ".away")
        got = ask("core " + core, "refs")
        self.one_line(got[1], "neither a CPython nor the registry of a "
                      "program that links librefscope is in it; "
                      rf"{re.escape(true)}: not found on this machine "
                      r"\(build-id \w+\)")

    def test_a_core_that_went_away(self):
        gone = self.core + ".gone"
        os.link(self.core, gone)
        got = ask("core " + gone, "shell rm " + gone, "refs", "print 1")
        self.one_line(got[2], f"^refs info: {re.escape(gone)}: No such file")
        self.assertEqual(got[3], "$1 = 1\n")

    def test_a_core_that_changed(self):
        core = self.core + ".changing"
        shutil.copy(self.core, core)
        got = ask("core " + core, "refs collect",
                  "shell printf x >> " + core, "refs collect", "refs gc",
                  "core " + core, "refs collect")
        self.assertIn("unreachable object num:2\n", got[1])
        for line in got[3:5]:
            self.one_line(line, "changed on disk since it was opened")
        self.assertEqual(got[6], got[1])

    def test_a_number_of_a_core_that_changed(self):
        core = self.core + ".changing"
        shutil.copy(self.core, core)
        told = ask("core " + core, "refs collect -json")[1]
        first = json.loads(told)["objects"][0]["id"]
        # No graph is there: only that object is read.
        got = ask("core " + core, "refs gc", f"print $refs_count({first})",
                  "shell printf x >> " + core,
                  f"print $refs_count({first})")
        self.assertRegex(got[2], r"^\$1 = \d+\n")
        self.one_line(got[4], "changed on disk since it was opened")

    def test_another_core_another_session(self):
        other = self.core + ".other"
        os.link(self.core, other)
        got = ask("core " + self.core, "refs info -json", "core " + other,
                  "refs info -json", "detach", "refs info -json")
        self.assertIn(f'"source":"core {self.core}"', got[1])
        self.assertIn(f'"source":"core {other}"', got[3])
        self.one_line(got[5], "^refs: no process or core to look at")


class Processes(Case):
    def test_neither_a_cpython_nor_a_registry(self):
        got = ask("starti", "refs", "refs collect -json",
                  "print $refs_count(4096)", "print 6 * 7",
                  arguments=["/bin/true"])
        for answer, who in zip(got[1:], ("refs info", "refs collect",
                                         r"\$refs_count")):
            self.one_line(answer, rf"^{who}: process \d+: neither a CPython "
                          "nor the registry")
        self.assertEqual(got[-1], "$1 = 42\n")

    def test_an_executable_that_gdb_has_from_the_target(self):
        # As it has that of a process in a container.
        with tempfile.TemporaryDirectory() as folder, \
                targets.Target([LEAK, "one", "--stop"], folder) as target:
            target.wait_ready()
            server = Server(target.pid)
            self.addCleanup(server.close)
            got = ask(f"target remote 127.0.0.1:{server.port}",
                      "python print(gdb.current_progspace().filename)",
                      "refs info -json")
        self.assertEqual(got[1], f"target:{LEAK}\n")
        self.assertIn('"problems":[]', got[2])

    def test_the_count_in_a_condition_is_that_of_the_stop(self):
        # The story asks for both counts, one of which is 1.
        got = ask("break main", "run two --fix 1", "delete",
                  "break *getrefcount if $refs_count($rdi) == 1", "continue",
                  "print ((struct instance *)$rdi)->refs",
                  "print $refs_count($rdi)", "info breakpoints", "continue",
                  arguments=[LEAK])
        self.assertEqual(got[5:7], ["$1 = 1\n", "$2 = 1\n"])
        self.assertIn("already hit 1 time\n", got[7])
        self.assertIn("garbage object num:", got[8])

    def test_a_second_inferior_is_another_target(self):
        got = ask("break rs_collect", "run one", "add-inferior -no-connection",
                  "inferior 2", "refs", "inferior 1", "refs collect",
                  arguments=[LEAK])
        self.one_line(got[4], "^refs: no process or core to look at")
        self.assertIn("unreachable object num:2\n", got[6])


if __name__ == "__main__":
    unittest.main()
