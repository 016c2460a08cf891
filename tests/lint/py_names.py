# SPDX-License-Identifier: MIT
"""ruff, or pyflakes where ruff is not packaged, passes all of the Python."""
import os
import re
import shutil

import lint

# Wrong on purpose, or in the syntax of Python 2, which neither tool reads.
NOT_OURS = tuple(os.path.join("fixtures", "python", folder) + os.sep
                 for folder in ("2.7", "3"))


def excused(complaint):
    """ruff reads "# noqa" itself; pyflakes does not know it."""
    where = re.match(r"(.+\.py):(\d+):", complaint)
    return where and "# noqa" in lint.read(
        where[1]).split("\n")[int(where[2]) - 1]


def check(root, _build):
    sources = [f for f in lint.files(root, ".py")
               if not os.path.relpath(f, root).startswith(NOT_OURS)]
    for tool in (["ruff", "check", "--quiet"], ["pyflakes3"], ["pyflakes"]):
        if shutil.which(tool[0]):
            break
    else:
        raise lint.Skip("neither ruff nor pyflakes here")
    status, text = lint.output(*tool, *sources)
    return [line for line in text.splitlines() if not excused(line)] \
        if status else []


def spoil(root):
    lint.write(root, "bad.py", "import os\nprint(nowhere)\n")


if __name__ == "__main__":
    lint.run(check, spoil)
