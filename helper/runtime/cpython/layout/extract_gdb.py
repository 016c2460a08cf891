# SPDX-License-Identifier: MIT
"""The part of extract.py that runs inside GDB.

Writes {struct: {field: offset, "_size": n, "_arrays": {field: [count, size]},
"_bits": {field: [first bit, width]}, "_pointers": [field]}} to $RS_OUT for
each struct of $RS_STRUCTS. Nested structs are flattened with dots; unions are
transparent.
"""

import json
import os
import pathlib
import sys

import gdb

ROOT = pathlib.Path(__file__).resolve().parents[4]
sys.path.insert(0, str(ROOT / "gdb"))

from refscope.fields import find_struct, flatten  # noqa: E402


def layout(struct):
    """What is written of a struct."""
    fields = flatten(struct)
    out = {"_size": fields.pop(None).size, "_arrays": {}, "_bits": {}}
    out["_pointers"] = [name for name, at in fields.items() if at.pointer]
    for name, at in fields.items():
        out[name] = at.offset
        if at.count >= 0:
            out["_arrays"][name] = [at.count, at.size]
        if at.width >= 0:
            out["_bits"][name] = [at.bit, at.width]
    return out


def main():
    """All the structs that this file's debug information has."""
    objfile = gdb.objfiles()[0]
    result = {}
    for name in os.environ["RS_STRUCTS"].split():
        struct = find_struct(objfile, name)
        if struct is not None:
            result[name] = layout(struct)
    with open(os.environ["RS_OUT"], "w", encoding="utf-8") as file:
        json.dump(result, file)


main()
