# SPDX-License-Identifier: MIT
"""Answers of the engine, as engine.h has them, become these lines."""
import os
import sys
import textwrap
import unittest

import paths
import recorded

sys.path.insert(0, paths.PACKAGES)

from refscope.core import layout as layouts, text  # noqa: E402

# The answers whose schemas are not called as their layouts.
NAMES = {"dropped": "rehearse_drop", "rehearsal": "rehearse_collect",
         "eval_": "eval", "repr_": "repr", "export": "export_jsonl",
         "collected": "collect_now", "switched": "gc_now",
         "cleared": "garbage_now", "breaking": "break",
         "broken": "cycles_now", "judged": "collect_judged"}


class Recorded:
    """The layouts, each of an answer that the engine could give: the members
    that a test is about, and the others as they were recorded."""

    def __getattr__(self, name):
        def lay_out(members, *more):
            function = getattr(layouts, name.replace("_dot", ""))
            return function(recorded.answer(
                NAMES.get(name, name), members), *more)
        if name == "completeness":  # of any answer
            return layouts.completeness
        return lay_out


layout = Recorded()


def thing(kind="Leak", address="0x7f01", **more):
    found = {"id": address, "type": kind, "count": 2, "size": 64,
             "gc": "tracked", "text": "", "runtime": "cpython"}
    found.update(more)
    return found


LEAK = thing(text="<__main__.Leak object at 0x7f01>")
DICT = thing("dict", "0x7f02", text="{'_self': <Leak 0x7f01>}")


class Layout(unittest.TestCase):
    maxDiff = None

    def check(self, lines, expected):
        expected = textwrap.dedent(expected).strip("\n")
        self.assertEqual("\n".join(lines), expected)
        for line in lines:
            self.assertEqual(line, line.rstrip())


class Count(Layout):
    def answer(self, **more):
        found = {"object": LEAK, "count": 2, "named": 2, "unexplained": 0,
                 "holders": [
                     {"kind": "root", "root": "local x in f (a.py:3)",
                      "slot": "0x1"},
                     {"kind": "strong", "label": "['_self']", "object": DICT}],
                 "weak": 0, "shown": 2, "limited": False}
        found.update(more)
        found.setdefault("containers", [
            dict(one, references=1) for one in found["holders"]
            if one["kind"] != "root"])
        found.setdefault("containers_total", len(found["containers"]))
        return layout.count(found)

    def test_ledger(self):
        self.check(self.answer(), """
            <Leak 0x7f01>
            count: 2
              local x in f (a.py:3)
              ['_self']              <dict 0x7f02> {'_self': <Leak 0x7f01>}
            unexplained: 0
            """)

    def test_what_holds_it_often_has_one_line(self):
        lines = self.answer(containers_total=21, limited=True, containers=[
            {"kind": "strong", "label": "[3]", "references": 1171,
             "object": thing("list", "0x7f05", text="[1, 2]")}])
        self.assertIn("  [3] and 1,170 more     <list 0x7f05> [1, 2]", lines)
        self.assertIn("  ... and 20 more (-limit 0 shows all)", lines)

    def test_nobody_holds_it(self):
        self.check(self.answer(holders=[], named=0, unexplained=2), """
            <Leak 0x7f01>
            count: 2
            unexplained: 2
            """)

    def test_kinds_and_weak(self):
        lines = self.answer(weak=3, holders=[
            {"kind": "guess", "label": "+24", "object": DICT},
            {"kind": "owned", "label": ".mod", "object": LEAK}])
        self.check(lines, """
            <Leak 0x7f01>
            count: 2
              +24 (guess)   <dict 0x7f02> {'_self': <Leak 0x7f01>}
              .mod (owned)  <Leak 0x7f01>
            weak (not counted): 3
            unexplained: 0
            """)

    def test_over_decref(self):
        self.assertEqual(self.answer(unexplained=-1)[-2:], [
            "unexplained: -1",
            "more holders than the count: a reference was released twice, or "
            "one of the holders does not count its reference"])

    def test_immortal_has_nothing_to_explain(self):
        lines = self.answer(count=None, named=0, holders=[])
        self.check(lines, """
            <Leak 0x7f01>
            count: immortal
            """)

    def test_limited(self):
        lines = self.answer(count=1202, containers_total=1201, limited=True)
        self.assertIn("  ... and 1,200 more (-limit 0 shows all)", lines)

    def test_a_long_label_does_not_push_the_others_aside(self):
        long = "local " + "x" * 60
        lines = self.answer(holders=[
            {"kind": "strong", "label": "[0]", "object": LEAK},
            {"kind": "root", "root": long, "slot": "0x1"}])
        self.assertIn("  [0]  <Leak 0x7f01>", lines)
        self.assertIn("  " + long, lines)


class Threads(Layout):
    def test_those_that_execute_the_same_are_counted(self):
        waits = [{"function": "wait", "file": "/x/threading.py", "line": 320}]
        answer = {
            "source": "core c", "objects": None, "problems": [],
            "runtimes": [{"name": "cpython", "interpreters": 1, "gc": None,
                          "allocator": None, "threads": [
                {"tid": tid, "interpreter": 0, "frames": waits}
                for tid in (7, 8, 9)] + [
                {"tid": 1, "interpreter": 0, "frames": []}]}]}
        self.check([line[4:] for line in layout.info(answer)[2:]], """
                thread 7: wait (threading.py:320)
                2 like thread 7
                thread 1: no frames
            """)


class Names(Layout):
    def test_what_has_a_name_is_called_by_it(self):
        for kind, name, its, shown in (
            ("type", "m.Lock", "<class 'm.Lock'>", "<type m.Lock 0x7f01>"),
            ("frame", "f (a.py:3)", "<frame f (a.py:3)>",
             "<frame f (a.py:3) 0x7f01>"),
            ("function", "C.f", "<function C.f at 0x7f01>",
             "<function C.f 0x7f01>"),
            ("method", "C.f", "<bound method C.f of <C>>",
             "<method C.f 0x7f01> <bound method C.f of <C>>"),
        ):
            self.assertEqual(
                text.described(thing(kind, name=name, text=its)), shown)


class Show(Layout):
    def test_facts_and_references(self):
        lines = layout.show({
            "object": thing(gc="tracked"),
            "flags": ["gc", "tracked", "finalizer", "instance", "inexact"],
            "generation": 2, "unreachable": True,
            "references": [{"kind": "strong", "label": ".__dict__",
                            "object": DICT}],
            "total": 31, "limited": True})
        self.check(lines, """
            <Leak 0x7f01>
            count 2, 64 B, cpython, tracked, finalizer, \
references partly guessed, generation 2, unreachable
              .__dict__  <dict 0x7f02> {'_self': <Leak 0x7f01>}
              ... and 30 more (-limit 0 shows all)
            """)

    def test_plain_object(self):
        lines = layout.show({
            "object": thing("str", count=None, gc="none", text="'a'"),
            "flags": [], "generation": None, "unreachable": False,
            "references": [], "total": 0, "limited": False})
        self.check(lines, """
            <str 0x7f01> 'a'
            immortal, 64 B, cpython, no GC support
            """)

    def test_memory_that_is_not_its_own(self):
        for more, told in (
                ({"views": {"bytes": 2 << 20, "object": DICT}},
                 "views 2.0 MiB of <dict 0x7f02> {'_self': <Leak 0x7f01>}"),
                ({"views": {"bytes": 80, "object": None}},
                 "views 80 B of memory of no object that is known"),
                ({"maps": {"bytes": 65536}}, "maps 64.0 KiB")):
            lines = layout.show(dict({
                "object": thing("memoryview"), "flags": ["gc"],
                "generation": None, "unreachable": False, "references": [],
                "total": 0, "limited": False}, **more))
            self.assertEqual(lines[2:], [told])


class Reachable(Layout):
    ANSWER = {"object": DICT, "objects": 1204, "bytes": 2 << 20,
              "depth": None,
              "retained": {"objects": 1200, "bytes": 20480},
              "shared": {"objects": 4, "bytes": 900},
              "types": [{"type": "dict", "objects": 1200, "bytes": 20480},
                        {"type": "str", "objects": 4, "bytes": 900}],
              "retained_types": [
                  {"type": "dict", "objects": 1199, "bytes": 20400},
                  {"type": "str", "objects": 1, "bytes": 80}],
              "list": [], "limited": False}

    def test_sums(self):
        self.check(layout.reachable(self.ANSWER), """
            <dict 0x7f02> {'_self': <Leak 0x7f01>}
            reachable   1,204 objects   2.0 MiB
              retained  1,200 objects  20.0 KiB  freed with it
              shared        4 objects     900 B  also held by others
            freed with it, by type
              1,199  19.9 KiB  dict
                  1      80 B  str
            """)

    def test_list_and_depth(self):
        answer = dict(self.ANSWER, depth=1, limited=True, retained_types=[],
                      list=[{"depth": 0, "object": DICT},
                            {"depth": 1, "object": LEAK}])
        lines = layout.reachable(answer)
        self.assertTrue(lines[1].startswith("reachable within 1 reference  "))
        self.check(lines[-4:], """
            list (distance, object)
              0  <dict 0x7f02> {'_self': <Leak 0x7f01>}
              1  <Leak 0x7f01>
              ... and 1,202 more (-limit 0 shows all)
            """)


class Referrers(Layout):
    def test_one_level_is_a_table(self):
        lines = layout.referrers({
            "object": LEAK, "total": 3, "limited": True, "referrers": [
                {"kind": "strong", "label": "['_self']", "object": DICT,
                 "referrers": []},
                {"kind": "root", "root": "gc.garbage"}]})
        self.check(lines, """
            <Leak 0x7f01>
              ['_self']   <dict 0x7f02> {'_self': <Leak 0x7f01>}
              gc.garbage
              ... and 1 more (-limit 0 shows all)
            """)

    def test_more_levels_are_a_tree(self):
        lines = layout.referrers({
            "object": LEAK, "total": 1, "limited": False, "referrers": [
                {"kind": "strong", "label": "['_self']", "object": DICT,
                 "referrers": [
                     {"kind": "strong", "label": ".__dict__", "object": LEAK,
                      "seen": True},
                     {"kind": "root", "root": "module m"}]}]})
        self.check(lines, """
            <Leak 0x7f01>
              ['_self'] of <dict 0x7f02> {'_self': <Leak 0x7f01>}
                .__dict__ of <Leak 0x7f01> (shown above)
                module m
            """)

    def test_nobody(self):
        lines = layout.referrers({"object": LEAK, "total": 0, "referrers": [],
                                  "limited": False})
        self.check(lines, """
            <Leak 0x7f01>
              no referrers known
            """)

    def test_a_deep_tree_does_not_end_the_stack(self):
        entry = {"kind": "root", "root": "end"}
        for _ in range(5000):
            entry = {"kind": "strong", "label": ".next", "object": LEAK,
                     "referrers": [entry]}
        lines = layouts.referrers({"object": LEAK, "total": 1,
                                  "referrers": [entry], "limited": False})
        self.assertEqual(len(lines), 5002)


class Why(Layout):
    def test_paths(self):
        frame = thing("frame", "0x7f03")
        lines = layout.why({
            "object": LEAK, "alive": True, "garbage": False, "limited": False,
            "paths": [{"root": "sys.last_traceback", "kind": "interpreter",
                       "steps": [
                           {"object": thing("traceback", "0x7f04"),
                            "label": ".tb_frame"},
                           {"object": frame, "label": "local buf"},
                           {"object": LEAK}]}]})
        self.check(lines, """
            <Leak 0x7f01>
              sys.last_traceback
                ->            <traceback 0x7f04>
                -> .tb_frame  <frame 0x7f03>
                -> local buf  <Leak 0x7f01>
            """)

    def test_roots_with_the_same_path_are_in_its_line(self):
        path = {"root": "local a in f (x.py:3)", "kind": "local",
                "steps": [{"object": LEAK}],
                "also": ["local b in f (x.py:3)", "local a in f (x.py:3)"],
                "also_total": 5}
        lines = layout.why({"object": LEAK, "alive": True, "garbage": False,
                            "limited": False, "paths": [path]})
        self.assertEqual(
            lines[1], "  local a in f (x.py:3)  (also: local b in f (x.py:3), "
            "4 more)")

    def test_a_path_goes_on_as_one_before(self):
        frame = thing("frame", "0x7f03")
        first = [{"object": DICT, "label": "['f']"},
                 {"object": frame, "label": "local buf"}, {"object": LEAK}]
        second = [{"object": thing("list", "0x7f05"), "label": "[0]"}] + first
        lines = layout.why({
            "object": LEAK, "alive": True, "garbage": False, "limited": True,
            "paths": [{"root": "a", "kind": "modules", "steps": first},
                      {"root": "b", "kind": "modules", "steps": second},
                      {"root": "c", "kind": "modules",
                       "steps": [{"object": LEAK}]}]})
        self.check([line[2:] for line in lines[5:]], """
            b
              ->      <list 0x7f05>
              -> [0]  <dict 0x7f02> {'_self': <Leak 0x7f01>}
              ... continues as above
            c
              -> <Leak 0x7f01>
            ... and more (-limit 0 shows all)
            """)

    def test_garbage(self):
        lines = layout.why({"object": LEAK, "alive": False, "garbage": True,
                            "paths": [], "limited": False})
        self.assertEqual(lines[1], "  unreachable: no root leads to it; "
                         '"refs cycles" shows the cycle that holds it')

    def test_held_by_what_nobody_explains(self):
        lines = layout.why({"object": LEAK, "alive": False, "garbage": False,
                            "paths": [], "limited": False,
                            "held": [{"object": DICT, "unexplained": 2}]})
        self.check(lines, """
            <Leak 0x7f01>
              no known root leads to it; these objects, from which it can be reached, have unknown holders
                <dict 0x7f02> {'_self': <Leak 0x7f01>}, unexplained: 2
            """)

    def test_held_by_nobody_known(self):
        lines = layout.why({"object": LEAK, "alive": False, "garbage": False,
                            "paths": [], "limited": False})
        self.assertIn("no known root", lines[1])

    def test_what_alone_keeps_it(self):
        for only, said in (
                ({"kind": "exception", "object": DICT},
                 "only an exception keeps it: <dict 0x7f02>"),
                ({"kind": "c", "object": LEAK, "place": "lib.so: cache"},
                 "only C code holds it: lib.so: cache"),
                ({"kind": "nothing", "object": LEAK, "unexplained": 1},
                 "nothing read holds it; C code holds 1 reference or forgot to "
                 "drop it"),
                ({"kind": "nothing", "object": DICT, "unexplained": 2},
                 ", which leads to it; C code holds 2 references or forgot to "
                 "drop them")):
            lines = layout.why({
                "object": LEAK, "alive": False, "garbage": False, "paths": [],
                "held": [], "only": only, "limited": False})
            self.assertIn(said, lines[1])


class Collect(Layout):
    def answer(self, objects, **more):
        found = {"unreachable": len(objects), "uncollectable": 1,
                 "garbage": 1, "generation": 2, "rules": "2.7",
                 "collecting": False, "objects": objects, "limited": False}
        found.update(more)
        return layout.collect(found)

    def test_the_lines_of_the_story(self):
        lines = self.answer([
            {"id": "0x12aa090", "type": "CGcLeak", "why": "finalizer"},
            {"id": "0x12ac1e0", "type": "dict", "why": "held by a finalizer"}])
        self.check(lines, """
            gc: uncollectable <CGcLeak 0x12aa090>
            gc: uncollectable <dict 0x12ac1e0>
            unreachable object num:2
            garbage object num:1
            """)

    def test_what_is_freed_before_the_collector_counts(self):
        self.check(layout.collect({
            "objects": [], "unreachable": 84, "garbage": 0,
            "returns": [82, 82], "freed_first": 2}), """
            ... and 84 more (-limit 0 shows all)
            unreachable object num:84
            garbage object num:0
            gc.collect() returns 82: 2 objects of these are freed before it counts
            """)

    def test_freed_and_limited(self):
        lines = self.answer(
            [{"id": "0x1", "type": "list", "why": "freed"}],
            unreachable=12345, uncollectable=0, garbage=0, limited=True)
        self.check(lines, """
            gc: collectable <list 0x1>
            ... and 12,344 more (-limit 0 shows all)
            unreachable object num:12345
            garbage object num:0
            """)

    def test_inside_a_collection(self):
        lines = layout.completeness({"collecting": True})
        self.assertIn("during a collection", lines[0])

    def test_what_cannot_be_freed_has_its_reason(self):
        things = [{"id": "0x8", "type": "n", "why": "no clear"},
                  {"id": "0x10", "type": "n",
                   "why": "held by an uncollectable one"}]
        self.assertEqual(self.answer(things)[:2], [
            "gc: uncollectable <n 0x8>: no clear",
            "gc: uncollectable <n 0x10>"])


class Cycles(Layout):
    def ring(self, path, cuts, **more):
        found = {"objects": 2, "bytes": 344, "why": "a finalizer: <Leak 0x7f01>",
                 "path": path, "length": len(path), "members": [],
                 "cuts": cuts, "cuts_total": len(cuts)}
        found.update(more)
        return found

    def answer(self, *rings, alive=False, **more):
        found = {"cycles_total": len(rings), "objects": 2, "cycles": list(rings),
                 "shapes_total": len(rings), "shapes": [
                     {"cycles": 1, "number": number, "objects": 2,
                      "bytes": 344, "cycle": ring}
                     for number, ring in enumerate(rings, 1)],
                 "limited": False}
        found.update(more)
        return layout.cycles(found, alive)

    def test_one_object(self):
        lines = self.answer(self.ring(
            [{"object": LEAK, "label": "._self"}],
            [{"object": LEAK, "label": "._self", "to": "0x7f01"}]))
        self.check(lines, """
            1 cycle in the garbage, 2 objects

            cycle 1: 2 objects, 344 B
              <Leak 0x7f01>._self -> <Leak 0x7f01>
              not freed: a finalizer: <Leak 0x7f01>
              dropping this frees it: <Leak 0x7f01>._self
            """)

    def test_two_objects_two_cuts(self):
        a, b = thing("A", "0x1"), thing("B", "0x2")
        lines = self.answer(self.ring(
            [{"object": a, "label": "._b"}, {"object": b, "label": "['k']"}],
            [{"object": a, "label": "._b", "to": "0x2"},
             {"object": b, "label": "['k']", "to": "0x1"}]))
        self.check(lines[2:], """
            cycle 1: 2 objects, 344 B
              <A 0x1>._b -> <B 0x2>['k'] -> <A 0x1>
              not freed: a finalizer: <Leak 0x7f01>
              dropping any one of these frees it:
                <A 0x1>._b
                <B 0x2>['k']
            """)

    def test_a_long_ring_has_a_line_a_step(self):
        path = [{"object": thing("LongName%d" % i, "0x7fff%08x" % i),
                 "label": "local next"} for i in range(4)]
        lines = self.answer(self.ring(path, []))
        self.check([line[2:] for line in lines[3:]], """
              <LongName0 0x7fff00000000> local next
              -> <LongName1 0x7fff00000001> local next
              -> <LongName2 0x7fff00000002> local next
              -> <LongName3 0x7fff00000003> local next
              -> <LongName0 0x7fff00000000>
              not freed: a finalizer: <Leak 0x7f01>
              dropping no single reference frees it
            """)

    def test_none(self):
        self.check(self.answer(cycles_total=0), "no cycles in the garbage")
        self.check(self.answer(cycles_total=0, alive=True),
                   "no cycles among live objects")

    def test_limited(self):
        ring = self.ring([{"object": LEAK, "label": "._self"}], [])
        lines = self.answer(ring, cycles_total=12, shapes_total=9,
                            limited=True)
        self.assertEqual(lines[0], "12 cycles in the garbage, 2 objects, "
                         "9 shapes")
        self.assertEqual(lines[-1], "... and 8 more (-limit 0 shows all)")

    def test_like_ones(self):
        ring = self.ring([{"object": LEAK, "label": "._self"}], [])
        lines = self.answer(ring, cycles_total=46, shapes_total=1, shapes=[
            {"cycles": 46, "number": 3, "objects": 92, "bytes": 1 << 20,
             "cycle": ring}])
        self.assertEqual(lines[2:4], [
            "cycle 3: 2 objects, 344 B",
            "  and 45 like it: in all 92 objects, 1.0 MiB"])

    def test_a_sentence_is_not_a_reason(self):
        ring = self.ring([{"object": LEAK, "label": "._self"}], [],
                         why="it can be freed: the collector has not run")
        self.assertIn("  it can be freed: the collector has not run",
                      self.answer(ring))


class Others(Layout):
    def test_garbage(self):
        lines = layout.garbage({"total": 3, "garbage": [LEAK, DICT],
                                "limited": True})
        self.check(lines, """
            <Leak 0x7f01>
            <dict 0x7f02> {'_self': <Leak 0x7f01>}
            ... and 1 more (-limit 0 shows all)
            garbage object num:3
            """)

    def test_types(self):
        lines = layout.types({
            "objects": 12350, "bytes": 1 << 30, "names_total": 3,
            "limited": True, "types": [], "names": [
                {"name": "m.Lock", "types": 50, "id": "0x1", "objects": 12345,
                 "bytes": 1 << 29, "unreachable": 4,
                 "runtime": "cpython"}]})
        self.check(lines, """
            objects       size  unreachable  type
             12,345  512.0 MiB            4  m.Lock (50 types)
            ... and 2 more (-limit 0 shows all)
            12,350 objects, 1.0 GiB
            """)

    def test_objects(self):
        lines = layout.objects({
            "objects": [dict(LEAK, count=1, size=48),
                        dict(LEAK, count=None, size=1 << 20)],
            "total": 3, "bytes": 1 << 30, "limited": True})
        self.check(lines, """
               count     size  object
                   1     48 B  <Leak 0x7f01>
            immortal  1.0 MiB  <Leak 0x7f01>
            ... and 1 more (-limit 0 shows all)
            3 objects, 1.0 GiB
            """)
        lines = layout.objects({"objects": [], "total": 0, "bytes": 0,
                                "limited": False})
        self.check(lines, """
            0 objects, 0 B
            """)

    LEAKS = {
        "total": 3, "possible": 2, "bytes": 6067000, "limited": True,
        "waiting": {"objects": 5, "bytes": 100},
        "findings": [
            {"finding": 1, "kind": "missing-decref", "number": 2000,
             "grade": "certain", "bytes": 6066000, "type": "bytes",
             "ring": None, "example": dict(LEAK, text="b'x'"),
             "evidence": ["each has 1 reference that nothing explains"],
             "next": ["refs objects -finding 1"]},
            {"finding": 2, "kind": "dead-ring", "number": 1,
             "grade": "likely", "bytes": 0, "type": "Node",
             "ring": "<Node>._b -> <Node>._a ->", "example": LEAK,
             "evidence": ["the collector is off", "dropping x frees it"],
             "next": ["refs cycles -finding 2"]}]}

    def test_leaks(self):
        self.check(layout.leaks(self.LEAKS), """
            3 findings, 5.8 MiB; 5 objects wait for the collector

            1  missing decref  2,000 bytes objects, 5.8 MiB (certain)
                     each has 1 reference that nothing explains
               like  <Leak 0x7f01> b'x'
               next  refs objects -finding 1

            2  dead ring       1 cycle (likely)
                     the collector is off
                     dropping x frees it
               like  <Node>._b -> <Node>._a ->
               next  refs cycles -finding 2

            ... and 1 more (-limit 0 shows all)
            2 findings more may be leaks or not: refs leaks -all
            """)
        self.check(layout.leaks(self.LEAKS, True)[-1:], """
            ... and 3 more (-limit 0 shows all)
            """)

    def test_no_leaks(self):
        nothing = {"total": 0, "possible": 0, "bytes": 0, "findings": [],
                   "waiting": {"objects": 0, "bytes": 0}, "limited": False}
        self.check(layout.leaks(nothing), """
            no findings
            """)
        nothing["waiting"]["objects"] = 1
        self.check(layout.leaks(nothing), """
            no findings; 1 object waits for the collector
            """)

    VERIFIED = {"objects": 1234, "references": 5678, "differ": 0,
                "only_traversed": 0, "only_read": 0, "lists_broken": 0,
                "ready_us": 1, "walk_us": 2, "faults_total": 0, "faults": [],
                "types": [], "total": 0, "limited": False}

    def test_verify_agrees(self):
        self.check(layout.verify(self.VERIFIED), """
            traversed 1,234 objects, 5,678 references: all agree
            """)

    def test_verify_tells_runtimes_apart_where_there_are_two(self):
        each = {"objects": 1, "references": 2, "differ": 1}
        both = dict(self.VERIFIED, runtimes=[
            dict(each, name="cpython"), dict(each, name="native", differ=0)])
        self.check(layout.verify(both), """
            cpython: traversed 1 object, 2 references: 1 differ
            native: traversed 1 object, 2 references: all agree
            traversed 1,234 objects, 5,678 references: all agree
            """)

    def test_verify_differs(self):
        self.check(layout.verify(dict(
            self.VERIFIED, differ=2, guessed=2, only_read=3, lists_broken=1,
            total=2, limited=True, faults_total=1,
            faults=[{"id": "0x9", "type": "Leak", "why": "took too long"}],
            types=[{"type": "Leak", "id": "0x1", "objects": 7, "differ": 2,
                    "example": LEAK, "guessed": True,
                    "only_traversed": ["0x3", "0x7f01", "0x7f01"],
                    "only_read": [], "targets": [LEAK]}])), """
            Leak: 2 of 7 objects differ, reading guesses
              such as <Leak 0x7f01>
                found only by traversing:
                  0x3, at which no object is known
                  <Leak 0x7f01>  2 times
            ... and 1 more (-limit 0 shows all)
            stopped: <Leak 0x9> took too long
            3 tracked objects found only by reading
            1 damaged gc list
            traversed 1,234 objects, 5,678 references: 2 differ, 1 stopped
            (all of types of which reading can only guess what they visit: with "refs exact" auto, answers about a core ask them)
            """)

    def test_verify_says_whether_it_matters(self):
        differ = dict(self.VERIFIED, differ=2, guessed=2)
        self.check(layout.verify(differ), """
            traversed 1,234 objects, 5,678 references: 2 differ
            (all of types of which reading can only guess what they visit: with "refs exact" auto, answers about a core ask them)
            """)
        self.check(layout.verify(dict(differ, guessed=1)), """
            traversed 1,234 objects, 5,678 references: 2 differ
            (1 of types whose layout is known: a fault of refscope, or of these types; set refs exact on goes by what they say)
            """)

    SAID = {"value": None, "raised": None, "limited": False, "ready_us": 1,
            "run_us": 2}

    def test_repr(self):
        self.check(layout.repr_(dict(self.SAID, value="<Node 7>")), """
            <Node 7>
            """)
        self.check(layout.repr_(dict(self.SAID, value="a\x1b[31m\nb\x85c",
                                     limited=True)), """
            a\\x1b[31m
            b
            c
            ... and more (-limit 0 shows all)
            """)
        self.check(layout.repr_(dict(self.SAID, raised={
            "type": "ValueError", "message": "no\ntext"})), """
            raised ValueError: no\\ntext
            """)

    REHEARSED = {
        "unreachable": 3, "garbage": 1, "returned": 2, "limited": False,
        "objects": [
            {"id": "0x10", "type": "A", "fate": "uncollectable"},
            {"id": "0x20", "type": "B", "fate": "freed"},
            {"id": "0x30", "type": "C\n", "fate": "alive"}],
        "predicted": {"unreachable": 3}, "differs": [], "printed": "",
        "memory": {"needed": 1 << 20, "allowed": 1 << 30}}

    def test_rehearsal(self):
        self.check(layout.rehearsal(self.REHEARSED), """
            gc: uncollectable <A 0x10>
            gc: collectable <B 0x20>
            gc: collectable <C\\n 0x30>, held again
            unreachable object num:3
            garbage object num:1
            gc.collect() returned 2
            as predicted
            rehearsed with about 1.0 MiB of memory, of 1.0 GiB allowed""")
        told = layout.rehearsal(dict(
            self.REHEARSED, differs=["one", "two"], printed="a\nb\x1b",
            limited=True, unreachable=9))
        self.assertEqual(told[3], "... and 6 more (-limit 0 shows all)")
        self.assertEqual(told[7:-1], ["one", "two", "the program printed:",
                                      "  a", "  b\\x1b"])
        self.assertIn("cannot be predicted", "".join(layout.rehearsal(
            dict(self.REHEARSED, predicted=None))))

    def test_collected(self):
        answer = {
            "way": "blocked", "thread": 7, "why": "thread 7 waits",
            "ran_ms": 0, "left": False, "returned": 2, "garbage": 1,
            "predicted": {"unreachable": 2}, "differs": [], "limited": False,
            "objects": [{"id": "0x10", "type": "A", "why": "finalizer"},
                        {"id": "0x20", "type": "B", "why": "freed"}]}
        self.check(layout.collected(answer), """
            thread 7 waits
            gc: uncollectable <A 0x10>
            gc: collectable <B 0x20>
            unreachable object num:2
            garbage object num:1
            as predicted""")
        self.check(layout.collected(dict(
            answer, objects=[], ran_ms=5, left=True, predicted=None,
            differs=["a\x1b"])), """
            thread 7 waits
            the process ran for 5 ms
            28 KiB of memory for the call stay until the process ends: a \
thread is still there
            unreachable object num:2
            garbage object num:1
            what it would come to cannot be predicted
            a\\x1b""")

    def test_judged(self):
        one = {"id": "0x10", "type": "A"}
        answer = {
            "way": "stopped", "thread": 7, "why": "thread 7 calls it",
            "ran_ms": 0, "left": False, "own": 2, "read": 2, "only_own": 0,
            "only_read": 0, "callbacks": 3, "own_objects": [],
            "read_objects": [], "limited": False, "unreadable": False}
        self.check(layouts.judged(answer), """
            thread 7 calls it
            rs_find_garbage() says: unreachable object num:2
            by reading: the same""")
        self.assertEqual(layouts.asked({}, "rs_walk"), [])
        self.check(layouts.asked({"now": dict(
            answer, only_own=4, only_read=1, own_objects=[one] * 4, left=True,
            read_objects=[one])}, "rs_walk"), """
            thread 7 calls it
            the memory for the call stays until the process ends: a thread is \
still there
            rs_walk() says: 2 objects
            by reading: 2, 4 only it names (<A 0x10>, <A 0x10>, <A 0x10>, \
...), 1 only reading finds (<A 0x10>); reading cannot call the traverse \
callbacks of 3 objects""")
        self.check(layouts.asked({"now": dict(
            answer, own=1, unreadable=True)}, "rs_referrers"), """
            thread 7 calls it
            rs_referrers() says: 1 reference
            by reading: the same; it met objects that cannot be read""")

    def test_switched(self):
        was = {"enabled": True, "debug": [], "thresholds": [700, 10],
               "frozen": None}
        answer = {"why": "thread 7 waits", "ran_ms": 0, "left": False,
                  "way": "blocked", "verb": "gc", "done": "threshold",
                  "before": was, "back": "refs gc threshold 700 10",
                  "after": dict(was, thresholds=[7, 10])}
        self.check(layout.switched(answer), """
            thread 7 waits
            enabled: yes
            debug: none
            thresholds: 7 10, was 700 10
            to put it back: refs gc threshold 700 10""")
        self.assertEqual(layout.switched(dict(answer, after=was))[-1],
                         "nothing changed")
        self.assertEqual(layout.switched(dict(answer, back=None))[-1],
                         "no command puts it back")

    def test_cleared(self):
        self.check(layout.cleared({
            "why": "thread 7 waits", "ran_ms": 0, "left": False,
            "way": "blocked", "verb": "garbage",
            "garbage_before": 2, "garbage": 0}), """
            thread 7 waits
            taken out of gc.garbage: 2 objects
            garbage object num:0""")

    def test_broken(self):
        cut = {"object": thing("A", "0x10"), "label": ".b", "call": "x.y",
               "to": thing("B", "0x20")}
        self.check(layout.breaking(dict(cut, cycle=2, edge=3, objects=2)), """
            to break cycle 2, this reference of the live process is dropped:
              <A 0x10>.b -> <B 0x20>
            by x.y(); then its collector runs (gc.collect()), finalizers and \
callbacks included
            to try that first, on a core of it: generate-core-file FILE; core \
FILE; set refs run on; refs cycles -try 2 3""")
        self.check(layout.broken({
            "why": "thread 7 waits", "ran_ms": 0, "left": False,
            "remaining": [cut["to"]], "way": "blocked", "verb": "cycles",
            "cycle": 2, "edge": 3, "dropped": cut, "returned": 2, "garbage": 1, "objects": 3,
            "freed": 2}), """
            thread 7 waits
            dropped: <A 0x10>.b -> <B 0x20>
            gc.collect() returned 2
            freed: 2 of 3 objects
            not freed:
              <B 0x20>
            garbage object num:1
            refs garbage -clear takes them out of gc.garbage""")

    def test_dropped(self):
        answer = dict(
            self.REHEARSED, watched=4, freed_at_once=1, freed=3, cleared=1,
            left=[{"id": "0x20", "type": "B"}], left_total=1,
            dropped={"object": {"id": "0x10", "type": "A"}, "label": ".b"})
        del answer["predicted"], answer["differs"]
        self.check(layout.dropped(answer), """
            dropped: <A 0x10>.b
            freed at once: 1 of 4 tracked objects
            freed after a collection: 3 of 4 tracked objects
            taken out of gc.garbage for that: 1 object
            not freed:
              <B 0x20>
            rehearsed with about 1.0 MiB of memory, of 1.0 GiB allowed""")

    def test_eval(self):
        said = dict(self.SAID, printed="")
        self.assertEqual(layout.eval_(said), [])
        self.check(layout.eval_(dict(said, value="None")), """
            None
            """)
        self.check(layout.eval_(dict(said, value="None", printed="a\nb\n")),
                   """
            a
            b
            """)
        self.check(layout.eval_(dict(said, value="1", printed="a")), """
            a
            1
            """)
        self.check(layout.eval_(dict(said, printed="a\n", raised={
            "type": "KeyboardInterrupt", "message": None})), """
            a
            raised KeyboardInterrupt
            """)

    def test_gc(self):
        generation = {"threshold": 700, "count": 12, "objects": 345,
                      "collections": None, "collected": None,
                      "uncollectable": None}
        lines = layout.gc({"runtimes": [
            {"name": "cpython", "enabled": True, "collecting": False,
             "debug": ["uncollectable", "objects"],
             "generations": [generation, dict(generation, threshold=10)],
             "frozen": None, "garbage": 1},
            {"name": "native", "enabled": False, "collecting": True,
             "debug": [], "generations": [], "frozen": 0, "garbage": 0}]})
        self.check(lines, """
            cpython: enabled, debug uncollectable|objects
              generation  threshold  count  objects
                       0        700     12      345
                       1         10     12      345
              garbage 1

            native: disabled, in a collection
              garbage 0, frozen 0
            """)

    def test_info(self):
        gc = {"enabled": True, "collecting": False, "debug": [],
              "generations": [{"threshold": 700, "count": 1}], "garbage": 0}
        lines = layout.info({
            "source": "core /tmp/core", "objects": 1234567, "tracked": 5,
            "references": 30, "bytes": 1000, "dropped": 1,
            "method": "traversed", "not_traversed": 0, "traversed": 1200,
            "problems": ["libc.so: other build-id"],
            "runtimes": [{
                "name": "cpython", "version": "3.11.7",
                "layout": "table 3.11.7", "module": "/usr/bin/python3",
                "interpreters": 1, "gc": gc, "allocator": {
                    "name": "pymalloc", "arenas": 1, "pools": 9,
                    "blocks": 1600, "objects": 1234, "free_list": 66,
                    "other": 300, "large": 12},
                "threads": [{
                    "tid": 12, "holds_gil": True,
                    "merge_queue": {"objects": 0, "bytes": 0}, "frames": [
                        {"function": "f", "file": "x.py", "line": 3},
                        {"function": "<module>", "file": "x.py",
                         "line": 9}]}, {
                    "tid": 13, "holds_gil": False, "frames": [],
                    "waits": {"call": 0, "name": "read", "for_ns": None},
                    "ran_ms": 20, "age_ms": 3_600_000 * 3,
                    "merge_queue": {"objects": 1200, "bytes": 1 << 20}}]}]})
        self.check(lines, """
            core /tmp/core
              cpython 3.11.7 in /usr/bin/python3 (layout: table 3.11.7)
                pymalloc: 1,600 blocks in 1 arena: 1,234 objects, 66 on free lists, 300 tables and buffers; 12 too large for an arena
                thread 12, holds the GIL: f (x.py:3) < <module> (x.py:9)
                thread 13, 1,200 objects (1.0 MiB) in its merge queue: no frames
                  waits in read; for how long is not recorded; it has run for 20 ms of the 3.0 h since its start
                gc: enabled, threshold 700, count 1, garbage 0
              objects     1,234,567
              tracked             5
              references         30
              size           1000 B
              references: read from memory, and found by tp_traverse for 1,200 objects ("help set refs exact")
              1 reference left out: no object at the target address
              problems:
                libc.so: other build-id
            """)

    def test_several_interpreters_are_told_apart(self):
        def collector(number, young):
            return {"id": number, "enabled": not number, "collecting": False,
                    "debug": [], "garbage": number, "frozen": None,
                    "generations": [
                        {"threshold": 700, "count": 1, "objects": young},
                        {"threshold": 10, "count": 0, "objects": 1000}]}
        gc = dict(collector(0, 5),
                  interpreters=[collector(0, 5), collector(3, 7)])
        del gc["id"]
        frames = [{"function": "f", "file": "x.py", "line": 3}]
        lines = layout.info({
            "source": "core c", "objects": 9, "tracked": 9, "references": 9,
            "bytes": 9, "dropped": 0, "problems": [], "method": "read",
            "runtimes": [{
                "name": "cpython", "version": "3.12.1", "interpreters": 2,
                "module": "/usr/bin/python3.12", "layout": "table 3.12.1",
                "gc": gc, "allocator": None, "threads": [
                    {"tid": 12, "interpreter": 0, "holds_gil": True,
                     "frames": frames},
                    {"tid": 13, "interpreter": 3, "holds_gil": True,
                     "frames": []}]}]})
        self.check(lines[:9], """
            core c
              cpython 3.12.1 in /usr/bin/python3.12 (layout: table 3.12.1)
                2 interpreters
                thread 12, interpreter 0, holds the GIL: f (x.py:3)
                thread 13, interpreter 3, holds the GIL: no frames
                interpreter 0: 1,005 objects tracked
                  gc: enabled, threshold 700/10, count 1/0, garbage 0
                interpreter 3: 1,007 objects tracked
                  gc: disabled, threshold 700/10, count 1/0, garbage 3
            """)
        gc["name"] = "cpython"
        self.check(layout.gc({"runtimes": [gc]}), """
            cpython interpreter 0: enabled
              generation  threshold  count  objects
                       0        700      1        5
                       1         10      0    1,000
              garbage 0
            cpython interpreter 3: disabled
              generation  threshold  count  objects
                       0        700      1        7
                       1         10      0    1,000
              garbage 3
            """)
        self.check(layout.collect({
            "objects": [], "unreachable": 5, "garbage": 0, "interpreters": [
                {"id": 0, "tracked": 1005, "unreachable": 0},
                {"id": 3, "tracked": 1, "unreachable": 5}]}), """
            ... and 5 more (-limit 0 shows all)
            interpreter 0: 0 unreachable of 1,005 objects tracked
            interpreter 3: 5 unreachable of 1 object tracked
            unreachable object num:5
            garbage object num:0
            """)

    def test_what_is_only_named_has_no_numbers(self):
        lines = layout.info({
            "source": "core c", "objects": None, "tracked": None,
            "references": None, "bytes": None, "dropped": None,
            "method": "read", "not_traversed": 0, "traversed": 0,
            "problems": ["CPython 4.0.0 is unknown"],
            "runtimes": [{
                "name": "cpython", "version": "4.0.0", "layout": "its own",
                "module": "/bin/p", "interpreters": 1, "allocator": None,
                "gc": None, "threads": [
                    {"tid": 1, "interpreter": 0, "holds_gil": False,
                     "frames": []}]}]})
        self.check(lines, """
            core c
              cpython 4.0.0 in /bin/p (layout: its own)
                thread 1: no frames
              problems:
                CPython 4.0.0 is unknown
            """)

    def test_an_allocator_without_arenas_is_told(self):
        none = {"arenas": 0, "pools": 0, "blocks": 0, "objects": 0,
                "free_list": 0, "other": 0}
        lines = layout.info({
            "source": "process 1", "objects": 1, "tracked": 1,
            "references": 1, "bytes": 1, "dropped": 0, "problems": [],
            "runtimes": [
                {"name": "cpython", "version": "3.8.1", "gc": None,
                 "threads": [], "allocator": dict(none, name="malloc", large=0)},
                {"name": "cpython", "version": "2.7.18", "gc": None,
                 "threads": [], "allocator": dict(none, name="pymalloc", arenas=2,
                                   large=None)},
                {"name": "cpython", "version": "3.13.15", "gc": None,
                 "threads": [], "allocator": dict(none, name="mimalloc", arenas=1,
                                   large=0)}]})
        self.assertEqual(
            lines[2], "    malloc: no arenas, so untracked objects to which no "
            "other object refers cannot be found")
        self.assertEqual(
            lines[4], "    pymalloc: 0 blocks in 2 arenas: 0 objects, 0 on "
            "free lists, 0 tables and buffers")
        self.assertEqual(
            lines[6], "    mimalloc: 0 blocks in 1 segment: 0 objects, 0 on "
            "free lists, 0 tables and buffers")

    def test_what_could_not_be_asked(self):
        self.assertEqual(layout.completeness({"not_traversed": 0}), [])
        self.check(layout.completeness({"not_traversed": 2}), """
            (2 objects could not be traversed; their references are those read from memory: see "refs info")
            """)

    def test_what_is_not_known(self):
        unread = {"objects": 12, "types": [{"type": "tree", "objects": 8},
                                           {"type": "hash", "objects": 4}]}
        self.check(layout.completeness({"unread": unread}), """
            (not read: references that only the traverse callbacks of 12 objects visit: tree 8, hash 4; take a core of the target to get them: gcore, set refs exact auto)
            """)
        # Those that could not be called are not told a second time.
        lines = layout.completeness({"not_traversed": 13, "unread": unread})
        self.check(lines[:1], """
            (not read: references that only the traverse callbacks of 12 objects visit: tree 8, hash 4; they could not be called)
            """)
        self.assertIn("1 object could not be traversed", lines[1])
        for stopped, said in ((12, "; they were called and stopped: "),
                              (5, "; 5 were called and stopped, the others "
                                  "could not be called: ")):
            self.assertIn(said + 'see "refs info")', layout.completeness(
                {"not_traversed": 12,
                 "unread": dict(unread, stopped=stopped)})[0])
        uncertain = {"unreachable": [0, 1250],
                     "types": [{"type": "gi.Object", "objects": 50}]}
        self.check(layout.completeness({"uncertain": uncertain}), """
            (between 0 and 1,250 objects are unreachable: reading does not show what C types tell the collector: gi.Object 50; of a core they are asked: gcore, set refs exact auto)
            """)
        self.assertEqual(len(layout.completeness(
            {"in_transit": 1, "unknown": 2, "incomplete": True})), 3)

    def test_registries_are_named_by_their_modules(self):
        answer = {"objects": [], "unreachable": 0, "garbage": 0,
                  "limited": False, "registries": [{"id": 0, "module": "/bin/app", "tracked": 5,
                                  "unreachable": 0},
                                 {"id": 1, "module": "/lib/plug.so",
                                  "tracked": 1, "unreachable": 0}]}
        self.check(layout.collect(answer), """
            registry 0 in /bin/app: 0 unreachable of 5 objects tracked
            registry 1 in /lib/plug.so: 0 unreachable of 1 object tracked
            unreachable object num:0
            garbage object num:0
            """)

    def test_copies_of_one_file_are_told_apart(self):
        twins = [{"id": i, "module": "/lib/plug.so", "tracked": 3,
                  "unreachable": 0} for i in range(2)]
        lines = layout.collect({"objects": [], "unreachable": 0, "garbage": 0,
                                "registries": twins, "unseen": 2})
        self.assertEqual(len(set(lines)), len(lines))
        self.assertEqual(lines[-1], "(2 objects unreachable that no collector "
                                    "finds: see refs cycles)")

    def test_references_to_freed_memory_are_named(self):
        one = {"id": "0x10", "type": "list", "text": "[..]"}
        none = {"id": "0x20", "type": "NoneType", "text": "None"}
        lines = layout.info({
            "source": "core c", "runtimes": [], "objects": None,
            "dangling": {"references": 2, "limited": False, "holders": [
                {"object": one, "references": 2, "label": "[0]",
                 "target": "0x30", "there": "a freed object, once a Foo"}]},
            "count_zero": [{"object": none, "count": -5,
                            "references": 3597}]})
        self.assertEqual(lines[1:], [
            "  3,597 references lead to None (count -5): released too often",
            "  2 references to freed memory: [0] of list 0x10 leads to 0x30, "
            "a freed object, once a Foo"])

    def test_what_is_missing_is_said_by_every_answer(self):
        self.check(layout.completeness({"problems": ["core c is truncated"]}), """
            (may be incomplete: core c is truncated)
            """)
        # refs info has a list of its own.
        self.assertEqual(layout.completeness({
            "source": "core c", "runtimes": [],
            "problems": ["core c is truncated"]}), [])

    def test_a_deep_stack_is_cut_at_its_outer_end(self):
        frames = [{"function": "f%d" % i, "file": "/a/b/c.py", "line": i}
                  for i in range(30)]
        lines = layout.info({
            "source": "process 1", "objects": 1, "tracked": 1,
            "references": 1, "bytes": 1, "dropped": 0, "problems": [],
            "runtimes": [{"name": "cpython", "version": "2.7.18",
                          "gc": None, "allocator": None,
                          "threads": [{"tid": None, "frames": frames},
                                      {"tid": 7, "frames": []}]}]})
        self.assertEqual(
            lines[2], "    thread: f0 (c.py:?) < f1 (c.py:1) < f2 (c.py:2) < "
            "f3 (c.py:3) < f4 (c.py:4) < f5 (c.py:5) < 24 more")
        self.assertEqual(lines[3], "    thread 7: no frames")

    def test_export(self):
        self.check(layout.export({"file": "/tmp/g", "objects": 1,
                                  "references": 2, "bytes": 99999}),
                   "/tmp/g: 1 object, 2 references, 97.7 KiB")
        self.check(layout.export_dot({"file": "g", "objects": 2, "references": 2,
                                      "limited": True}),
                   "g: 2 objects, 2 references (not all: -limit 0 writes all)")


class Today(unittest.TestCase):
    """The recorded answers are such as the engine gives."""

    def test_each_has_the_members_that_its_schema_has(self):
        for name, before in recorded.ANSWERS.items():
            with self.subTest(name):
                recorded.schemas.check(name, before)

    @unittest.skipIf("REFSCOPE_SANITIZED" in os.environ,
                     "this interpreter cannot load an engine with sanitizers")
    def test_the_engine_gives_them_today(self):
        called = {schema: name for name, schema in NAMES.items()}
        for name, now in recorded.ask().items():  # each as its schema says
            with self.subTest(name):
                self.assertTrue(getattr(layouts, called.get(name, name).replace(
                    "_dot", ""))(now))


class Text(unittest.TestCase):
    def test_no_control_reaches_the_terminal(self):
        self.assertEqual(text.clean("a\x1b[31mb\nc\x9bd\u202ee\ud800"),
                         "a\\x1b[31mb\\nc\\x9bd\\u202ee\\ud800")

    def test_long_texts_lose_their_end(self):
        self.assertEqual(text.elide("abcdefghij" * 3, 12), "abcdefghi...")
        self.assertEqual(len(text.elide("x" * 300, 100)), 100)

    def test_sizes(self):
        self.assertEqual(
            [text.size(n) for n in (0, 9999, 10000, 5 << 20, 3 << 40, None)],
            ["0 B", "9999 B", "9.8 KiB", "5.0 MiB", "3.0 TiB", "-"])

    def test_an_object_is_described_once(self):
        self.assertEqual(text.described(LEAK), "<Leak 0x7f01>")
        self.assertEqual(text.described(thing("str", text="'a'")),
                         "<str 0x7f01> 'a'")


if __name__ == "__main__":
    unittest.main()
