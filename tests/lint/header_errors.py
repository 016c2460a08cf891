# SPDX-License-Identifier: MIT
"""A header says which errors each function can return.

Looked at is what returns `struct rs_error *`: functions, operations, callbacks.
Their comment, or the one that heads their group (lines without an empty one
between), names a code (RS_ENOMEM), has "Errors", or says of which operation
(runtime.h) it is one: that one's comment names them. Or a comment says once
which those of "All rs_answer_*():" are.
"""
import re

import lint

DECLARATION = re.compile(
    r"^\t*(?!return\b)[\w (,)]*?\bstruct rs_error \*\s*(?:\(\*)?(\w+)\)?\(",
    re.M)
SAYS = re.compile(r"\bErrors\b|\bRS_E[A-Z]+\b|\b[Oo]p(?:eration)?s?\b")
COMMENT = re.compile(r"/\*.*?\*/", re.S)
ALL = re.compile(r"\bAll (rs_[^:]*):.*\bErrors\b", re.S)


def comment_of(text, at):
    """The last comment above position at, up to the empty line before."""
    found = COMMENT.findall(text[text.rfind("\n\n", 0, at) + 1:at])
    return found[-1] if found else ""


def check(root, _build):
    complaints = []
    for path in lint.files(root, ".h", under=("helper", "include")):
        text = lint.read(path)
        alike = tuple(
            name for comment in COMMENT.findall(text)
            for all_of in ALL.findall(comment)
            for name in re.findall(r"(rs_\w+_)\*\(\)", all_of))
        for match in DECLARATION.finditer(text):
            if not match[1].startswith(alike) and \
                    not SAYS.search(comment_of(text, match.start())):
                complaints.append("%s:%d: which errors %s() returns is not "
                                  "said" % (path, text.count(
                                      "\n", 0, match.start(1)) + 1, match[1]))
    return complaints


def spoil(root):
    lint.write(root, "helper/base/bad.h", """
/* All rs_ask_*(): Errors: RS_ENOMEM. */

struct rs_error *rs_ask_me(void);

/** Errors: RS_ENOMEM. */
struct rs_error *rs_good(void);
RS_MUST_CHECK struct rs_error *
rs_good_too(int a);

/** Something. Error: of some kind. */
RS_MUST_CHECK struct rs_error *
rs_bad(int a);

RS_MUST_CHECK struct rs_error *rs_bare(void);
/** Errors: RS_EIO. */
RS_MUST_CHECK struct rs_error *rs_said(void);
/** Nothing. */
typedef struct rs_error *(*rs_bad_fn)(int a);
struct rs_ops {
\t/** Does it. */
\tstruct rs_error *(*bad_op)(int a);
};
""")


def expected(complaints):
    return [c.split(": ", 1)[1].split("()")[0].split()[-1]
            for c in complaints] == ["rs_bad", "rs_bare", "rs_bad_fn",
                                     "bad_op"]


if __name__ == "__main__":
    lint.run(check, spoil, expected)
