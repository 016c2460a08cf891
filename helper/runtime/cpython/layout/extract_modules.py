#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Make module_table.c: what the modules of the standard library tell of.

    modules.py PYTHON...     ask these interpreters and write the table
    modules.py --ask         what this interpreter says, a module a line

A module written in C has a block of its own, and a function m_traverse that
tells the collector of some of its words. Which ones is asked of the function:
in a copy of the process, the module is given a block in which every word is
different, and m_traverse says which of them it takes for references. Where
that ends badly (the function follows a pointer), its own block is taken with
one different word after the other; a word that it follows is none of them.
"""
import ctypes
import importlib
import os
import subprocess
import sys
import types

MARK = 0x5A000000  # words of the block that every word of is different
# They do something when they are imported, or belong to tests.
LEFT_OUT = ("_tkinter", "antigravity", "this", "_test", "xx", "_xxtest")
OUT = os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, "decode",
                   "module_table.c")
HEAD = """// SPDX-License-Identifier: MIT
// Made by layout/extract_modules.py. Do not edit.
// clang-format off
// Asked: %s.
#include "runtime/cpython/decode/module_state.h"

const struct rs_py_module_row rs_py_module_rows[] = {
"""


def word(address):
    return ctypes.c_uint64.from_address(address)


def told_by(traverse, module):
    """Addresses that the m_traverse at this address tells of module."""
    visit_type = ctypes.PYFUNCTYPE(ctypes.c_int, ctypes.c_void_p,
                                   ctypes.c_void_p)
    found = []

    def visit(address, _arg):
        # ctypes, on a changed block, may not know its own numbers.
        found.append(getattr(address, "value", address))
        return 0

    keep = visit_type(visit)
    ctypes.PYFUNCTYPE(ctypes.c_int, ctypes.c_void_p, visit_type,
                      ctypes.c_void_p)(traverse)(id(module), keep, None)
    return found


def in_a_copy(module, state_at, traverse, words):
    """What m_traverse tells of a block of these words, or None: it died."""
    ours, theirs = os.pipe()
    pid = os.fork()
    if not pid:
        block = (ctypes.c_uint64 * len(words))(*words)
        word(state_at).value = ctypes.addressof(block)
        found = told_by(traverse, module)
        os.write(theirs, repr(found).encode())
        os._exit(0)
    os.close(theirs)
    os.waitpid(pid, 0)
    with os.fdopen(ours) as said:
        text = said.read()
    return eval(text) if text else None  # a list of numbers


def by_marks(module, state_at, traverse, count):
    """(mask, whether the module's type is told), or None: it ends badly."""
    marks = range(MARK, MARK + 16 * count, 16)
    found = in_a_copy(module, state_at, traverse, marks)
    if found is None:
        return None
    others = set(found) - set(marks)
    if len(found) != len(set(found)) or others - {id(types.ModuleType)}:
        sys.exit("%s tells of more than its words" % module.__name__)
    return (sum(1 << i for i, mark in enumerate(marks) if mark in found),
            int(bool(others)))


def by_words(module, state_at, traverse, count):
    """The same for one word at a time."""
    at = word(state_at).value
    words = [word(at + 8 * i).value for i in range(count)]
    really = told_by(traverse, module)
    mask = 0
    for i in range(count):
        found = in_a_copy(module, state_at, traverse,
                          words[:i] + [MARK] + words[i + 1:])
        # ctypes, which asks, lives on its own block.
        if MARK in (found or []) or found is None and words[i] in really:
            mask |= 1 << i
    return mask, int(id(types.ModuleType) in really)


def names():
    found = set(sys.builtin_module_names)
    for folder in sys.path:
        if os.path.basename(folder) == "lib-dynload":
            found |= {f.split(".")[0] for f in os.listdir(folder)
                      if ".so" in f}
    return sorted(n for n in found if not n.startswith(LEFT_OUT))


def ask():
    for name in names():
        try:
            importlib.import_module(name)
        except ImportError:
            print("# not here: " + name)
    header = object.__basicsize__
    done = set()
    for module in list(sys.modules.values()):
        if type(module) is not types.ModuleType:
            continue
        define = word(id(module) + header + 8).value
        state_at = id(module) + header + 16
        if not define or not word(state_at).value:
            continue
        # PyModuleDef: m_base of 24 bytes behind its header, m_name, m_doc,
        # m_size, m_methods, m_slots, m_traverse.
        at = define + header + 24
        name = ctypes.string_at(word(at).value).decode()
        size, traverse = word(at + 16).value, word(at + 40).value
        if not traverse or size < 8 or size >= 1 << 32 or name in done:
            continue
        done.add(name)
        args = (module, state_at, traverse, size // 8)
        # ctypes needs its own block while it asks.
        said = None if name == "_ctypes" else by_marks(*args)
        mask, kind = said or by_words(*args)
        print("%s %d %#x %d" % (name, size, mask, kind))


def main(pythons):
    rows, releases = {}, set()
    for python in pythons:
        version = subprocess.check_output([python, "-c", (
            "import sys; print('%d %d %d' % sys.version_info[:3], "
            "'t' if 't' in getattr(sys, 'abiflags', '') else '')")])
        numbers = version.decode().split()
        release = tuple(int(n) for n in numbers[:3])
        releases.add(release + ("".join(numbers[3:]),))
        said = subprocess.check_output([python, "-B", "-W", "ignore",
                                        os.path.abspath(__file__), "--ask"])
        for line in said.decode().splitlines():
            if line.startswith("#"):
                continue
            name, size, mask, kind = line.split()
            if int(size) > 512:
                sys.exit("%s of %s has more than 64 words" % (name, python))
            known = rows.setdefault((name, int(size)), {})
            if known.setdefault(release, (mask, kind)) != (mask, kind):
                sys.exit("%s: the size alone does not tell the builds of %s "
                         "apart" % (name, python))
    with open(OUT, "w") as out:
        out.write(HEAD % ", ".join("%d.%d.%d%s" % r for r in sorted(releases)))
        for (name, size), by_release in sorted(rows.items()):
            before = None
            for release, (mask, kind) in sorted(by_release.items()):
                if (mask, kind) == before:
                    continue
                before = mask, kind
                out.write('\t{"%s", %s, %d << 8 | %d, %d, %s},\n' % (
                    name, mask, release[1], release[2], size,
                    "true" if kind == "1" else "false"))
        out.write("};\nconst size_t rs_py_module_row_count =\n\tsizeof("
                  "rs_py_module_rows) / sizeof(*rs_py_module_rows);\n")


if __name__ == "__main__":
    if sys.argv[1:] == ["--ask"]:
        ask()
    else:
        main(sys.argv[1:])
