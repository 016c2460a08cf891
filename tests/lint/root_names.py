# SPDX-License-Identifier: MIT
"""The root holds the folders of the house and nothing else."""
import os

import lint

FOLDERS = {"include", "helper", "gdb", "tests", "fixtures"}
FILES = {"CMakeLists.txt", "CMakePresets.json", "README.md", "CHANGELOG.md",
         "CONTRIBUTING.md", "LICENSE"}
DOTS = {".ci", ".clang-format", ".clang-tidy", ".gitignore", ".ruff.toml"}
# What tools put there and git does not keep.
LOCAL = {".git", ".build", ".cache", ".ruff_cache"}


def check(root, _build):
    names = set(os.listdir(root))
    wanted = FOLDERS | FILES | DOTS
    return (["missing in the root: " + n for n in sorted(wanted - names)] +
            ["does not belong in the root: " + n
             for n in sorted(names - wanted - LOCAL)])


def spoil(root):
    for name in FOLDERS:
        os.mkdir(os.path.join(root, name))
    for name in FILES | DOTS | {"stray.txt"}:
        lint.write(root, name, "")


if __name__ == "__main__":
    lint.run(check, spoil)
