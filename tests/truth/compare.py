# SPDX-License-Identifier: MIT
"""What the engine exported, held against what the interpreter said."""
import collections
import json
import os

# A count above this is that of an immortal object.
IMMORTAL = 1 << 28

# Looking up attributes, as the observer does, puts their names into the cache
# of the types in place of others: each a reference more or less. That many
# strings may differ by that much.
CACHED_NAMES = 8
CACHED_TIMES = 2


class Export:
    """The lines of `refs export jsonl`."""

    def __init__(self, path, known=None):
        """known: a dict that exports of one heap share, which say nearly the
        same: each line is then read once, and its rows are one object, that
        nobody may change."""
        known = {} if known is None else known
        with open(path, encoding="utf-8") as lines:
            self.header = json.loads(next(lines))
            self.objects = {}
            for line in lines:
                row = known.get(line)
                if row is None:
                    row = known[line] = json.loads(line)
                self.objects[int(row["id"], 16)] = row

    def of(self, address, kind):
        return [int(r[0], 16) for r in self.objects[address]["out"]
                if r[1] == kind]

    def tracked(self):
        return {a for a, row in self.objects.items()
                if row["gc"] == "tracked" and
                self.is_python(row)}

    @staticmethod
    def is_python(row):
        return row.get("runtime", "cpython") == "cpython"

    def unreachable(self):
        return {a for a, row in self.objects.items() if row["unreachable"]}


class Truth:
    def __init__(self, folder):
        def load(name):
            with open("%s/%s.json" % (folder, name)) as text:
                return json.load(text)
        said = load("truth")
        self.version = said["version"].split()[0]
        self.own = set(said["own"])
        self.objects = {int(a): row for a, row in said["objects"].items()}
        self.collect = load("collect")
        self.unreachable = set(load("unreachable")["unreachable"])
        self.stats = load("stats")["stats"]
        self.merged, self.uses = {}, {}
        if os.path.exists(os.path.join(folder, "merged.json")):
            said = load("merged")
            self.merged = {int(a): n for a, n in said["counts"].items()}
            self.uses = {int(a): n for a, n in said["uses"].items()}

    def rows(self, tracked):
        """address, type, count, referents of what nobody else disturbs."""
        for address, (kind, count, refs, is_tracked) in self.objects.items():
            if is_tracked == tracked and address not in self.own:
                yield address, kind, count, refs


class Differences:
    """Counted by type, with one example of each."""

    def __init__(self):
        self.total = 0
        self.equal = 0
        self.by_type = collections.Counter()
        self.examples = {}

    def same(self):
        self.total += 1
        self.equal += 1

    def differ(self, kind, example):
        self.total += 1
        self.by_type[kind] += 1
        self.examples.setdefault(kind, example)

    @property
    def share(self):
        return self.equal / self.total if self.total else 0.0

    def __str__(self):
        return "\n".join(
            ["%d of %d equal (%.3f %%)" % (self.equal, self.total,
                                           100 * self.share)] +
            ["  %6d %s: %s" % (n, kind, self.examples[kind])
             for kind, n in self.by_type.most_common()])


def names(truth, export, address, refs):
    """Types and labels of the references of one object, for a person."""
    labels = collections.defaultdict(list)
    for r in export.objects[address]["out"]:
        labels[int(r[0], 16)].append("/".join(str(w) for w in r[1:]))
    said = []
    for r, n in refs.items():
        kind = truth.objects.get(r, ["?"])[0]
        said.append("%d x <%s %#x>%s" % (
            n, kind, r, " told as " + ", ".join(labels[r])
            if r in labels else ""))
    return "; ".join(said[:6]) or "nothing"


def told(export, address):
    """Addresses that the object's traverse function would tell of.

    Two kinds of object tell of what they do not own, so that the export calls
    it weak: the dict of interned strings (tracked from 3.14 on), whose two
    references to each were taken off the count again (and which, as every
    dict with str keys alone, does not tell of its keys), and the tuples that
    3.11 has in its executable, whose references were never counted.
    """
    row = export.objects[address]
    found = export.of(address, "strong")
    if row["type"] in ("dict", "tuple"):
        found += [int(r[0], 16) for r in row["out"]
                  if r[1] == "weak" and not r[2].startswith("key ")]
    return found


def references(truth, export, tracked):
    """Differences(missing or extra), Differences(extra alone)."""
    every, extra_only = Differences(), Differences()
    for address, kind, _count, refs in truth.rows(tracked):
        row = export.objects.get(address)
        if row is None:
            every.differ(kind, "<%s %#x> is not there" % (kind, address))
            continue
        have = told(export, address)
        if sorted(refs) == sorted(have):
            every.same()
            extra_only.same()
            continue
        want, have = collections.Counter(refs), collections.Counter(have)
        missing, extra = want - have, have - want
        text = "<%s %#x> lacks %s; has besides %s" % (
            kind, address, names(truth, export, address, missing),
            names(truth, export, address, extra))
        every.differ(kind, text)
        if extra:
            extra_only.differ(kind, text)
        else:
            extra_only.same()
    return every, extra_only


def counts(truth, export):
    """Counts as told and as said.

    Free-threaded 3.14 counts classes, code and dicts of modules by thread, and
    what frames have of that not at all: sys.getrefcount() knows neither
    (Python/uniqueid.c; Include/internal/pycore_stackref.h).
    """
    found = Differences()
    excused = 0
    for tracked in (True, False):
        for address, kind, count, _refs in truth.rows(tracked):
            row = export.objects.get(address)
            if row is None:
                continue
            told = row["count"]
            count = truth.merged.get(address, count)
            if told == (None if count > IMMORTAL else count):
                found.same()
            elif told is not None and \
                    0 < told - count <= truth.uses.get(address, 0):
                found.same()
            elif excused < CACHED_NAMES and told is not None and \
                    count <= IMMORTAL and kind == "str" and \
                    abs(told - count) <= CACHED_TIMES:
                excused += 1
            else:
                found.differ(kind, "<%s %#x>: %s, is %d" % (
                    kind, address, told, count))
    return found


def membership(truth, export):
    """Tracked according to one and not to the other."""
    said = {a for a, row in truth.objects.items() if row[3]}
    found = export.tracked()
    return (said - found - truth.own, found - said - truth.own)


def without_evidence(row):
    """A line without what test_ledger.py holds to: a core of the same stop may
    differ in evidence. Registers are in cores only, C stacks change while the
    core is made, and a core's types confirm what is guessed of a process."""
    return row and dict(row, places=None, evidence=None, unexplained=None)


def unlike(one, other):
    """Lines that differ between two exports, a few of them, both ways.

    A test that holds two heaps against each other has no use for a diff of
    all their lines, which takes minutes to make.
    """
    most = 5
    told = []
    for address in sorted(set(one.objects) | set(other.objects)):
        rows = [without_evidence(export.objects.get(address))
                for export in (one, other)]
        if rows[0] != rows[1]:
            told.append("%#x: %s, but %s" % (address, rows[0], rows[1]))
        if len(told) == most:
            break
    return "\n".join(told)
