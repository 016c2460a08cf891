# SPDX-License-Identifier: MIT
"""Every field that fields.def lists is read by some code."""
import importlib.util
import os
import re
import shutil

import lint

FOLDER = "helper/runtime/cpython"
REAL = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..",
                    FOLDER)
NAMED = re.compile(r"\bRS_F_\w+")
# Macros that put the name together: V(struct, field, ...).
JOINED = re.compile(r"\b(?:V|VV|O|SINCE_\d+)\((\w+), (\w+)")


def generator(root):
    path = os.path.join(root, FOLDER, "layout", "generate.py")
    spec = importlib.util.spec_from_file_location("generate", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def named(root):
    """Every RS_F_ name in the code, written out or put together."""
    found = set()
    for path in lint.files(root, ".c", ".h", under=(FOLDER,)):
        if "/generated/" in path:
            continue
        text = lint.read(path)
        found.update(NAMED.findall(text))
        found.update("RS_F_%s__%s" % pair for pair in JOINED.findall(text))
        found.update("RS_F_" + first for first, _ in JOINED.findall(text))
    return found


def check(root, _build):
    make = generator(root)
    fields = make.read_fields()
    used = named(root)
    complaints, filled = [], set()
    for struct, field, suffix in fields:
        if field == make.SIZE:
            continue
        filled.add(struct)
        # The number of items is checked with its array (layout.c).
        known = make.enum_name(struct, field, suffix) in used or (
            suffix == "count" and make.enum_name(struct, field, None) in used)
        if not known:
            complaints.append("fields.def: nobody reads %s.%s%s" % (
                struct, field, "#" + suffix if suffix else ""))
    for struct, field, suffix in fields:
        if field == make.SIZE and struct not in filled and \
                make.enum_name(struct, field, suffix) not in used:
            complaints.append("fields.def: nobody reads struct " + struct)
    return complaints


def spoil(root):
    folder = os.path.join(root, FOLDER, "layout")
    os.makedirs(folder)
    shutil.copy(os.path.join(REAL, "layout", "generate.py"), folder)
    lint.write(folder, "fields.def",
               "RS_STRUCT(a)\nRS_FIELD(a, b)\nRS_FIELD(a, c)\n")
    lint.write(folder, "reads.c", "int b = RS_F_a__b;\n")


if __name__ == "__main__":
    lint.run(check, spoil)
