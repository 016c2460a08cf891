# SPDX-License-Identifier: MIT
"""clang-tidy has nothing to say of any C source that is built."""
import json
import os
import re
import shutil
from concurrent.futures import ThreadPoolExecutor

import lint

HERE = os.path.dirname(os.path.abspath(__file__))
CONFIG = os.path.join(HERE, "..", "..", ".clang-tidy")
VERSION = "14"
AT_ONCE = 2


def program():
    # Later releases add checks to the groups that the project turns on.
    for name in ("clang-tidy-" + VERSION, "clang-tidy"):
        if shutil.which(name):
            _, text = lint.output(name, "--version")
            if re.search(r"version %s\." % VERSION, text):
                return name
    raise lint.Skip("no clang-tidy %s here" % VERSION)


def sources(root, build):
    database = os.path.join(build, "compile_commands.json")
    if not os.path.exists(database):
        raise lint.Skip("no compile_commands.json in " + build)
    with open(database, encoding="utf-8") as commands:
        entries = json.load(commands)
    found = {os.path.realpath(os.path.join(e["directory"], e["file"]))
             for e in entries}
    root = os.path.realpath(root) + os.sep
    found = sorted(f for f in found
                   if f.startswith(root) and f.endswith(".c"))
    if not found:
        raise SystemExit("nothing to check: no C source in " + database)
    return found


def check(root, build):
    tidy = program()

    def one(source):
        status, text = lint.output(tidy, "--quiet", "--config-file=" + CONFIG,
                                   "-p", build, source)
        return text if status else ""

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return [text for text in pool.map(one, sources(root, build)) if text]


def spoil(root):
    bad = lint.write(root, "helper/bad.c",
                     "int Bad(int x);\nint Bad(int x)\n{\n"
                     "\tif (x = 1)\n\t\t;\n\treturn x;\n}\n")
    lint.write(root, "compile_commands.json", json.dumps(
        [{"directory": root, "file": bad, "command": "cc -c " + bad}]))


if __name__ == "__main__":
    lint.run(check, spoil)
