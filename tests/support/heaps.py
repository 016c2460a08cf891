# SPDX-License-Identifier: MIT
"""Cores of a process of each interpreter, which several families look at.

    heaps.py make NAME FOLDER      run fixtures/python/zoo.py on the interpreter
                                   of that name; leave its cores in FOLDER
    heaps.py remove NAME FOLDER

FOLDER then has, beside what fixtures/python/observer.py wrote, core.gdb by GDB
and where the kernel writes cores core* by it, of the same objects.
"""
import os
import shutil
import sys

import interpreters
from targets import FIXTURES, Target, python


def folder_of(interpreter):
    """Where the CTest fixture left the cores of this interpreter."""
    return os.path.join(os.environ["REFSCOPE_HEAPS"], interpreter.name)


def core_of(interpreter):
    """GDB's core of it."""
    path = os.path.join(folder_of(interpreter), "core.gdb")
    if not os.path.exists(path):
        raise AssertionError("no %s: run with ctest, which makes it "
                             "(heap.%s.make)" % (path, interpreter.name))
    return path


def make(interpreter, folder):
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    words = python(interpreter.path, os.path.join(FIXTURES, "zoo.py"))
    with Target(words, folder) as target:
        target.wait_ready()
        target.gcore()


if __name__ == "__main__":
    what, name, folder = sys.argv[1:]
    if what == "remove":
        shutil.rmtree(folder, ignore_errors=True)
    else:
        make(next(i for i in interpreters.find() if i.name == name), folder)
