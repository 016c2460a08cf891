# SPDX-License-Identifier: MIT
"""Every CPython on this machine that refscope claims to read.

Looked for: the distribution's, pyenv's, what PATH has, interpreters unpacked
in /tmp/newer or built in /tmp/pybuild, and those in $REFSCOPE_PYTHONS (paths
with colons between). $REFSCOPE_TRUTH_ONLY narrows the choice: versions, each
with the flavour that is meant, as in "2.7 3.11-debug 3.13t".
"""
import collections
import functools
import glob
import os
import shutil
import subprocess

Interpreter = collections.namedtuple("Interpreter",
                                     "path version name flavour")
WANTED = ("2.7", "3.6", "3.7", "3.8", "3.9", "3.10", "3.11", "3.12", "3.13",
          "3.14")
# Not every machine has these: asked for, and reported when not there.
WANTED_FLAVOURS = ("2.7-trace-debug", "3.11-debug", "3.11-trace",
                   "3.13-debug", "3.13t", "3.14-debug", "3.14t")
# --with-trace-refs, --with-pydebug and --disable-gil change what an object
# looks like, each in its own way.
QUESTION = ("import sys, ctypes, json, sysconfig; "
            "print('%d.%d.%d' % sys.version_info[:3] + "
            "('t' if sysconfig.get_config_var('Py_GIL_DISABLED') else '') + "
            "('-trace' if hasattr(sys, 'getobjects') else '') + "
            "('-debug' if hasattr(sys, 'gettotalrefcount') else ''))")


def candidates():
    yield "/usr/bin/python3"
    yield "/usr/bin/python3-dbg"
    yield from sorted(glob.glob(os.path.expanduser(
        "~/.pyenv/versions/*/bin/python")))
    for version in WANTED:
        for suffix in ("", "-dbg", "t"):
            yield shutil.which("python" + version + suffix) or ""
    yield from sorted(glob.glob("/tmp/newer/bin/python*"))
    for pattern in ("python?.?", "python?.??", "python*[td]", "python*-dbg"):
        yield from sorted(glob.glob("/tmp/pybuild/*/bin/" + pattern))
    yield from os.environ.get("REFSCOPE_PYTHONS", "").split(":")


def ask(path):
    """Version and flavour, or None when this is no usable interpreter."""
    done = subprocess.run([path, "-c", QUESTION], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                          encoding="utf-8", check=False)
    words = done.stdout.split()
    return words[0] if done.returncode == 0 and len(words) == 1 else None


def split(told):
    """3.13.5t-debug: version 3.13.5 and flavour t-debug."""
    version = told.split("-")[0].rstrip("t")
    return version, told[len(version):]


def series(interpreter):
    """3.13t-debug of a 3.13.5t-debug."""
    return ".".join(interpreter.version.split(".")[:2]) + interpreter.flavour


def is_meant(interpreter, word):
    version, flavour = split(word)
    return interpreter.flavour == flavour and (
        interpreter.version + ".").startswith(version + ".")


def is_shim(path):
    """A script of pyenv's that runs one of those which are found anyway."""
    return os.path.basename(os.path.dirname(path)) == "shims"


@functools.lru_cache(maxsize=None)  # to ask them all takes seconds
def find():
    """Interpreters, each once, oldest first."""
    found, names = {}, set()
    for path in candidates():
        if not path or not os.access(path, os.X_OK) or is_shim(path):
            continue
        real = os.path.realpath(path)
        told = real not in found and ask(path)
        if not told:
            continue
        version, flavour = split(told)
        if version.rsplit(".", 1)[0] not in WANTED:
            continue
        where = "pyenv" if ".pyenv" in path else \
            "unpacked" if path.startswith("/tmp/newer/") else \
            "other" if path.startswith("/tmp/") else "system"
        name = "%s_%s" % (told.replace(".", "_").replace("-", "_"), where)
        if name in names:
            continue
        names.add(name)
        found[real] = Interpreter(path, version, name, flavour)
    only = os.environ.get("REFSCOPE_TRUTH_ONLY", "").split()
    chosen = [i for i in found.values() if not only or any(
        is_meant(i, word) for word in only)]
    return sorted(chosen, key=lambda i: (
        [int(n) for n in i.version.split(".")], i.flavour, i.name))


def report(interpreters):
    """What will be looked at and what is not here, a line each."""
    lines = ["found %s%s: %s" % (i.version, i.flavour, i.path)
             for i in interpreters]
    have = {series(i) for i in interpreters}
    lines += ["not found: " + v for v in WANTED + WANTED_FLAVOURS
              if v not in have]
    return "\n".join(lines)
