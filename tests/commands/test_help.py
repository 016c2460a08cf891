# SPDX-License-Identifier: MIT
"""Every command explains itself in the same form."""
import re
import unittest

from session import answers

COMMANDS = ("check", "collect", "count", "cycles", "eval", "export dot",
            "export jsonl", "garbage", "gc", "info", "leaks", "objects",
            "reachable", "referrers", "rehearse", "repr", "show", "types",
            "verify", "why")
PREFIXES = ("refs", "refs export", "set refs", "show refs")
FUNCTIONS = ("refs_count", "refs_garbage", "refs_obj", "refs_reachable",
             "refs_unexplained")


class Help(unittest.TestCase):
    def pages(self, commands):
        return dict(zip(commands, answers(["help " + c for c in commands])))

    def form(self, name, page):
        lines = page.splitlines()
        self.assertLessEqual(len(lines[0]), 70)
        self.assertRegex(lines[0], r"^[A-Z][^.,]*\.$")
        self.assertEqual(lines[1], "")
        self.assertTrue(lines[2].startswith("Usage: " + name), lines[2])
        self.assertIn("\nExample:\n  ", page)
        # What GDB adds to the page of a prefix is not ours.
        for line in page.split("\nList of ")[0].splitlines():
            self.assertLessEqual(len(line), 80)

    def test_commands(self):
        names = ["refs " + command for command in COMMANDS]
        for name, page in self.pages(names).items():
            with self.subTest(name):
                self.form(name, page)
                usage = re.search(r"Usage: (.*?)\n\n", page, re.S).group(1)
                used = set(re.findall(r"\[-([a-z]+)", usage))
                told = set(re.findall(r"^  -([a-z]+)", page, re.M))
                self.assertEqual(used, told)
                self.assertIn("json", used)
                example = page.rsplit("Example:\n  ", 1)[1]
                self.assertTrue(example.startswith(name))

    def test_arguments_are_capitals_and_explained(self):
        for command in COMMANDS:
            with self.subTest(command):
                [page] = answers(["help refs " + command])
                usage = re.search(r"Usage: (.*?)\n\n", page, re.S).group(1)
                for word in re.findall(r"\b[A-Z]+\b", usage):
                    self.assertIn(word, page.replace(usage, ""))

    def test_prefixes(self):
        for name, page in self.pages(PREFIXES).items():
            with self.subTest(name):
                self.form(name, page)

    def test_functions(self):
        names = ["function " + name for name in FUNCTIONS]
        for name, page in self.pages(names).items():
            with self.subTest(name):
                self.form(name.replace("function ", "$"), page)

    def test_what_runs_code_tells_the_risk(self):
        for page in answers(["help refs eval", "help refs rehearse",
                             "help refs repr",
                             "help set refs run"]):
            text = " ".join(page.split())
            self.assertIn("The risk: a core may come from a stranger, so its "
                          "code may be hostile.", text)
            self.assertIn("set refs run on", text)

    def test_the_list_is_complete(self):
        for prefix in PREFIXES[:2]:
            [page] = answers(["help " + prefix])
            listed = set(re.findall(rf"^{prefix} ([a-z]+) -- \S", page, re.M))
            words = [("refs " + c)[len(prefix) + 1:].split()[0]
                     for c in COMMANDS if ("refs " + c).startswith(prefix)]
            self.assertEqual(listed, set(words))


if __name__ == "__main__":
    unittest.main()
