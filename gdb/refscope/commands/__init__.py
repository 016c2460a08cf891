# SPDX-License-Identifier: MIT
"""One module per command family; each has register()."""
from __future__ import annotations

import gdb

from ..core import locate
from . import check, collector, files, histogram, leaks, objects, overview
from . import rehearsal, run, settings, verify

FAMILIES = (
    settings, overview, leaks, objects, collector, histogram, files, verify,
    run, check, rehearsal,
)


def register_all() -> None:
    """Add the commands and functions to GDB.

    Also when there is no engine: it may be built before the first command."""
    from .. import functions, target

    target.connect()
    for family in FAMILIES:
        family.register()
    functions.register()
    try:
        locate.find()
    except (locate.Missing, OSError) as error:
        gdb.write(f"refs: {error}\n", gdb.STDERR)
