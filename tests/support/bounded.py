# SPDX-License-Identifier: MIT
"""Run one family of tests for one interpreter, with an end.

    bounded.py SECONDS MODULE              every test of the module
    bounded.py SECONDS MODULE NAME         those of classes whose `interpreter`
                                           has this name
    bounded.py SECONDS MODULE common       those of classes without one
    bounded.py --list MODULE...            "MODULE NAME" for each that has tests

What hangs is shown with its stack before CTest kills it silently. A run without
a test fails, a run in which every test was skipped exits with 77. A test that
was skipped beside others that ran is written to $REFSCOPE_SKIPS, which the
summary at the end of a whole run reads: nothing is left out silently. What
does not apply to an interpreter at all says so through not_applicable().
"""
import faulthandler
import gc
import os
import sys
import unittest

SKIP = 77
COMMON = "common"
NOT_APPLICABLE = "does not apply: "


def not_applicable(reason):
    """This test has no meaning for this interpreter."""
    raise unittest.SkipTest(NOT_APPLICABLE + reason)


def flat(suite):
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            yield from flat(test)
        else:
            yield test


def group(test):
    """The name of the interpreter that a test is about, or COMMON."""
    one = getattr(test, "interpreter", None)
    return one.name if one else COMMON


def tests_of(module, name=None):
    loader = unittest.defaultTestLoader
    found = list(flat(loader.loadTestsFromName(module)))
    return [t for t in found if name is None or group(t) == name]


def list_groups(modules):
    for module in modules:
        for name in dict.fromkeys(map(group, tests_of(module))):
            print(module, name)


def write_skips(what, skipped):
    path = os.environ.get("REFSCOPE_SKIPS")
    if not path or not skipped:
        return
    with open(path, "a", encoding="utf-8") as out:
        for test, reason in skipped:
            out.write("%s\t%s\t%s\n" % (what, test.id(), reason))


def run(seconds, module, name=None):
    faulthandler.dump_traceback_later(seconds, exit=True)
    # Heaps of answers that make no cycles: to look for some took half of the
    # time.
    gc.disable()
    tests = tests_of(module, name)
    if not tests:
        print("no test of %s for %s" % (module, name))
        return 1
    result = unittest.TextTestRunner(verbosity=2).run(
        unittest.TestSuite(tests))
    lacking = [(test, reason) for test, reason in result.skipped
               if not reason.startswith(NOT_APPLICABLE)]
    if not result.wasSuccessful():
        return 1
    if lacking and len(lacking) == result.testsRun:
        print("skipped: " + lacking[0][1])
        return SKIP
    write_skips(".".join(filter(None, (module, name))), lacking)
    return 0 if result.testsRun else SKIP


if __name__ == "__main__":
    sys.path.insert(0, os.getcwd())
    sys.modules["bounded"] = sys.modules["__main__"]
    if sys.argv[1] == "--list":
        list_groups(sys.argv[2:])
    else:
        sys.exit(run(int(sys.argv[1]), *sys.argv[2:]))
