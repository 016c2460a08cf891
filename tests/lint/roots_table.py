# SPDX-License-Identifier: MIT
"""helper/ROOTS.md has every field that is a root, with the releases it is in.

    roots_table.py --print      the table as it must be
"""
import importlib.util
import os
import re
import sys

import lint

DOCUMENT = "helper/ROOTS.md"
FOLDER = "helper/runtime/cpython"
ROOTS = FOLDER + "/roots/roots.c"
TABLE = re.compile(r"rs_py_root_field (\w+)\[\] = \{(.*?)\n\};", re.S)
FIELD = re.compile(r'\{\s*(RS_F_\w+),\s*"([^"]*)"\s*\}')
ROW = re.compile(r"^\| `([\w.]+)` \| [^|]+ \| ([^|]+) \|", re.M)
OWNERS = {"_is": "PyInterpreterState", "_ts": "PyThreadState",
          "pyruntimestate": "_PyRuntime",
          "_PyThreadStateImpl": "_PyThreadStateImpl"}


def generator(root):
    path = os.path.join(root, FOLDER, "layout", "generate.py")
    spec = importlib.util.spec_from_file_location("generate", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def holders(make):
    """{enum name: (struct.field as C has it, set of (major, minor))}."""
    rows = make.read_rows()
    found = {}
    for struct, field, suffix in make.read_fields():
        if suffix or field == make.SIZE:
            continue
        minors = {tuple(map(int, row["release"].split(".")[:2]))
                  for row in rows if row["flavour"] == "release" and
                  make.value_of(row, struct, field, None) != make.ABSENT}
        found[make.enum_name(struct, field, suffix)] = (
            "%s.%s" % (OWNERS.get(struct, struct), field), minors)
    return found


def ranges(minors, known):
    """"2.7, 3.6 to 3.8": runs among the releases that are known."""
    runs = []
    for minor in sorted(known):
        if minor not in minors:
            runs.append(None)
        elif runs and runs[-1]:
            runs[-1][1] = minor
        else:
            runs.append([minor, minor])
    return ", ".join(
        "%d.%d" % run[0] if run[0] == run[1] else
        "%d.%d to %d.%d" % tuple(run[0] + run[1]) for run in runs if run)


def wanted(root):
    """{field as C has it: (name, releases)} of every root in roots.c."""
    where = holders(generator(root))
    known = set().union(*(minors for _, minors in where.values()))
    return {where[field][0]: (name, ranges(where[field][1], known))
            for _, body in TABLE.findall(lint.read(
                os.path.join(root, ROOTS)))
            for field, name in FIELD.findall(body)}


def check(root, _build):
    rows = wanted(root)
    told = dict(ROW.findall(lint.read(os.path.join(root, DOCUMENT))))
    return (["%s: %s is not in %s" % (ROOTS, field, DOCUMENT)
             for field in sorted(rows) if field not in told] +
            ["%s: %s is in %s, not %s" % (DOCUMENT, field, rows[field][1],
                                          told[field])
             for field in sorted(rows)
             if told.get(field, rows[field][1]) != rows[field][1]])


def spoil(root):
    real = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                        "..", "..")
    for folder, _, names in os.walk(os.path.join(real, FOLDER, "layout")):
        for name in names:
            if name.endswith((".json", ".def", "generate.py")):
                path = os.path.relpath(os.path.join(folder, name), real)
                lint.write(root, path, lint.read(os.path.join(real, path)))
    text = lint.read(os.path.join(real, ROOTS))
    lint.write(root, ROOTS, text)
    lint.write(root, DOCUMENT, "".join(
        "| `%s` | %s | %s |\n" % (field, name, "1.5" if i == 0 else releases)
        for i, (field, (name, releases)) in enumerate(wanted(root).items())
        if i != 1))


if __name__ == "__main__":
    if sys.argv[1:] == ["--print"]:
        top = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                           "..", "..")
        for field, (name, releases) in wanted(top).items():
            print("| `%s` | %s | %s |" % (field, name, releases))
    else:
        lint.run(check, spoil, lambda complaints: len(complaints) == 2)
