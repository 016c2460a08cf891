# SPDX-License-Identifier: MIT
"""Add the refs commands to GDB: source this file."""
import os
import sys

# Only this folder: with its parent on the path, "gdb" would be this folder.
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import refscope.commands  # noqa: E402

refscope.commands.register_all()
