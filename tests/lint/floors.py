# SPDX-License-Identifier: MIT
"""A floor includes lower floors only, and no files use each other in a circle.

Looked at are every file below helper/ and every public header, and of each
every #include that leads to one of those. For circles a file uses the headers
that it includes and the files that define the functions that it calls. A header
whose inline function calls its slow half, in the .c of its name, is none.
"""
import os
import re

import lint

# Lowest first. A file may include its own floor and those before it.
FLOORS = ("public", "base", "memory", "graph", "sandbox", "runtime", "roots",
          "session", "answer", "export", "action")
# What C programs link stands beside the engine: it has these alone.
TRACKER = ("public", "base", "graph")
# Below runtime/ a runtime includes the interface and itself, no other runtime.
RUNTIMES = ("cpython", "native")
INCLUDE = re.compile(r'^\s*#\s*include\s+["<]([^">]+)[">]', re.M)
DEFINITION = re.compile(r"^(?:[a-z_][\w \t*,()\n]*?[ \t\n*])??(rs_\w+)\(", re.M)
WORD = re.compile(r"(?<!struct )\brs_\w+")


def floor_of(path):
    """"memory" of memory/elf/file.c; "public" of refscope/engine.h."""
    first = path.split("/")[0]
    return "public" if first == "refscope" else first


def runtime_of(path):
    parts = path.split("/")
    if parts[0] == "runtime" and len(parts) > 2:
        return parts[1]
    return None


def sources(root):
    """Path below helper/ or include/: text of the file."""
    found = {}
    for folder in ("helper", "include"):
        base = os.path.join(root, folder)
        if not os.path.isdir(base):
            continue
        for path in lint.files(root, ".c", ".h", under=(folder,)):
            name = os.path.relpath(path, base).replace(os.sep, "/")
            found[name] = lint.read(path)
    return found


def includes(text, known, source):
    """The files of ours that text includes, by their paths in known."""
    here = os.path.dirname(source)
    for name in INCLUDE.findall(text):
        beside = os.path.normpath(os.path.join(here, name))
        if name in known:
            yield name
        elif beside in known:
            yield beside


def may_include(source, target):
    own, other = floor_of(source), floor_of(target)
    if own == "tracker":
        return other == own or other in TRACKER
    if own not in FLOORS or other not in FLOORS:
        return False
    if FLOORS.index(other) > FLOORS.index(own):
        return False
    if own == "public":
        return True
    one, two = runtime_of(source), runtime_of(target)
    if one and two and one != two:
        return False
    # The interface of runtimes knows none of them.
    return not (own == "runtime" and not one and two) or \
        source == "runtime/registered.c"


def code_of(text):
    """The text without comments and literals; lines stay."""
    def blank(match):
        return " " + "\n" * match[0].count("\n")
    text = text.replace('extern "C" {', "")
    return re.sub(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"', blank, text,
                  flags=re.S)


def defined(code):
    """Names of the functions that are defined at the left margin."""
    names = set()
    for match in DEFINITION.finditer(code):
        depth, at = 1, match.end()
        while at < len(code) and depth:
            depth += {"(": 1, ")": -1}.get(code[at], 0)
            at += 1
        if re.match(r"\s*\{", code[at:]):
            names.add(match[1])
    return names


def bodies(code):
    """What stands between braces: declarations outside use nothing."""
    parts, depth, start = [], 0, 0
    for match in re.finditer(r"[{}]", code):
        if match[0] == "{":
            if not depth:
                start = match.end()
            depth += 1
        elif depth:
            depth -= 1
            if not depth:
                parts.append(code[start:match.start()])
    return "\n".join(parts)


def is_slow_half(header, source):
    stem, suffix = os.path.splitext(header)
    return suffix == ".h" and source == stem + ".c"


def use(known):
    """Which file uses which."""
    code = {name: code_of(text) for name, text in known.items()}
    home, graph = {}, {}
    for name in known:
        for function in defined(code[name]):
            home.setdefault(function, set()).add(name)
    for name, text in known.items():
        used = graph.setdefault(name, set(includes(text, known, name)))
        for word in set(WORD.findall(bodies(code[name]))):
            where = home.get(word, ())
            if len(where) == 1 and not is_slow_half(name, *where):
                used.update(where)
        used.discard(name)
    return graph


def circles(graph):
    """Strongly connected components of more than one file."""
    index, low, stack, on, found = {}, {}, [], set(), []

    def visit(start):
        work = [(start, iter(sorted(graph[start])))]
        index[start] = low[start] = len(index)
        stack.append(start)
        on.add(start)
        while work:
            node, rest = work[-1]
            for other in rest:
                if other not in index:
                    index[other] = low[other] = len(index)
                    stack.append(other)
                    on.add(other)
                    work.append((other, iter(sorted(graph[other]))))
                    break
                if other in on:
                    low[node] = min(low[node], index[other])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == index[node]:
                    part = set()
                    while node not in part:
                        part.add(stack.pop())
                    on.difference_update(part)
                    if len(part) > 1:
                        found.append(part)

    for node in sorted(graph):
        if node not in index:
            visit(node)
    return found


def check(root, _build):
    complaints = []
    known = sources(root)
    for source, text in sorted(known.items()):
        if floor_of(source) not in FLOORS + ("tracker",):
            complaints.append("%s: %s is no floor" %
                              (source, floor_of(source)))
        complaints += ["%s must not include \"%s\"" % (source, target)
                       for target in sorted(set(includes(text, known, source)))
                       if not may_include(source, target)]
    complaints += ["a circle of files: " + ", ".join(sorted(part))
                   for part in circles(use(known))]
    return complaints


def spoil(root):
    lint.write(root, "helper/base/low.c", '#include "answer/high.h"\n')
    lint.write(root, "helper/answer/high.h", "\n")
    lint.write(root, "helper/graph/one.h", '#include "graph/two.h"\n')
    lint.write(root, "helper/graph/two.h", '#include "one.h"\n')
    lint.write(root, "helper/base/call.c",
               "int rs_a(void)\n{\n\treturn rs_b();\n}\n")
    lint.write(root, "helper/base/back.c",
               "static int x;\nint\nrs_b(void)\n{\n\treturn rs_a();\n}\n")
    lint.write(root, "include/refscope/a.h", '#include "answer/high.h"\n')


def expected(complaints):
    """Each of the faults that spoil() made is found."""
    text = "\n".join(complaints)
    return all(word in text for word in (
        'base/low.c must not include "answer/high.h"',
        "a circle of files: graph/one.h, graph/two.h",
        "a circle of files: base/back.c, base/call.c",
        'refscope/a.h must not include "answer/high.h"'))


if __name__ == "__main__":
    lint.run(check, spoil, expected)
