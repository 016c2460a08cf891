# SPDX-License-Identifier: MIT
"""Change words in a core file: make a core that is not what it was."""
import struct

LOAD = 1


def traverse(interpreter):
    """Offset of tp_traverse in a type object of 64 bits.

    The same in all releases; free-threaded builds have 16 bytes more before.
    """
    return 184 + 16 * ("t" in interpreter.flavour.split("-"))


class Core:
    def __init__(self, path):
        self.path = path
        with open(path, "rb") as core:
            head = core.read(64)
            at, = struct.unpack_from("<Q", head, 32)
            size, number = struct.unpack_from("<HH", head, 54)
            core.seek(at)
            table = core.read(size * number)
        self.loads = []
        for n in range(number):
            kind, _flags, offset, start, _p, bytes_ = struct.unpack_from(
                "<IIQQQQ", table, n * size)
            if kind == LOAD:
                self.loads.append((start, bytes_, offset))

    def place(self, address):
        for start, size, offset in self.loads:
            if start <= address < start + size:
                return address - start + offset
        raise AssertionError("%#x is not in %s" % (address, self.path))

    def write(self, address, word):
        with open(self.path, "r+b") as core:
            core.seek(self.place(address))
            core.write(struct.pack("<Q", word))
