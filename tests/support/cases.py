# SPDX-License-Identifier: MIT
"""A TestCase for each interpreter."""
import unittest


def make(namespace, mixin, found, base=unittest.TestCase, after="", **members):
    """For each interpreter in `found` add a class to `namespace`, a module's
    globals(): of `mixin` and `base`, named after the mixin and the interpreter
    (Zoo_3_11_7, then `after`), with it as `interpreter` and these `members`."""
    for one in found:
        name = "%s_%s%s" % (mixin.__name__, one.name, after)
        namespace[name] = type(name, (mixin, base), dict(
            members, interpreter=one, __module__=namespace["__name__"]))
