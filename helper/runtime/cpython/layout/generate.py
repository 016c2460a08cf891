#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Make layout_fields.h, layout_names.c, layout_table.c of fields.txt and data.

    generate.py            write the files into generated/
    generate.py --check    exit 1 when they are not what would be written

Each file in data/ is one row: {"release", "version", "source", "flavour",
"base" (a row that fills in the structs this one lacks), "structs"}. They come
from extract.py. With "trace": true the base is a build without Py_TRACE_REFS,
and what that option puts before every object is added. Needs nothing but Python's standard library.
"""

import argparse
import json
import pathlib
import re
import sys

HERE = pathlib.Path(__file__).resolve().parent
OUT = HERE / "generated"
HEAD = (
    "// SPDX-License-Identifier: MIT\n"
    "// Made by layout/generate.py from layout/fields.txt and "
    "layout/data.\n// Do not edit.\n// clang-format off\n"
)
ABSENT = -1
SPANS = ("_is",)  # structs whose fields are moved as one


def read_fields(path):
    """Return the wanted fields as (struct, field, suffix), in order."""
    fields, seen = [], set()
    for number, line in enumerate(path.read_text().splitlines(), 1):
        line = line.strip()
        if not line or line.startswith("# ") or line == "#":
            continue
        match = re.fullmatch(r"(\w+) ([\w.]+)(?:#(\w+))?", line)
        if not match or match[3] not in (None, *SUFFIXES):
            sys.exit(f"{path}:{number}: not `struct field`: {line}")
        if match.groups() in seen:
            sys.exit(f"{path}:{number}: listed twice: {line}")
        seen.add(match.groups())
        fields.append(match.groups())
    return fields


def enum_name(struct, field, suffix):
    """RS_F_PyGenObject__gi_exc_state__exc_value, ..._kind__bit."""
    parts = [struct, *field.split(".")] + ([suffix] if suffix else [])
    return "RS_F_" + "__".join(parts)


def array_count(layout, field):
    """Elements of an array field."""
    return layout.get("_arrays", {}).get(field, [ABSENT])[0]


def first_bit(layout, field):
    """First bit of a bit field, counted from the struct's start."""
    return layout.get("_bits", {}).get(field, [ABSENT])[0]


def bit_width(layout, field):
    """Bits in a bit field."""
    return layout.get("_bits", {}).get(field, [ABSENT, ABSENT])[1]


def is_pointer(layout, field):
    """1 for a pointer, 0 for a struct in place."""
    if field not in layout:
        return ABSENT
    return int(field in layout.get("_pointers", ()))


SUFFIXES = {
    "count": array_count,
    "bit": first_bit,
    "width": bit_width,
    "pointer": is_pointer,
}


# Py_TRACE_REFS: _ob_next and _ob_prev stand before ob_refcnt. What an object
# begins with, when that is an object itself, stays where it is.
TRACE_BYTES = 16
BEGINNINGS = ("d_base", "d_common", "dict", "func", "ht_type", "m_base",
              "ob_base", "od_dict", "root")
PLAIN = ("pyruntimestate",)  # no object, whatever its first field


def is_object(layout):
    """Whether a struct is one of an object, told by what it begins with."""
    first = [f for f, at in layout.items() if at == 0]
    return all(f == "ob_refcnt" or f in BEGINNINGS for f in first)


def trace(layout):
    """The layout of a struct in a build with Py_TRACE_REFS."""
    if not is_object(layout):
        return layout
    moved = {}
    for field, at in layout.items():
        if field == "_bits":
            at = {f: [bit + 8 * TRACE_BYTES, n] for f, (bit, n) in at.items()}
        elif isinstance(at, int) and (at or field not in BEGINNINGS):
            at += TRACE_BYTES
        moved[field] = at
    return moved


def fill(rows, name):
    """Give a row the structs that it has from the row it is based on."""
    row = rows[name]
    base = row.pop("base", None)
    if base is not None:
        fill(rows, base)
        row["structs"] = {**rows[base]["structs"], **row["structs"]}
    if row.pop("trace", False):
        row["structs"] = {
            name: layout if name in PLAIN else trace(layout)
            for name, layout in row["structs"].items()
        }


def read_rows(folder):
    """Return the rows, sorted by version and release, bases filled in."""
    rows = {p.stem: json.loads(p.read_text()) for p in folder.glob("*.json")}
    for name, row in rows.items():
        fill(rows, name)
        row["name"] = name
    return sorted(
        rows.values(),
        key=lambda r: (int(r["version"], 16), r["flavour"], r["name"]),
    )


def value_of(row, struct, field, suffix):
    """The number in the table for one field of one row."""
    layout = row["structs"].get(struct)
    if layout is None:
        return ABSENT
    if suffix:
        return SUFFIXES[suffix](layout, field)
    return layout.get(field, ABSENT)


def make_fields(fields):
    """Text of layout_fields.h."""
    lines = [HEAD, "#ifndef RS_CPYTHON_LAYOUT_FIELDS_H\n"]
    lines.append("#define RS_CPYTHON_LAYOUT_FIELDS_H\n\n")
    lines.append("// The names are CPython's.\n")
    lines.append("// NOLINTBEGIN(readability-identifier-naming)\n")
    lines.append("enum rs_field {\n")
    lines += [f"\t{enum_name(*field)},\n" for field in fields]
    lines.append("\tRS_FIELDS\n};\n\n")
    lines.append("// The fields of one struct: from the first to before END.\n")
    for struct in SPANS:
        inside = [f for f in fields if f[0] == struct]
        after = fields[fields.index(inside[-1]) + 1]
        lines.append(
            f"enum {{\n\tRS_FIRST_{struct} = {enum_name(*inside[0])},\n"
            f"\tRS_END_{struct} = {enum_name(*after)},\n}};\n\n"
        )
    lines.append("// NOLINTEND(readability-identifier-naming)\n\n")
    lines.append("#endif /* RS_CPYTHON_LAYOUT_FIELDS_H */\n")
    return "".join(lines)


def make_names(fields, rows):
    """Text of layout_names.c."""
    newest = [row for row in rows if row["version"] == rows[-1]["version"]]
    lines = [HEAD, '#include "runtime/cpython/layout/layout.h"\n\n']
    lines.append("const struct rs_field_name rs_field_names[RS_FIELDS] = {\n")
    for struct, field, suffix in fields:
        name = "NULL" if field == "_size" else f'"{field}"'
        kind = suffix or ("size" if field == "_size" else "offset")
        kept = all(
            value_of(row, struct, field, suffix) != ABSENT for row in newest
        )
        lines.append(
            f'\t{{"{struct}", {name}, RS_FIELD_{kind.upper()}, '
            f"{str(kept).lower()}}},\n"
        )
    lines.append("};\n")
    return "".join(lines)


def make_table(fields, rows):
    """Text of layout_table.c."""
    lines = [HEAD, '#include "runtime/cpython/layout/layout.h"\n\n']
    lines.append("const struct rs_layout rs_layouts[] = {\n")
    for row in rows:
        lines.append("\t{\n")
        lines.append(f'\t\t.release = "{row["release"]}",\n')
        lines.append(f'\t\t.source = "{row["source"]}",\n')
        lines.append(f"\t\t.version = {row['version']},\n")
        lines.append(f"\t\t.flavour = RS_FLAVOUR_{row['flavour'].upper()},\n")
        lines.append("\t\t.offset = {\n")
        values = [str(value_of(row, *field)) for field in fields]
        line = "\t\t\t"
        for value in values:
            if len(line) + len(value) + 2 > 64:
                lines.append(line.rstrip() + "\n")
                line = "\t\t\t"
            line += value + ", "
        lines.append(line.rstrip() + "\n\t\t},\n\t},\n")
    lines.append("};\n\n")
    lines.append(f"const size_t rs_layouts_count = {len(rows)};\n")
    return "".join(lines)


def main():
    """Write or check both files."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true")
    check = parser.parse_args().check
    fields = read_fields(HERE / "fields.txt")
    rows = read_rows(HERE / "data")
    if not fields or not rows:
        sys.exit("generate.py: no fields or no rows")
    for field in fields:
        if all(value_of(row, *field) == ABSENT for row in rows):
            sys.exit(f"fields.txt: no release has {enum_name(*field)}")
    stale = False
    for name, text in (
        ("layout_fields.h", make_fields(fields)),
        ("layout_names.c", make_names(fields, rows)),
        ("layout_table.c", make_table(fields, rows)),
    ):
        path = OUT / name
        if check:
            if not path.exists() or path.read_text() != text:
                print(f"{path}: stale; run layout/generate.py")
                stale = True
        else:
            path.write_text(text)
    return int(stale)


if __name__ == "__main__":
    sys.exit(main())
