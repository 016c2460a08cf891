# SPDX-License-Identifier: MIT
"""The engine with bounds that can be lowered.

A copy of the engine in which some constants of helper/BOUNDS.md have the value
that the environment says: RS_LOWER="NAME=VALUE NAME=VALUE", looked up whenever
the constant is used. Without it they have their own. Only files that use one are
compiled anew.
"""
import contextlib
import json
import os
import re
import subprocess

from targets import ROOT

SECONDS = 300
HELPER = os.path.join(ROOT, "helper")
HEAD = """
#ifndef RS_LOWERED
#define RS_LOWERED
#include <stdlib.h>
#include <string.h>
static inline long long rs_lowered(const char *name, long long whole)
{
	const char *at = getenv("RS_LOWER");
	const size_t length = strlen(name);

	while (at && (at = strstr(at, name))) {
		if (at[length] == '=')
			return strtoll(at + length + 1, NULL, 0);
		at += length;
	}
	return whole;
}
#endif
"""


def with_lowered(text, names):
    """The text of a file of the engine's in which these are looked up, or None
    when it defines none of them."""
    found = []
    for name in names:
        text, n = re.subn(r"\b%s( = |(?=\s+\(UINT64_C))" % name,
                          name + r"_WHOLE\1", text)
        if n:
            found.append(name)
    if not found:
        return None
    return HEAD + "".join(
        '#define %s ((__typeof__(%s_WHOLE))rs_lowered("%s", '
        '(long long)%s_WHOLE))\n' % ((name,) * 4) for name in found) + text


def commands(build):
    """{source: (words that compile it, its object)} of the engine's."""
    with open(os.path.join(build, "compile_commands.json")) as file:
        rows = [(row["file"], row["command"].split())
                for row in json.load(file)]
    found = {}
    for source, words in rows:
        made = os.path.join(build, words[words.index("-o") + 1])
        if re.match(os.path.join(build, r"helper/(?!tracker/).*\.o$"), made) \
                and "/sandbox/CMakeFiles/" not in made or \
                "/rs_sandbox.dir/" in made:
            found[source] = words, made
    return found


def engine_with(names, build, folder):
    """The path of an engine in `folder` in which `names`, {file of
    helper/BOUNDS.md: [constants]}, can be lowered."""
    overlay = os.path.join(folder, "helper")
    objects = []
    changed = {}
    for path, constants in names.items():
        with open(os.path.join(HELPER, path)) as file:
            text = with_lowered(file.read(), constants)
        assert text, (path, constants)
        changed[path] = os.path.join(overlay, path)
        os.makedirs(os.path.dirname(changed[path]), exist_ok=True)
        with open(changed[path], "w") as file:
            file.write(text)
    used = re.compile(r"\b(?:%s)\b" % "|".join(
        constant for path, constants in names.items()
        if path.endswith(".h") for constant in constants))
    running = []
    for source, (words, made) in commands(build).items():
        path = os.path.relpath(source, HELPER)
        with open(source) as file:
            if path not in changed and not used.search(file.read()):
                objects.append(made)
                continue
        out = os.path.join(folder, "%d.o" % len(objects))
        objects.append(out)
        words = [word for word in words if word != source]
        words[words.index("-o") + 1] = out
        running.append(subprocess.Popen(
            [words[0], "-I" + overlay, "-iquote" + os.path.dirname(source),
             *words[1:], "-w", "-Wno-error", changed.get(path, source)]))
    for one in running:
        assert one.wait(SECONDS) == 0, one.args
    path = os.path.join(folder, "librefscope-engine.so")
    subprocess.run([os.environ.get("CC", "cc"), "-shared", "-o", path,
                    *objects, "-lelf", "-pthread"], check=True,
                   timeout=SECONDS)
    return path


@contextlib.contextmanager
def bounds(**values):
    """With these the engine of engine_with() looks at what it is given."""
    os.environ["RS_LOWER"] = " ".join("%s=%d" % pair for pair in
                                      values.items())
    try:
        yield
    finally:
        del os.environ["RS_LOWER"]
