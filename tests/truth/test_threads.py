# SPDX-License-Identifier: MIT
"""What many threads made, on every interpreter, held against the truth."""
import unittest

import interpreters
from test_zoo import Zoo


class Threads(Zoo):
    program = ["threads.py"]
    # Nothing but rings of what each thread made, its class among them.
    least_collected = 40

    def check_collection(self, name):
        super().check_collection(name)
        self.assertGreaterEqual(self.truth.collect["collected"],
                                self.least_collected)


class Alone(Threads):
    """No thread but the first: where 3.13 without the GIL defers counts."""
    program = ["threads.py", "alone"]
    least_collected = 20


FOUND = interpreters.find()
for one in FOUND:
    for family in (Threads, Alone):
        name = "%s_%s" % (family.__name__, one.name)
        globals()[name] = type(name, (family, unittest.TestCase),
                               {"interpreter": one})


if __name__ == "__main__":
    unittest.main()
