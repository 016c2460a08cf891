# SPDX-License-Identifier: MIT
"""Every header is guarded, by a name made of its own path; SPDX comes first."""
import os
import re

import lint

SPDX = "SPDX-License-Identifier: MIT"
FOLDERS = ("include", "helper", "tests", "fixtures", "gdb")


def wanted(root, path):
    """RS_FLOOR_NAME_H, or REFSCOPE_NAME_H for what is installed."""
    parts = os.path.relpath(path, root).split(os.sep)
    name = re.sub(r"\W", "_", os.path.splitext(parts[-1])[0]).upper()
    if parts[0] == "include":
        return re.compile(r"REFSCOPE_%s_H\Z" % name)
    return re.compile(r"RS_(\w+_)?%s_H\Z" % re.sub(r"\ARS_", "", name))


def check(root, _build):
    complaints = []
    for path in lint.files(root, ".h", ".c", ".py", under=FOLDERS):
        text = lint.read(path)
        head = text.split("\n", 3)[:3]
        if text.strip() and not any(SPDX in line for line in head):
            complaints.append(path + ": no licence line at the top")
        if not path.endswith(".h"):
            continue
        guard = re.search(r"^#ifndef (\w+)\n#define \1$", text, re.M)
        if not guard or not re.search(
                r"^#endif /\* %s \*/\n\Z" % guard[1], text, re.M):
            complaints.append(path + ": no include guard around it")
        elif not wanted(root, path).match(guard[1]):
            complaints.append("%s: its guard is %s" % (path, guard[1]))
    return complaints


def spoil(root):
    lint.write(root, "helper/base/bad.h", "// %s\nint rs_x;\n" % SPDX)


if __name__ == "__main__":
    lint.run(check, spoil)
