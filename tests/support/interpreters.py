# SPDX-License-Identifier: MIT
"""Every CPython on this machine that refscope claims to read.

Looked for: the distribution's, pyenv's, what PATH has, interpreters that
newer-pythons unpacked into .build/newer or /tmp/newer, those built in
/tmp/pybuild, and those in $REFSCOPE_PYTHONS (paths with colons between).

CMake looks once, when it configures a build tree, and makes tests for what was
found. They get the list in $REFSCOPE_INTERPRETERS, a file, and ask no
interpreter again. $REFSCOPE_TRUTH_ONLY narrows the choice: versions, each with
the flavour that is meant, as in "2.7 3.11-debug 3.13t"; and "oldest", "newest"
and "system" for the first and the last of no flavour and the distribution's.

    interpreters.py FILE    look, write the list, print "NAME PATH" lines,
                            "- SERIES" for each that is wanted and not found,
                            "! PATH" for each that does not start
    interpreters.py --check PATH        it starts and says what it is
    interpreters.py --missing SERIES    says so and exits with 77
"""
import collections
import functools
import glob
import json
import os
import shutil
import subprocess
import sys


class Interpreter(collections.namedtuple(
        "Interpreter", "path version name flavour")):
    """One that was found: path, 3.13.5, 3_13_5t_debug and t-debug."""
    __slots__ = ()

    @property
    def numbers(self):
        """[3, 13, 5]"""
        return [int(n) for n in self.version.split(".")]

    @property
    def release(self):
        """[3, 13]"""
        return self.numbers[:2]


WANTED = ("2.7", "3.6", "3.7", "3.8", "3.9", "3.10", "3.11", "3.12", "3.13",
          "3.14", "3.15")
# Not every machine has these: looked for, and a skipped test when not found.
WANTED_FLAVOURS = ("2.7-trace-debug", "3.11-debug", "3.11-trace",
                   "3.13-debug", "3.13t", "3.14-debug", "3.14t",
                   "3.15-debug")
# --with-trace-refs, --with-pydebug and --disable-gil change what an object
# looks like, each in its own way.
ROOT = os.path.realpath(os.path.join(os.path.dirname(__file__), "..", ".."))
# Where newer-pythons may have unpacked interpreters.
NEWER = (os.path.join(ROOT, ".build", "newer"), "/tmp/newer")
ASK_SECONDS = 60
DISTRIBUTION = ("/usr/bin/python3", "/usr/bin/python3-dbg")
QUESTION = ("import sys, ctypes, json, sysconfig; "
            "print('%d.%d.%d' % sys.version_info[:3] + "
            "('t' if sysconfig.get_config_var('Py_GIL_DISABLED') else '') + "
            "('-trace' if hasattr(sys, 'getobjects') else '') + "
            "('-debug' if hasattr(sys, 'gettotalrefcount') else ''))")


def candidates():
    yield from DISTRIBUTION
    yield from sorted(glob.glob(os.path.expanduser(
        "~/.pyenv/versions/*/bin/python")))
    for version in WANTED:
        for suffix in ("", "-dbg", "t"):
            yield shutil.which("python" + version + suffix) or ""
    for folder in NEWER:
        yield from sorted(glob.glob(folder + "/bin/python*"))
    for pattern in ("python?.?", "python?.??", "python*[td]", "python*-dbg"):
        yield from sorted(glob.glob("/tmp/pybuild/*/bin/" + pattern))
    yield from os.environ.get("REFSCOPE_PYTHONS", "").split(":")


def ask(path):
    """Version and flavour, or None when this is no usable interpreter."""
    try:
        done = subprocess.run(
            [path, "-s", "-S", "-c", QUESTION], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            encoding="utf-8", timeout=ASK_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    words = done.stdout.split()
    return words[0] if done.returncode == 0 and len(words) == 1 else None


def split(told):
    """3.13.5t-debug: version 3.13.5 and flavour t-debug."""
    version = told.split("-")[0].rstrip("t")
    return version, told[len(version):]


def series(interpreter):
    """3.13t-debug of a 3.13.5t-debug."""
    return "%d.%d" % tuple(interpreter.release) + interpreter.flavour


def is_meant(interpreter, word, plain):
    """plain: those of no flavour, oldest first."""
    if word in ("oldest", "newest"):
        return bool(plain) and interpreter == plain[-(word == "newest")]
    if word == "system":
        return interpreter.path == DISTRIBUTION[0]
    version, flavour = split(word)
    return interpreter.flavour == flavour and (
        interpreter.version + ".").startswith(version + ".")


def is_shim(path):
    """A script of pyenv's that runs one of those which are found anyway."""
    return os.path.basename(os.path.dirname(path)) == "shims"


def name_of(told, path, taken):
    """3_11_7; with where it is from when another has that name."""
    short = told.replace(".", "_").replace("-", "_")
    where = "pyenv" if ".pyenv" in path else \
        "unpacked" if path.startswith(NEWER) else \
        "other" if path.startswith("/tmp/") else "system"
    name = short if short not in taken else "%s_%s" % (short, where)
    return None if name in taken else name


def look():
    """Interpreters, each once, oldest first; and those that do not start."""
    found, names, broken = {}, set(), []
    for path in candidates():
        if not path or not os.access(path, os.X_OK) or is_shim(path):
            continue
        real = os.path.realpath(path)
        if real in found:
            continue
        told = ask(path)
        if not told:
            broken.append(path)
            continue
        version, flavour = split(told)
        if version.rsplit(".", 1)[0] not in WANTED:
            continue
        name = name_of(told, path, names)
        if name is None:
            continue
        names.add(name)
        found[real] = Interpreter(path, version, name, flavour)
    return sorted(found.values(), key=lambda i: (
        i.numbers, i.flavour, i.name)), broken


@functools.lru_cache(maxsize=None)  # to ask them all takes seconds
def find():
    """Interpreters, each once, oldest first."""
    listed = os.environ.get("REFSCOPE_INTERPRETERS")
    if listed:
        with open(listed, encoding="utf-8") as text:
            found = [Interpreter(*row) for row in json.load(text)]
    else:
        found = look()[0]
    only = os.environ.get("REFSCOPE_TRUTH_ONLY", "").split()
    plain = [i for i in found if not i.flavour]
    return [i for i in found if not only or any(
        is_meant(i, word, plain) for word in only)]


def is_unpacked(interpreter):
    """It runs through a loader and libraries of its own, which GDB and ldd
    do not know."""
    return interpreter.path.startswith(
        tuple(folder + os.sep for folder in NEWER))


def one_of_each(interpreters):
    """The distribution's of each series and flavour, or else the last found:
    for what takes long and does not differ within a series."""
    chosen = {}
    for one in interpreters:
        if not (series(one) in chosen and
                chosen[series(one)].path in DISTRIBUTION):
            chosen[series(one)] = one
    return [one for one in interpreters if one in chosen.values()]


def ends(interpreters):
    """The oldest and the newest: for what takes long and does not differ
    between versions. With REFSCOPE_EVERY=1 all of them."""
    if os.environ.get("REFSCOPE_EVERY"):
        return interpreters
    return [one for one in interpreters
            if one in (interpreters[0], interpreters[-1])]


def missing(interpreters):
    """Wanted releases and builds of which none is among these."""
    have = {series(i) for i in interpreters}
    return [v for v in WANTED + WANTED_FLAVOURS if v not in have]


def main(path):
    found, broken = look()
    with open(path, "w", encoding="utf-8") as out:
        json.dump(found, out)
    for one in found:
        print(one.name, one.path)
    for series_ in missing(found):
        print("-", series_)
    for file in broken:
        print("!", file)


def check(path):
    told = ask(path)
    if not told:
        sys.exit("%s does not start, or does not say its version" % path)
    print(path, told)


if __name__ == "__main__":
    if sys.argv[1] == "--check":
        check(sys.argv[2])
    elif sys.argv[1] == "--missing":
        print("skipped: no CPython %s on this machine" % sys.argv[2])
        sys.exit(77)
    else:
        main(sys.argv[1])
