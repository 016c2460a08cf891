# SPDX-License-Identifier: MIT
"""Finding the engine's library: named by the environment, installed, or in a
build tree."""
from __future__ import annotations

import glob
import os

ENVIRONMENT = "REFSCOPE_ENGINE"
LIBRARY = "librefscope-engine.so"

# A file that the installation writes beside refscope-gdb.py. Its one line is
# the library's path relative to that folder, so that an installed tree can be
# moved as a whole.
POINTER = "engine-path"

# The library of a build tree; set by that tree's refscope-gdb.py.
built: str | None = None


class Missing(Exception):
    """There is no engine. The text says where it was looked for, and what to
    do."""


def folder() -> str:
    """The folder that holds refscope-gdb.py."""
    here = os.path.dirname(os.path.abspath(__file__))
    return os.path.dirname(os.path.dirname(here))


def find() -> str:
    """The path of the engine library.

    Raises Missing."""
    named = os.environ.get(ENVIRONMENT)
    if named:
        if os.path.isfile(named):
            return named
        raise Missing(
            f"no engine at {named}, which {ENVIRONMENT} names; "
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
    # The newest build first: the one that its author is working on.
    return sorted(glob.glob(pattern), key=_changed, reverse=True) or [pattern]


def _changed(path: str) -> float:
    try:
        return os.stat(path).st_mtime
    except OSError:
        return 0.0
