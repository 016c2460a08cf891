# SPDX-License-Identifier: MIT
"""Processes to look at, stopped, and their cores."""
import ctypes
import glob
import os
import re
import resource
import signal
import subprocess
import time

ROOT = os.path.realpath(os.path.join(os.path.dirname(__file__), "..", ".."))
LARGEST_CORE = 1 << 33
# Neither is how long it takes: a loaded machine fails no test, and what hangs
# ends all the same.
GDB_SECONDS = 1200
STATE_SECONDS = 300
LIBC = ctypes.CDLL(None)
PR_SET_PDEATHSIG = 1
FIXTURES = os.path.join(ROOT, "fixtures", "python")


def quiet_environment():
    """Ours less what would change another process."""
    env = {k: v for k, v in os.environ.items()
           if k not in ("LD_PRELOAD", "PYTHONHOME", "PYTHONPATH")}
    env.update(PYTHONDONTWRITEBYTECODE="1", LC_ALL="C.UTF-8")
    return env


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
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()
        self.errors.close()

    @property
    def pid(self):
        return self.process.pid

    def wait_ready(self):
        """Words after READY and the PID."""
        for line in self.process.stdout:
            line = line.decode().rstrip("\n")
            self.printed.append(line)
            if line.startswith("READY "):
                wait_for_state(self.pid, "S")  # out of write(), in read()
                return line.split()[2:]
        self.errors.seek(0)
        raise AssertionError("%s ended: %s" % (
            " ".join(self.command), self.errors.read().decode()[-2000:]))

    def go_on(self):
        self.process.stdin.write(b"\n")
        self.process.stdin.flush()

    def finish(self):
        """Let it run to its end; exit status and all that it printed."""
        rest = self.process.communicate(b"\n\n\n")[0]
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
        shown = bare_gdb(["-p", str(self.pid)], ["gcore " + path])
        if not os.path.exists(path):
            raise AssertionError(shown)
        return path

    def kernel_core(self):
        """The core that the kernel wrote of a copy, or None."""
        found = [c for c in glob.glob(os.path.join(self.folder, "core*"))
                 if not c.endswith(".gdb")]
        return found[0] if found else None


def bare_gdb(target, commands):
    """What a GDB without refscope printed; never with a sanitizer's library
    before it, which may leave it hanging in setlocale() (gdb 13.1, gcc 12)."""
    words = ["gdb", "-nx", "-batch", *target]
    for command in commands:
        words += ["-ex", command]
    done = subprocess.run(
        words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, env=quiet_environment(), check=False,
        preexec_fn=_limit_core, timeout=GDB_SECONDS)
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
