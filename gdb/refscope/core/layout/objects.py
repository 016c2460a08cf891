# SPDX-License-Identifier: MIT
"""refs count, show, reachable, referrers and why as text."""
from __future__ import annotations

from typing import Any

from .. import text


def count(answer: dict[str, Any]) -> list[str]:
    """The count, each holder, and the part that no holder explains."""
    value = answer["count"]
    lines = [text.described(answer["object"])]
    lines.append("count: " + ("immortal" if value is None else str(value)))
    if value is not None and value < 0:
        lines[-1] += " (released more often than held, or damaged)"
    roots = [h for h in answer["holders"] if h["kind"] == "root"]
    containers = answer["containers"]
    lines += text.indent(_references(roots + containers))
    if len(containers) < answer["containers_total"]:
        lines += text.indent(
            text.more(len(containers), answer["containers_total"], True)
        )
    elif not containers:  # roots alone are more than the limit
        held = answer["named"] + answer.get("guesses", 0)
        lines += text.indent(text.more(len(roots), held, False))
    if answer.get("weak"):
        lines.append(f"weak (not counted): {answer['weak']}")
    lines += _evidence(answer)
    if value is not None:
        lines.append(f"unexplained: {answer['unexplained']}")
    if answer["unexplained"] < 0:
        lines.append(
            "more holders than the count: a reference was released twice, or "
            "one of the holders does not count its reference"
        )
    return lines


def _evidence(answer: dict[str, Any]) -> list[str]:
    """What words outside the named holders explain."""
    words = answer.get("words") or 0
    if not words:
        return []
    places = answer.get("places") or []
    line = f"evidence: {answer['evidence']}"
    if words > answer["evidence"]:
        line += f", of {text.count(words, 'word')} that hold its address"
    guesses = min(answer.get("guesses") or 0, answer["evidence"])
    if guesses and not places:
        line += " (the guess)" if guesses == 1 else " (the guesses)"
    rows = [
        (place["kind"], text.clean(place["place"])) for place in places
    ]
    return [line, *text.indent(text.columns(rows, "<<"))]


def _references(references: list[dict[str, Any]]) -> list[str]:
    rows = []
    for reference in references:
        thing = reference.get("object")
        label = text.label(reference)
        if reference.get("references", 1) > 1:
            label += f" and {text.number(reference['references'] - 1)} more"
        rows.append((label, text.described(thing, 76) if thing else ""))
    return text.columns(rows, "<<")


_GC = {
    "tracked": "tracked",
    "untracked": "not tracked",
    "none": "no GC support",
}
# Flags that other words of the line express, or the type's name.
_IMPLIED = {"gc", "tracked", "immortal", "native", "type", "instance"}
_FLAGS = {
    "legacy": "legacy finalizer",
    "inexact": "references partly guessed",
}


def _shown_memory(answer: dict[str, Any]) -> list[str]:
    """What a view shows, which counts at its owner."""
    if "maps" in answer:
        return [f"maps {text.size(answer['maps']['bytes'])}"]
    if "views" not in answer:
        return []
    owner = answer["views"]["object"]
    of = text.described(owner) if owner else "memory of no object that is known"
    return [f"views {text.size(answer['views']['bytes'])} of {of}"]


def show(answer: dict[str, Any]) -> list[str]:
    thing = answer["object"]
    lines = [text.described(thing)]
    value = thing.get("count")
    facts = ["immortal" if value is None else f"count {value}"]
    facts.append(text.size(thing.get("size")))
    if thing.get("runtime"):
        facts.append(text.clean(thing["runtime"]))
    facts.append(_GC.get(str(thing.get("gc")), "?"))
    flags = [text.clean(flag) for flag in answer.get("flags") or ()]
    facts += [_FLAGS.get(flag, flag) for flag in flags if flag not in _IMPLIED]
    if answer.get("generation") is not None:
        facts.append(f"generation {answer['generation']}")
    if answer.get("unreachable"):
        facts.append("unreachable")
    if thing.get("found"):
        facts.append("found by its malloc block")
    lines.append(", ".join(facts))
    lines += _shown_memory(answer)
    lines += text.indent(_references(answer["references"]))
    lines += text.indent(
        text.more(
            len(answer["references"]),
            answer.get("total"),
            bool(answer.get("limited")),
        )
    )
    return lines


def reachable(answer: dict[str, Any]) -> list[str]:
    lines = [text.described(answer["object"])]
    depth = answer.get("depth")
    within = f" within {text.count(depth, 'reference')}" if depth else ""
    rows = [_portion(f"reachable{within}", answer, "")]
    for key, note in (
        ("retained", "freed with it"),
        ("shared", "also held by others"),
    ):
        if key in answer:
            rows.append(_portion("  " + key, answer[key], note))
    lines += text.columns(rows, "<>><")
    rows = [
        (text.number(e["objects"]), text.size(e["bytes"]), text.clean(e["type"]))
        for e in answer["retained_types"]
    ]
    # Not of all that is reachable: that is mostly the whole interpreter.
    if rows:
        lines.append("freed with it, by type")
        lines += text.indent(text.columns(rows, ">><"))
    counted = sum(e["objects"] for e in answer["retained_types"])
    if counted < answer["retained"]["objects"]:
        lines.append("  ... and more types (-limit 0 shows all)")
    return lines + _listed(answer)


def _portion(name: str, part: dict[str, Any], note: str) -> tuple[str, ...]:
    return (
        name,
        text.count(part["objects"], "object"),
        text.size(part["bytes"]),
        note,
    )


def _listed(answer: dict[str, Any]) -> list[str]:
    entries = answer.get("list")
    if not entries:
        return []
    rows = [
        (str(e["depth"]), text.described(e["object"], 90)) for e in entries
    ]
    lines = ["list (distance, object)"]
    lines += text.indent(text.columns(rows, "><"))
    return lines + text.indent(
        text.more(len(entries), answer["objects"], False)
    )


def referrers(answer: dict[str, Any]) -> list[str]:
    lines = [text.described(answer["object"])]
    if not answer["referrers"]:
        lines.append("  no referrers known")
    elif any(r.get("referrers") for r in answer["referrers"]):
        lines += _tree(answer["referrers"], "  ")
    else:
        lines += text.indent(_references(answer["referrers"]))
    lines += text.indent(
        text.more(
            len(answer["referrers"]),
            answer.get("total"),
            bool(answer.get("limited")),
        )
    )
    return lines


def _tree(entries: list[dict[str, Any]], lead: str) -> list[str]:
    lines = []
    pending = [(entry, lead) for entry in reversed(entries)]
    while pending:
        entry, lead = pending.pop()
        thing = entry.get("object")
        line = lead + text.label(entry)
        if thing:
            line += " of " + text.described(thing, 70)
        if entry.get("seen"):
            line += " (shown above)"
        lines.append(line)
        below = entry.get("referrers") or ()
        pending += [(inner, lead + "  ") for inner in reversed(below)]
    return lines


def why(answer: dict[str, Any]) -> list[str]:
    lines = [text.described(answer["object"])]
    if not answer["paths"]:
        return lines + _no_path(answer)
    shown: set[tuple[str, ...]] = set()
    for path in answer["paths"]:
        lines.append(f"  {text.clean(path['root'])}" + _also(path))
        lines += text.indent(_steps(path["steps"], shown), "    ")
    lines += text.indent(_only(answer))
    return lines + text.indent(
        text.more(len(answer["paths"]), None, bool(answer.get("limited")))
    )


_ONLY = {"exception": "an exception"}


def _only(answer: dict[str, Any]) -> list[str]:
    """What alone keeps the object alive."""
    only = answer.get("only")
    if not only:
        return []
    kind, thing = text.clean(only["kind"]), text.described(only["object"], 70)
    same = only["object"]["id"] == answer["object"]["id"]
    what = "it" if same else f"{thing}, which leads to it"
    if kind == "nothing":
        number = text.count(only.get("unexplained", 0), "reference")
        return [
            f"nothing read holds {what}; C code holds {number} or forgot to "
            "drop " + ("it" if only.get("unexplained") == 1 else "them")
        ]
    if kind == "c":
        place = text.clean(only.get("place", "?"))
        return [f"only C code holds {what}: {place}"]
    return [f"only {_ONLY.get(kind, 'a ' + kind)} keeps it: {thing}"]


def _also(path: dict[str, Any]) -> str:
    """The roots from which the same path leads to the object."""
    also = [text.clean(root) for root in path.get("also") or ()]
    names = [name for name in dict.fromkeys(also)
             if name != text.clean(path["root"])]
    if len(names) > 3:
        names = names[:2]
    rest = path.get("also_total", 0) - sum(also.count(name) for name in names)
    if rest > 0:
        names.append(f"{text.number(rest)} more")
    return f"  (also: {', '.join(names)})" if names else ""


def _no_path(answer: dict[str, Any]) -> list[str]:
    if answer.get("garbage"):
        return [
            "  unreachable: no root leads to it; "
            '"refs cycles" shows the cycle that holds it'
        ]
    held = answer.get("held") or ()
    if answer.get("only"):
        return text.indent(_only(answer))
    if not held:
        return [
            "  no known root leads to it; "
            '"refs referrers" shows who refers to it'
        ]
    if [entry["object"]["id"] for entry in held] == [answer["object"]["id"]]:
        unknown = text.count(held[0]["unexplained"], "reference")
        return [
            f"  no known root leads to it; it has {unknown} of which it is not "
            "known who holds them"
        ]
    lines = [
        "  no known root leads to it; these objects, from which it can be "
        "reached, have unknown holders"
    ]
    for entry in held:
        lines.append(
            f"    {text.described(entry['object'], 70)}, unexplained: "
            f"{entry['unexplained']}"
        )
    return lines


def _steps(
    steps: list[dict[str, Any]], shown: set[tuple[str, ...]]
) -> list[str]:
    """A path, up to where it continues like one shown before."""
    rows = []
    label = ""
    rest = tuple(step["object"]["id"] for step in steps)
    known = False
    while rest and not known:
        step = steps[len(steps) - len(rest)]
        known = len(rest) > 1 and rest in shown
        rows.append((label, text.described(step["object"], 70)))
        label = text.clean(step.get("label") or "")
        shown.add(rest)
        rest = rest[1:]
    lines = ["-> " + line.lstrip() if len(rows) == 1 else "-> " + line
             for line in text.columns(rows, "<<")]
    return lines + (["... continues as above"] if known else [])
