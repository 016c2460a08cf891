# SPDX-License-Identifier: MIT
"""Folders that can be taken in at once, and names that say which file it is.

A folder of helper/ or gdb/ has at most 25 sources. Below helper/ no two files
have the same name: those of a .c and its .h, which stand side by side, count
as one. READMEs and CMakeLists.txt are one for each folder and do not count.
"""
import os

import lint

MOST = 25
SUFFIXES = (".c", ".h", ".py")
SOURCES = (".c", ".py")


def check(root, _build):
    complaints, folders, stems = [], {}, {}
    for path in lint.files(root, *SUFFIXES, under=("helper", "gdb")):
        name = os.path.relpath(path, root)
        folder, base = os.path.split(name)
        if base.endswith(SOURCES):
            folders[folder] = folders.get(folder, 0) + 1
        stem, suffix = os.path.splitext(base)
        if name.startswith("helper" + os.sep):
            kind = "c" if suffix in (".c", ".h") else suffix
            stems.setdefault((stem, kind), set()).add(folder)
    complaints += ["%s: %d sources, at most %d" % (folder, n, MOST)
                   for folder, n in sorted(folders.items()) if n > MOST]
    complaints += ["%s.%s stands in %s" % (stem, kind.strip("."),
                                           ", ".join(sorted(where)))
                   for (stem, kind), where in sorted(stems.items())
                   if len(where) > 1]
    return complaints


def spoil(root):
    for i in range(MOST + 1):
        lint.write(root, "helper/base/full/f%d.c" % i, "\n")
    lint.write(root, "helper/base/same.c", "\n")
    lint.write(root, "helper/graph/same.h", "\n")
    lint.write(root, "gdb/some.py", "\n")


def expected(complaints):
    text = "\n".join(complaints)
    return "helper/base/full: 26 sources" in text and "same.c stands" in text


if __name__ == "__main__":
    lint.run(check, spoil, expected)
