# SPDX-License-Identifier: MIT
"""A lower floor never includes a higher one."""
import os
import re

import lint

# What each folder below helper/ may include, beside itself.
MAY_INCLUDE = {
    "base": set(),
    "graph": {"base"},
    "memory": {"base"},
    "runtime": {"base", "graph", "memory", "probe", "revive"},
    "report": {"base", "graph", "memory", "probe", "revive", "runtime"},
    "target": {"base", "graph"},
    "probe": {"base", "graph"},
    "revive": {"base", "graph", "memory", "probe"},
}
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.M)


def floor_of(helper, source, name):
    """The floor that an include of name in source leads to, or None."""
    for base in (os.path.dirname(source), helper):
        path = os.path.normpath(os.path.join(base, name))
        if os.path.exists(path) and path.startswith(helper + os.sep):
            return os.path.relpath(path, helper).split(os.sep)[0]
    return None


def check(root, _build):
    complaints = []
    helper = os.path.join(root, "helper")
    for source in lint.files(root, ".c", ".h", under=("helper",)):
        own = os.path.relpath(source, helper).split(os.sep)[0]
        if own not in MAY_INCLUDE:
            complaints.append("%s: %s is no floor" % (source, own))
            continue
        for name in INCLUDE.findall(lint.read(source)):
            floor = floor_of(helper, source, name)
            if floor and floor != own and floor not in MAY_INCLUDE[own]:
                complaints.append("%s: %s must not include \"%s\"" %
                                  (source, own, name))
    return complaints


def spoil(root):
    lint.write(root, "helper/base/low.c", '#include "report/high.h"\n')
    lint.write(root, "helper/report/high.h", "\n")


if __name__ == "__main__":
    lint.run(check, spoil)
