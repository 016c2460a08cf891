# SPDX-License-Identifier: MIT
"""Two threads that read one core: no data race, as ThreadSanitizer sees it.

Takes a core that is large enough for them (fixtures/python/large.py) and asks
everything of it (fuzz_core.c, with nothing spoilt).
"""
import os
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
                env=dict(os.environ, TSAN_OPTIONS="halt_on_error=1",
                         REFSCOPE_FUZZ_READ="1"))
        self.assertEqual(done.returncode, 0, done.stdout[-6000:])
        self.assertIn("1 answered, 0 refused, 0 failed", done.stdout)


if __name__ == "__main__":
    unittest.main()
