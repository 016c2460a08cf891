# SPDX-License-Identifier: MIT
"""A process that was looked at goes on, and not one byte of it has changed.

Every byte of its writable private memory is compared. The one thing that
anybody writes there is the kernel, into the restartable sequence area of each
thread: the target runs without one.
"""
import hashlib
import os
import tempfile
import unittest

import cases
import debugger
import interpreters
from targets import FIXTURES, Limit, Target, python

COMMANDS = [
    "refs info", "refs types", "refs gc", "refs collect", "refs cycles",
    "refs cycles -alive -limit 3", "refs garbage", "refs count {0}",
    "refs show {0}", "refs reachable {0}", "refs referrers {0}",
    "refs why {0}", "refs export jsonl {1}/x.jsonl",
    "refs export dot {1}/x.dot", "print $refs_count({0})",
    "print $refs_unexplained({0})", "print $refs_reachable({0})",
    "print $refs_garbage({0})"]


def writable_private(pid):
    """Ranges of /proc/PID/maps with w and p."""
    with open("/proc/%d/maps" % pid) as maps:
        for line in maps:
            words = line.split(None, 5)
            if words[1][1] == "w" and words[1][3] == "p":
                yield [int(a, 16) for a in words[0].split("-")]


def checksums(pid):
    """A digest of each range, by its start."""
    found = {}
    with open("/proc/%d/mem" % pid, "rb", 0) as memory:
        for start, end in writable_private(pid):
            memory.seek(start)
            digest = hashlib.sha256()
            while start < end:
                data = memory.read(min(1 << 20, end - start))
                digest.update(data)
                start += len(data)
            found[end] = digest.hexdigest()
    return found


class Unharmed:
    """Mixed into a TestCase for each interpreter."""
    interpreter = None

    def test_it_is_as_it_was(self):
        with tempfile.TemporaryDirectory() as folder, Target(
                ["/usr/bin/env", "GLIBC_TUNABLES=glibc.pthread.rseq=0",
                 *python(self.interpreter.path, os.path.join(
                     FIXTURES, "kept_by_traceback.py"), "last")],
                folder) as target:
            address = target.wait_ready()[0]
            commands = [c.format(address, folder) for c in COMMANDS]
            target.stop()
            before = checksums(target.pid)
            typed = debugger.run(target.pid, commands + ["detach"])
            target.stop()
            after = checksums(target.pid)
            target.resume()
            for number, command in enumerate(commands):
                self.assertTrue(typed.parts[number].strip(), command)
            self.assertEqual(typed.status, 0, typed.text[-2000:])
            self.assertTrue(before)
            self.assertEqual(before, after)
            self.assertEqual(target.finish(), 0)


class Checksums(unittest.TestCase):
    def test_a_changed_byte_is_seen(self):
        with tempfile.TemporaryDirectory() as folder, Target(
                ["/usr/bin/env", "cat"], folder) as target:
            target.go_on()
            with Limit(target.process, 60, "no line came back"):
                target.process.stdout.readline()
            target.stop()
            before = checksums(target.pid)
            start = next(iter(writable_private(target.pid)))[0]
            with open("/proc/%d/mem" % target.pid, "r+b", 0) as memory:
                memory.seek(start)
                byte = memory.read(1)[0]
                memory.seek(start)
                memory.write(bytes([byte ^ 1]))
            self.assertNotEqual(before, checksums(target.pid))
            target.resume()


cases.make(globals(), Unharmed, interpreters.find())


if __name__ == "__main__":
    unittest.main()
