# SPDX-License-Identifier: MIT
"""A realistic heap of N tracked objects, and how long its collector takes.

    cd FOLDER; heap.py N [--seed S]

Writes heap.json, prints "READY PID", and with each line that it gets collects,
writes collect.K.json with the seconds, and prints READY again, four times. Of
the N objects, 1 % are in unreachable rings of 2 to 5 (made last, with the
collector disabled: the first collection finds them). The rest:

  29.6 % instances of 8 classes, 1 in 4 with its __dict__ made (7.4 % dicts)
  21.9 % other dicts with names for keys      15.7 % lists    15.7 % tuples
   3.1 % instances with slots   1.7 % sets   3.9 % functions, cells, closures

and beside them numbers, bytes, text, and dicts and tuples of nothing else,
which are not tracked. Six references an object; of these 80 % go to one of
the last 1000 objects and 20 % anywhere. The interpreter's own objects are
inside N. Only a local of the running frame holds them. Up to 3.10 every
instance has a real dict, so that there are a fifth more than N.
The same arguments and interpreter make the same heap. For Python 2.7 and 3.
"""
from __future__ import print_function

import argparse
import gc
import json
import os
import random
import sys
import time

clock = getattr(time, "perf_counter", time.time)

CLASSES = [type(name, (object,), {}) for name in (
    "Customer", "Order", "OrderLine", "Invoice", "Product", "Session",
    "Request", "Node")]
KEYS = ["key_%d" % i for i in range(64)]
WORDS = ["word%d" % i for i in range(500)]


class Slotted(object):
    __slots__ = ("a", "b", "c")


class Garbage(object):
    pass


# Makers: each gives an object and how many tracked ones came with it.

def instance(i, pick, rand):
    o = CLASSES[i & 7]()
    o.id = i
    o.name = WORDS[i % 500]
    o.parent = pick()
    o.items = None
    o.state = i & 3
    o.value = i * 0.5
    if i & 3:
        return o, 1
    names = o.__dict__  # made into an object of its own
    if rand() < .5:
        names["extra"] = pick()
    return o, 2


def dictionary(i, pick, _rand):
    o = {}
    for k in range(2 + (i % 7)):
        o[KEYS[(i + k) & 63]] = i + k
    o["ref"] = pick()
    if (i & 7) == 0:
        o["leaf"] = {"x": i, "y": 2.5, "z": WORDS[i % 500]}
    return o, 1


def array(i, pick, _rand):
    o = [pick() if (k & 1) else k for k in range(1 + (i % 9))]
    o.append(pick())
    return o, 1


def tuples(i, pick, _rand):
    o = (i, pick(), WORDS[i % 500], pick())[: 2 + (i % 3)]
    if i & 7:
        return o, 1
    return (o, (i, 1.5, "text")), 2


def slotted(i, pick, _rand):
    o = Slotted()
    o.a = i
    o.b = pick()
    o.c = b"%d" % i
    return o, 1


def bag(i, _pick, _rand):
    return {i, WORDS[i % 500], WORDS[(i + 7) % 500], (i, i + 1)}, 1


def closure(_i, pick, _rand):
    x = pick()

    def inner(y=0):
        return (x, y)
    return inner, 3  # the function, its cell, the tuple of cells


# Of a thousand draws.
SHARES = [(instance, 340), (dictionary, 250), (array, 180), (tuples, 160),
          (slotted, 35), (bag, 20), (closure, 15)]
DRAW = [make for make, share in SHARES for _ in range(share)]


def fill(pool, wanted, rand):
    """Make tracked objects until there are so many."""
    add = pool.append
    tracked = 1  # the pool

    def pick():
        m = len(pool)
        if not m:
            return pool
        if rand() < 0.8:
            return pool[m - 1 - int(rand() * min(m, 1000))]
        return pool[int(rand() * m)]

    i = 0
    while tracked < wanted:
        i += 1
        o, made = DRAW[int(rand() * 1000)](i, pick, rand)
        tracked += made
        if i % 700 == 0:
            o = {"unique": "unique-%d-%s" % (i, "x" * (i % 97)), "o": o}
            tracked += 1
        add(o)


def ring_of(kind, size, pool, rand):
    if kind == 0:
        ring = [Garbage() for _ in range(size)]
        for j, o in enumerate(ring):
            o.next = ring[j - 1]
            o.id = j
            o.live = pool[int(rand() * len(pool))]
    elif kind == 1:
        ring = [[j] for j in range(size)]
        for j, o in enumerate(ring):
            o.append(ring[j - 1])
    else:
        ring = [{"j": j} for j in range(size)]
        for j, o in enumerate(ring):
            o["prev"] = ring[j - 1]


def leave_rings(wanted, pool, rand):
    """Exactly so many objects in unreachable rings of 2 to 5, or 6."""
    rings = 0
    while wanted:
        size = min(2 + int(rand() * 4), wanted)
        if wanted - size == 1:
            size += 1
        ring_of(rings % 3, size, pool, rand)
        rings += 1
        wanted -= size
    return rings


def build(number, seed):
    """The pool, which holds all that lives, and what is known of the heap."""
    rand = random.Random(seed).random
    gc.collect()
    gc.disable()
    garbage = number // 100
    pool = []
    fill(pool, number - garbage - len(gc.get_objects()), rand)
    gc.collect()  # as in a process that has run for long: all is old
    rings = leave_rings(garbage, pool, rand)
    return pool, {"number": number, "seed": seed, "garbage": garbage,
                  "rings": rings}


def resident():
    """VmRSS and the like, in KiB."""
    with open("/proc/self/status") as status:
        words = [line.split() for line in status if line.startswith("Vm")]
    return dict((w[0].rstrip(":"), int(w[1])) for w in words)


def timed(function):
    start = clock()
    result = function()
    return clock() - start, result


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("number", type=int)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    pool, truth = build(args.number, args.seed)
    truth["tracked"] = len(gc.get_objects())
    truth["resident_kib"] = resident()["VmRSS"]
    with open("heap.json", "w") as out:
        json.dump(truth, out)
    for command in range(4):
        print("READY %d" % os.getpid())
        sys.stdout.flush()
        sys.stdin.readline()
        seconds, found = timed(gc.collect)
        with open("collect.%d.json" % command, "w") as out:
            json.dump({"seconds": seconds, "collected": found}, out)
    os._exit(pool is None)


if __name__ == "__main__":
    main()
