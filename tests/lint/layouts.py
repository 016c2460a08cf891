# SPDX-License-Identifier: MIT
"""The table of CPython's layouts is what its data and generator make."""
import os
import shutil
import sys

import lint

FOLDER = "helper/runtime/cpython"
REAL = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..",
                    FOLDER)


def check(root, _build):
    generator = os.path.join(root, FOLDER, "layouts", "generate.py")
    status, text = lint.output(sys.executable, "-B", generator, "--check")
    return [text] if status else []


def spoil(root):
    folder = os.path.join(root, FOLDER)
    shutil.copytree(os.path.join(REAL, "layouts"),
                    os.path.join(folder, "layouts"))
    shutil.copy(os.path.join(REAL, "layout_fields.h"), folder)
    table = lint.read(os.path.join(REAL, "layout_table.c"))
    lint.write(root, os.path.join(FOLDER, "layout_table.c"),
               table.replace(" 16,", " 24,", 1))


if __name__ == "__main__":
    lint.run(check, spoil)
