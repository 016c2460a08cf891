# SPDX-License-Identifier: MIT
"""Where things are."""
import os

ROOT = os.path.realpath(os.path.join(os.path.dirname(__file__), "..", ".."))
SOURCED = os.path.join(ROOT, "gdb", "refscope-gdb.py")

# The only folder of ours that may be on sys.path: the root would make a
# second package named "gdb".
PACKAGES = os.path.join(ROOT, "gdb")
