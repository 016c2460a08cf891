# SPDX-License-Identifier: MIT
"""refs collect, cycles, garbage and gc as text."""
from __future__ import annotations

from typing import Any

from .. import text


# Why a collector has no way to free an object, as it says so itself.
_UNFREEABLE = {
    why: f": {why}" for why in ("no clear", "no release", "constant count")
}


def whose(one: dict[str, Any]) -> str:
    """One of several collectors: an interpreter's, or a library copy's."""
    if one.get("module") is None:
        return f"interpreter {one['id']}"
    return f"registry {one['id']} in {text.clean(one['module'])}"


def unseen(answer: dict[str, Any]) -> list[str]:
    """What is unreachable without any collector's knowing."""
    number = answer.get("unseen")
    if not number:
        return []
    return [
        f"({text.count(number, 'object')} unreachable that no collector "
        "finds: see refs cycles)"
    ]


def fates(objects: list[dict[str, Any]]) -> list[str]:
    """The lines that CPython's collector prints with debug flags set."""
    lines = []
    for thing in objects:
        freed = thing.get("why") == "freed"
        fate = "collectable" if freed else "uncollectable"
        reason = _UNFREEABLE.get(thing.get("why") or "", "")
        lines.append(f"gc: {fate} {text.name(thing)}{reason}")
    return lines


def compared(answer: dict[str, Any]) -> list[str]:
    """Whether what ran came to what was predicted."""
    lines = []
    if answer["predicted"] is None:
        lines.append("what it would come to cannot be predicted")
    elif not answer["differs"]:
        lines.append("as predicted")
    return lines + [text.clean(line) for line in answer["differs"]]


def collect(answer: dict[str, Any]) -> list[str]:
    lines = fates(answer["objects"])
    lines += text.more(
        len(answer["objects"]),
        answer.get("unreachable"),
        bool(answer.get("limited")),
    )
    lines += [
        f"{whose(one)}: {text.number(one['unreachable'])} "
        f"unreachable of {text.count(one['tracked'], 'object')} tracked"
        for key in ("interpreters", "registries")
        for one in answer.get(key) or ()
    ]
    lines.append(f"unreachable object num:{answer['unreachable']}")
    lines.append(f"garbage object num:{answer['garbage']}")
    low, high = answer.get("returns") or (0, 0)
    if low != high:
        lines.append(
            f"gc.collect() returns {text.number(low)} to {text.number(high)}, "
            f"depending on {text.clean(answer['decides'])}"
        )
    elif answer.get("freed_first"):
        lines.append(
            f"gc.collect() returns {text.number(low)}: "
            f"{text.count(answer['freed_first'], 'object')} of these "
            + ("is" if answer["freed_first"] == 1 else "are")
            + " freed before it counts"
        )
    return lines + unseen(answer)


def cycles(answer: dict[str, Any], alive: bool = False) -> list[str]:
    where = "among live objects" if alive else "in the garbage"
    if not answer["cycles_total"]:
        # Objects that were not read may form cycles: a line below says so.
        found = " found" if answer.get("unread") else ""
        return [f"no cycles{found} {where}"]
    lines = [
        f"{text.count(answer['cycles_total'], 'cycle')} {where}, "
        f"{text.count(answer['objects'], 'object')}"
    ]
    if answer["shapes_total"] < answer["cycles_total"]:
        lines[0] += f", {text.count(answer['shapes_total'], 'shape')}"
    if answer.get("unseen"):
        lines.append(
            f"(no collector finds {text.count(answer['unseen'], 'object')} of "
            "the garbage)"
        )
    for shape in answer["shapes"]:
        lines.append("")
        lines += _shape(shape, alive)
    rest = text.more(len(answer["shapes"]), answer["shapes_total"], False)
    return lines + ([""] + rest if rest else [])


def _shape(shape: dict[str, Any], alive: bool) -> list[str]:
    """The first of the cycles that are alike."""
    cycle = shape["cycle"]
    lines = [
        f"cycle {shape['number']}: {text.count(cycle['objects'], 'object')}, "
        f"{text.size(cycle['bytes'])}"
    ]
    if shape["cycles"] > 1:
        lines.append(
            f"  and {shape['cycles'] - 1:,} like it: in all "
            f"{text.count(shape['objects'], 'object')}, "
            f"{text.size(shape['bytes'])}"
        )
    lines += text.indent(_path(cycle["path"], cycle.get("length")))
    why = text.clean(cycle.get("why") or "")
    if why:
        # "a finalizer: <T 0x..>" is a reason, "it is in use" a sentence.
        lines.append("  " + (why if why[:3] == "it " else f"not freed: {why}"))
    hidden = cycle.get("hidden_by")
    if hidden:
        lines += text.indent(_hidden(hidden))
    if cycle["cuts"] or not hidden:
        goal = ("breaks the cycle" if alive else "frees it" if
                "the garbage list holds it" not in why else
                "frees it once it is out of the garbage list")
        lines += text.indent(
            _cuts(cycle["cuts"], cycle.get("cuts_total"), goal))
    return lines


def _hidden(hidden: dict[str, Any]) -> list[str]:
    by, without = (
        text.name(one["object"]) + attached(text.clean(one["label"]))
        for one in (hidden, hidden["without"])
    )
    return [f"hidden by {by}:",
            f"  without {without} the collector could free the rest"]


def _path(path: list[dict[str, Any]], length: int | None) -> list[str]:
    """<A 0x1>._b -> <B 0x2>._a -> <A 0x1>; several lines if it is long."""
    steps = [
        text.name(step["object"]) + attached(text.clean(step["label"]))
        for step in path
    ]
    rest = text.more(len(path), length, False)
    if path:
        steps.append(text.name(path[0]["object"]))
    line = " -> ".join(steps)
    if len(line) <= text.width() - 2 and not rest:
        return [line]
    broken = steps[:1] + ["-> " + step for step in steps[1:]]
    return broken[:-1] + rest + broken[-1:]


def attached(label: str) -> str:
    """A label to append to an object: .name and [key] without a space."""
    return label if label[:1] in (".", "[") else " " + label


def _cuts(
    cuts: list[dict[str, Any]], total: int | None, goal: str
) -> list[str]:
    if not cuts:
        return [f"dropping no single reference {goal}"]
    shown = [
        f"{text.name(cut['object'])}{attached(text.clean(cut['label']))}"
        for cut in cuts
    ]
    rest = text.more(len(shown), total, False)
    if len(shown) == 1 and not rest:
        return [f"dropping this {goal}: {shown[0]}"]
    shown += rest
    return [f"dropping any one of these {goal}:"] + text.indent(shown)


def garbage(answer: dict[str, Any]) -> list[str]:
    lines = [text.described(thing) for thing in answer["garbage"]]
    lines += text.more(
        len(lines), answer.get("total"), bool(answer.get("limited"))
    )
    lines.append(f"garbage object num:{answer['total']}")
    return lines


def gc(answer: dict[str, Any]) -> list[str]:
    lines: list[str] = []
    for runtime in answer["runtimes"]:
        if lines:
            lines.append("")
        # Each of several interpreters or registries has its own collector.
        several = runtime.get("interpreters") or runtime.get("registries")
        for one in several or ():
            name = f"{runtime['name']} {whose(one)}"
            lines += _collector({**one, "name": name})
        if not several:
            lines += _collector(runtime)
    return lines


def state(collector: dict[str, Any]) -> str:
    """enabled, debug uncollectable|objects."""
    enabled = {True: "enabled", False: "disabled", None: "state unknown"}
    words = [enabled[collector.get("enabled")]]
    if collector.get("collecting"):
        words.append("in a collection")
    if collector.get("debug"):
        words.append("debug " + "|".join(collector["debug"]))
    return ", ".join(words)


def _collector(runtime: dict[str, Any]) -> list[str]:
    lines = [f"{runtime['name']}: {state(runtime)}"]
    rows = [_GENERATION_HEADER]
    for index, generation in enumerate(runtime.get("generations") or ()):
        known = [generation.get(key) for key in _GENERATION_HEADER[1:]]
        rows.append((str(index), *map(text.number, known)))
    if len(rows) > 1:
        # Leave out columns that this version records for no generation.
        kept = [
            i for i in range(len(_GENERATION_HEADER))
            if any(row[i] != "-" for row in rows[1:])
        ]
        rows = [tuple(row[i] for i in kept) for row in rows]
        lines += text.indent(text.columns(rows, ">" * len(kept)))
    totals = f"garbage {text.number(runtime.get('garbage'))}"
    if runtime.get("frozen") is not None:
        totals += f", frozen {text.number(runtime['frozen'])}"
    return lines + ["  " + totals] + text.indent(_since(runtime)) + _last(runtime)


def _since(collector: dict[str, Any]) -> list[str]:
    """What a collector that is off has let pile up."""
    young = next(iter(collector.get("generations") or ()), {})
    count, threshold = young.get("count"), young.get("threshold")
    if collector.get("enabled") is not False or count is None:
        return []
    if not threshold or count <= threshold:
        return []
    return [
        f"off: {text.number(count)} objects more were allocated than freed "
        f"since the last collection; enabled, it runs at "
        f"{text.number(threshold)}"
    ]


def _last(collector: dict[str, Any]) -> list[str]:
    """The last collections, newest first, one a line."""
    if "last_collections" not in collector:
        return []
    last = collector["last_collections"]
    if not last:
        return ["  no collection yet"]
    by_file = collector.get("ago_by") == "core file"
    title = "  last collections"
    if by_file:
        title += ", by when the core file was written"
    rows: list[tuple[str, ...]] = [_LAST_HEADER]
    for one in last:
        ago = one.get("ago_ns")
        rows.append((
            str(one["generation"]),
            "-" if ago is None else text.duration(ago),
            text.duration(one["duration_ns"]),
            *(text.number(one[key]) for key in _LAST_KEYS),
        ))
    table = text.columns(rows, ">" * len(_LAST_HEADER))
    return [title + ":", *text.indent(table, "    ")]


_LAST_KEYS = ("collected", "uncollectable", "candidates", "heap_size")
_LAST_HEADER = (
    "generation",
    "ago",
    "took",
    "collected",
    "uncollectable",
    "looked at",
    "heap",
)


_GENERATION_HEADER = (
    "generation",
    "threshold",
    "count",
    "objects",
    "collections",
    "collected",
    "uncollectable",
)
