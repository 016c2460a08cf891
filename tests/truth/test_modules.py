# SPDX-License-Identifier: MIT
"""Modules of 3.15 that have no definition: what they hold, and what they tell.

Their functions and the size of their state are in the module object, and no
table of ours knows the state of a stranger's. Of a core the module's own
traverse function is asked; live, the words of its state are guesses.
"""
import os
import subprocess
import tempfile
import unittest

import cases
import compare
import engine
import interpreters
from targets import Target, python, quiet_environment

HERE = os.path.dirname(os.path.abspath(__file__))
SECONDS = 60
SCRIPT = """
import gc, os, sys
sys.path.insert(0, sys.argv[1])
import exported_module as m
said = [id(m), id(m.visited), id(m.hidden)] + [
    id(one) for one in gc.get_referents(m)]
print("READY %d %s" % (os.getpid(), " ".join(map(str, said))))
sys.stdout.flush()
sys.stdin.readline()
"""


class Modules:
    interpreter = None

    def setUp(self):
        place = tempfile.TemporaryDirectory()
        self.addCleanup(place.cleanup)
        self.folder = place.name
        subprocess.run(
            [os.environ.get("CC", "cc"), "-std=gnu99", "-shared", "-fPIC",
             "-o", os.path.join(self.folder, "exported_module.so"),
             os.path.join(HERE, "exported_module.c")], check=True,
            timeout=SECONDS, env=quiet_environment())

    def edges(self, source):
        path = os.path.join(self.folder, "export")
        with engine.Session(source) as session:
            session.export(path)
            counts = [session.count(one) for one in self.held]
        export = compare.Export(path)
        return {kind: export.of(self.module, kind)
                for kind in ("strong", "owned", "guess")}, counts

    def test_its_own_functions_are_asked(self):
        command = python(self.interpreter.path, "-c", SCRIPT, self.folder)
        with Target(command, self.folder) as target:
            said = [int(word) for word in target.wait_ready()]
            self.module, self.held, told = said[0], said[1:3], said[3:]
            target.stop()
            live = self.edges(target.pid)
            target.resume()
            core = self.edges(target.gcore())
            target.finish()
        visited, hidden = self.held
        self.assertIn(visited, told)
        self.assertNotIn(hidden, told)
        self.assertEqual(sorted(core[0]["strong"]), sorted(told))
        self.assertNotIn(hidden, core[0]["owned"])
        for edges, counts in (live, core):
            self.assertIn(hidden, edges["guess"])
            for one in counts:
                # The name, the state, and neither too often.
                self.assertEqual((one["count"], one["unexplained"]), (2, 0))


cases.make(globals(), Modules, [
    one for one in interpreters.find()
    if one.release >= [3, 15] and not one.flavour])


if __name__ == "__main__":
    unittest.main()
