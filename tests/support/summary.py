# SPDX-License-Identifier: MIT
"""What a whole run ran: a table of interpreters and families, and the sum.

    summary.py [--partial] BUILD...     build trees that ctest ran in, each with
                                        results.xml (ctest --output-junit)

Fails when a test failed; when one was skipped that may not be; and, unless the
run was a partial one, when the distribution's own interpreter or its debug
build was not covered by every family that has tests for it. The last line is
"N passed, N failed, N skipped".
"""
import collections
import json
import os
import re
import sys
import xml.etree.ElementTree

import interpreters

# Skipped where there is no clang 14, whose findings are meant.
MAY_SKIP = {"lint.c_format", "lint.c_tidy", "lint.c_tidy_whole"}
# What asks the interpreter's own tests, which are not unpacked beside those that
# newer-pythons unpacks.
ASK_ITS_TESTS = {"own_cycles"}
# What a machine may lack inside a test that otherwise ran.
MAY_LACK = ("the kernel writes no core",)
# Families without which an interpreter is not covered.
LEAST = {"answers", "arenas", "busy", "large", "run", "threads", "unharmed",
         "zoo"}
SHORT = {"run": "pass", "fail": "FAIL", "notrun": "skip", "disabled": "off"}
WORST = ("FAIL", "skip", "off", "pass~", "pass")


def results(build):
    """{test: (pass|FAIL|skip|off, seconds)} of one build tree."""
    path = os.path.join(build, "results.xml")
    try:
        root = xml.etree.ElementTree.parse(path).getroot()
    except (OSError, xml.etree.ElementTree.ParseError) as error:
        sys.exit("no results of a run: %s" % error)
    found = {}
    for case in root.iter("testcase"):
        status = SHORT.get(case.get("status"), "FAIL")
        if case.find("failure") is not None:
            status = "FAIL"
        found[case.get("name")] = status, float(case.get("time") or 0)
    if not found:
        sys.exit("%s: no test was run" % path)
    return found


def skips(build):
    """Tests that were left out inside one that ran: {ctest: {reason}}."""
    found = collections.defaultdict(set)
    path = os.path.join(build, "skips.txt")
    if os.path.exists(path):
        with open(path, encoding="utf-8") as lines:
            for line in lines:
                what, _test, reason = line.rstrip("\n").split("\t", 2)
                found[what.replace("test_", "truth.", 1)].add(reason)
    return found


def of_interpreter(name):
    """(family, interpreter) of truth.zoo.3_11_7, or None."""
    found = re.fullmatch(r"truth\.(\w+)\.(\w+)", name)
    return found and found.groups()


def table(cells, names, families):
    """Lines: an interpreter each, a family each column."""
    width = max([len(n) for n in names] + [11])
    lines = ["%-*s %s" % (width, "interpreter", " ".join(families))]
    for name in names:
        lines.append("%-*s %s" % (width, name, " ".join(
            "%-*s" % (len(f), cells.get((name, f), ".")) for f in families)
            .rstrip()))
    return lines


def cells_of(runs):
    """{(interpreter, family): the worst of all build trees}."""
    cells = {}
    for found, left_out in runs.values():
        for test, (status, _seconds) in found.items():
            pair = of_interpreter(test)
            if not pair or pair[1] == "common":
                continue
            if status == "pass" and test in left_out:
                status = "pass~"
            cell = pair[1], pair[0]
            before = cells.get(cell, "pass")
            cells[cell] = min(status, before, key=WORST.index)
    return cells


def uncovered(cells, found):
    """What the distribution's interpreters lack, a line each."""
    lines = []
    for path in interpreters.DISTRIBUTION:
        name = next((i.name for i in found if i.path == path), None)
        if name is None:
            lines.append("%s was not found: it must be covered (.ci/setup "
                         "installs it)" % path)
            continue
        passed = {f for (n, f), status in cells.items()
                  if n == name and status.startswith("pass")}
        for family in sorted(LEAST - passed):
            lines.append("%s (%s) is not covered by %s" % (
                path, name, family))
    return lines


def skipped_wrongly(runs, unpacked):
    lines = []
    allowed = MAY_SKIP.union("truth.%s.%s" % (family, name)
                             for family in ASK_ITS_TESTS for name in unpacked)
    for build, (found, left_out) in runs.items():
        for test, (status, _seconds) in sorted(found.items()):
            if status in ("skip", "off") and test not in allowed and \
                    not test.startswith("interpreter."):
                lines.append("%s: %s was skipped" % (build, test))
        for test, reasons in sorted(left_out.items()):
            lines += ["%s: a part of %s was skipped: %s" % (build, test, r)
                      for r in sorted(reasons) if not r.startswith(MAY_LACK)]
    return lines


def slowest(runs, number=12):
    every = sorted(((seconds, build, test)
                    for build, (found, _) in runs.items()
                    for test, (_, seconds) in found.items()), reverse=True)
    return ["%7.1f s  %s %s" % row for row in every[:number]]


def known(builds):
    """The interpreters that CMake found."""
    for build in builds:
        path = os.path.join(build, "tests", "interpreters.json")
        if os.path.exists(path):
            with open(path, encoding="utf-8") as text:
                return [interpreters.Interpreter(*row)
                        for row in json.load(text)]
    return []


def main(words):
    partial = "--partial" in words
    builds = [w for w in words if w != "--partial"]
    runs = {os.path.basename(b): (results(b), skips(b)) for b in builds}
    found, cells = known(builds), cells_of(runs)
    families = sorted({family for _, family in cells})
    print("== what was run; .: the family has no test for it, ~: a part of it "
          "was skipped")
    for line in table(cells, [i.name for i in found], families):
        print(line)
    absent = interpreters.missing(found)
    print("not on this machine: " + (", ".join(absent) or "none that is wanted"))
    reasons = {r for _, left_out in runs.values()
               for texts in left_out.values() for r in texts}
    for reason in sorted(reasons):
        print("~ " + reason)
    print("== longest")
    print("\n".join(slowest(runs)))
    print("== sum")
    total = collections.Counter()
    failed = []
    for build, (tests, _) in runs.items():
        count = collections.Counter(status for status, _ in tests.values())
        total += count
        failed += ["%s: %s failed" % (build, t)
                   for t, (status, _) in sorted(tests.items())
                   if status == "FAIL"]
        print("%s: %d passed, %d failed, %d skipped" % (
            build, count["pass"], count["FAIL"], count["skip"]))
    unpacked = [i.name for i in found if interpreters.is_unpacked(i)]
    wrong = failed + skipped_wrongly(runs, unpacked)
    if not partial:
        wrong += uncovered(cells, found)
    for line in wrong:
        print(line)
    skipped = total["skip"] + total["off"]
    print("%d passed, %d failed, %d skipped" % (
        total["pass"], total["FAIL"], skipped))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
