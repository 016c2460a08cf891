# SPDX-License-Identifier: MIT
"""helper/BOUNDS.md has every bound, with its value, and no other."""
import os
import re

import lint

DOCUMENT = "helper/BOUNDS.md"
# Names that say that they are bounds. Others may be in the table, too.
NAME = re.compile(r"_(?:MAX|MOST|LIMIT|DEPTH|KEPT|LOOKS|LOOKED)(?![A-Z])")
DEFINED = re.compile(r"\b(RS_\w+) = ([^,;}/\n]+(?:/ \d+)?)|"
                     r"^#define (RS_\w+) +([^\n]+?)(?: //.*)?$", re.M)
ROW = re.compile(r"^\| `([\w/.]+)` \| `(RS_\w+)` \| `([^`]+)` \|", re.M)


def bare(value):
    """A value without the brackets around it."""
    value = value.strip()
    while value.startswith("(") and value.endswith(")"):
        value = value[1:-1]
    return value


def defined(root):
    """{(file, name): value} of every constant of the helper."""
    found = {}
    top = os.path.join(root, "helper")
    for path in lint.files(root, ".c", ".h", under=("helper",)):
        for enum, first, macro, second in DEFINED.findall(lint.read(path)):
            found[os.path.relpath(path, top), enum or macro] = bare(
                first or second)
    return found


def check(root, _build):
    constants = defined(root)
    told = {(file, name): value for file, name, value in
            ROW.findall(lint.read(os.path.join(root, DOCUMENT)))}
    return (["%s: %s is not in %s" % (file, name, DOCUMENT)
             for file, name in sorted(constants)
             if NAME.search(name) and (file, name) not in told] +
            ["%s: %s of %s is %s" % (DOCUMENT, key[1], key[0],
                                     constants.get(key, "not there"))
             for key in sorted(told) if constants.get(key) != told[key]])


def spoil(root):
    lint.write(root, "helper/a.c", "enum { RS_NEW_MAX = 1, RS_MAX = 2 };\n")
    lint.write(root, DOCUMENT, "| `a.c` | `RS_MAX` | `3` | x | y | - |\n"
               "| `a.c` | `RS_GONE` | `3` | x | y | - |\n")


if __name__ == "__main__":
    lint.run(check, spoil, lambda complaints: len(complaints) == 3)
