# SPDX-License-Identifier: MIT
"""Add the refs commands to GDB: source this file."""
import os
import sys

# When another script in Python sources this one, GDB leaves __file__ as that
# script's. The code knows where it came from.
_here = sys._getframe().f_code.co_filename
if not os.path.isfile(_here):
    _here = __file__
# Only this folder: with its parent on the path, "gdb" would be this folder.
sys.path.insert(0, os.path.dirname(os.path.abspath(_here)))

import refscope.commands  # noqa: E402

refscope.commands.register_all()
