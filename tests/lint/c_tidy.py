# SPDX-License-Identifier: MIT
"""clang-tidy has nothing to say of any C source that is built.

Its analyzer, which follows every path through a function and what that calls,
takes nine tenths of the time of the whole set. Here it looks at what is shipped,
at each function by itself and not for long; c_tidy_whole.py lets it look at
everything, as long as it wants.
"""
import json
import os
import re
import shutil
import tempfile
from concurrent.futures import ThreadPoolExecutor

import lint

HERE = os.path.dirname(os.path.abspath(__file__))
CONFIG = os.path.join(HERE, "..", "..", ".clang-tidy")
VERSION = "14"
AT_ONCE = 2
BRIEFLY = ("-Xclang", "-analyzer-config", "-Xclang",
           "mode=shallow,max-nodes=3000")
# They look at everything and find what C does not have.
ONLY_CXX = ",".join("-" + check for check in (
    "misc-unused-using-decls", "misc-non-copyable-objects",
    "misc-definitions-in-headers", "misc-uniqueptr-reset-release",
    "bugprone-dangling-handle", "bugprone-string-*", "bugprone-virtual-*",
    "bugprone-throw-*", "bugprone-unhandled-*", "bugprone-inaccurate-erase",
    "cert-dcl21-cpp", "cert-dcl50-cpp", "cert-dcl58-cpp", "cert-err09-cpp",
    "cert-err52-cpp", "cert-err58-cpp", "cert-err60-cpp", "cert-err61-cpp",
    "cert-mem57-cpp", "cert-msc50-cpp", "cert-msc51-cpp", "cert-oop*",
    "performance-for-range-copy", "performance-move-*"))


def program():
    # Later releases add checks to the groups that the project turns on.
    for name in ("clang-tidy-" + VERSION, "clang-tidy"):
        if shutil.which(name):
            _, text = lint.output(name, "--version")
            if re.search(r"version %s\." % VERSION, text):
                return name
    raise lint.Skip("no clang-tidy %s here" % VERSION)


def sources(root, build):
    """One entry of the database for each source: a source that is a part of
    several programs is the same one in all of them."""
    database = os.path.join(build, "compile_commands.json")
    if not os.path.exists(database):
        raise lint.Skip("no compile_commands.json in " + build)
    with open(database, encoding="utf-8") as commands:
        entries = json.load(commands)
    found = {os.path.realpath(os.path.join(e["directory"], e["file"])): e
             for e in reversed(entries)}
    root = os.path.realpath(root) + os.sep
    found = {f: found[f] for f in sorted(found)
             if f.startswith(root) and f.endswith(".c")}
    if not found:
        raise SystemExit("nothing to check: no C source in " + database)
    return found


def not_analyzed(root, source):
    """Tests, and tables that were generated."""
    within = os.path.relpath(source, os.path.realpath(root)).split(os.sep)
    return within[0] in ("tests", "fixtures") or "generated" in within


def tidy(root, build, brief=False):
    """What clang-tidy says of each source, of which it is none."""
    named = program()
    found = sources(root, build)
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, "compile_commands.json"), "w",
                  encoding="utf-8") as out:
            json.dump(list(found.values()), out)

        def one(source):
            words = []
            if brief:
                words = ["--checks=" + ONLY_CXX] + [
                    "--extra-arg=" + word for word in BRIEFLY]
                if not_analyzed(root, source):
                    words[0] += ",-clang-analyzer-*"
            status, text = lint.output(
                named, "--quiet", "--config-file=" + CONFIG, "-p", folder,
                *words, source)
            return text if status else ""

        with ThreadPoolExecutor(AT_ONCE) as pool:
            return [text for text in pool.map(one, found) if text]


def check(root, build):
    return tidy(root, build, True)


def write_source(root, name, text):
    """A source, and the database that says how it is compiled."""
    path = lint.write(root, name, text)
    database = os.path.join(root, "compile_commands.json")
    entries = json.loads(lint.read(database)) if os.path.exists(
        database) else []
    entries.append({"directory": root, "file": path,
                    "command": "cc -c " + path})
    lint.write(root, database, json.dumps(entries))


def spoil(root):
    write_source(root, "helper/bad.c", "int Bad(int x);\nint Bad(int x)\n{\n"
                 "\tif (x = 1)\n\t\t;\n\treturn x;\n}\n")
    write_source(root, "helper/null.c", "int rs_null(int x);\nint rs_null"
                 "(int x)\n{\n\tint *p = 0;\n\n\tif (x)\n\t\tp = &x;\n"
                 "\treturn *p;\n}\n")


def both(complaints):
    """Of either source: what is written, and what would happen."""
    text = "".join(complaints)
    return "bugprone-suspicious-semicolon" in text and "core.NullDeref" in text


if __name__ == "__main__":
    lint.run(check, spoil, both)
