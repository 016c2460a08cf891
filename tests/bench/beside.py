# SPDX-License-Identifier: MIT
"""What tracking costs in two builds, in turn, so that both see one machine.

    beside.py BEFORE AFTER [ROUNDS [OBJECTS [BYTES]]]

BEFORE and AFTER are two bench_track. Prints, for each of its lines, the
smallest of the times of ROUNDS (5) runs of each: nanoseconds for a track and
an untrack, for a malloc and a free, their ratio; and what AFTER takes beside
BEFORE.
"""
import re
import subprocess
import sys

LINE = re.compile(r"^(.*?) +track .*?= +([\d.]+) ns +malloc .*?= +([\d.]+) ns")


def run(program, words):
    """For each line: what it is of, ns of tracking, ns of the allocation."""
    done = subprocess.run([program, *words], stdout=subprocess.PIPE,
                          check=True, text=True)
    lines = map(LINE.match, done.stdout.splitlines())
    return [(line[1], float(line[2]), float(line[3])) for line in lines
            if line]


def least(runs):
    """Of each line the least of all runs."""
    return {same[0][0]: (min(line[1] for line in same),
                         min(line[2] for line in same))
            for same in zip(*runs)}


def main(before, after, rounds="5", *words):
    programs = (before, after)
    runs = ([], [])
    for number in range(int(rounds)):
        # Neither is always the first.
        for which in (0, 1) if number % 2 else (1, 0):
            runs[which].append(run(programs[which], words))
    old, new = map(least, runs)
    for what in new:
        print(f"{what:24}", end="")
        for name, (track, malloc) in (("before", old[what]),
                                      ("after", new[what])):
            print(f"{name} {track:6.1f} / {malloc:6.1f} ns = "
                  f"{track / malloc:4.2f}   ", end="")
        print(f"after / before = {new[what][0] / old[what][0]:4.2f}")


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
