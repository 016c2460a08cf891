# SPDX-License-Identifier: MIT
"""Listings of mappings are read as GDB prints them."""
import re
import sys
import unittest

import paths
from session import batch

sys.path.insert(0, paths.PACKAGES)

from refscope.core import mappings  # noqa: E402

LISTING = """process 7
Mapped address spaces:

          Start Addr           End Addr       Size     Offset  Perms  objfile
            0x400000           0x41f000    0x1f000     0x1000  r-xp   /bin/a b
            0xa85000           0xaca000    0x45000        0x0  rw-p   
           0x436d000          0x4486000   0x119000        0x0  rw-p   [heap]
      0x7f9246108000     0x7f924610a000     0x2000     0x2000         /lib/x.so
  0xffffffffff600000 0xffffffffff601000     0x1000        0x0  --xp   [vsyscall]
"""


class Mappings(unittest.TestCase):
    def test_each_line_is_a_range(self):
        self.assertEqual(mappings.parse(LISTING), [
            (0x400000, 0x41f000, 0x1000, "/bin/a b", 5),
            (0xa85000, 0xaca000, 0, None, 3),
            (0x436d000, 0x4486000, 0, None, 3),
            (0x7f9246108000, 0x7f924610a000, 0x2000, "/lib/x.so", 3),
            (0xffffffffff600000, 0xffffffffff601000, 0, None, 4)])

    def test_what_this_gdb_prints_is_what_the_kernel_tells(self):
        got = batch(["starti", "info proc mappings",
                     "shell cat /proc/$(pgrep -n -P $PPID sleep)/maps"],
                    arguments=("--args", "/bin/sleep", "9"))
        told = []
        for line in got[3].splitlines():
            found = re.match(r"(\w+)-(\w+) \S+ (\w+) \S+ \S+ *(.*)", line)
            path = found[4] if found[4].startswith("/") else None
            told.append(tuple(int(n, 16) for n in found.groups()[:3])
                        + (path,))
        self.assertGreater(len(told), 4)
        self.assertEqual([tuple(r)[:4] for r in mappings.parse(got[2])], told)


if __name__ == "__main__":
    unittest.main()
