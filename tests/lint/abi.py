# SPDX-License-Identifier: MIT
"""What programs were built against is still there: names, sizes, offsets.

abi.txt records, for each library, the SONAME, the exported functions and the
layout of each struct in public headers. A difference is a complaint:

- what was added: record it, python3 tests/lint/abi.py --update ROOT BUILD;
- what moved, changed or went away: as well, and RS_ENGINE_ABI in engine.h goes
  up (for the helper, the SOVERSION in helper/tracker/CMakeLists.txt).
"""
import os
import re
import sys
import tempfile

import lint

HERE = os.path.dirname(os.path.abspath(__file__))
RECORD = os.path.join(HERE, "abi.txt")
LIBRARIES = {"librefscope-engine.so": ("callbacks.h", "engine.h"),
             "librefscope.so": ("refscope.h", "registry.h")}
UPDATE = "python3 tests/lint/abi.py --update . BUILD"
STRUCT = re.compile(r"^struct (\w+) \{\n(.*?)^\};", re.M | re.S)


def as_c(text):
    """Without what only a C++ compiler sees; other conditions count as met."""
    lines, seen = [], [True]
    for line in text.split("\n"):
        word = re.match(r"[ \t]*#[ \t]*(\w+)(.*)", line)
        name = word[1] if word else ""
        if name in ("if", "ifdef", "ifndef"):
            cplusplus = "__cplusplus" in word[2]
            seen.append(not cplusplus or name == "ifndef" or "!" in word[2])
        elif name == "else":
            seen[-1] = not seen[-1]
        elif name == "endif":
            seen.pop()
        elif all(seen):
            lines.append(line)
    return "\n".join(lines)


def plain(text):
    """Without comments, directives and what is for C++ alone."""
    text = re.sub(r"/\*.*?\*/", " ", as_c(text), flags=re.S)
    return re.sub(r"//[^\n]*|^[ \t]*#[^\n]*", "", text, flags=re.M)


def structs(header):
    """{struct: [members in order]}; a nested struct is one member."""
    found = {}
    for name, body in STRUCT.findall(plain(lint.read(header))):
        body = re.sub(r"\{[^{}]*\}", "", body)
        members = []
        for line in body.split(";"):
            # Only the first name of a function pointer is the member's.
            match = re.search(r"\(\*(\w+)\)\s*\(", line)
            if match:
                members.append(match[1])
            elif line.strip():
                members += re.findall(r"(\w+)(?:\[[^\]]*\])*\s*(?:,|$)",
                                      line.strip())
        found[name] = members
    return found


def layouts(root, headers):
    """"struct NAME SIZE" and "NAME.MEMBER OFFSET" lines, as compiled."""
    lines = ["#include <stddef.h>", "#include <stdio.h>"]
    body = []
    for header in headers:
        path = os.path.join(root, "include", "refscope", header)
        lines.append('#include "%s"' % path)
        for name, members in structs(path).items():
            body.append('printf("struct %s %%zu\\n", sizeof(struct %s));' % (
                name, name))
            body += ['printf("\\t%s.%s %%zu\\n", offsetof(struct %s, %s));' % (
                name, member, name, member) for member in members]
    with tempfile.TemporaryDirectory() as folder:
        source = lint.write(folder, "abi.c", "\n".join(
            lines + ["int main(void) {"] + body + ["return 0; }", ""]))
        program = source[:-2]
        status, text = lint.output(
            "cc", "-I", os.path.join(root, "include"), "-o", program, source)
        if status:
            raise SystemExit("cannot measure structs:\n" + text)
        return lint.output(program)[1].splitlines()


def library(build, name):
    """The path of a library in a build tree."""
    for folder, _dirs, files in os.walk(build):
        if name in files:
            return os.path.join(folder, name)
    raise SystemExit("nothing to check: no %s in %s" % (name, build))


def found(root, build):
    """What abi.txt would have to say, in its order."""
    lines = []
    for name, headers in LIBRARIES.items():
        path = library(build, name)
        text = lint.output("readelf", "-d", path)[1]
        soname = re.search(r"SONAME.*\[(.*)\]", text)
        lines.append("library " + (soname[1] if soname else "?"))
        text = lint.output("nm", "-D", "--defined-only", path)[1]
        lines += sorted("function %s %s" % (name, line.split()[-1])
                        for line in text.splitlines()
                        if line.split()[-1].startswith("rs_"))
        lines += layouts(root, headers)
    return lines


def key(line):
    """What a line is about, without its number."""
    words = line.split()
    return line if words[0] in ("library", "function") else " ".join(
        words[:-1])


def check(root, build, record=RECORD):
    recorded = lint.read(record).splitlines()
    now = found(root, build)
    keys = {key(line) for line in recorded}
    gone = [line for line in recorded if line not in now]
    added = [line for line in now if line not in recorded]
    complaints = []
    for line in gone:
        grew = line.startswith("struct ") and any(
            key(a) == key(line) for a in added)
        if not grew and not line.startswith("library "):
            complaints.append("changed or gone, raise RS_ENGINE_ABI or the "
                              "SOVERSION: " + line.strip())
    complaints += ["new, record it: " + line.strip() for line in added
                   if key(line) not in keys or line.startswith("struct ")]
    if complaints:
        complaints.append("to record what is meant: " + UPDATE)
    return complaints


def spoil(root):
    """A library that lacks a function and has a struct with a hole."""
    lint.write(root, "include/refscope/callbacks.h",
               "struct rs_range {\n\tint moved;\n};\n")
    for header in ("engine.h", "refscope.h", "registry.h"):
        lint.write(root, "include/refscope/" + header, "\n")
    source = lint.write(root, "bad.c", "int rs_other(void)\n{\n\treturn 1;\n"
                        "}\n")
    for name in LIBRARIES:
        status, text = lint.output("cc", "-shared", "-fPIC", "-o",
                                   os.path.join(root, name), source)
        if status:
            raise SystemExit(text)


if __name__ == "__main__":
    if sys.argv[1] == "--update":
        with open(RECORD, "w", encoding="utf-8") as out:
            out.write("\n".join(found(*map(os.path.realpath, sys.argv[2:])))
                      + "\n")
    else:
        lint.run(check, spoil)
