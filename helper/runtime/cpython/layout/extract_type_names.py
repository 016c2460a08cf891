#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Make type_names.c: how the types that an interpreter exports are called.

    type_names.py PYTHON...  ask these interpreters and write the table
    type_names.py --ask      what this interpreter says, a symbol a line

Needs nm. For Python 2.7 and 3.
"""
from __future__ import print_function

import ctypes
import os
import subprocess
import sys

OB_TYPE = 8
TP_NAME = 24  # of every version without Py_TRACE_REFS
OUT = os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, "decode",
                   "type_names.c")
HEAD = """// SPDX-License-Identifier: MIT
// Made by layout/extract_type_names.py. Do not edit.
// clang-format off
// Asked: %s.
#include "runtime/cpython/decode/type_names.h"

const struct rs_py_type_name rs_py_type_names[] = {
"""


def address_of(symbol):
    return ctypes.addressof(ctypes.c_char.in_dll(ctypes.pythonapi, symbol))


def word(address):
    return ctypes.c_void_p.from_address(address).value


def own_file():
    """The file that PyType_Type is in."""
    at = address_of("PyType_Type")
    with open("/proc/self/maps") as maps:
        for line in maps:
            words = line.split()
            first, last = (int(word, 16) for word in words[0].split("-"))
            if first <= at < last:
                return words[-1]
    raise SystemExit("PyType_Type is in no file")


def ask():
    print("%d.%d.%d" % sys.version_info[:3])
    nm = subprocess.Popen(["nm", "-D", "--defined-only", own_file()],
                          stdout=subprocess.PIPE)
    for line in nm.communicate()[0].decode().splitlines():
        kind, symbol = line.split()[-2:]
        symbol = symbol.split("@")[0]
        if kind not in "BbDd":
            continue
        if symbol.startswith("PyExc_"):
            at = word(address_of(symbol))
        elif symbol.endswith("Type"):
            at = address_of(symbol)
        else:
            continue
        if not at or word(at + OB_TYPE) not in (address_of("PyType_Type"), None):
            continue
        name = word(at + TP_NAME)
        if name:
            print(symbol, ctypes.string_at(name).decode())


def version_of(text):
    major, minor = text.split(".")[:2]
    return int(major), int(minor)


def rows(answers):
    """(symbol, (major, minor) from which on, name), sorted."""
    found = []
    for symbol in sorted({s for _, names in answers for s in names}):
        last = None
        for version, names in answers:
            name = names.get(symbol, last)
            if name != last:
                found.append((symbol, version_of(version), name))
            last = name
    return found


def main():
    if sys.argv[1:] == ["--ask"]:
        ask()
        return
    answers = []
    for python in sys.argv[1:]:
        said = subprocess.check_output([python, __file__, "--ask"])
        lines = said.decode().splitlines()
        answers.append((lines[0], dict(l.split(None, 1) for l in lines[1:])))
    answers.sort(key=lambda answer: [int(n) for n in answer[0].split(".")])
    with open(OUT, "w") as file:
        file.write(HEAD % ", ".join(version for version, _ in answers))
        for symbol, (major, minor), name in rows(answers):
            file.write('\t{"%s", "%s", RS_PY(%d, %d)},\n'
                       % (symbol, name, major, minor))
        file.write("\t{0},\n};\n")


if __name__ == "__main__":
    main()
