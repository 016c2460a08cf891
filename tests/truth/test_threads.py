# SPDX-License-Identifier: MIT
"""What many threads made, on every interpreter, held against the truth."""
import unittest

import cases
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
cases.make(globals(), Threads, interpreters.one_of_each(FOUND))
cases.make(globals(), Alone, interpreters.ends(FOUND) + [
    one for one in FOUND if one.flavour.split("-")[0] == "t"])


if __name__ == "__main__":
    unittest.main()
