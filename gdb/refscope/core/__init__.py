# SPDX-License-Identifier: MIT
"""The part that does not depend on GDB: nothing here imports gdb."""
