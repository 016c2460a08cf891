# SPDX-License-Identifier: MIT
"""What was done to a live process as text."""
from __future__ import annotations

from typing import Any

from .. import text
from .collector import attached, compared, fates


def collected(answer: dict[str, Any]) -> list[str]:
    lines = how(answer) + fates(answer["objects"])
    predicted = answer["predicted"]
    if predicted:
        lines += text.more(len(answer["objects"]), predicted["unreachable"],
                           bool(answer["limited"]))
    lines.append(f"unreachable object num:{answer['returned']}")
    lines.append(f"garbage object num:{answer['garbage']}")
    return lines + compared(answer)


def judged(answer: dict[str, Any]) -> list[str]:
    """What librefscope says that it would collect."""
    lines = how(answer) + [
        f"rs_find_garbage() says: unreachable object num:{answer['own']}"]
    return lines + _beside(answer)


def asked(answer: dict[str, Any], function: str) -> list[str]:
    """What librefscope says beside an answer by reading, if it was asked."""
    now = answer.get("now")
    if not now:
        return []
    what = "object" if function == "rs_walk" else "reference"
    return how(now) + [
        f"{function}() says: {text.count(now['own'], what)}"] + _beside(now)


def _beside(now: dict[str, Any]) -> list[str]:
    """One line: whether reading says the same."""
    if now["unreadable"]:
        note = "; it met objects that cannot be read"
    elif now["callbacks"] and (now["only_own"] or now["only_read"]):
        note = (f"; reading cannot call the traverse callbacks of "
                f"{text.count(now['callbacks'], 'object')}")
    else:
        note = ""
    parts = [
        f"{text.number(now[only])} only {who} ({_few(now[objects])})"
        for only, who, objects in (
            ("only_own", "it names", "own_objects"),
            ("only_read", "reading finds", "read_objects"))
        if now[only]
    ]
    if not parts:
        return ["by reading: the same" + note]
    return [f"by reading: {text.number(now['read'])}, " + ", ".join(parts)
            + note]


def _few(objects: list[dict[str, Any]]) -> str:
    few = [text.name(one) for one in objects[:3]]
    return ", ".join(few) + (", ..." if len(objects) > 3 else "")


def switched(answer: dict[str, Any]) -> list[str]:
    before, after = answer["before"], answer["after"]
    lines = how(answer) + [
        f"{name}: {_shown(after[name])}" + (
            f", was {_shown(before[name])}"
            if before[name] != after[name] else "")
        for name in ("enabled", "debug", "thresholds", "frozen")
        if after[name] is not None
    ]
    if before == after:
        return lines + ["nothing changed"]
    back = answer["back"]
    return lines + [f"to put it back: {back}" if back
                    else "no command puts it back"]


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return " ".join(text.clean(str(one)) for one in value) or "none"
    return text.number(value)


def cleared(answer: dict[str, Any]) -> list[str]:
    return how(answer) + [
        "taken out of gc.garbage: "
        + text.count(answer["garbage_before"], "object"),
        f"garbage object num:{answer['garbage']}",
    ]


def reference(plan: dict[str, Any]) -> str:
    """A reference, with both of its ends."""
    return (f"{text.name(plan['object'])}"
            f"{attached(text.clean(plan['label']))} -> {text.name(plan['to'])}")


def breaking(plan: dict[str, Any]) -> list[str]:
    """What refs cycles -break is going to do."""
    return [
        f"to break cycle {plan['cycle']}, this reference of the live process "
        "is dropped:",
        f"  {reference(plan)}",
        f"by {text.clean(plan['call'])}(); then its collector runs "
        "(gc.collect()), finalizers and callbacks included",
        *_runs(plan["runs"]),
        "to try that first, on a core of it: generate-core-file FILE; core "
        "FILE; set refs run on; "
        f"refs cycles -try {plan['cycle']} {plan['edge']}",
    ]


def _runs(methods: list[str]) -> list[str]:
    if not methods:
        return []
    return ["dropping it may run code of the program: "
            + ", ".join(text.clean(one) + "()" for one in methods)]


def broken(answer: dict[str, Any]) -> list[str]:
    lines = how(answer) + [
        "dropped: " + reference(answer["dropped"]),
        f"gc.collect() returned {text.number(answer['returned'])}",
        f"freed: {text.number(answer['freed'])} of "
        + text.count(answer["objects"], "object"),
    ]
    if answer["remaining"]:
        lines.append("not freed:")
        lines += text.indent(text.described(one)
                             for one in answer["remaining"])
        lines += text.more(len(answer["remaining"]),
                           answer["objects"] - answer["freed"], False)
    if answer["garbage"] > 0:
        lines += [f"garbage object num:{answer['garbage']}",
                  "refs garbage -clear takes them out of gc.garbage"]
    return lines


def how(answer: dict[str, Any]) -> list[str]:
    """By which thread, why that is safe, and what is left."""
    lines = [text.clean(answer["why"])]
    if answer["ran_ms"]:
        lines.append(f"the process ran for {answer['ran_ms']} ms")
    if answer["left"]:
        lines.append("the memory for the call stays until the process ends: a "
                     "thread is still there" if answer["way"] == "stopped" else
                     "28 KiB of memory for the call stay until the process "
                     "ends: a thread is still there")
    return lines
