# SPDX-License-Identifier: MIT
"""Every shell script parses, stops at the first failure and names variables."""
import os

import lint


def scripts(root):
    found = [os.path.join(root, ".ci", n)
             for n in sorted(os.listdir(os.path.join(root, ".ci")))]
    if not found:
        raise SystemExit("nothing to check: no script in .ci")
    return found


def check(root, _build):
    complaints = []
    for path in scripts(root):
        status, text = lint.output("sh", "-n", path)
        if status:
            complaints.append(text)
        if "\nset -eu\n" not in lint.read(path):
            complaints.append(path + ": no set -eu")
    return complaints


def spoil(root):
    lint.write(root, ".ci/bad", "#!/bin/sh\nset -eu\nif true; then\n")


if __name__ == "__main__":
    lint.run(check, spoil)
