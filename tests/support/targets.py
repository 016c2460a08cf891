# SPDX-License-Identifier: MIT
"""Processes to look at, stopped, and their cores."""
import contextlib
import ctypes
import glob
import mmap
import os
import re
import resource
import signal
import struct
import subprocess
import tempfile
import threading
import time

ROOT = os.path.realpath(os.path.join(os.path.dirname(__file__), "..", ".."))
LARGEST_CORE = 1 << 33
# Limits, not expectations: each is many times what a busy machine needs, and
# what hangs ends with one line that names it.
GDB_SECONDS = 300  # one GDB, from its start to its end
READY_SECONDS = 300  # from a target's start to its READY
STATE_SECONDS = 120  # until a process is in the wanted state
EXIT_SECONDS = 300  # until a process that was told to end has ended
AT_PAGESZ = 6  # elf.h
LIBC = ctypes.CDLL(None)
PR_SET_PDEATHSIG = 1
FIXTURES = os.path.join(ROOT, "fixtures", "python")
# For a GDB that is not about debug information: that of packages (python3-dbg,
# libc6-dbg) costs it a second of processor at each start.
NO_DEBUG_FILES = ("-iex", "set debug-file-directory /nonexistent")


def quiet_environment():
    """Ours less what would change another process."""
    env = {k: v for k, v in os.environ.items()
           if k != "LD_PRELOAD" and not k.startswith("PYTHON")}
    env.update(PYTHONDONTWRITEBYTECODE="1", LC_ALL="C.UTF-8")
    return env


class TooLong(AssertionError):
    """Something did not happen within its limit; the text says what."""


class Limit:
    """Kills a process that is still busy after some seconds.

    with Limit(process, seconds, what) as limit:
        ...  # reads from the process; sees its end when it is killed

    Leaving the block raises TooLong when the limit was hit.
    """

    def __init__(self, process, seconds, what):
        self.process, self.seconds, self.what = process, seconds, what
        self.hit = False
        self.timer = threading.Timer(seconds, self._end)
        self.timer.daemon = True

    def _end(self):
        self.hit = True
        self.process.kill()

    def __enter__(self):
        self.timer.start()
        return self

    def __exit__(self, *_error):
        self.timer.cancel()
        if self.hit:
            raise TooLong("%s within %d s; it was killed" % (
                self.what, self.seconds))


def run(words, seconds, **how):
    """subprocess.run() with a limit that fails in one line."""
    try:
        return subprocess.run(words, timeout=seconds, check=False, **how)
    except subprocess.TimeoutExpired:
        raise TooLong("no end within %d s: %s" % (
            seconds, " ".join(map(str, words))[:300])) from None


def python(path, *script):
    """The words that run a script on the interpreter at `path`, isolated.

    Nothing of site-packages or of the user's is seen: a .pth file there may
    import anything. As -I -S, which 2.7 does not have, but with the script's
    own folder to import from; quiet_environment() has no PYTHON variables.
    """
    return [path, "-s", "-S", "-B", *script]


@contextlib.contextmanager
def started(interpreter, script, *words):
    """A Target: a script of FIXTURES, isolated, in a folder of its own."""
    with tempfile.TemporaryDirectory() as folder, Target(
            python(interpreter.path, os.path.join(FIXTURES, script), *words),
            folder) as target:
        yield target


class Target:
    """A child that says "READY PID ..." and then waits for a line."""

    def __init__(self, command, folder):
        self.command = command
        self.folder = folder
        self.errors = open(os.path.join(folder, "stderr"), "w+b")
        self.process = subprocess.Popen(
            command, cwd=folder, env=quiet_environment(),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=self.errors, preexec_fn=_begin)
        self.printed = []
        self.ready = None

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(EXIT_SECONDS)
        self.process.stdin.close()
        self.process.stdout.close()
        self.errors.close()

    @property
    def pid(self):
        return self.process.pid

    def wait_ready(self, asleep=True):
        """Words after READY and the PID.

        asleep: wait until it rests after that. A target that never rests is
        busy all the time.
        """
        with Limit(self.process, READY_SECONDS, "%s did not say READY" %
                   " ".join(self.command)):
            found = self._read_ready()
        if found is not None:
            if asleep:
                wait_for_state(self.pid, "S")  # out of write(), in read()
            return found
        self.errors.seek(0)
        raise AssertionError("%s ended: %s" % (
            " ".join(self.command), self.errors.read().decode()[-2000:]))

    def _read_ready(self):
        for line in self.process.stdout:
            line = line.decode().rstrip("\n")
            self.printed.append(line)
            if line.startswith("READY "):
                return line.split()[2:]
        return None

    def wait_exit(self):
        """Exit status of a target that ends by itself, or was told to."""
        with Limit(self.process, EXIT_SECONDS, "%s did not end" %
                   " ".join(self.command)):
            return self.process.wait()

    def go_on(self):
        self.process.stdin.write(b"\n")
        self.process.stdin.flush()

    def finish(self, lines=b"\n\n\n"):
        """Let it run to its end; exit status and all that it printed."""
        with Limit(self.process, EXIT_SECONDS, "%s did not end" %
                   " ".join(self.command)):
            rest = self.process.communicate(lines)[0]
        self.printed += rest.decode().splitlines()
        self.errors.seek(0)
        self.printed += self.errors.read().decode().splitlines()
        return self.process.returncode

    def rest(self):
        """Wait until each thread is asleep, and none runs meanwhile.

        One that says it is ready may have been put aside before it waits.
        """
        before = None
        end = time.monotonic() + STATE_SECONDS
        while time.monotonic() < end:
            now = states_of(self.pid, every=True) == {"S"} and runs(self.pid)
            if now and now == before:
                return
            if states_of(self.pid) <= set("ZX"):
                break  # it has ended
            before = now
            time.sleep(0.05)
        raise AssertionError("process %d does not come to rest: %s" % (
            self.pid, before))

    def stop(self):
        os.kill(self.pid, signal.SIGSTOP)
        # Each thread stops when its turn comes, not all with the first.
        wait_for_state(self.pid, "tT", every=True)

    def resume(self):
        os.kill(self.pid, signal.SIGCONT)

    def gcore(self):
        """A core by GDB, of the process as it is."""
        path = os.path.join(self.folder, "core.gdb")
        shown = bare_gdb([*NO_DEBUG_FILES, "-p", str(self.pid)],
                         ["gcore " + path])
        if not os.path.exists(path):
            raise AssertionError(shown)
        return path

    def kernel_core(self):
        """The core that the kernel wrote of a copy, or None."""
        found = [c for c in glob.glob(os.path.join(self.folder, "core*"))
                 if not c.endswith(".gdb")]
        return found[0] if found else None


def with_pages(core, size):
    """A copy of a core, of the same path each time, that tells of pages of that
    size."""
    with open(core, "rb") as file:
        data = file.read()
    own = struct.pack("<QQ", AT_PAGESZ, mmap.PAGESIZE)
    if own not in data:
        raise AssertionError(core + " does not tell the size of a page")
    copy = core + ".pages"
    with open(copy, "wb") as file:
        file.write(data.replace(own, struct.pack("<QQ", AT_PAGESZ, size)))
    return copy


def bare_gdb(target, commands):
    """What a GDB without refscope printed.

    Never with a sanitizer's library preloaded, which may leave it hanging in
    setlocale() (gdb 13.1, gcc 12).
    """
    words = ["gdb", "-nx", "-batch", *target]
    for command in commands:
        words += ["-ex", command]
    done = run(
        words, GDB_SECONDS, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, env=quiet_environment(),
        preexec_fn=_limit_core)
    return done.stdout.decode("utf-8", "replace")


def _begin():
    """Not to outlive a test that is killed, and to leave a core."""
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    most = resource.getrlimit(resource.RLIMIT_CORE)[1]
    resource.setrlimit(resource.RLIMIT_CORE, (most, most))


def _limit_core():
    """A mistaken target must not fill the disk."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (LARGEST_CORE, LARGEST_CORE))


def fields_of(pid, name, every=False):
    """Text of that file in /proc, of the first thread or of every one."""
    found = []
    try:
        tasks = os.listdir("/proc/%d/task" % pid) if every else [str(pid)]
    except FileNotFoundError:
        tasks = []
    for task in tasks:
        try:
            with open("/proc/%d/task/%s/%s" % (pid, task, name)) as text:
                found.append(text.read())
        except (FileNotFoundError, ProcessLookupError):
            pass  # it has just ended
    return found


def states_of(pid, every=False):
    return {stat.rsplit(")", 1)[1].split()[0]
            for stat in fields_of(pid, "stat", every)}


def runs(pid):
    """What changes when one of the threads is given a processor."""
    return sorted(re.findall(r"(?m)^Pid:.*|^\w+_ctxt_switches:.*", status)
                  for status in fields_of(pid, "status", True))


def wait_for_state(pid, states, every=False):
    """Of the first thread, or of every one."""
    end = time.monotonic() + STATE_SECONDS
    while time.monotonic() < end:
        found = states_of(pid, every)
        if found and found <= set(states):
            return
        if states_of(pid) <= set("ZX"):
            break  # it has ended
        time.sleep(0.01)
    raise AssertionError("process %d is in state %s" % (
        pid, "".join(sorted(found)) or "none"))


def processes(states="DRSTt"):
    """By PID: the parent's. By default without what has ended and is not
    waited for."""
    parent = {}
    for path in glob.glob("/proc/[0-9]*/stat"):
        try:
            with open(path, encoding="utf-8", errors="replace") as file:
                pid, rest = file.read().rsplit(")", 1)
        except OSError:
            continue
        if rest.split()[0] in states:
            parent[int(pid.split()[0])] = int(rest.split()[1])
    return parent
