# SPDX-License-Identifier: MIT
"""refs info as text."""
from __future__ import annotations

from typing import Any

from .. import text
from .collector import state, whose


def info(answer: dict[str, Any]) -> list[str]:
    lines = [text.clean(answer["source"])]
    for runtime in answer["runtimes"]:
        lines += text.indent(_runtime(runtime))
    if answer["objects"] is not None:
        rows = [
            (key, text.number(answer[key]))
            for key in ("objects", "tracked", "references")
        ]
        rows.append(("size", text.size(answer["bytes"])))
        lines += text.indent(text.columns(rows, "<>"))
    lines += text.indent(_learned(answer))
    lines += text.indent(_problems(answer))
    return lines


def _learned(answer: dict[str, Any]) -> list[str]:
    if answer["objects"] is None:
        return []
    # What a C program tracks can be read alone.
    if all(runtime["name"] != "cpython" for runtime in answer["runtimes"]):
        return []
    if answer.get("learned") != "asked":
        return ["references were read (refs exact)"]
    return [
        "references were read, and asked for of "
        f"{text.count(answer['asked'], 'object')} (refs exact)"
    ]


def unasked(answer: dict[str, Any]) -> list[str]:
    """What every answer ends with: how much of it is not known."""
    lines = []
    if answer.get("collecting"):
        lines.append(
            "(the target is inside a collection: its lists are in pieces, "
            "the numbers may be off)"
        )
    lines += _unread(answer.get("unread"), bool(answer.get("unasked")))
    # Of C programs' callbacks the line before says it already.
    number = answer.get("unasked") or 0
    if answer.get("unread"):
        number -= answer["unread"]["objects"]
    if number > 0:
        lines.append(
            f"({text.count(number, 'object')} could not be asked (refs "
            "exact): what was read stands)"
        )
    if answer.get("in_transit"):
        lines.append(
            f"({text.count(answer['in_transit'], 'object')} with a count of 0: "
            "being torn down, or not yet held; in use, with all they hold)"
        )
    if answer.get("unknown"):
        lines.append(
            f"({text.count(answer['unknown'], 'tracked object')} taken as in "
            "use: unreadable, freed or overwritten; refs info names them)"
        )
    if answer.get("incomplete"):
        lines.append(
            "(parts of the registry could not be read: objects are missing; "
            "see refs info)"
        )
    # refs info has a list of its own, of more.
    if "source" not in answer or "runtimes" not in answer:
        lines += [
            f"(may be incomplete: {text.clean(problem)})"
            for problem in answer.get("problems") or ()
        ]
    return lines


def _unread(unread: Any, failed: bool) -> list[str]:
    if not unread:
        return []
    types = ", ".join(
        f"{text.clean(one['type'])} {text.number(one['objects'])}"
        for one in unread.get("types") or ()
    )
    return [
        "(not read: what the traverse callbacks of "
        f"{text.count(unread['objects'], 'object')} visit"
        + (f": {types}" if types else "")
        + ("; they could not be called" if failed else "")
        + ("" if failed else "; on a core they are called: gcore, refs exact")
        + ")"
    ]


def _runtime(runtime: dict[str, Any]) -> list[str]:
    title = runtime["name"]
    if runtime.get("version"):
        title += " " + runtime["version"]
    if runtime.get("module"):
        title += f" in {runtime['module']}"
    if runtime.get("layout"):
        title += f" (layout: {runtime['layout']})"
    lines = [text.clean(title)]
    interpreters = runtime.get("interpreters") or 0
    if interpreters > 1:
        lines.append(f"  {text.count(interpreters, 'interpreter')}")
    if runtime.get("allocator"):
        lines.append("  " + _allocator(runtime["allocator"]))
    for thread in runtime.get("threads") or ():
        lines.append("  " + _thread(thread, interpreters > 1))
    for collector in _collectors(runtime.get("gc")):
        several = collector.get("interpreters") or collector.get("registries")
        for one in several or ():
            lines.append(f"  {whose(one)}: " + _tracked(one))
            lines.append("    " + _gc(one))
        if not several:
            lines.append("  " + _gc(collector))
    if runtime.get("callbacks"):
        lines.append(
            f"  {text.count(runtime['callbacks'], 'object')} with a traverse "
            "callback"
        )
    if runtime.get("refused"):
        lines.append(
            f"  {text.count(runtime['refused'], 'description')} refused"
        )
    return lines


def _allocator(told: dict[str, Any]) -> str:
    if not told["arenas"]:
        return (
            f"{told['name']}: no arenas, so an object that nothing leads to "
            "is not seen"
        )
    whole = told["name"].startswith("mimalloc")  # large blocks as well
    line = (
        f"{told['name']}: {text.count(told['blocks'], 'block')} in "
        f"{text.count(told['arenas'], 'segment' if whole else 'arena')}: "
        f"{text.number(told['objects'])} objects, "
        f"{text.number(told['free_list'])} on free lists, "
        f"{text.number(told['other'])} tables"
    )
    if told.get("large") is not None and not whole:
        line += f"; {text.number(told['large'])} larger"
    return line


def _collectors(answer: Any) -> list[dict[str, Any]]:
    """The "gc" member: rs_answer_gc's object, or one runtime's part of it."""
    if not answer:
        return []
    return answer["runtimes"] if "runtimes" in answer else [answer]


def _tracked(collector: dict[str, Any]) -> str:
    generations = collector.get("generations") or ()
    tracked = sum(g.get("objects") or 0 for g in generations)
    return f"{text.count(tracked, 'object')} tracked"


def _thread(thread: dict[str, Any], several: bool) -> str:
    line = "thread"
    if thread.get("tid") is not None:
        line += f" {thread['tid']}"
    if several:
        line += f", interpreter {thread['interpreter']}"
    if thread.get("holds_gil"):
        line += ", holds the GIL"
    frames = [_frame(frame) for frame in thread.get("frames") or ()]
    line += ": " + (frames[0] if frames else "no frames")
    for number, frame in enumerate(frames[1:], 1):
        left = f" < {len(frames) - number} more"
        if len(line) + len(frame) + len(left) + 3 > text.WIDTH:
            return line + left
        line += " < " + frame
    return line


def _frame(frame: dict[str, Any]) -> str:
    file = text.clean(frame.get("file") or "?").rsplit("/", 1)[-1]
    return f"{text.clean(frame['function'] or '?')} ({file}:{frame.get('line', '?')})"


def _gc(collector: dict[str, Any]) -> str:
    line = f"gc: {state(collector)}"
    generations = collector.get("generations") or ()
    for key in ("threshold", "count"):
        known = [g.get(key) for g in generations]
        if any(value is not None for value in known):
            line += f", {key} {'/'.join(map(text.number, known))}"
    return line + f", garbage {text.number(collector.get('garbage'))}"


def _dangling(answer: dict[str, Any]) -> list[str]:
    lines = []
    for row in answer.get("count_zero") or ():
        lines.append(
            f"{text.count(row['references'], 'reference')} lead to "
            f"{text.clean(row['object']['text'])} (count 0): released once "
            "too often"
        )
    dangling = answer.get("dangling") or {}
    for row in dangling.get("holders") or ():
        lines.append(
            f"{text.count(row['references'], 'reference')} to freed memory: "
            + text.clean(
                f"{row['label']} of {row['object']['type']} "
                f"{row['object']['id']} leads to {row['target']}, "
                f"{row['there']}"
            )
        )
    if dangling.get("limited"):
        lines.append("... and more that lead to freed memory")
    return lines


def _problems(answer: dict[str, Any]) -> list[str]:
    lines = _dangling(answer)
    if answer.get("dropped"):
        lines.append(
            f"{text.count(answer['dropped'], 'reference')} left out: "
            "what they point to is not an object"
        )
    problems = answer.get("problems") or ()
    if problems:
        lines.append("problems:")
        lines += text.indent(map(text.clean, problems))
    return lines
