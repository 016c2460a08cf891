# SPDX-License-Identifier: MIT
"""Commands given at random moments of a process, and what is seen of it from
outside before and after."""
import os
import re
import subprocess

import targets

# A command, or its refusal in one line; then the program runs for a little.
_GIVE = """python
import gdb, time
from refscope import running
def give(command, seconds):
    try:
        print("DONE " + gdb.execute(command, to_string=True).strip())
    except gdb.error as error:
        print("REFUSED " + str(error))
    with running.Winch():
        running.run(running.Ran(), time.monotonic() + seconds, lambda: False)
end
"""


def ignored(line):
    """A mapping of executable memory that every process has."""
    return "/" in line or "[v" in line


def outside(pid):
    """What can be seen of a process: is to be the same afterwards."""
    def status(name, every=False):
        return sorted(
            line.split(":")[1].strip() for text in
            targets.fields_of(pid, "status", every)
            for line in text.splitlines() if line.startswith(name + ":"))

    with open("/proc/%d/maps" % pid, encoding="utf-8") as maps:
        code = [line for line in maps
                if line.split()[1][2] == "x" and not ignored(line)]
    children = [p for p, parent in targets.processes("DRSTtZ").items()
                if parent == pid]
    return {
        "descriptors": sorted(os.listdir("/proc/%d/fd" % pid)),
        "threads": len(os.listdir("/proc/%d/task" % pid)),
        "blocked": status("SigBlk", True), "pending": status("SigPnd", True),
        "shared": status("ShdPnd"), "tracer": status("TracerPid", True),
        "children": children, "code": code,
        "stopped": targets.states_of(pid, True) & set("tTZ"),
    }


def stops(pid, folder, commands, rng, gdb, options=()):
    """GDB attaches, gives each command at a moment of its own, and detaches.
    What it printed."""
    script = os.path.join(folder, "commands")
    with open(script, "w", encoding="utf-8") as file:
        file.write(_GIVE)
        for command in commands:
            file.write("python give(%r, %f)\n" % (command, rng.random() / 50))
    return targets.bare_gdb([*options, "-p", str(pid)], [
        "source " + gdb, "source " + script, "detach"])


def given(shown):
    """("DONE" or "REFUSED", the line) of each command."""
    return re.findall(r"(?m)^(DONE|REFUSED) (.*)$", shown)


class Server:
    """gdbserver, attached to a process."""

    def __init__(self, pid):
        self.process = subprocess.Popen(
            ["gdbserver", "--once", "--attach", "127.0.0.1:0", str(pid)],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE, universal_newlines=True)
        self.address = None
        with targets.Limit(self.process, 60, "gdbserver did not listen"):
            for line in self.process.stderr:
                found = re.match(r"Listening on port (\d+)", line)
                if found:
                    self.address = "127.0.0.1:" + found.group(1)
                    break

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        with targets.Limit(self.process, 60, "gdbserver did not end"):
            self.process.stderr.read()
            self.process.wait()
        self.process.stderr.close()
