# SPDX-License-Identifier: MIT
"""The table of CPython's layouts is what its data and generator make."""
import os
import shutil
import sys

import lint

FOLDER = "helper/runtime/cpython/layout"
REAL = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..",
                    FOLDER)


def check(root, _build):
    generator = os.path.join(root, FOLDER, "generate.py")
    status, text = lint.output(sys.executable, "-B", generator, "--check")
    return [text] if status else []


def spoil(root):
    shutil.copytree(REAL, os.path.join(root, FOLDER))
    table = os.path.join(FOLDER, "generated", "layout_table.c")
    text = lint.read(os.path.join(root, table))
    lint.write(root, table, text.replace(" 16,", " 24,", 1))


if __name__ == "__main__":
    lint.run(check, spoil)
