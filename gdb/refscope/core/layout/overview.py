# SPDX-License-Identifier: MIT
"""refs info as text."""
from __future__ import annotations

from typing import Any

from .. import text
from .collector import state, whose
from .histogram import unreferenced


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
    lines += text.indent(unreferenced(answer))
    lines += text.indent(_ledger(answer.get("ledger")))
    lines += text.indent(_findings(answer.get("findings")))
    lines += text.indent(_balance(answer.get("balance")))
    lines += text.indent(_method(answer))
    lines += text.indent(_problems(answer))
    return lines


def _ledger(ledger: dict[str, Any] | None) -> list[str]:
    if not ledger:
        return []
    rows = [
        (name, text.number(ledger[key]))
        for key, name in (
            ("counts", "counted references"),
            ("named", "  of named holders"),
            ("evidence", "  with evidence"),
            ("unexplained", "  unexplained"),
        )
    ]
    if ledger["over"]:
        rows.append(("  over the counts", text.number(ledger["over"])))
    return text.columns(rows, "<>")


def _findings(findings: dict[str, Any] | None) -> list[str]:
    if not findings:
        return []
    line = text.count(findings["total"], "finding")
    if findings["possible"]:
        line += f", {text.number(findings['possible'])} more possible"
    return [f'{line} ("refs leaks")']


def _balance(balance: dict[str, Any] | None) -> list[str]:
    if not balance:
        return []
    rows = [
        (name, text.size(balance[key]))
        for key, name in (
            ("memory", "memory of the target"),
            ("objects", "  objects and their tables"),
            ("free", "  free blocks of Python"),
            ("malloc_free", "  free blocks of malloc()"),
            ("files", "  files"),
            ("stacks", "  stacks"),
            ("other", "  other"),
        )
    ]
    return text.columns(rows, "<>")


def _method(answer: dict[str, Any]) -> list[str]:
    if answer["objects"] is None:
        return []
    # Objects of a C program are always read.
    if all(runtime["name"] != "cpython" for runtime in answer["runtimes"]):
        return []
    if answer.get("method") != "traversed":
        return ['references: read from memory ("help set refs exact")']
    return [
        "references: read from memory, and found by tp_traverse for "
        f"{text.count(answer['traversed'], 'object')} (\"help set refs exact\")"
    ]


def completeness(answer: dict[str, Any]) -> list[str]:
    """The last lines of every answer: what may be missing or wrong in it."""
    lines = []
    if answer.get("collecting"):
        lines.append(
            "(the target was stopped during a collection, when its lists are "
            "incomplete: numbers may be wrong)"
        )
    number = answer.get("not_traversed") or 0
    lines += _unread(answer.get("unread"), bool(number))
    # Objects with callbacks of C programs are in the line before.
    if answer.get("unread"):
        number -= answer["unread"]["objects"]
    if number > 0:
        lines.append(
            f"({text.count(number, 'object')} could not be traversed; their "
            'references are those read from memory: see "refs info")'
        )
    lines += _uncertain(answer.get("uncertain"))
    if answer.get("in_transit"):
        lines.append(
            f"({text.count(answer['in_transit'], 'object')} with a count of "
            "0 or less: being freed or just created; treated as in use, with "
            "all that they refer to)"
        )
    if answer.get("unknown"):
        lines.append(
            f"({text.count(answer['unknown'], 'tracked object')} treated as "
            "in use: unreadable, or seemingly freed or overwritten; see refs "
            "info)"
        )
    if answer.get("incomplete"):
        lines.append(
            "(parts of the registry could not be read, so objects or what "
            "holds them are missing; see refs info)"
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
        "(not read: references that only the traverse callbacks of "
        f"{text.count(unread['objects'], 'object')} visit"
        + (f": {types}" if types else "")
        + f"; {_why_unread(unread, failed)})"
    ]


def _why_unread(unread: dict[str, Any], failed: bool) -> str:
    stopped = unread.get("stopped") or 0
    if stopped >= unread["objects"]:
        return 'they were called and stopped: see "refs info"'
    if stopped:
        return (
            f"{text.number(stopped)} were called and stopped, the others "
            'could not be called: see "refs info"'
        )
    if failed:
        return "they could not be called"
    return "take a core of the target to get them: gcore, set refs exact auto"


def _uncertain(uncertain: Any) -> list[str]:
    if not uncertain:
        return []
    low, high = uncertain["unreachable"]
    types = ", ".join(
        f"{text.clean(one['type'])} {text.number(one['objects'])}"
        for one in uncertain.get("types") or ()
    )
    return [
        f"(between {text.number(low)} and {text.number(high)} objects are "
        "unreachable: reading does not show what C types tell the collector"
        + (f": {types}" if types else "")
        + "; of a core they are asked: gcore, set refs exact auto)"
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
    lines += text.indent(
        _threads(runtime.get("threads") or [], interpreters > 1)
    )
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


def _allocator(allocator: dict[str, Any]) -> str:
    if not allocator["arenas"]:
        return (
            f"{allocator['name']}: no arenas, so untracked objects to which "
            "no other object refers cannot be found"
        )
    whole = allocator["name"].startswith("mimalloc")  # large blocks as well
    line = (
        f"{allocator['name']}: {text.count(allocator['blocks'], 'block')} in "
        f"{text.count(allocator['arenas'], 'segment' if whole else 'arena')}: "
        f"{text.number(allocator['objects'])} objects, "
        f"{text.number(allocator['free_list'])} on free lists, "
        f"{text.number(allocator['other'])} tables and buffers"
    )
    if allocator.get("large") is not None and not whole:
        line += f"; {text.number(allocator['large'])} too large for an arena"
    return line


def _collectors(answer: Any) -> list[dict[str, Any]]:
    """The collectors of a "gc" member: rs_answer_gc()'s object, or a part."""
    if not answer:
        return []
    return answer["runtimes"] if "runtimes" in answer else [answer]


def _tracked(collector: dict[str, Any]) -> str:
    generations = collector.get("generations") or ()
    tracked = sum(g.get("objects") or 0 for g in generations)
    return f"{text.count(tracked, 'object')} tracked"


def _threads(threads: list[dict[str, Any]], several: bool) -> list[str]:
    """One line for each; those that execute the same are counted."""
    alike: dict[str, list[dict[str, Any]]] = {}
    for thread in threads:
        queue = thread.get("merge_queue") or {}
        what = [thread.get("frames"), thread.get("interpreter"),
                bool(thread.get("holds_gil")),
                queue.get("objects") and thread.get("ident")]
        alike.setdefault(repr(what), []).append(thread)
    lines = []
    for first, *others in alike.values():
        lines.append(_thread(first, several))
        if (first.get("merge_queue") or {}).get("objects"):
            lines += text.indent(_wait(first))
        if others:
            lines.append(f"{text.number(len(others))} like "
                         + _thread(first, False).split(":")[0].split(",")[0])
    return lines


def _thread(thread: dict[str, Any], several: bool) -> str:
    line = "thread"
    if thread.get("tid") is not None:
        line += f" {thread['tid']}"
    if several:
        line += f", interpreter {thread['interpreter']}"
    if thread.get("holds_gil"):
        line += ", holds the GIL"
    queue = thread.get("merge_queue") or {}
    if queue.get("objects"):
        line += (
            f", {text.count(queue['objects'], 'object')} "
            f"({text.size(queue['bytes'])}) in its merge queue"
        )
    frames = [_frame(frame) for frame in thread.get("frames") or ()]
    line += ": " + (frames[0] if frames else "no frames")
    for number, frame in enumerate(frames[1:], 1):
        left = f" < {len(frames) - number} more"
        if len(line) + len(frame) + len(left) + 3 > text.width():
            return line + left
        line += " < " + frame
    return line


def _wait(thread: dict[str, Any]) -> list[str]:
    """Where it is blocked, and for how long, as far as that is recorded."""
    wait = thread.get("waits")
    if wait is None:
        return []
    line = f"waits in {wait['name'] or 'system call ' + str(wait['call'])}"
    if wait["for_ns"] is not None:
        return [f"{line}, for {text.duration(wait['for_ns'])}"]
    line += "; for how long is not recorded"
    ran, age = thread.get("ran_ms"), thread.get("age_ms")
    if ran is not None:
        line += f"; it has run for {_milliseconds(ran)}"
        if age is not None:
            line += f" of the {_milliseconds(age)} since its start"
    return [line]


def _milliseconds(value: int) -> str:
    return text.duration(value * 1_000_000) if value else "less than 10 ms"


def _frame(frame: dict[str, Any]) -> str:
    file = text.clean(frame.get("file") or "?").rsplit("/", 1)[-1]
    return f"{text.clean(frame['function'] or '?')} ({file}:{frame.get('line') or '?'})"


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
            f"{text.clean(row['object']['text'])} (count "
            f"{text.number(row['count'])}): released too often"
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
            "no object at the target address"
        )
    problems = answer.get("problems") or ()
    if problems:
        lines.append("problems:")
        lines += text.indent(map(text.clean, problems))
    return lines
