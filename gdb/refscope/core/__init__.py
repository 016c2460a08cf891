# SPDX-License-Identifier: MIT
"""What the commands share and GDB has no part in: never imports gdb."""
