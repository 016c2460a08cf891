# SPDX-License-Identifier: MIT
"""Every C file is as clang-format 14 lays it out."""
import os
import re
import shutil

import lint

HERE = os.path.dirname(os.path.abspath(__file__))
STYLE = os.path.join(HERE, "..", "..", ".clang-format")
VERSION = "14"
FOLDERS = ("include", "helper", "tests", "fixtures")


def program():
    # Other releases lay out some constructs differently.
    for name in ("clang-format-" + VERSION, "clang-format"):
        if shutil.which(name):
            _, text = lint.output(name, "--version")
            if re.search(r"version %s\." % VERSION, text):
                return name
    raise lint.Skip("no clang-format %s here" % VERSION)


def check(root, _build):
    sources = lint.files(root, ".c", ".h", under=FOLDERS)
    status, text = lint.output(program(), "--dry-run", "--Werror",
                               "--style=file:" + STYLE, *sources)
    if not status:
        return []
    at_fault = re.findall(r"(?m)^(\S+?):(\d+):\d+: error", text)
    return sorted({"%s: not laid out, first in line %s" %
                   (path, next(n for f, n in at_fault if f == path))
                   for path, _ in at_fault}) or [text]


def spoil(root):
    lint.write(root, "helper/bad.c", "int  x ( void ) {return 1;}\n")


if __name__ == "__main__":
    lint.run(check, spoil)
