# SPDX-License-Identifier: MIT
"""The engine's whole collection of a core beside the process's own.

    bench.py --engine FILE [--python FILE]... [--number N]... [--large]
    bench.py --engine FILE [--python FILE]... --exact
    bench.py --engine FILE [--python FILE]... --images [--number N]
    bench.py --engine FILE [--python FILE]... --conditions [--number N]

For each interpreter and number of tracked objects: makes the heap, has GDB
write a core, and then in turn lets a fresh process open the core and collect
offline, and the interpreter collect. Prints seconds, their ratio, objects a
second and bytes an object. --large adds 10 million objects, --check fails
when the engine finds another number of unreachable objects.

--exact: of a core of 400 thousand objects with a million references between
them, by the kernel where it writes cores here and by GDB, the same collection
with refs exact on, off and auto, in turns: every type asked in an image of
the core (to take 0.1 s at most), all read (twice that at most), and what is
done unless told.

--images: of cores of about 1 GB (or of N objects), by the kernel, which an
image can map, and by GDB, which it has to copy from: how long until an image
is ready (to take 10 ms, and 0.5 s a GB, at most), a first and a second refs
eval of nothing, and a first and a second collection with every type asked,
in turns. What is first of all finds no memory that this machine had in use
just now; where a host has to find it, that is most of the time.

--conditions: a process of N objects under GDB, and hits per second of a
breakpoint with the condition 0 beside one with $refs_count of a name, and of
an address, in turns (to add half of what a hit takes with 0, at most).
"""
import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "support"))
from targets import Target, quiet_environment  # noqa: E402

TURNS = 4
LIMIT = 20  # entries of the answer: as the command prints
NODES = 80000  # of nodes.py
EXACT_TURNS = 9
IMAGES_NUMBER = 4500000
IMAGES_TURNS = 3


class Sampler(threading.Thread):
    """Peak of what this process holds beside mapped files, in bytes."""

    def __init__(self):
        super().__init__(daemon=True)
        self.first = self.peak = self.now()

    @staticmethod
    def now():
        with open("/proc/self/status") as status:
            for line in status:
                if line.startswith("RssAnon:"):
                    return 1024 * int(line.split()[1])
        return 0

    def run(self):
        while True:
            self.peak = max(self.peak, self.now())
            time.sleep(0.002)


def memory_turn(core):
    """In a fresh process: open, collect, say what that took of memory."""
    import engine
    engine.VALIDATE = False
    sampler = Sampler()
    sampler.start()
    with engine.Session(core) as session:
        session.collect(limit=LIMIT)
    print(json.dumps({"bytes": sampler.peak - sampler.first}))


def engine_turn(core, exact):
    """In a fresh process: open, collect, say how long that took."""
    import engine
    engine.VALIDATE = False
    start = time.perf_counter()
    with engine.Session(core, exact=exact) as session:
        opened = time.perf_counter()
        answer = session.collect(limit=LIMIT)
        end = time.perf_counter()
        print(json.dumps({"open": opened - start, "collect": end - opened,
                          "seconds": end - start,
                          "unreachable": answer["unreachable"],
                          "learned": answer["learned"]}))


def run_engine(core, what="--turn", exact="auto"):
    done = subprocess.run([sys.executable, "-B", __file__, what, core,
                           "--how", exact],
                          stdout=subprocess.PIPE, env=quiet_environment(),
                          check=True, timeout=3600)
    return json.loads(done.stdout)


def images_turn(core):
    """In a fresh process: two evals and two asks; when the images began."""
    import engine
    engine.VALIDATE = False
    told = {"ready": [], "eval": [], "ask": [], "unreachable": []}
    with engine.Session(core, exact="off") as session:
        for _ in range(2):
            start = time.perf_counter()
            answer = session.eval("None")
            told["eval"].append(time.perf_counter() - start)
            told["ready"].append(answer["ready_us"] / 1e6)
    for _ in range(2):
        start = time.perf_counter()
        with engine.Session(core, exact="on") as session:
            answer = session.collect(limit=LIMIT)
            told["ask"].append(time.perf_counter() - start)
        told["unreachable"].append(answer["unreachable"])
        if answer["learned"] != "asked":
            raise SystemExit("%s was not asked" % core)
    print(json.dumps(told))


def read_all(path):
    """Into the page cache."""
    with open(path, "rb", 0) as core:
        while core.read(1 << 24):
            pass


def load(folder, name):
    with open(os.path.join(folder, name)) as text:
        return json.load(text)


def measure(python, number):
    """Turns of the engine and of the interpreter on one heap."""
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as folder, \
            Target([python, "-B", os.path.join(HERE, "heap.py"), str(number)],
                   folder) as target:
        target.wait_ready()
        core = target.gcore()
        read_all(core)
        engine, interpreter = [], []
        for turn in range(TURNS):
            engine.append(run_engine(core))
            target.go_on()
            if turn < TURNS - 1:
                target.wait_ready()
            else:
                target.wait_exit()
            interpreter.append(load(folder, "collect.%d.json" % turn))
        engine[0].update(run_engine(core, "--memory-turn"))
        return load(folder, "heap.json"), engine, interpreter


def cores_of(python, script, number, folder):
    """By kind, of a process of the script, which makes so much."""
    with Target([python, "-B", os.path.join(HERE, script), str(number)],
                folder) as target:
        target.wait_ready()
        cores = {"core by GDB": target.gcore()}
        os.kill(target.pid, signal.SIGABRT)
        target.wait_exit()
        kernel = target.kernel_core()
        if kernel:
            cores["core by the kernel"] = kernel
    return cores


def measure_exact(python, nodes):
    """The core's kind and, by value of refs exact, the turns with it."""
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as folder:
        cores = cores_of(python, "nodes.py", nodes, folder)
        for kind, core in sorted(cores.items(), reverse=True):
            read_all(core)
            turns = {"on": [], "off": [], "auto": []}
            for _ in range(EXACT_TURNS):
                for exact, each in turns.items():
                    each.append(run_engine(core, exact=exact))
            yield kind, size_of(core), turns


def measure_images(python, number):
    """By kind of core: its bytes, and the turns."""
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as folder:
        cores = cores_of(python, "heap.py", number, folder)
        turns = {kind: [] for kind in cores}
        for core in cores.values():
            read_all(core)
        for _ in range(IMAGES_TURNS):
            for kind, each in turns.items():
                each.append(run_engine(cores[kind], "--images-turn"))
        return {kind: (os.path.getsize(cores[kind]), each)
                for kind, each in turns.items()}


def show_images(python, measured):
    """Whether all found the same."""
    found = set()
    for kind, (size, turns) in sorted(measured.items(), reverse=True):
        print("%s, %s of %.2f GB:" % (python, kind, size / 1e9))
        for what, name in (("ready", "image ready in"), ("eval", "refs eval"),
                           ("ask", "all asked in")):
            first, second = (median([t[what][n] for t in turns])
                             for n in range(2))
            print("  %-14s %8.4f s, %8.4f s the second time (%.4f and %.4f "
                  "s/GB), %.4f s first of all" % (
                      name, first, second, first / size * 1e9,
                      second / size * 1e9, turns[0][what][0]), flush=True)
        found |= {n for t in turns for n in t["unreachable"]}
    typical = {kind: median([n for t in turns for n in t["ask"]])
               for kind, (_, turns) in measured.items()}
    if len(typical) > 1:
        print("  asking the core by GDB takes %.2f of the kernel's" % (
            typical["core by GDB"] / typical["core by the kernel"]))
    return len(found) == 1


def size_of(core):
    import engine
    with engine.Session(core, exact="off") as session:
        return session.verify(limit=1)


def show_exact(python, kind, size, turns):
    print("%s, %s: %d objects, %d references told, image ready in %.1f ms, "
          "walked in %.1f" % (python, kind, size["objects"],
                              size["references"], size["ready_us"] / 1e3,
                              size["walk_us"] / 1e3))
    for exact, name in (("on", "asked"), ("off", "read"), ("auto", "auto")):
        all_turns = sorted(t["seconds"] for t in turns[exact])
        typical = median(all_turns)
        print("  %-5s %.3f s (best %.3f), %.2f million objects/s, %.2f of "
              "asked" % (name, typical, all_turns[0],
                         size["objects"] / typical / 1e6,
                         typical / median([t["seconds"]
                                           for t in turns["on"]])),
              flush=True)
    found = {t["unreachable"] for each in turns.values() for t in each}
    asked = {t["learned"] for t in turns["on"]}
    return len(found) != 1 or asked != {"asked"}


def median(numbers):
    return sorted(numbers)[len(numbers) // 2]


def show(python, heap, engine, interpreter):
    tracked = heap["tracked"]
    ours = median([t["seconds"] for t in engine])
    first = interpreter[0]["seconds"]
    steady = median([t["seconds"] for t in interpreter[1:]])
    held = engine[0]["bytes"]
    print("%s: %d tracked, heap %d MiB\n"
          "  gc.collect() first %.3f s, steady %.3f s\n"
          "  engine %.3f s (open %.3f, collect %.3f), %.2f of the first\n"
          "  %.2f million objects/s, %.0f bytes/object, %.2f of the heap\n"
          "  unreachable: %d, gc.collect() found %d" % (
              python, tracked, heap["resident_kib"] // 1024, first, steady,
              ours, median([t["open"] for t in engine]),
              median([t["collect"] for t in engine]), ours / first,
              tracked / ours / 1e6, held / tracked,
              held / 1024 / heap["resident_kib"],
              engine[0]["unreachable"], interpreter[0]["collected"]),
          flush=True)
    return ours / tracked


HITS = """
import os, sys, time
class K: pass
kept = [K() for _ in range(int(sys.argv[1]))]
L = []
least = 1e9
for _ in range(int(sys.argv[2])):
    start = time.perf_counter()
    for _ in range(WINDOW):
        os.getppid()
    least = min(least, time.perf_counter() - start)
print("took", least / WINDOW, flush=True)
"""
WINDOW = 50  # hits; on a busy machine a few are left alone, never all
CONDITIONS = (
    ("0", "0"),
    ("name", '$refs_count("__main__.L") > 99'),
    ("address", "$refs_count(&_Py_NoneStruct) == 0"),
)


def hit_seconds(python, number, hits, condition):
    """Seconds a hit, by the process's own clock: the least of windows."""
    sourced = os.path.join(HERE, "..", "..", "gdb", "refscope-gdb.py")
    with tempfile.NamedTemporaryFile("w", suffix=".py") as program:
        program.write(HITS.replace("WINDOW", str(WINDOW)))
        program.flush()
        done = subprocess.run(
            ["gdb", "-nx", "-batch", "-iex", "set debuginfod enabled off",
             "-ex", "source " + sourced, "-ex", "set breakpoint pending on",
             "-ex", "break getppid if " + condition, "-ex", "run",
             "--args", python, "-I", "-S", program.name, str(number),
             str(hits // WINDOW)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, encoding="utf-8", check=False,
            timeout=900, env=quiet_environment())
    found = [line for line in done.stdout.splitlines()
             if line.startswith("took ")]
    if not found:
        raise SystemExit(done.stdout)
    return float(found[0].split()[1])


def measure_conditions(python, number, hits):
    best = dict.fromkeys((name for name, _ in CONDITIONS), 1e9)
    for _ in range(TURNS):
        for name, condition in CONDITIONS:
            best[name] = min(best[name],
                             hit_seconds(python, number, hits, condition))
    for name, seconds in best.items():
        print("%s: %d objects, condition %s: %.0f hits/s, adds %.2f" % (
            python, number, name, 1 / seconds, seconds / best["0"] - 1))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--engine", default=os.environ.get("REFSCOPE_ENGINE"))
    parser.add_argument("--python", action="append", default=[])
    parser.add_argument("--number", action="append", type=int, default=[])
    parser.add_argument("--large", action="store_true")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--exact", action="store_true")
    parser.add_argument("--images", action="store_true")
    parser.add_argument("--conditions", action="store_true")
    parser.add_argument("--hits", type=int, default=5000,
                        help=argparse.SUPPRESS)
    parser.add_argument("--nodes", type=int, default=NODES,
                        help=argparse.SUPPRESS)
    parser.add_argument("--how", default="auto", help=argparse.SUPPRESS)
    parser.add_argument("--turn", help=argparse.SUPPRESS)
    parser.add_argument("--memory-turn", help=argparse.SUPPRESS)
    parser.add_argument("--images-turn", help=argparse.SUPPRESS)
    args = parser.parse_args()
    os.environ["REFSCOPE_ENGINE"] = args.engine
    if args.turn:
        return engine_turn(args.turn, args.how)
    if args.memory_turn:
        return memory_turn(args.memory_turn)
    if args.images_turn:
        return images_turn(args.images_turn)
    wrong = False
    if args.exact:
        for python in args.python or [sys.executable]:
            for found in measure_exact(python, args.nodes):
                wrong |= show_exact(python, *found)
        return int(args.check and wrong)
    if args.images:
        for python in args.python or [sys.executable]:
            for number in args.number or [IMAGES_NUMBER]:
                wrong |= not show_images(python,
                                         measure_images(python, number))
        return int(args.check and wrong)
    if args.conditions:
        for python in args.python or [sys.executable]:
            for number in args.number or [1000000]:
                measure_conditions(python, number, args.hits)
        return 0
    numbers = args.number or [1000000]
    for python in args.python or [sys.executable]:
        each = []
        for number in numbers + ([10000000] if args.large else []):
            heap, engine, interpreter = measure(python, number)
            each.append(show(python, heap, engine, interpreter))
            wrong |= (engine[0]["unreachable"] !=
                      interpreter[0]["collected"])
        if len(each) > 1:
            print("%s: seconds an object, largest to smallest heap: %.2f" % (
                python, each[-1] / each[0]))
    return int(args.check and wrong)


if __name__ == "__main__":
    sys.exit(main())
