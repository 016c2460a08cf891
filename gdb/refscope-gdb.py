# SPDX-License-Identifier: MIT
"""Bring the refs commands into GDB: source this file."""
import os
import sys

# Only this folder: its parent would make a second package named "gdb".
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import refscope.commands  # noqa: E402

refscope.commands.register_all()
