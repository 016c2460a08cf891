# SPDX-License-Identifier: MIT
"""unittest with an end: what hangs is told before CTest kills it silently.

    python3 -m bounded SECONDS test_module...
"""
import faulthandler
import sys
import unittest

if __name__ == "__main__":
    faulthandler.dump_traceback_later(int(sys.argv[1]), exit=True)
    unittest.main(module=None, argv=["unittest", "-v", *sys.argv[2:]])
