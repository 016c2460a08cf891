# SPDX-License-Identifier: MIT
"""What every checker here shares: finding files, and proving itself.

A checker is a module with two functions:

    check(root, build) -> list of complaints, empty when all is well
    spoil(root)        -> writes, into an empty folder, what must not pass

run() first shows that the checker complains of what spoil() wrote (all of it,
where the module says what to expect), and then checks the project. A checker that finds nothing to look at fails.
"""
import argparse
import os
import subprocess
import sys
import tempfile

SKIP = 77
SECONDS = 900  # what one program that a checker runs may take
HIDDEN = (".git", ".build", ".cache", "__pycache__")


class Skip(Exception):
    """The checker cannot run here; the text says why."""


def files(root, *suffixes, under=("",)):
    """Paths below root that end so, sorted; never none."""
    found = []
    for folder in under:
        for where, dirs, names in os.walk(os.path.join(root, folder)):
            dirs[:] = sorted(d for d in dirs if d not in HIDDEN)
            found += [os.path.join(where, n) for n in sorted(names)
                      if n.endswith(suffixes)]
    if not found:
        raise SystemExit("nothing to check: no %s below %s" %
                         (" ".join(suffixes), root))
    return found


def write(root, path, text):
    path = os.path.join(root, path)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as out:
        out.write(text)
    return path


def read(path):
    with open(path, encoding="utf-8") as source:
        return source.read()


def output(*command, **options):
    """Exit status and everything that command printed."""
    done = subprocess.run(command, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          encoding="utf-8", errors="replace", check=False,
                          timeout=SECONDS, **options)
    return done.returncode, done.stdout


def run(check, spoil, expected=bool):
    """expected: whether the complaints about what spoil() wrote suffice."""
    parser = argparse.ArgumentParser()
    parser.add_argument("root")
    parser.add_argument("build")
    args = parser.parse_args()
    try:
        with tempfile.TemporaryDirectory() as bad:
            spoil(bad)
            if not expected(check(bad, bad)):
                print("self-test: the checker passes what it must not")
                sys.exit(1)
        complaints = check(os.path.realpath(args.root), args.build)
    except Skip as reason:
        print("skipped:", reason)
        sys.exit(SKIP)
    for complaint in complaints:
        print(complaint)
    sys.exit(1 if complaints else 0)
