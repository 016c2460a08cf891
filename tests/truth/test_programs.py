# SPDX-License-Identifier: MIT
"""Programs of the distribution's packages: a live process, a core by GDB and
one by the kernel, all of the same stop, say the same.

`.ci/setup programs` installs them; what is not there is skipped by name. What
may differ: what is about the source itself, and what depends on types of which
a process does not say what they tell the collector. Those the answer names, and
what the others say is then within its bounds.
"""
import glob
import os
import signal
import socket
import subprocess
import tempfile
import time
import unittest

import engine
from targets import (FIXTURES, NO_DEBUG_FILES, STATE_SECONDS, Target, bare_gdb,
                     processes, wait_for_state)

PROGRAMS = os.path.join(os.path.dirname(FIXTURES), "programs")
PYTHON = "/usr/bin/python3"
# About the source, or about how it was looked at.
OF_THE_SOURCE = {"source", "pid", "method", "not_traversed", "problems",
                 "learned", "asked", "unasked", "traversed", "uncertain",
                 "age_ms", "ran_ms"}
# What depends on guesses, which a core settles by asking the types: only where
# the answer says that it does.
BY_GUESSES = {"info.references", "collect.unreachable", "collect.returns",
              "collect.decides", "collect.objects"}
OF_ONE_COUNT = {"count", "unexplained", "object", "weak"}


def request(folder, path):
    """One over the program's socket, as soon as it listens."""
    end = time.monotonic() + STATE_SECONDS
    while True:
        try:
            with socket.socket(socket.AF_UNIX) as client:
                client.settimeout(STATE_SECONDS)
                client.connect(os.path.join(folder, "socket"))
                client.sendall(b"GET %s HTTP/1.0\r\nHost: x\r\n\r\n" %
                               path.encode())
                while client.recv(4096):
                    pass
                return
        except (FileNotFoundError, ConnectionError):
            if time.monotonic() > end:
                raise
            time.sleep(0.05)


def web(folder):
    for path in "/", "/", "/ready":
        request(folder, path)


def repository(folder):
    """What Mercurial works on."""
    place = os.path.join(folder, "repository")
    hg = ["hg", "--config", "ui.username=x", "-R", place]
    quiet = dict(check=True, timeout=STATE_SECONDS, cwd=folder,
                 stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    subprocess.run(["hg", "init", place], **quiet)
    for number in range(10):
        with open(os.path.join(place, "file%d" % number), "w") as out:
            out.write("%d\n" % number)
        subprocess.run([*hg, "commit", "-A", "-q", "-m", "c%d" % number],
                       **quiet)


def write(name, *lines):
    def prepare(folder):
        with open(os.path.join(folder, name), "w") as out:
            out.write("\n".join(lines) + "\n")
    return prepare


class Program:
    def __init__(self, needs, command, before=None, after=None, **env):
        """needs: a file without which it is not here, "import NAME" of the
        distribution's Python. before and after it starts: called with its
        folder."""
        self.needs, self.command = needs, command
        self.before, self.after, self.env = before, after, env

    def is_here(self):
        if not self.needs.startswith("import "):
            return bool(glob.glob(self.needs))
        return not subprocess.run(
            [PYTHON, "-c", self.needs], stderr=subprocess.DEVNULL,
            timeout=STATE_SECONDS).returncode


def script(name):
    return [PYTHON, "-B", os.path.join(PROGRAMS, name)]


KNOWN = {
    "gunicorn": Program(
        "/usr/bin/gunicorn",
        [PYTHON, "-B", "/usr/bin/gunicorn", "-w", "1", "-b", "unix:socket",
         "web:app"], after=web),
    "gevent": Program("import gevent", script("with_gevent.py")),
    "twisted": Program("import twisted.web", script("with_twisted.py")),
    "ipython": Program(
        "import IPython",
        [PYTHON, "-B", "-m", "IPython", "--simple-prompt", "--colors=NoColor",
         "-i", os.path.join(PROGRAMS, "with_ipython.py")]),
    "mercurial": Program(
        "/usr/bin/hg",
        [PYTHON, "-B", "/usr/bin/hg", "-R", "repository", "--config",
         "extensions.wait=" + os.path.join(PROGRAMS, "hg_extension.py"),
         "wait"], before=repository),
    "supervisor": Program(
        "/usr/bin/supervisord",
        [PYTHON, "-B", "/usr/bin/supervisord", "-n", "-c", "conf"],
        before=write(
            "conf", "[supervisord]", "logfile=log", "pidfile=pid",
            "childlogdir=.", "[unix_http_server]", "file=socket",
            "[rpcinterface:supervised]",
            "supervisor.rpcinterface_factory = supervised:make",
            "[program:sleeps]", "command=/bin/sleep 3600")),
    "gi": Program("import gi", script("with_gi.py")),
    "celery": Program(
        "import celery",
        [PYTHON, "-B", "-m", "celery", "-A", "tasks", "worker", "-P", "solo",
         "--without-gossip", "--without-mingle"]),
    "ansible": Program(
        "/usr/bin/ansible-playbook",
        [PYTHON, "-B", "/usr/bin/ansible-playbook", "-i", "localhost,", "-c",
         "local", "play.yml"],
        before=write(
            "play.yml", "- hosts: all", "  gather_facts: false", "  tasks:",
            "    - set_fact: {a: '{{ range(20) | list }}'}",
            "    - debug: {var: a}"),
        ANSIBLE_CALLBACK_PLUGINS=os.path.join(PROGRAMS, "callback_plugins"),
        ANSIBLE_CALLBACKS_ENABLED="waits", ANSIBLE_LOCAL_TEMP="local",
        ANSIBLE_PYTHON_INTERPRETER=PYTHON),
    "pandas": Program("import scipy.sparse, pandas", script("with_pandas.py")),
    "uwsgi": Program(
        "/usr/lib/uwsgi/plugins/python3*_plugin.so",
        ["uwsgi", "--plugins", "python3", "--http-socket", "socket",
         "--wsgi", "web"], after=web),
    "vim": Program(
        "/usr/bin/vim.nox",
        ["vim.nox", "-es", "-u", "NONE", "-c",
         "py3file " + os.path.join(PROGRAMS, "in_vim.py")]),
}


def ready_process(folder, target):
    """The PID that the program said, when each of its threads rests."""
    end = time.monotonic() + STATE_SECONDS
    path = os.path.join(folder, "ready")
    while not os.path.exists(path):
        if target.process.poll() is not None or time.monotonic() > end:
            with open(os.path.join(folder, "stderr"), errors="replace") as text:
                raise AssertionError("it is not ready: " + text.read()[-2000:])
        time.sleep(0.05)
    with open(path) as text:
        pid = int(text.read())
    wait_for_state(pid, "S", every=True)
    return pid


def end_children(pid):
    """Those of a process that is about to be killed; none of others."""
    parents = processes()
    found, added = {pid}, {pid}
    while added:
        added = {p for p, parent in parents.items() if parent in added}
        found |= added
    for one in found - {pid}:
        try:
            os.kill(one, signal.SIGKILL)
        except ProcessLookupError:
            pass


def cores(pid, folder):
    """One by GDB and one by the kernel, if it leaves any."""
    core = os.path.join(folder, "core.gdb")
    shown = bare_gdb([*NO_DEBUG_FILES, "-p", str(pid)],
                     ["gcore " + core, "set scheduler-locking on",
                      # It was stopped by a SIGSTOP, which comes once more.
                      "signal SIGABRT", "signal SIGABRT"])
    if not os.path.exists(core):
        raise AssertionError(shown)
    found = [c for c in glob.glob(os.path.join(folder, "core*"))
             if not c.endswith(".gdb")]
    return core, found[0] if found else None


def answers(source):
    """What is compared: by name, without what is about the source."""
    with engine.Session(source) as session:
        found = {"info": session.info(), "types": session.types(),
                 "collect": session.collect(), "gc": session.gc()}
        for name in ("builtins.None", "builtins.type", "sys.modules",
                     "program.Node", "program.ring"):
            found["count " + name] = session.count(session.resolve(name))
    return found


def asked(program, folder):
    """Answers of the process, of GDB's core and of the kernel's, or None."""
    if program.before:
        program.before(folder)
    command = ["env", "PYTHONPATH=" + PROGRAMS, "HOME=" + folder, "TERM=dumb",
               *map("=".join, program.env.items()), *program.command]
    with Target(command, folder) as target:
        try:
            if program.after:
                program.after(folder)
            pid = ready_process(folder, target)
            os.kill(pid, signal.SIGSTOP)
            wait_for_state(pid, "tT", every=True)
            live = answers(pid)
            by_gdb, by_kernel = cores(pid, folder)
        finally:
            end_children(target.pid)
    return live, answers(by_gdb), by_kernel and answers(by_kernel)


def uncertain(answer):
    """Types that the answer names, and the bounds that it gives."""
    told = answer.get("uncertain") or {}
    return ({one["type"] for one in told.get("types", ())},
            told.get("unreachable"))


def is_settled(path):
    """Whether it may differ where types leave something uncertain."""
    first, _, member = path.partition(".")
    return path.split("[")[0] in BY_GUESSES or \
        first == "types" and member.endswith("].unreachable") or \
        first.startswith("count ") and \
        member.split(".")[0].split("[")[0] not in OF_ONE_COUNT


def unlike(one, other):
    """differences() of all answers."""
    return [difference for name in one
            for difference in differences(one[name], other[name], name)]


def differences(first, second, path=""):
    """[(where, one, other)] of what is not about the source."""
    if isinstance(first, dict) and isinstance(second, dict):
        return [one for key in sorted(set(first) | set(second))
                if key not in OF_THE_SOURCE
                for one in differences(first.get(key), second.get(key),
                                       "%s.%s" % (path, key))]
    if isinstance(first, list) and isinstance(second, list) and \
            len(first) == len(second):
        return [one for i, pair in enumerate(zip(first, second))
                for one in differences(*pair, "%s[%d]" % (path, i))]
    return [] if first == second else [(path, first, second)]


class Programs(unittest.TestCase):
    maxDiff = 4000

    def parity(self, name):
        program = KNOWN[name]
        if not program.is_here():
            self.skipTest("%s is not installed (.ci/setup programs)" % name)
        with tempfile.TemporaryDirectory() as folder:
            live, by_gdb, by_kernel = asked(program, folder)
        with self.subTest(core="gdb"):
            self.compare(live, by_gdb)
        if by_kernel:
            with self.subTest(core="kernel"):
                self.compare(live, by_kernel)
            with self.subTest(core="both"):
                self.assertEqual(unlike(by_gdb, by_kernel), [])

    def compare(self, live, core):
        collect = core["collect"]
        types, bounds = uncertain(live["collect"])
        unlikely = unlike(live, core)
        if bounds:
            unlikely = [one for one in unlikely if not is_settled(one[0])]
        self.assertEqual(unlikely, [])
        self.assertEqual(uncertain(collect), (set(), None))
        self.assertGreaterEqual(collect["unreachable"], 60)
        if not bounds:
            return
        self.assertTrue(types)
        within(self, collect["unreachable"], bounds)
        for number in collect["returns"]:
            within(self, number, live["collect"]["returns"])


def within(test, number, bounds):
    test.assertLessEqual(bounds[0], number)
    test.assertGreaterEqual(bounds[1], number)


for _name in KNOWN:
    setattr(Programs, "test_" + _name,
            lambda self, name=_name: self.parity(name))


if __name__ == "__main__":
    unittest.main()
