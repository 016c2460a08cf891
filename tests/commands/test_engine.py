# SPDX-License-Identifier: MIT
"""The binding says of the engine what include/refscope/engine.h says."""
import ctypes
import os
import re
import sys
import tempfile
import unittest

import paths

sys.path.insert(0, paths.PACKAGES)

from refscope import VERSION  # noqa: E402
from refscope.core import engine as rs  # noqa: E402

ENGINE = os.environ["REFSCOPE_ENGINE"]
KINDS = {
    "uint64_t": ctypes.c_uint64,
    "uint32_t": ctypes.c_uint32,
    "size_t": ctypes.c_size_t,
    "int": ctypes.c_int,
    "pid_t": ctypes.c_int,
    "bool": ctypes.c_bool,
    "rs_read_fn": rs.ReadCallback,
}


def declared():
    """Name and parameter types of each entry of the header."""
    path = os.path.join(paths.ROOT, "include", "refscope", "engine.h")
    with open(path, encoding="utf-8") as file:
        text = re.sub(r"/\*.*?\*/", " ", file.read(), flags=re.S)
    found = {}
    for name, words in re.findall(r"\b(rs_\w+)\s*\(([^()]*)\);", text):
        found[name] = [re.sub(r"\s*\b\w+$", "", " ".join(w.split())).strip()
                       for w in words.split(",")]
    return found


def kind(words):
    """The ctypes type that a parameter must have, None for any pointer."""
    return KINDS.get(words) if "*" not in words else None


class Binding(unittest.TestCase):
    def setUp(self):
        self.engine = rs.Engine(ENGINE)

    def test_every_answer_is_bound_as_declared(self):
        names = [n for n in declared() if re.match(
            "rs_(answer|number|export|session_open)_", n)]
        self.assertGreater(len(names), 15)
        for name in names:
            with self.subTest(name):
                function = getattr(self.engine.lib, name)
                words = declared()[name]
                self.assertIsNotNone(function.argtypes)
                self.assertEqual(len(function.argtypes), len(words))
                self.assertIs(function.restype, ctypes.c_void_p)
                for bound, word in zip(function.argtypes, words):
                    if kind(word):
                        self.assertIs(bound, kind(word), word)

    def test_structures_are_laid_out_as_declared(self):
        with tempfile.TemporaryDirectory() as folder:
            source = os.path.join(folder, "sizes.c")
            with open(source, "w", encoding="ascii") as file:
                file.write(
                    '#include "refscope/engine.h"\n#include <stdio.h>\n'
                    "int main(void) { printf(\"%zu %zu %zu %zu %zu %zu %zu "
                    "%zu %zu %zu %zu %zu %zu %zu %zu %zu %zu\",\n"
                    "sizeof(struct rs_range), offsetof(struct rs_range, prot),"
                    "\nsizeof(struct rs_open_options), offsetof(struct "
                    "rs_open_options, exact),\noffsetof(struct "
                    "rs_open_options, find_field_context),\n"
                    "sizeof(struct rs_debug_query), offsetof(struct "
                    "rs_debug_query, field),\nsizeof(struct rs_debug_field), "
                    "offsetof(struct rs_debug_field, pointer), "
                    "sizeof(struct rs_objects_options), "
                    "offsetof(struct rs_objects_options, limit),\n"
                    "sizeof(struct rs_act_request), offsetof(struct "
                    "rs_act_request, args), sizeof(struct rs_act_result), "
                    "offsetof(struct rs_act_result, back), offsetof(struct "
                    "rs_act_request, object), offsetof(struct rs_act_result, "
                    "listed)); }\n")
            program = os.path.join(folder, "sizes")
            self.assertEqual(os.system(
                f"cc -I{paths.ROOT}/include {source} -o {program}"), 0)
            with os.popen(program) as sizes:
                got = [int(n) for n in sizes.read().split()]
        self.assertEqual(got, [
            ctypes.sizeof(rs._Range), rs._Range.prot.offset,
            ctypes.sizeof(rs._OpenOptions), rs._OpenOptions.exact.offset,
            rs._OpenOptions.find_field_context.offset,
            ctypes.sizeof(rs._DebugQuery), rs._DebugQuery.field.offset,
            ctypes.sizeof(rs._DebugField), rs._DebugField.pointer.offset,
            ctypes.sizeof(rs.ObjectsOptions), rs.ObjectsOptions.limit.offset,
            ctypes.sizeof(rs.ActRequest), rs.ActRequest.args.offset,
            ctypes.sizeof(rs.ActResult), rs.ActResult.back.offset,
            rs.ActRequest.object.offset, rs.ActResult.listed.offset])

    def test_a_closed_session_is_an_error(self):
        session = rs.Session(rs.Engine(os.environ["REFSCOPE_DOUBLE"]),
                             rs.OpenOptions()).open_live(1)
        session.close()
        session.close()  # does nothing
        session.engine = self.engine
        for name in rs._ANSWERS:
            words = [kind() if kind is not ctypes.c_char_p else "x"
                     for kind in rs._ANSWERS[name]]
            with self.subTest(name), \
                    self.assertRaises(rs.EngineError) as caught:
                session.answer(name, *words)
            self.assertEqual(caught.exception.code, rs.EARGUMENT)
            self.assertIn("the session is closed", str(caught.exception))
        for name in rs._NUMBERS + rs._NAMES:
            with self.subTest(name), \
                    self.assertRaises(rs.EngineError) as caught:
                session._number(name, 1 if name in rs._NUMBERS else "x")
            self.assertEqual(caught.exception.code, rs.EARGUMENT)
        with self.assertRaises(rs.EngineError) as caught:
            session.renew()
        self.assertEqual(caught.exception.code, rs.EARGUMENT)

    def test_an_engine_of_another_release_is_refused(self):
        os.environ["DOUBLE_ABI"] = "7"
        self.addCleanup(os.environ.pop, "DOUBLE_ABI")
        with self.assertRaises(rs.Misfit) as caught:
            rs.Engine(os.environ["REFSCOPE_DOUBLE"])
        self.assertRegex(str(caught.exception),
                         r"different releases: \S+ is refscope 0\.1\.0 "
                         r"\(interface 7\), the commands need interface \d+; "
                         r"install both")
        self.assertNotIn("\n", str(caught.exception))

    def test_the_version_is_ours(self):
        self.assertEqual(self.engine.version, VERSION)


class Fields(unittest.TestCase):
    """What the engine gets to hear of a field."""

    def ask(self, find_field, build_id=b"\1\2"):
        options = rs.OpenOptions(find_field=find_field)
        query = rs._DebugQuery(path=b"/lib/a", type=b"_object", field=b"x.y")
        if build_id:
            kept = ctypes.create_string_buffer(build_id, len(build_id))
            query.build_id = ctypes.addressof(kept)
            query.build_id_size = len(build_id)
        field = rs._DebugField()
        answer = options.raw.find_field(None, ctypes.byref(query),
                                        ctypes.byref(field))
        return answer, [getattr(field, name) for name, _ in field._fields_]

    def test_it_is_found(self):
        asked = []

        def find_field(*query):
            asked.append(query)
            return 8, 4, -1, 70, 3, True

        self.assertEqual(self.ask(find_field), (1, [8, 4, -1, 70, 3, True]))
        self.ask(find_field, None)
        self.assertEqual(asked, [("/lib/a", b"\1\2", "_object", "x.y"),
                                 ("/lib/a", None, "_object", "x.y")])

    def test_it_is_not_there(self):
        self.assertEqual(self.ask(lambda *_: None)[0], 0)

    def test_the_user_stops(self):
        def stop(*_):
            raise rs.Stop

        self.assertEqual(self.ask(stop)[0], -1)


class Errors(unittest.TestCase):
    def setUp(self):
        self.engine = rs.Engine(ENGINE)

    def open(self, **how):
        return rs.Session(self.engine, rs.OpenOptions(**how))

    def test_a_missing_core(self):
        with self.assertRaises(rs.EngineError) as caught:
            self.open().open_core("/nowhere/core")
        self.assertEqual(caught.exception.code, rs.EIO)
        self.assertIn("/nowhere/core", str(caught.exception))

    def test_not_a_core(self):
        for path in (__file__, "/bin/true"):
            with self.assertRaises(rs.EngineError) as caught:
                self.open().open_core(path)
            self.assertEqual(caught.exception.code, rs.EBAD)
            self.assertNotIn("\n", str(caught.exception))

    def test_a_callback_that_reads_nothing(self):
        asked = []

        def read(address, size):
            asked.append(address)
            return b""

        ranges = [rs.Range(0x10000, 0x20000, 0, None, 3)]
        with self.assertRaises(rs.EngineError) as caught:
            self.open().open_callback(read, ranges)
        self.assertIn(caught.exception.code, (rs.ENOTFOUND, rs.EBAD, rs.EIO))
        self.assertTrue(all(0x10000 <= a < 0x20000 for a in asked))

    def test_a_name_that_is_not_utf8(self):
        with self.assertRaises(rs.EngineError):
            self.open(sysroot="/\udcff").open_core("/\udcff")


if __name__ == "__main__":
    unittest.main()
