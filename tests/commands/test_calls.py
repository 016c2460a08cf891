# SPDX-License-Identifier: MIT
"""What a user writes becomes the right call, or one line that says why not."""
import json
import os
import tempfile
import unittest

from session import answers, batch

PROGRAM = """
struct o { long count; struct o *next; } first = { 1, 0 }, *second = &first;
char name[] = "x";
struct o get(void) { return first; }
int main(int argc, char **argv)
{
	for (int i = 0; i < 5; i++)
		first.count += i;
	return get().count > 99;
}
"""


class Running(unittest.TestCase):
    """A program stopped in main()."""

    maxDiff = None

    @classmethod
    def setUpClass(cls):
        place = tempfile.TemporaryDirectory()
        cls.addClassCleanup(place.cleanup)
        cls.folder = os.path.realpath(place.name)
        source = os.path.join(cls.folder, "a.c")
        with open(source, "w", encoding="ascii") as file:
            file.write(PROGRAM)
        cls.program = os.path.join(cls.folder, "a")
        assert os.system(f"cc -g {source} -o {cls.program}") == 0

    def ask(self, *commands, **how):
        first = ["set confirm off", "break main", "run"]
        got = answers([*first, *commands],
                      arguments=[self.program], **how)
        return got[len(first):]

    def one_line(self, command, text):
        got, alive = self.ask(command, "print 6 * 7")
        self.assertEqual(got, text + "\n")
        self.assertEqual(alive, "$1 = 42\n")


class Calls(Running):
    def check(self, command, **expected):
        [got] = self.ask(command)
        self.assertEqual(got.count("\n"), 1)
        answer = json.loads(got)
        self.assertEqual({k: answer[k] for k in expected}, expected)
        return answer

    def test_options_reach_the_engine(self):
        self.check("refs count -json 0x10", call="count", object="0x10",
                   limit=0)
        self.check("refs count -json -limit 3 16", object="0x10", limit=3)
        self.check("refs reachable 16 -list -depth 2 -json", depth=2, list=1)
        self.check("refs reachable 16 -json", depth=0, list=0)
        self.check("refs referrers -json 16", depth=1)
        self.check("refs referrers -json -depth 4 16", depth=4)
        self.check("refs collect -json", generation=-1, rules="own")
        self.check("refs collect -json -generation 0 -rules 3.4",
                   generation=0, rules="3.4")
        self.check("refs cycles -json -alive -limit 2", alive=1, limit=2)
        self.check("refs gc -json", call="gc")

    def test_which_objects(self):
        self.check("refs objects -json", call="objects", type="any",
                   module="any", generations=0, least=0, most=0,
                   sort="address", limit=0, size=1, finding=0)
        self.check("refs objects -json -type a.B -module a -generation 3 "
                   "-size 4K..1M -sort size -limit 7", type="a.B", module="a",
                   generations=8, least=4096, most=1 << 20, sort="size",
                   limit=7)
        got = [json.loads(g) for g in self.ask(
            *("refs objects -json -size " + s for s in ("512..", "..64", "64B")))]
        self.assertEqual([(g["least"], g["most"]) for g in got],
                         [(512, 0), (0, 64), (64, 64)])
        wrong = ("x", "..", "9..8", "0", "1..2..3")
        got = self.ask(*("refs objects -size " + size for size in wrong))
        self.assertEqual(got, [
            "refs objects: -size takes bytes or a range such as 4K..1M, 512.. "
            f'or ..64, not "{size}"\n' for size in wrong])

    def test_findings(self):
        got = [json.loads(g) for g in self.ask(
            "refs leaks -json", "refs leaks -json -all -limit 3",
            "refs objects -json -finding 7 -over",
            "refs objects -json -unexplained",
            "refs cycles -json -finding 7 -limit 2")]
        self.assertEqual((got[0]["all"], got[0]["limit"]), (0, 0))
        self.assertEqual((got[1]["all"], got[1]["limit"]), (1, 3))
        self.assertEqual([got[2][k] for k in ("finding", "unexplained",
                                              "over")], [7, 0, 1])
        self.assertEqual([got[3][k] for k in ("finding", "unexplained",
                                              "over")], [0, 1, 0])
        self.assertEqual(got[4], {"call": "cycles_of", "finding": 7,
                                  "limit": 2})
        got = self.ask("refs why -finding 7", "refs why -finding 8",
                       "refs why")
        self.assertIn("no object at 0x10", got[0])
        self.assertEqual(got[1], "refs why: no finding 8: there are 1; they "
                         "are listed by: refs leaks -all\n")
        self.assertTrue(got[2].startswith("refs why: OBJ is missing; usage: "))

    def test_what_runs_code_is_off_until_it_is_on(self):
        off = (": this would run code of the core in a jailed process, "
               "which is not enabled; if you trust the core that far: set "
               "refs run on\n")
        got = self.ask("show refs run", "refs repr -json 16",
                       "refs eval -json 1", "set refs run on",
                       "show refs run", "show refs", "refs repr -json 16",
                       "refs eval -json 1", "set refs run off",
                       "refs eval -json 1")
        self.assertEqual(got[:3], [
            'refs run is "off": commands may not run code of a core.\n',
            "refs repr" + off, "refs eval" + off])
        on = 'refs run is "on": commands may run code of a core.\n'
        self.assertEqual(got[3:5], ["", on])
        self.assertIn(on, got[5])
        self.assertEqual(json.loads(got[6]), {
            "call": "repr", "object": "0x10", "timeout": 3000, "limit": 0})
        self.assertEqual(json.loads(got[7]), {
            "call": "eval", "code": "1", "object": "0x0",
            "interpreter": -1, "timeout": 3000, "limit": 0})
        self.assertEqual(got[9], "refs eval" + off)

    def test_rehearsals_need_the_same_consent(self):
        commands = ("refs collect -rehearse -json",
                    "refs collect -rehearse -json -generation 0 "
                    "-interpreter 2 -timeout 7 -limit 4",
                    "refs cycles -try 2 -json", "refs cycles -try 2 3 -json",
                    "refs rehearse -drop -json 16 ['a key']",
                    "refs rehearse -drop -json -name m.x .next")
        off, *got = self.ask(commands[0], "set refs run on", *commands)
        self.assertIn("if you trust the core that far: set refs run on", off)
        usual = {"interpreter": -1, "timeout": 30000, "limit": 0}
        self.assertEqual([json.loads(g) for g in got[1:]], [
            {"call": "rehearse_collect", "generation": -1, **usual},
            {"call": "rehearse_collect", "generation": 0, "interpreter": 2,
             "timeout": 7000, "limit": 4},
            {"call": "rehearse_cut", "cycle": 2, "edge": 1, **usual},
            {"call": "rehearse_cut", "cycle": 2, "edge": 3, **usual},
            {"call": "rehearse_drop", "object": "0x10", "label": "['a key']",
             **usual},
            {"call": "rehearse_drop", "object": "0x4242", "label": ".next",
             **usual}])

    def test_code_is_taken_as_it_stands(self):
        _on, *got = self.ask(
            "set refs run on", "refs eval -json 5 -limit 3",
            "refs eval -json -- -x  -json", "refs eval -json -object 16 "
            "-timeout 7 -limit 9 -interpreter 2 [o for o in  obj]",
            "refs eval -json -name -object m.x obj",
            "refs eval -json -object second obj", "print/x (long)second")
        got, address = [json.loads(g) for g in got[:-1]], got[-1].split()[-1]
        self.assertEqual([g["code"] for g in got], [
            "5 -limit 3", "-x  -json", "[o for o in  obj]", "obj", "obj"])
        self.assertEqual([g["object"] for g in got], [
            "0x0", "0x0", "0x10", "0x4242", address])
        self.assertEqual((got[2]["timeout"], got[2]["limit"],
                          got[2]["interpreter"]), (7000, 9, 2))

    def test_bare_refs_is_info(self):
        self.check("refs -json", call="info")
        self.check("refs info -json", call="info", exec=True)

    def test_objects_by_expression(self):
        got = self.ask("print/x (long)&first", "refs count -json first",
                       "refs count -json &first", "refs count -json second",
                       "refs count -json *second",
                       "refs count -json (long)second",
                       "refs count -json second->count")
        address = got[0].split()[-1]
        for answer in got[1:-1]:
            self.assertEqual(json.loads(answer)["object"], address)
        # A number means an address, as a pointer does.
        self.assertEqual(json.loads(got[-1])["object"], "0x1")

    def test_objects_by_name(self):
        self.check("refs count -json -name m.d['a b'].x", object="0x4242")
        self.check("refs count -name m.d['a b'].x -json", object="0x4242")

    def test_export(self):
        self.check(f"refs export jsonl -json {self.folder}/g",
                   file=self.folder + "/g", objects=1)
        self.check("refs export jsonl -json -labels off /tmp/g", objects=0)
        self.check("refs export dot -json '/tmp/a b' 0x10", file="/tmp/a b",
                   object="0x10", depth=2)
        self.check("refs export dot -json /tmp/g -limit 5", object="0x0",
                   limit=5)
        self.check("refs export dot -json -name /tmp/g a.b", object="0x4242")

    def test_files_are_found_where_gdb_has_them(self):
        self.check("refs export dot -json " + self.program,
                   found=self.program)

    def test_functions(self):
        got = self.ask("print $refs_count(0x10)",
                       "print $refs_count(first) == (long)&first",
                       'print $refs_count("m.x")',
                       "print $refs_unexplained(&first)",
                       "print $refs_reachable(second)")
        self.assertEqual([g.split(" = ")[-1] for g in got],
                         ["16\n", "1\n", "16962\n", "-1\n", "7\n"])

    def test_functions_in_a_condition(self):
        got = self.ask("break 8 if $refs_reachable(&first) + i == 10",
                       "continue", "print i")
        self.assertTrue(got[-1].endswith(" = 3\n"), got)

    def test_a_text_for_a_name_is_not_written_to_the_target(self):
        # GDB would call malloc() in the program to have an address for it.
        got = self.ask("python gdb.events.inferior_call.connect(lambda e: "
                       "print('called'))", 'print $refs_count("m.x")',
                       'refs count "m.x"')
        self.assertNotIn("called", "".join(got))


class Sessions(Running):
    def opened(self, *commands):
        """How often the engine was asked to open the target."""
        count = ("python import refscope.target as t; o = t.Holder._open; "
                 "t.Holder._open = lambda *a: print('opened') or o(*a)")
        got = self.ask(count, *commands)
        return "".join(got).count("opened\n")

    def test_one_session_a_stop(self):
        self.assertEqual(self.opened("refs -json", "refs gc -json"), 1)

    def test_another_stop_another_session(self):
        self.assertEqual(self.opened("refs -json", "next", "refs -json",
                                     "refs gc -json"), 2)

    def test_a_write_ends_the_session(self):
        self.assertEqual(self.opened("refs -json", "set var first.count = 4",
                                     "refs -json"), 2)

    def test_a_call_ends_the_session(self):
        self.assertEqual(self.opened("refs -json", "call main(1, 0)",
                                     "print get()", "refs -json"), 2)

    def test_a_new_search_path_ends_the_session(self):
        self.assertEqual(self.opened("refs -json", "set sysroot /nowhere",
                                     "refs -json"), 2)


class Errors(Running):
    """One line, and GDB goes on."""

    def test_options(self):
        for command, text in (
            ("refs foo", 'refs: no command "foo"; "help refs" lists them'),
            ("refs gc -limit 3",
             'refs gc: no option "-limit"; options are -timeout, -json '
             "(write -- before SWITCH if that starts with -)"),
            ("refs collect x", 'refs collect: unexpected argument "x"; usage: refs '
             "collect [-generation N] [-rules VERSION] [-rehearse] "
             "[-now] [-judge] [-interpreter N] [-timeout N] [-limit N] "
             "[-json]"),
            ("refs cycles 2", "refs cycles: EDGE is for -try N and -break N; "
             "usage: refs cycles [-alive] [-finding N] [-try N] [-break N] "
             "[-interpreter N] [-timeout N] [-limit N] [-json] [EDGE]"),
            ("refs cycles -try 1 x", 'refs cycles: EDGE is a number, as "refs '
             'cycles" lists the references from 1 on'),
            ("refs cycles -try 0", "refs cycles: cycles and their references "
             "are numbered from 1 on"),
            ("refs cycles -alive -try 1",
             "refs cycles: -try is for cycles in the garbage, as \"refs "
             "cycles\" numbers them"),
            ("refs cycles -try 1 -break 1",
             "refs cycles: -try and -break do not go together"),
            ("refs cycles -break 1 -interpreter 0",
             "refs cycles: -interpreter is for -try N"),
            ("refs collect -rehearse -rules 2.7", "refs collect: -rules is of "
             "no use to -rehearse, which applies the target's own"),
            ("refs rehearse 16 .x", "refs rehearse: usage: refs rehearse "
             "[-drop] [-interpreter N] [-timeout N] [-limit N] [-json] "
             "[-name] OBJ LABEL"),
            ("refs collect -generation 3",
             'refs collect: -generation takes 0, 1 or 2, not "3"'),
            ("refs count", "refs count: OBJ is missing; usage: refs count "
             "[-limit N] [-json] [-name] OBJ"),
            ("refs count -name", "refs count: OBJ is missing; usage: refs "
             "count [-limit N] [-json] [-name] OBJ"),
            ("refs referrers -depth 0 1", "refs referrers: -depth 0 would show "
             "nothing; it must be at least 1"),
            ("refs repr", "refs repr: OBJ is missing; usage: refs repr "
             "[-timeout N] [-limit N] [-json] [-name] OBJ"),
            ("refs eval", "refs eval: CODE is missing; usage: refs eval "
             "[-object OBJ] [-interpreter N] [-timeout N] [-limit N] [-json] "
             "[-name] CODE"),
            ("refs eval -name x", "refs eval: -name needs -object OBJ"),
            ("set refs run perhaps", '"on" or "off" expected.'),
            ("refs export", "refs export: FORMAT is missing; usage: refs "
             "export jsonl|dot FILE"),
            ("refs export zip f", 'refs export: no command "zip"; '
             '"help refs export" lists them'),
            ("refs export dot 'x", "refs export dot: 'x: the quote is not "
             "closed"),
            ("refs export dot -name /tmp/x",
             "refs export dot: -name needs OBJ after FILE"),
        ):
            with self.subTest(command):
                self.one_line(command, text)

    def test_objects(self):
        advice = ("; give an address, a GDB expression, or -name "
                  "MODULE.ATTR")
        for command, text in (
            ("nosuch", 'nosuch: No symbol "nosuch" in current context'),
            ("0", "0: the address is 0"),
            ("first.next", "first.next: the address is 0"),
            ('"abc"', '"abc": a value of type char has no address'),
            ("get()", "get(): Cannot call functions in the program: "
             "may-call-functions is off"),
        ):
            with self.subTest(command):
                self.one_line("refs count " + command,
                              f"refs count: {text}{advice}")

    def test_the_engines_own(self):
        self.one_line("refs why 16", "refs why: no object at 0x10: nothing "
                      "is mapped there")
        self.one_line("refs count -name missing",
                      "refs count: no module missing")
        self.one_line("print $refs_garbage(16)",
                      "$refs_garbage: no object there")
        self.one_line("print $refs_count()",
                      "$refs_count: takes one object, not 0; "
                      "usage: $refs_count(OBJ)")
        self.one_line("print $refs_garbage(16, 32)",
                      "$refs_garbage: takes one object, not 2; "
                      "usage: $refs_garbage(OBJ)")
        self.one_line("print $refs_count(0)",
                      "$refs_count: the address is 0")

    def test_an_answer_of_another_release(self):
        self.one_line("refs gc", "refs gc: these commands do not understand "
                      "the engine's answer (KeyError: 'runtimes'); use "
                      "commands and engine of the same release")

    def test_a_target_that_cannot_be_read(self):
        got = self.ask("refs", "refs count 16", "print $refs_count(16)",
                       "print 1", DOUBLE_REFUSES="no runtime in it")
        self.assertEqual(got, [
            "refs info: no runtime in it\n", "refs count: no runtime in it\n",
            "$refs_count: no runtime in it\n", "$1 = 1\n"])

    def test_hostile_texts_are_shown_harmless(self):
        [got] = self.ask("refs show 16")
        self.assertEqual(got.splitlines()[0],
                         "<sp\xe9 0x10> \\x1b[31m\\ud800")

    def test_a_terminal_without_unicode(self):
        got = self.ask("refs show 16", "refs show -json 16", LC_ALL="C")
        self.assertEqual(got[0].splitlines()[0],
                         "<sp\\xe9 0x10> \\x1b[31m\\ud800")
        self.assertEqual(json.loads(got[1])["object"]["type"], "sp\xe9")
        self.assertTrue(got[1].isascii())


class NoTarget(unittest.TestCase):
    NOTHING = ("no process or core to look at; start or attach to one "
               "(attach PID), or open a core (core FILE)\n")

    def test_every_command_says_so(self):
        commands = ["refs", "refs count 1", "refs collect -json",
                    "refs export jsonl /tmp/x"]
        for got in answers(commands):
            self.assertEqual(got, "refs: " + self.NOTHING)

    def test_functions_too(self):
        [got] = answers(["print $refs_count(1)"])
        self.assertEqual(got, "$refs_count: " + self.NOTHING)

    def test_a_program_that_does_not_run_is_no_target(self):
        [got] = answers(["refs"], arguments=["/bin/true"])
        self.assertEqual(got, "refs: " + self.NOTHING)

    def test_after_its_end_there_is_none(self):
        got = answers(["run", "refs"],
                      arguments=["/bin/true"])
        self.assertEqual(got[-1], "refs: " + self.NOTHING)


class Engaged(unittest.TestCase):
    """Progress and Ctrl-C of a command."""

    def test_a_function_in_an_operand_leaves_both_to_the_command(self):
        got, = answers([
            "python import refscope.command as c; "
            "from refscope.target import holder as h; seen = []; "
            "note = lambda: seen.append(h.status.interrupt) or 'x'; "
            "c.with_status(lambda: note() and c.with_status(note, False) and note(), "
            "False); print(len(set(map(id, seen))), h.status.active)"])
        self.assertEqual(got, "1 False\n")

    def test_a_terminal_that_cannot_be_written_ends_nothing(self):
        got, = answers([
            "python import refscope.progress as p; p.TERMINAL = 99; "
            "s = p.StatusLine(); s.start(True); s._last = 0; "
            "print(s.report('reading', 1, 2), s.shown); s.clear()"])
        self.assertEqual(got, "True False\n")


class NoEngine(unittest.TestCase):
    def test_sourcing_says_so_and_each_command_too(self):
        first, got = batch(["refs"], engine="/nowhere.so")
        text = ("refs: no engine at /nowhere.so, which REFSCOPE_ENGINE names; "
                "correct or unset REFSCOPE_ENGINE\n")
        self.assertEqual(first, text)
        # There is nothing to look at either, but that can be mended first.
        self.assertEqual(got, text)

    def test_an_engine_of_another_release(self):
        first, got = batch(["refs"], DOUBLE_ABI="7")
        self.assertEqual(first, "")
        self.assertRegex(got, r"^refs: the commands and the engine are of "
                         r"different releases: .* \(interface 7\), the "
                         r"commands need interface \d+; install both from "
                         r"one release\n$")

    def test_another_library(self):
        first, got = batch(["refs"], engine="/bin/true")
        self.assertEqual(first, "")
        self.assertRegex(got, r"^refs: cannot load the engine: /bin/true: .*; "
                         r"build it again or set REFSCOPE_ENGINE to "
                         r"another library\n$")


if __name__ == "__main__":
    unittest.main()
