# SPDX-License-Identifier: MIT
"""Two threads that read one core: no data race, as ThreadSanitizer sees it.

Takes a core that is large enough for them (fixtures/python/large.py) and asks
everything of it (fuzz_core.c, with nothing spoilt), the code in it too.
"""
import glob
import os
import re
import subprocess
import sys
import tempfile
import unittest

import targets

SECONDS = 600


class Races(unittest.TestCase):
    def test_every_question_of_a_large_core(self):
        script = os.path.join(targets.FIXTURES, "large.py")
        with tempfile.TemporaryDirectory() as folder:
            with targets.Target(targets.python(sys.executable, script),
                                folder) as target:
                target.wait_ready()
                core = target.gcore()
            done = targets.run(
                [os.environ["REFSCOPE_FUZZ_CORE"], core, "none", "session",
                 "1", "1"], SECONDS, stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT, encoding="utf-8", errors="replace",
                env=dict(os.environ, TSAN_OPTIONS="halt_on_error=1"))
        self.assertEqual(done.returncode, 0, done.stdout[-6000:])
        self.assertIn("1 answered, 0 refused, 0 failed", done.stdout)

    def test_a_child_that_shares_memory_has_nothing_of_a_sanitizer(self):
        # It would change what a sanitizer keeps of the thread that started it,
        # beside that thread: races are then told where there are none.
        for name in ("supervisor.c.o", "confine.c.o"):
            path, = glob.glob(os.path.join(
                os.environ["REFSCOPE_BUILD"], "helper", "sandbox", "CMakeFiles",
                "*", name))
            used = targets.run(["nm", "-u", path], 60, encoding="ascii",
                               stdout=subprocess.PIPE).stdout
            found = re.findall(r"__(?:tsan|asan|ubsan)_\w+", used)
            self.assertEqual([f for f in found if not re.search(
                r"_init$|_version_|(un)?register_globals", f)], [])


if __name__ == "__main__":
    unittest.main()
