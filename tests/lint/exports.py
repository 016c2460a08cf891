# SPDX-License-Identifier: MIT
"""Every shared library exports names that start with rs_, and some."""
import glob
import os

import lint


def check(_root, build):
    complaints = []
    libraries = sorted(glob.glob(os.path.join(build, "**", "librefscope*.so"),
                                 recursive=True))
    if not libraries:
        raise SystemExit("nothing to check: no librefscope*.so in " + build)
    for library in libraries:
        status, text = lint.output("nm", "-D", "--defined-only", library)
        names = [line.split()[-1] for line in text.splitlines()]
        if status or not names:
            complaints.append("%s: exports nothing" % library)
        complaints += ["%s: exports %s" % (library, name) for name in names
                       if not name.startswith("rs_")]
    return complaints


def spoil(root):
    source = lint.write(root, "bad.c", "int stray(void)\n{\n\treturn 1;\n}\n")
    status, text = lint.output("cc", "-shared", "-fPIC", "-o",
                               os.path.join(root, "librefscope-bad.so"),
                               source)
    if status:
        raise SystemExit(text)


if __name__ == "__main__":
    lint.run(check, spoil)
