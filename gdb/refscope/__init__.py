# SPDX-License-Identifier: MIT
"""refscope: reference counts, referrers and leaks, of a paused process or a
core dump."""

VERSION = "0.1.0"
