# SPDX-License-Identifier: MIT
"""What the documents name exists: paths, functions, links.

Looked at is what stands in `backquotes` in every .md file of the project,
outside of fenced blocks, and the targets of links.

- A path, or the end of one, must be a file or a folder of the tree. `*` and
  words in CAPITALS stand for anything (`tests/unit/FLOOR/test_NAME.c`).
- `name()`, and any word that starts with rs_ or RS_, must be in the code, not
  only in its comments. `Class.method()` must be a method of ours when the
  class is ours; otherwise it belongs to somebody else (`gc.collect()`).
- In a table whose rows begin with a file, the functions of the second column
  must be in that file.
"""
import fnmatch
import os
import re

import lint

CODE = (".c", ".h", ".def", ".py", ".in")
ENDS = CODE + (".md", ".json", ".cmake", ".gdb", ".out", ".lds", ".txt")
FENCE = re.compile(r"^(```|~~~).*?^\1[^\n]*$", re.M | re.S)
SPAN = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)\s]*)?\)")
PATH = re.compile(r"[\w.*+-]+(?:/[\w.*+-]+)*/?")
CALL = re.compile(r"(?<!\$)\b(?:(\w+)\.)?(\w+)\(\)")
OURS = re.compile(r"\b(?:rs_(?![A-Z])|RS_)\w+")
COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.S)
PLACEHOLDER = re.compile(r"(?<![A-Za-z])[A-Z]+(?![A-Za-z])")
NO_PLACEHOLDERS = {"README", "CHANGELOG", "CONTRIBUTING", "LICENSE", "RECIPE"}


class Tree:
    """Every path of the project, and the words of its code."""

    def __init__(self, root):
        self.paths, self.code = set(), {}
        for path in lint.files(root, ""):
            name = os.path.relpath(path, root).replace(os.sep, "/")
            self.paths.add(name)
            folder = os.path.dirname(name)
            while folder:
                self.paths.add(folder)
                folder = os.path.dirname(folder)
            if name.endswith(CODE):
                self.code[name] = words(name, lint.read(path))
        self.words = set().union(*self.code.values()) if self.code else set()

    def find(self, path):
        """The paths that path is, or is the end of."""
        path = path.rstrip("/")
        found = self._match(path)
        if not found:
            found = self._match(PLACEHOLDER.sub(
                lambda m: m[0] if m[0] in NO_PLACEHOLDERS else "*", path))
        return found

    def _match(self, path):
        if "*" not in path:
            return [p for p in self.paths
                    if p == path or p.endswith("/" + path)]
        return [p for p in self.paths if fnmatch.fnmatchcase(p, path) or
                fnmatch.fnmatchcase(p, "*/" + path)]


def words(name, text):
    """Identifiers of code without comments; "f(" of what is called or made.

    Of Python also "Class.method(" for the classes of the file."""
    if not name.endswith(".py"):
        text = COMMENT.sub(" ", text)
        return set(re.findall(r"\b\w+\b", text)) | \
            set(re.findall(r"\b\w+\(", text))
    found = set(re.findall(r"\b\w+\b", text)) | \
        {n + "(" for n in re.findall(r"\b(?:def|class) (\w+)", text)}
    owner = None
    for line in text.splitlines():
        top = re.match(r"(class )?(\w+)", line)
        if top:
            owner = re.match(r"class (\w+)", line)
        method = re.match(r"\s+def (\w+)", line)
        if method and owner:
            found |= {owner[1] + "." + method[1] + "(", "class " + owner[1]}
    return found


def is_path(span):
    if not PATH.fullmatch(span) or span in ENDS or \
            span.startswith((".build", "..")):
        return False
    return "/" in span.strip("/") or span.endswith(ENDS + ("/",))


def missing_in(span, known, called="("):
    """Of one span the names of code that known does not have.

    called "": a function that is only mentioned counts too."""
    for owner, name in CALL.findall(span):
        if name.startswith("rs_") and name[3:4].isupper():
            continue  # a pattern: rs_NOUN_VERB()
        if owner and "class " + owner not in known:
            continue
        wanted = owner + "." + name + "(" if owner else name + called
        if wanted not in known:
            yield span
    for name in OURS.findall(span):
        if name + "()" not in span and name not in known and \
                not name.endswith("_"):
            yield name


def rows(text, tree):
    """(path, functions) of each row of a table that begins with a file."""
    for line in text.splitlines():
        cells = line.split("|")
        if len(cells) < 4 or cells[0].strip():
            continue
        first, second = SPAN.findall(cells[1]), SPAN.findall(cells[2])
        files = [p for s in first if is_path(s) for p in tree.find(s)
                 if p in tree.code]
        if len(first) == 1 and len(files) == 1:
            yield files[0], [s for s in second if s.endswith("()")]


def check(root, _build):
    tree = Tree(root)
    complaints = []
    for path in lint.files(root, ".md"):
        where = os.path.relpath(path, root)
        text = FENCE.sub("", lint.read(path))
        spans = SPAN.findall(text)
        gone = [s for s in spans if is_path(s) and not tree.find(s)]
        for span in spans:
            if not is_path(span):
                gone += missing_in(span, tree.words)
        complaints += ["%s: `%s` is not in the tree" % (where, g)
                       for g in dict.fromkeys(gone)]
        complaints += ["%s: the link %s leads nowhere" % (where, target)
                       for target in LINK.findall(text) if ":" not in target
                       and not os.path.exists(
                           os.path.join(os.path.dirname(path), target))]
        for file, functions in rows(text, tree):
            known = tree.code[file] | {
                w for w in tree.words if w.startswith("class ")}
            complaints += ["%s: `%s` is not in %s" % (where, f, file)
                           for f in functions
                           if any(missing_in(f, known, ""))]
    return complaints


def spoil(root):
    lint.write(root, "helper/base/a.c", "// rs_gone()\nint rs_here(void);\n")
    lint.write(root, "helper/base/b.c", "int rs_other(void);\n")
    lint.write(root, "gdb/c.py", "class C:\n    def have(self): pass\n")
    lint.write(root, "helper/README.md", """
`base/a.c` and `helper/base/LETTER.c` are here, `base/z.c` is not.
`rs_here()`, `C.have()`, `gc.collect()` are; `rs_gone()`, `C.lack()` are not.
A [link](base/y.c).

| file | functions |
| --- | --- |
| `b.c` | `rs_other()`, `rs_here()` |
""")


def expected(complaints):
    return sorted(complaints) == [
        "helper/README.md: `C.lack()` is not in the tree",
        "helper/README.md: `base/z.c` is not in the tree",
        "helper/README.md: `rs_gone()` is not in the tree",
        "helper/README.md: `rs_here()` is not in helper/base/b.c",
        "helper/README.md: the link base/y.c leads nowhere",
    ]


if __name__ == "__main__":
    lint.run(check, spoil, expected)
