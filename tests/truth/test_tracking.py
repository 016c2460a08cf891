# SPDX-License-Identifier: MIT
"""Wherever a debugger stops threads that track and untrack, what it reads is
sound: all that stays is there, and the rest leads nowhere else.
"""
import os
import tempfile
import unittest

import compare
import debugger
from targets import Target

PROGRAM = os.path.join(os.environ["REFSCOPE_BUILD"], "fixtures", "native",
                       "threads")
THREADS, OBJECTS, AT_ONCE, STOPS = 4, 1000, 100, 20


class Tracking(unittest.TestCase):
    def start(self):
        place = tempfile.TemporaryDirectory()
        self.addCleanup(place.cleanup)
        self.folder = place.name
        target = Target([PROGRAM, str(THREADS), str(OBJECTS)], place.name)
        self.addCleanup(target.__exit__)
        target.wait_ready()
        return target

    def stops(self, target):
        """Attach, ask and detach, again and again; each stop's answers."""
        commands = []
        for number in range(STOPS):
            export = os.path.join(self.folder, "export.%d" % number)
            commands += [
                "attach %d" % target.pid, "refs info -json",
                "refs export jsonl " + export,
                "refs count -json chain[%d]" % (number % THREADS),
                # It runs for a little longer each time.
                "detach", "shell sleep 0.%02d" % number]
        typed = debugger.run(None, commands)
        for number in range(STOPS):
            yield (typed.json(6 * number + 1),
                   compare.Export(commands[6 * number + 2].split()[-1]),
                   typed.json(6 * number + 3), number % THREADS)

    def check_chains(self, export):
        """Each object that stays, once, in a list of its thread's."""
        following = {}
        for address, row in export.objects.items():
            if row["type"] == "link":
                self.assertEqual((row["count"], row["unreachable"]),
                                 (1, False), row)
            else:  # the first of a list that is being dropped has none
                self.assertIn(row["count"], (0, 1), row)
            self.assertLessEqual(len(row["out"]), 1, row)
            for target, kind, label in row["out"]:
                self.assertEqual((kind, label), ("strong", ".next"))
                following[address] = int(target, 16)
        self.assertEqual(len(set(following.values())), len(following))
        lengths = []
        heads = set(export.objects) - set(following.values())
        for head in heads:
            kind, length = export.objects[head]["type"], 0
            while head is not None:
                self.assertEqual(export.objects[head]["type"], kind)
                head, length = following.get(head), length + 1
            lengths.append((kind, length))
        self.assertEqual([n for kind, n in lengths if kind == "link"],
                         [OBJECTS] * THREADS)
        brief = [n for kind, n in lengths if kind == "brief"]
        self.assertLessEqual(len(brief), THREADS)
        self.assertLessEqual(max(brief, default=0), AT_ONCE)
        self.assertEqual(sum(n for _, n in lengths), len(export.objects))
        return sum(brief)

    def check_info(self, info, export):
        self.assertEqual(info["problems"], [])
        [native] = info["runtimes"]
        self.assertEqual((native["name"], native["incomplete"]),
                         ("native", False))
        self.assertEqual(info["objects"], len(export.objects))
        self.assertEqual(native["tracked"], info["tracked"])

    def check_head(self, count, number):
        self.assertEqual(
            (count["object"]["type"], count["count"], count["named"],
             count["unexplained"]), ("link", 1, 1, 0))
        [holder] = count["holders"]
        self.assertEqual(holder["root"], "chain[%d]" % number)

    def test_each_stop_reads_what_stays(self):
        target = self.start()
        brief = []
        for info, export, count, number in self.stops(target):
            brief.append(self.check_chains(export))
            self.check_info(info, export)
            self.check_head(count, number)
        self.assertEqual(len(brief), STOPS)
        self.assertEqual(target.finish(), 0, target.printed)
        made, left = target.printed[-1].split(", ")
        self.assertGreaterEqual(int(made.split()[1]), AT_ONCE)
        self.assertEqual(left, "left 0")


if __name__ == "__main__":
    unittest.main()
