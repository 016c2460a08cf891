# SPDX-License-Identifier: MIT
"""TAB offers options, their values, expressions and files."""
import os
import tempfile
import unittest

from session import Terminal, answers
from test_help import COMMANDS


class Complete(unittest.TestCase):
    def check(self, text, *expected):
        [got] = answers(["complete " + text])
        self.assertEqual(got.split("\n")[:-1], list(expected))

    def test_commands(self):
        self.check("refs ex", "refs export")
        self.check("refs export ", "refs export dot", "refs export jsonl")
        self.check("refs c", "refs check", "refs collect", "refs count",
                   "refs cycles")

    def test_options(self):
        self.check("refs count -", "refs count -json", "refs count -limit",
                   "refs count -name")
        self.check("refs count -l", "refs count -limit")
        self.check("refs count -limit 3 -j", "refs count -limit 3 -json")
        self.check("refs count -limit 3 -k")

    def test_settings(self):
        self.check("set refs ru", "set refs run")
        self.check("set refs run o", "set refs run off", "set refs run on")
        self.check("show refs ru", "show refs run")

    def test_code_takes_no_options_after_it(self):
        self.check("refs eval -t", "refs eval -timeout")
        self.check("refs eval -object 0x10 -na",
                   "refs eval -object 0x10 -name")
        self.check("refs eval 5 -")
        self.check("refs eval -- -")

    def test_every_command_has_json(self):
        got = answers([f"complete refs {c} -js" for c in COMMANDS])
        self.assertEqual(got, [f"refs {c} -json\n" for c in COMMANDS])

    def test_values_of_options(self):
        self.check("refs types -sort ", "refs types -sort bytes",
                   "refs types -sort count", "refs types -sort name")
        self.check("refs objects -sort ", "refs objects -sort address",
                   "refs objects -sort count", "refs objects -sort size")
        self.check("refs collect -rules 3", "refs collect -rules 3.4")
        self.check("refs collect -rules ", "refs collect -rules 2.7",
                   "refs collect -rules 3.4")
        self.check("refs export jsonl -labels of",
                   "refs export jsonl -labels off")
        self.check("refs count -limit ")

    def test_no_operand_nothing_to_offer(self):
        self.check("refs cycles ")
        self.check("refs cycles x")

    def test_expressions(self):
        with tempfile.TemporaryDirectory() as folder:
            source = os.path.join(folder, "a.c")
            with open(source, "w", encoding="ascii") as file:
                file.write("struct { int first, second; } zebra;\n"
                           "int main(void) { return zebra.first; }\n")
            program = os.path.join(folder, "a")
            self.assertEqual(os.system(f"cc -g {source} -o {program}"), 0)
            got = answers(
                ["complete refs count zeb", "complete refs count zebra.",
                 "complete refs count -limit 4 zeb"], arguments=[program])
        self.assertEqual(got, [
            "refs count zebra\n",
            "refs count zebra.first\nrefs count zebra.second\n",
            "refs count -limit 4 zebra\n"])

    def test_names(self):
        # Of the stand-in: it offers two, and each once.
        first = ["set confirm off", "break main", "run"]
        with tempfile.TemporaryDirectory() as folder:
            program = os.path.join(folder, "a")
            source = program + ".c"
            with open(source, "w", encoding="ascii") as file:
                file.write("int main(void) { return 0; }\n")
            self.assertEqual(os.system(f"cc -g {source} -o {program}"), 0)
            for start in ("refs count -name ", "refs why -limit 3 -name ",
                          "refs show -json -name "):
                got = answers([*first, f"complete {start}sys."],
                              arguments=[program])[len(first):]
                self.assertEqual(got, [f"{start}sys.modules\n"
                                       f"{start}sys.path\n"])
        # There is nothing to look at: no C symbols either.
        self.check("refs count -name mai")

    def test_files(self):
        with tempfile.TemporaryDirectory() as folder:
            os.mkdir(os.path.join(folder, "sub"))
            for name in ("graph-1.jsonl", "graph-2.jsonl"):
                with open(os.path.join(folder, name), "w", encoding="ascii"):
                    pass
            for start in ("refs export jsonl ",
                          "refs export jsonl -labels off ",
                          "refs export dot -limit 3 "):
                self.check(f"{start}{folder}/graph",
                           f"{start}{folder}/graph-1.jsonl",
                           f"{start}{folder}/graph-2.jsonl")
            self.check(f"refs export jsonl -json {folder}/s",
                       f"refs export jsonl -json {folder}/sub/")

    def test_on_a_terminal(self):
        with Terminal(()) as gdb:
            gdb.prompt()
            gdb.send("refs collect -ru\t2.\t7\n")
            self.assertIn("refs collect -rules 2.7", gdb.prompt())


if __name__ == "__main__":
    unittest.main()
