# SPDX-License-Identifier: MIT
"""refscope: who holds what, in a paused process or a core dump."""

VERSION = "0.1.0"
