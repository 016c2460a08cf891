# SPDX-License-Identifier: MIT
"""Where the engine library is: told, installed, or in a build tree."""
from __future__ import annotations

import glob
import os

ENVIRONMENT = "REFSCOPE_ENGINE"
LIBRARY = "librefscope-engine.so"

# Written beside refscope-gdb.py by the install: one line, the library's path
# relative to that folder, so that an installed tree can be moved as a whole.
POINTER = "engine-path"

# Set by the refscope-gdb.py of a build tree, which knows its own library.
built: str | None = None


class Missing(Exception):
    """No engine: the text says what, where it was looked for, what to do."""


def folder() -> str:
    """The folder that holds refscope-gdb.py."""
    here = os.path.dirname(os.path.abspath(__file__))
    return os.path.dirname(os.path.dirname(here))


def find() -> str:
    """The path of the engine library.

    Raises Missing."""
    told = os.environ.get(ENVIRONMENT)
    if told:
        if os.path.isfile(told):
            return told
        raise Missing(
            f"no engine at {told}, which {ENVIRONMENT} names; "
            f"correct or unset {ENVIRONMENT}"
        )
    looked = []
    for place in _places(folder()):
        if os.path.isfile(place):
            return place
        looked.append(place)
    raise Missing(
        f"no engine ({LIBRARY}), looked in {', '.join(looked)}; build it "
        f"(cmake --build) or set {ENVIRONMENT} to its path"
    )


def _places(here: str) -> list[str]:
    if built:
        return [built]
    pointer = os.path.join(here, POINTER)
    if os.path.isfile(pointer):
        with open(pointer, encoding="utf-8") as file:
            return [os.path.normpath(os.path.join(here, file.read().strip()))]
    pattern = os.path.join(
        os.path.dirname(here), ".build", "*", "helper", LIBRARY
    )
    # The newest build is the one that its author is working on.
    return sorted(glob.glob(pattern), key=_changed, reverse=True) or [pattern]


def _changed(path: str) -> float:
    try:
        return os.stat(path).st_mtime
    except OSError:
        return 0.0
