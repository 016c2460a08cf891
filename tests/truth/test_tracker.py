# SPDX-License-Identifier: MIT
"""Programs that track their own objects, rightly and wrongly.

What the commands say, live and of a core, is what the program then says of
itself, or less, and then they say of what they do not know.
"""
import os
import re
import tempfile
import unittest

import debugger
from targets import Target

NATIVE = os.path.join(os.environ["REFSCOPE_BUILD"], "fixtures", "native")


class Case(unittest.TestCase):
    def start(self, *command):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        target = Target([os.path.join(NATIVE, command[0]), *command[1:]],
                        folder.name)
        self.addCleanup(target.__exit__, None, None, None)
        self.words = target.wait_ready()
        return target

    def ways(self, target, *commands):
        core = target.gcore()
        program = target.command[0]
        return (("live", debugger.run(target.pid, commands)),
                ("core", debugger.run(core, commands, program)))


class Mistakes(Case):
    def look(self, mode):
        """collect, cycles, types and info, of both ways; what the program
        then says of its own collection."""
        target = self.start("mistakes", mode, "--stop")
        ways = self.ways(target, "refs collect -json", "refs cycles -json",
                         "refs types -json", "refs info -json",
                         "refs collect", "refs cycles", "refs info")
        self.assertEqual(target.finish(), 0)
        said = [line.split() for line in target.printed
                if line.startswith("collect ")]
        self.collected = int(said[-1][1])
        return ways

    def unreachable(self, shown):
        """The number, which all three commands agree on."""
        collect, cycles, types = (shown.json(i) for i in range(3))
        number = collect["unreachable"]
        self.assertEqual(sum(t["unreachable"] for t in types["types"]),
                         number)
        if not number:
            self.assertEqual(cycles["rings"], 0)
        return number

    def check_quiet(self, mode, member, number, words):
        """Nothing is garbage; every answer says why it may be."""
        for way, shown in self.look(mode):
            with self.subTest(way=way):
                self.assertEqual(self.unreachable(shown), 0)
                for i in range(4):
                    self.assertEqual(shown.json(i).get(member), number)
                for i in range(4, 7):
                    self.assertIn(words, shown.parts[i])
        self.assertEqual(self.collected, 0)

    def problems(self, mode):
        return [shown.json(3)["problems"] for _, shown in self.look(mode)]

    def test_an_object_in_the_middle_of_its_release_is_in_use(self):
        self.check_quiet("teardown", "in_transit", 1, "being freed or just created")

    def test_unmapped_memory_is_unknown(self):
        self.check_quiet("unmapped", "unknown", 1, "treated as in use")

    def test_freed_memory_is_recognised(self):
        self.check_quiet("freed", "unknown", 1, "treated as in use")

    def test_memory_used_again_is_recognised(self):
        self.check_quiet("reused", "unknown", 1, "treated as in use")

    def test_freed_blocks_are_recognised_by_their_headers(self):
        for problems in self.problems("blocks"):
            # What is read in part is no matter of headers.
            problems = [problem for problem in problems
                        if "could be read in part only" not in problem]
            self.assertEqual(len(problems), 2, problems)
            self.assertIn("<large 0x", problems[0])
            self.assertIn("malloc has its memory on a free list", problems[0])
            self.assertIn("malloc has its memory on a free list", problems[1])

    def test_one_word_that_looks_freed_is_not_believed(self):
        for problems in self.problems("forged"):
            self.assertEqual(problems, [])

    def test_a_block_that_is_too_small_is_probably_freed(self):
        for problems in self.problems("small"):
            self.assertIn("<large 0x", problems[0])
            self.assertIn("it was probably freed", problems[0])

    def test_a_huge_count_is_all_that_is_in_doubt(self):
        for way, shown in self.look("huge"):
            with self.subTest(way=way):
                self.assertNotIn("unknown", shown.json(0))
                self.assertEqual(shown.json(0)["unreachable"], 0)
                problems = shown.json(3)["problems"]
                self.assertEqual(len(problems), 1)
                self.assertIn("<item 0x", problems[0])
                self.assertIn("a count of 1073741824, more than", problems[0])
                self.assertEqual(shown.json(3)["references"], 1)

    def test_arrays_that_are_not_there_are_unknown(self):
        self.check_quiet("wild", "unknown", 1, "treated as in use")

    def test_types_that_are_gone_leave_their_name(self):
        self.check_quiet("gone", "unknown", 2, "treated as in use")
        for problems in self.problems("gone"):
            self.assertIn("<gone 0x", problems[0])
            self.assertIn("its type was unloaded", problems[0])

    def test_a_refused_description_is_told(self):
        for _, shown in self.look("refused"):
            problems = shown.json(3)["problems"]
            self.assertEqual(len(problems), 1)
            self.assertIn("refused.far: 8 bytes at offset 1000", problems[0])
            self.assertEqual(shown.json(3)["tracked"], 1)

    def test_a_stop_inside_a_collection_is_told_by_all(self):
        for way, shown in self.look("collecting"):
            with self.subTest(way=way):
                for i in range(4):
                    self.assertTrue(shown.json(i)["collecting"])
                for i in range(4, 7):
                    self.assertIn("during a collection", shown.parts[i])

    def test_every_command_says_what_its_answer_depends_on(self):
        commands = ("collect", "cycles", "cycles -alive", "types", "info",
                    "gc", "garbage", "objects", "leaks", "count {0}",
                    "referrers {0}", "why {0}", "reachable {0}", "show {0}")
        for mode, words in (("teardown", "being freed or just created"),
                            ("unmapped", "treated as in use"),
                            ("collecting", "during a collection")):
            target = self.start("mistakes", mode, "--stop")
            found = debugger.run(target.pid, ["refs objects -json"])
            first = found.json(0)["objects"][0]["id"]
            for way, shown in self.ways(
                    target, *("refs " + c.format(first) for c in commands)):
                for command, text in zip(commands, shown.parts):
                    with self.subTest(mode=mode, way=way, command=command):
                        self.assertIn(words, text)
            self.assertEqual(target.finish(), 0)

    def test_what_cannot_be_freed_is_uncollectable_with_the_reason(self):
        for mode, number, why, of in (("constant", 4, "no release", 2),
                                      ("no_clear", 2, "no clear", 2)):
            for way, shown in self.look(mode):
                with self.subTest(mode=mode, way=way):
                    answer = shown.json(0)
                    if mode == "no_clear" and way == "live":
                        # What is only visited is not known: none is garbage.
                        self.assertEqual(answer["unreachable"], 0)
                        self.assertEqual(answer["unread"]["objects"], 2)
                        continue
                    self.assertEqual(self.unreachable(shown), number)
                    self.assertEqual(answer["uncollectable"], number)
                    self.assertEqual(answer["garbage"], 0)
                    self.assertEqual([o["why"] for o in answer["objects"]
                                      ].count(why), of)
                    self.assertIn(f">: {why}\n", shown.parts[4])
                    self.assertNotIn("gc: collectable", shown.parts[4])
                    self.assertIn(f"uncollectable: {why}", shown.parts[5])
            self.assertEqual(self.collected, number)

    def test_parts_of_any_depth_are_read(self):
        target = self.start("mistakes", "nested", "--stop")
        for way, shown in self.ways(
                target, f"refs reachable -json {self.words[0]}",
                "refs count -json -name list.first.next[18].item"):
            with self.subTest(way=way):
                self.assertEqual(shown.json(0)["objects"], 21)
                self.assertEqual(shown.json(1)["named"], 1)


class Callbacks(Case):
    def test_a_core_says_what_the_program_says(self):
        target = self.start("grove", "--stop")
        grove, shared = self.words
        core = target.gcore()
        shown = debugger.run(core, [
            "refs collect -json", "refs cycles -json",
            f"refs reachable -json {grove}", f"refs count -json {shared}",
            f"refs why -json {shared}", "refs collect"], target.command[0])
        self.assertEqual(target.finish(), 0)
        said = {}
        for line in target.printed:
            said.setdefault(line.split()[0], []).append(line.split()[-1])
        collect, cycles, reachable, count, why = (shown.json(i)
                                                  for i in range(5))
        self.assertEqual(str(collect["unreachable"]), said["collect"][0])
        self.assertEqual(str(collect["unreachable"]), said["find"][0])
        self.assertEqual(said["collect"][1], "0")
        self.assertEqual(collect["uncollectable"], 0)
        self.assertEqual(cycles["rings"], 1)
        self.assertEqual(cycles["objects"], 3)
        self.assertEqual(str(reachable["objects"]), said["walk"][0])
        self.assertEqual(str(count["count"]), said["count"][0])
        self.assertEqual(str(count["named"]), said["referrers"][0])
        self.assertEqual(count["unexplained"], 0)
        self.assertEqual(len(why["paths"]), 1)
        self.assertEqual(why["paths"][0]["root"], "grove")
        for answer in (collect, cycles, reachable, count, why):
            self.assertNotIn("unread", answer)
            self.assertEqual(answer["learned"], "asked")
        self.assertEqual(shown.parts[5].count("gc: collectable"), 6)

    def test_live_every_answer_says_what_it_did_not_read(self):
        target = self.start("grove", "--stop")
        grove, shared = self.words
        commands = ["refs collect", "refs cycles", f"refs reachable {grove}",
                    f"refs count {shared}", f"refs why {shared}",
                    "refs types", "refs info"]
        shown = debugger.run(target.pid,
                             commands + [c + " -json" for c in commands])
        for i in range(len(commands)):
            with self.subTest(command=commands[i]):
                self.assertIn("(not read: references that only the traverse "
                              "callbacks of 10 objects visit: tree 8, hash 2",
                              shown.parts[i])
                self.assertEqual(shown.json(len(commands) + i)["unread"], {
                    "objects": 10, "types": [{"type": "tree", "objects": 8},
                                             {"type": "hash", "objects": 2}]})
        self.assertIn("no cycles found in the garbage", shown.parts[1])
        # Nothing that only they could hold is called unreachable.
        self.assertEqual(shown.json(len(commands))["unreachable"], 0)


class Registries(Case):
    def test_each_copy_of_the_library_is_read_and_named(self):
        self.check_copies("two_copies_plugin.so")

    def test_a_copy_of_an_older_release_is_read_and_named(self):
        self.check_copies("two_copies_older.so")

    def test_a_copy_that_cannot_be_read_is_told_by_every_answer(self):
        plugin = os.path.join(NATIVE, "two_copies_newer.so")
        target = self.start("two_copies", plugin)
        commands = ("refs collect", "refs cycles", "refs types", "refs info",
                    "refs gc", "refs leaks")
        told = re.compile(
            r"^.*the registry at 0x[0-9a-f]+ \(%s\) is version 99; this "
            r"refscope reads version 1: what it tracks is missing"
            % re.escape(plugin), re.M)
        for way, shown in self.ways(target, *commands,
                                    *(c + " -json" for c in commands)):
            for i, command in enumerate(commands):
                with self.subTest(way=way, command=command):
                    lines = told.findall(shown.parts[i])
                    self.assertEqual(len(lines), 1, shown.parts[i])
                    answer = shown.json(len(commands) + i)
                    self.assertTrue(any(map(told.match, answer["problems"])))
                    self.assertTrue(answer.get("incomplete", True))
            # The other copy's ring; of the one through both a part is held
            # by what was not read.
            self.assertEqual(shown.json(len(commands))["unreachable"], 2)
        self.assertEqual(target.finish(), 0)

    def test_each_copy_collects_by_its_own_policy(self):
        target = self.start(
            "two_copies", os.path.join(NATIVE, "two_copies_plugin.so"),
            "finalizers")
        ways = self.ways(target, "refs collect -json", "refs cycles")
        self.assertEqual(target.finish(), 0)
        self.assertEqual(target.printed[-3:], ["program 4", "plugin 4",
                                               "uncollectable 2 0"])
        for way, shown in ways:
            with self.subTest(way=way):
                answer = shown.json(0)
                self.assertEqual([(r["unreachable"], r["uncollectable"])
                                  for r in answer["registries"]],
                                 [(4, 2), (4, 0)])
                self.assertEqual(answer["garbage"], 1)
                self.assertEqual(shown.parts[1].count("finalizer"), 1)

    def check_copies(self, plugin):
        target = self.start("two_copies", os.path.join(NATIVE, plugin))
        for way, shown in self.ways(
                target, "refs collect -json", "refs info -json",
                "refs gc -json", "refs cycles", "refs collect", "refs gc",
                "refs types -json", "refs cycles -json", "refs types"):
            with self.subTest(way=way):
                found = shown.json(0)
                # A ring in each; one through both is no collector's.
                self.assertEqual(found["unreachable"], 4)
                self.assertEqual(found["unseen"], 2)
                self.assertEqual(sum(t["unreachable"]
                                     for t in shown.json(6)["types"]), 4)
                self.assertEqual(shown.json(6)["unseen"], 2)
                self.assertEqual(shown.json(7)["objects"], 6)
                self.assertEqual(shown.json(7)["unseen"], 2)
                for i in (3, 4, 8):
                    self.assertIn("2 objects", shown.parts[i])
                names = [os.path.basename(r["module"])
                         for r in found["registries"]]
                self.assertEqual(sorted(names), ["two_copies", plugin])
                self.assertEqual([r["unreachable"]
                                  for r in found["registries"]], [2, 2])
                self.assertEqual([r["tracked"]
                                  for r in found["registries"]], [3, 3])
                self.assertEqual(shown.json(1)["runtimes"][0]["registries"],
                                 2)
                each = shown.json(2)["runtimes"][0]["registries"]
                self.assertEqual(sorted(r["policy"] for r in each),
                                 ["finalize", "keep"])
                self.assertIn(plugin + ": 2 unreachable of 3 objects tracked",
                              shown.parts[4])
                self.assertIn("3 cycles in the garbage", shown.parts[3])
                self.assertIn("does not visit every reference",
                              shown.parts[3])
        self.assertEqual(target.finish(), 0)
        self.assertEqual(target.printed[-2:], ["program 2", "plugin 2"])


if __name__ == "__main__":
    unittest.main()
