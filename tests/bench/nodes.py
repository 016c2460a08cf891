# SPDX-License-Identifier: MIT
"""A heap of N nodes: five tracked objects and 13 references to each.

    nodes.py N

Prints "READY PID" and waits for a line. 80,000 nodes are 400 thousand objects
that tell their collector of a million references. For Python 2.7 and 3.
"""
from __future__ import print_function

import gc
import os
import sys


class Node(object):
    def __init__(self, n, back):
        self.n, self.back = n, back
        self.data = [n, {"k": n, back: self}, (n, [back])]


def main():
    nodes = []
    for i in range(int(sys.argv[1])):
        nodes.append(Node(i, nodes[-1] if i % 10 else None))
    gc.collect()
    gc.disable()
    print("READY %d" % os.getpid())
    sys.stdout.flush()
    sys.stdin.readline()
    os._exit(0)


if __name__ == "__main__":
    main()
