# SPDX-License-Identifier: MIT
"""set refs exact: what it takes, tells, and hands to the engine."""
import os
import unittest

from session import answers

ENGINE = os.environ["REFSCOPE_ENGINE"]
BUILD = os.environ["REFSCOPE_BUILD"]
LEAK = os.path.join(BUILD, "fixtures", "native", "leak")


def ask(*commands, **how):
    return answers(["set confirm off", "set width 0", *commands], **how)[2:]


class Exact(unittest.TestCase):
    def test_it_starts_as_auto(self):
        [shown] = answers(["show refs exact"])
        self.assertRegex(shown, r'^refs exact is "auto": .*\.\n$')

    def test_it_is_what_it_was_set_to(self):
        for value in ("on", "off", "auto"):
            said, shown = answers([f"set refs exact {value}",
                                   "show refs exact"])
            self.assertEqual(said, "")
            self.assertIn(f'"{value}"', shown)

    def test_show_refs_shows_all(self):
        one, every = answers(["show refs exact", "show refs"])
        self.assertIn(one, every)

    def test_nothing_else_is_taken(self):
        wrong, shown, setting, other = answers([
            "set refs exact maybe", "show refs exact", "set refs exactly on",
            "show refs nothing"])
        self.assertEqual(wrong, '"on", "off" or "auto" expected.\n')
        self.assertIn('"auto"', shown)
        self.assertEqual(setting.count("\n"), 1)
        self.assertIn('no command "exactly"', setting)
        self.assertEqual(other.count("\n"), 1)
        self.assertIn('no command "nothing"', other)

    def test_memory_takes_sizes_and_nothing_else(self):
        said = answers([
            "show refs run memory", "set refs run memory 512M",
            "show refs run memory", "set refs run memory 3x",
            "set refs run memory 1k", "show refs run memory",
            "set refs run memory auto", "show refs run memory"])
        self.assertIn('"auto"', said[0])
        self.assertEqual(said[1], "")
        self.assertIn('"512M"', said[2])
        for wrong, words in ((said[3], "3x"), (said[4], "1k")):
            self.assertIn(f'"{words}" is not a valid size', wrong)
            self.assertEqual(wrong.count("\n"), 1)
        self.assertIn('"512M"', said[5])
        self.assertIn('"auto"', said[7])

    def test_threads_takes_numbers(self):
        said = answers([
            "show refs threads", "set refs threads 3", "show refs threads",
            "set refs threads some", "set refs threads 0",
            "show refs threads"])
        self.assertIn("one for each processor", said[0])
        self.assertEqual(said[1], "")
        self.assertIn("refs threads is 3: ", said[2])
        self.assertEqual(said[3].count("\n"), 1)
        self.assertEqual(said[5], said[0])

    def test_completion(self):
        values, names, shown, prefix = answers([
            "complete set refs exact ", "complete set refs e",
            "complete show refs e", "complete set refs exact a"])
        self.assertEqual(values.split(), [
            word for value in ("auto", "off", "on")
            for word in ("set", "refs", "exact", value)])
        self.assertEqual(names, "set refs exact\n")
        self.assertEqual(shown, "show refs exact\n")
        self.assertEqual(prefix, "set refs exact auto\n")

    def test_help_tells_the_risk_and_the_cost(self):
        for verb in ("set", "show"):
            [page] = answers([f"help {verb} refs exact"])
            lines = page.splitlines()
            self.assertLessEqual(len(lines[0]), 70)
            self.assertEqual(lines[1], "")
            self.assertEqual(lines[2],
                             "Usage: set refs exact [auto|on|off]")
            self.assertLessEqual(max(map(len, lines)), 80)
            for word in ("jailed", "takes longer", "gcore",
                         "\nExample:\n  set refs exact on\n"):
                self.assertIn(word, page)

    def test_the_prefixes_are_in_the_lists_of_gdb(self):
        for verb in ("set", "show"):
            alone, page = answers([f"{verb} refs", f"help {verb} refs"])
            self.assertIn(f"{verb} refs exact -- ", page)
            if verb == "set":
                self.assertEqual(alone, page)

    def test_the_engine_is_told_and_the_session_is_another(self):
        got = ask("break main", "run", "refs gc -json", "set refs exact on",
                  "refs gc -json", "set refs exact off", "refs gc -json",
                  arguments=[LEAK])
        told = [g.split('"exact":')[1][0] for g in (got[2], got[4], got[6])]
        self.assertEqual(told, ["0", "1", "2"])

    def test_of_a_process_types_cannot_be_asked(self):
        got = ask("break rs_collect", "run one", "set refs exact on",
                  "refs info", "refs collect", "refs gc", "print 1",
                  "print $refs_reachable(4096)", "set refs exact auto",
                  "refs collect", "set refs exact off", "refs collect",
                  arguments=[LEAK], engine=ENGINE)
        for answer, who in ((got[3], "refs info"), (got[4], "refs collect"),
                            (got[7], "$refs_reachable")):
            self.assertEqual(answer.count("\n"), 1, answer)
            self.assertTrue(answer.startswith(who + ": process "), answer)
            self.assertIn('objects can be traversed only in a core, and '
                          '"refs exact" is on; take a core (gcore FILE) and '
                          'open that (core FILE), or set refs exact auto',
                          answer)
        self.assertIn("native", got[5])  # asks nothing about references
        self.assertEqual(got[6], "$1 = 1\n")
        for answer in (got[9], got[11]):
            self.assertIn("unreachable object num:2\n", answer)

    def test_a_core_without_a_cpython(self):
        if "REFSCOPE_SANITIZED" in os.environ:
            self.skipTest("cores with sanitizers take tens of GiB")
        import tempfile
        with tempfile.TemporaryDirectory() as place:
            core = os.path.join(place, "core")
            got = ask("break rs_collect", "run one", f"gcore {core}", "kill",
                      f"core {core}", "refs collect", "set refs exact on",
                      "refs collect", arguments=[LEAK], engine=ENGINE)
        self.assertIn("unreachable object num:2\n", got[5])
        # Its types have no callbacks: what their fields say is exact.
        self.assertEqual(got[7], got[5])


if __name__ == "__main__":
    unittest.main()
