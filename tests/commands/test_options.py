# SPDX-License-Identifier: MIT
"""Options are read as GDB reads its own."""
import sys
import unittest

import paths

sys.path.insert(0, paths.PACKAGES)

from refscope.core.options import BadOption, Option, Options  # noqa: E402

OPTIONS = Options(
    (
        Option("limit", "", metavar="N", number=True, default=20),
        Option("list", ""),
        Option("sort", "", metavar="KEY", choices=("count", "bytes"),
               default="bytes"),
        Option("name", "", marks_operand=True),
        Option("json", ""),
    ),
    "OBJ",
)


class Parsing(unittest.TestCase):
    def check(self, text, operand="", **values):
        parsed = OPTIONS.parse(text)
        self.assertEqual(parsed.operand, operand)
        expected = dict(limit=20, list=False, sort="bytes", name=False,
                        json=False)
        expected.update(values)
        self.assertEqual(parsed.values, expected)

    def fail(self, text, message):
        with self.assertRaises(BadOption) as caught:
            OPTIONS.parse(text)
        self.assertEqual(str(caught.exception), message)

    def test_nothing_gives_the_defaults(self):
        self.check("")
        self.check("   ")

    def test_options_come_before_the_operand(self):
        self.check("-limit 5 -json obj", "obj", limit=5, json=True)

    def test_any_white_space_separates(self):
        self.check("-limit\t5   -json\tobj", "obj", limit=5, json=True)

    def test_the_operand_keeps_its_quotes_and_spaces(self):
        self.check("""-json *(T **) &f("a b")""", """*(T **) &f("a b")""",
                   json=True)

    def test_two_dashes_end_the_options(self):
        self.check("-json -- -x + 1", "-x + 1", json=True)
        self.check("-- x -json", "x -json")

    def test_a_unique_beginning_is_enough(self):
        self.check("-j -so count x", "x", json=True, sort="count")

    def test_a_beginning_of_two_options_is_refused(self):
        self.fail("-li x", "-li is ambiguous: -limit, -list")

    def test_options_may_follow_the_operand_in_full(self):
        self.check("obj -limit 5 -json", "obj", limit=5, json=True)
        self.check("a -j", "a -j")

    def test_a_verbatim_operand_keeps_what_looks_like_options(self):
        options = Options(OPTIONS.options, "CODE", verbatim=True)
        parsed = options.parse("-limit 5 obj -json")
        self.assertEqual(parsed.operand, "obj -json")
        self.assertFalse(parsed.values["json"])
        self.assertIsNone(options.complete("obj -js"))
        self.assertEqual(options.complete("-js"), ["-json"])

    def test_a_subtraction_stays_one(self):
        self.check("a - json", "a - json")
        self.check("a-json", "a-json")
        self.check("a -json b", "a -json b")

    def test_a_trailing_option_without_value_is_refused(self):
        self.fail("obj -limit", "-limit takes a number")

    def test_name_takes_the_operand_in_another_sense(self):
        self.check("-name m.d['a b'] -json", "m.d['a b']", name=True,
                   json=True)

    def test_an_unknown_option_is_told_with_the_known(self):
        self.fail("-foo", 'no option "-foo"; options are -limit, -list, '
                  "-sort, -name, -json (write -- before OBJ if that "
                  "starts with -)")

    def test_a_lone_dash_is_no_option(self):
        with self.assertRaises(BadOption):
            OPTIONS.parse("- x")

    def test_values_are_checked(self):
        self.fail("-limit x", '-limit takes a number, not "x"')
        self.fail("-limit -3", '-limit takes a number, not "-3"')
        self.fail("-limit", "-limit takes a number")
        self.fail("-sort size", '-sort takes count or bytes, not "size"')
        self.fail("-sort", "-sort takes count or bytes")
        self.fail("-limit 99999999999999999999999",
                  '-limit takes a number, not "99999999999999999999999"')

    def test_unlimited_is_nought(self):
        self.check("-limit unlimited", limit=0)


class Completing(unittest.TestCase):
    def check(self, text, expected):
        self.assertEqual(OPTIONS.complete(text), expected)

    def test_a_dash_offers_options(self):
        self.check("-", ["-limit", "-list", "-sort", "-name", "-json"])
        self.check("-li", ["-limit", "-list"])
        self.check("-limit 3 -j", ["-json"])
        self.check("obj -j", ["-json"])

    def test_an_option_offers_its_values(self):
        self.check("-sort ", ["count", "bytes"])
        self.check("-sort c", ["count"])
        self.check("-limit ", [])

    def test_the_operand_is_left_to_the_command(self):
        self.check("", None)
        self.check("-json ", None)
        self.check("-json ob", None)
        self.check("-limit 5 ob", None)
        self.check("-- -", None)


if __name__ == "__main__":
    unittest.main()
