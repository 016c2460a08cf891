#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Make one row of data/ from the debug information of an interpreter.

    extract.py -o data/3.11.7.json --release 3.11.7 --source 'DWARF of ...' \\
        PREFIX/lib/libpython3.11.so.1.0 PREFIX/lib/python3.11/lib-dynload/*.so

Give the file that holds the interpreter first and then the extension modules
whose types are wanted (_asyncio, _elementtree). A file without .debug_info of
its own is left to GDB, which looks below /usr/lib/debug, or --debug-dir, by
build-id. Of each struct that fields.def or any row of data/ has, all fields
are kept that either has: what is read is decided in fields.def alone. Without
--base a row stands for itself; with it, it holds only the structs that differ
from that row's.
"""

import argparse
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

import generate

HERE = pathlib.Path(__file__).resolve().parent


def read_structs(elf, structs, debug_dir):
    """Return {struct: layout} as GDB knows them in one file."""
    with tempfile.NamedTemporaryFile(suffix=".json") as out:
        env = dict(os.environ, RS_STRUCTS=" ".join(structs), RS_OUT=out.name)
        command = ["gdb", "-nx", "-batch", "-iex", "set auto-load off"]
        command += ["-iex", f"set debug-file-directory {debug_dir}"]
        command += ["-ex", f"file {elf}", "-x", str(HERE / "extract_gdb.py")]
        run = subprocess.run(
            command, env=env, capture_output=True, text=True, check=False
        )
        text = pathlib.Path(out.name).read_text()
    if not text:
        sys.exit(f"{elf}: GDB gave nothing: {run.stderr.strip()[-300:]}")
    return json.loads(text)


def wanted_fields():
    """{struct: {field: suffixes}} of fields.def and of every row."""
    wanted = {}
    for struct, field, suffix in generate.read_fields():
        fields = wanted.setdefault(struct, {})
        fields.setdefault(field, set()).add(suffix)
    for row in generate.read_rows():
        for struct, layout in row["structs"].items():
            fields = wanted.setdefault(struct, {generate.SIZE: set()})
            for field in layout:
                if field not in ("_arrays", "_bits", "_pointers"):
                    fields.setdefault(field, set())
            for field in layout.get("_pointers", ()):
                fields[field].add("pointer")
    return wanted


def reduce(layout, wanted):
    """Keep the wanted fields, {field: suffixes}, of one struct."""
    kept = {f: layout[f] for f in sorted(wanted) if f in layout}
    for table in ("_arrays", "_bits"):
        part = {f: layout[table][f] for f in kept if f in layout[table]}
        if part:
            kept[table] = part
    pointers = [
        f
        for f, suffixes in sorted(wanted.items())
        if "pointer" in suffixes and f in layout["_pointers"]
    ]
    if pointers:
        kept["_pointers"] = pointers
    return kept


def write_row(path, row, structs):
    """Write a row, one struct a line."""
    lines = [
        f"  {json.dumps(name)}: "
        + json.dumps(layout, sort_keys=True, separators=(",", ":"))
        for name, layout in sorted(structs.items())
    ]
    head = json.dumps(row, indent=1)[:-2]
    path.write_text(
        head + ',\n "structs": {\n' + ",\n".join(lines) + "\n }\n}\n"
    )


def version_hex(release):
    """PY_VERSION_HEX of a final release, as text."""
    match = re.fullmatch(r"(\d+)\.(\d+)\.(\d+)", release)
    if not match:
        sys.exit(f"--release {release}: not like 3.11.7")
    return "0x%02x%02x%02xf0" % tuple(int(n) for n in match.groups())


def main():
    """Read, merge, reduce, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-o", type=pathlib.Path, required=True)
    parser.add_argument("--release", required=True)
    parser.add_argument("--source", required=True)
    parser.add_argument(
        "--flavour",
        default="release",
        choices=("release", "debug", "trace", "threaded", "threaded_debug"),
    )
    parser.add_argument("--base")
    parser.add_argument("--debug-dir", default="/usr/lib/debug")
    parser.add_argument("elf", nargs="+")
    args = parser.parse_args()
    wanted = wanted_fields()
    merged = {}
    for elf in args.elf:
        found = read_structs(elf, sorted(wanted), args.debug_dir)
        for name, layout in found.items():
            merged.setdefault(name, layout)
    if "_typeobject" not in merged:
        sys.exit("no debug information of an interpreter in these files")
    structs = {n: reduce(merged[n], wanted[n]) for n in merged}
    row = {
        "release": args.release,
        "version": version_hex(args.release),
        "flavour": args.flavour,
        "source": args.source,
    }
    if args.base:
        row["base"] = args.base
        base = json.loads((HERE / "data" / f"{args.base}.json").read_text())
        structs = {
            n: s for n, s in structs.items() if base["structs"].get(n) != s
        }
    write_row(args.o, row, structs)


if __name__ == "__main__":
    main()
