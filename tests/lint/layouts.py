# SPDX-License-Identifier: MIT
"""The table of CPython's layouts is what its data and generator make."""
import os
import shutil
import sys

import lint

FOLDER = "helper/runtime/cpython/layout"
REAL = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..",
                    FOLDER)
TABLE = os.path.join("generated", "table.c")


def check(root, _build):
    generator = os.path.join(root, FOLDER, "generate.py")
    status, text = lint.output(sys.executable, "-B", generator, "--check")
    return [text] if status else []


def spoil(root):
    folder = os.path.join(root, FOLDER)
    shutil.copytree(REAL, folder)
    table = lint.read(os.path.join(REAL, TABLE))
    lint.write(folder, TABLE, table.replace(" 16,", " 24,", 1))


if __name__ == "__main__":
    lint.run(check, spoil)
