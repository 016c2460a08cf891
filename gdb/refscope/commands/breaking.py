# SPDX-License-Identifier: MIT
"""refs cycles -break: one reference of a live process is dropped."""
from __future__ import annotations

import json
import sys
from typing import Any

import gdb

from .. import acting
from ..command import Failure, Given
from ..core import engine as rs
from ..core import layout
from ..core.engine import Session
from ..target import holder
from . import now

_SECONDS = 5
_MEMBERS = 10000  # objects of a cycle that are looked for afterwards
_FULL = 2  # generation


def broken(session: Session, given: Given, cycle: int, edge: int) -> str:
    """The answer of refs cycles -break CYCLE EDGE."""
    acting.check_target("a core cannot be changed; refs cycles -try shows on "
                        "it what that would free")
    plan = _plan(session, cycle, edge)
    if not given["json"]:
        gdb.write("\n".join(layout.breaking(plan)) + "\n")
    if not _agreed(plan, given["json"]):
        raise Failure("not confirmed; nothing was changed")

    def before(session: Session) -> None:
        if _what(_plan(session, cycle, edge)) != _what(plan):
            raise Failure(f"the process has run, and cycle {cycle} is another "
                          "one now; nothing was changed (refs cycles)")

    outcome = acting.call("collect", [_FULL], given.seconds(_SECONDS), before,
                          acting.Reference(cycle, edge))
    _check(outcome, plan)
    result = outcome.result
    left = _left(holder.session(), plan["members"])
    shown = left if not given.limit else left[:given.limit]
    return json.dumps({
        **now.way(outcome),
        "verb": "cycles",
        "cycle": cycle,
        "edge": edge,
        "dropped": {name: plan[name]
                    for name in ("object", "label", "to", "call")},
        "returned": result.returned,
        "garbage_before": result.garbage_before,
        "garbage": result.garbage_after,
        "objects": len(plan["members"]),
        "freed": len(plan["members"]) - len(left),
        "remaining": shown,
        "limited": plan["limited"] or len(shown) < len(left),
    }, separators=(",", ":"), ensure_ascii=False)


def _plan(session: Session, cycle: int, edge: int) -> dict[str, Any]:
    plan: dict[str, Any] = json.loads(
        session.answer("rs_answer_break", cycle, edge, _MEMBERS))
    return plan


def _what(plan: dict[str, Any]) -> tuple[Any, ...]:
    """What makes it the same reference of the same cycle."""
    return (plan["object"]["id"], plan["label"], plan["to"]["id"],
            plan["objects"], plan["members"])


def _agreed(plan: dict[str, Any], quiet: bool) -> bool:
    """Ask as GDB's own commands do; quiet: only JSON is written where nobody
    can answer."""
    if not gdb.parameter("confirm"):
        return True
    question = f"Drop {layout.reference(plan)}? (y or n) "
    stdin = sys.stdin
    if stdin is None or not stdin.isatty():
        if not quiet:
            gdb.write(question + "[answered Y; input not from terminal]\n")
        return True
    interrupt = holder.status.interrupt
    holder.status.clear()
    interrupt.__exit__(None, None, None)  # Ctrl-C ends the question
    try:
        while True:
            word = input(question).strip().lower()
            if word[:1] in ("y", "n"):
                return word[0] == "y"
    except EOFError:
        return False
    finally:
        interrupt.__enter__()


def _check(outcome: acting.Outcome, plan: dict[str, Any]) -> None:
    result = outcome.result
    if result.state == rs.RAISED and not result.dropped:
        call = f"{plan['call']}() of {layout.reference(plan)}"
        if result.moved:
            raise Failure(
                f"{layout.reference(plan)} would not be found, as its hash has "
                "changed; nothing was dropped, and gc.collect() was not called"
            )
        if not result.error:
            raise Failure(
                f"{call} returned, but did not drop it; gc.collect() was not "
                "called (another reference of that name, or with an equal "
                "key, may be gone instead)"
            )
        raise Failure(
            f"{call} raised {_named(result.error)}; gc.collect() was not "
            "called, and nothing was changed but by code of the program that "
            "this may have run"
        )
    if result.dropped and result.state != rs.DONE:
        raise Failure(
            f"{layout.reference(plan)} was dropped, but gc.collect() raised "
            f"{_named(result.error)}"
        )
    now.done(outcome, "gc.collect()")


def _named(kind: int) -> str:
    """An exception by its class."""
    try:
        shown = json.loads(holder.session().answer("rs_answer_show", kind, 1))
    except rs.EngineError:
        return f"an exception, of the type at {kind:#x}"
    return str(shown["object"].get("name") or f"an exception at {kind:#x}")


def _left(session: Session, members: list[dict[str, Any]]) -> list[Any]:
    """Those that are still there, as objects of the same types."""
    left = []
    for one in members:
        try:
            found = json.loads(session.answer(
                "rs_answer_show", int(one["id"], 16), 1))["object"]
        except rs.EngineError as error:
            if error.code != rs.ENOTFOUND:
                raise
            continue
        if found["id"] == one["id"] and found["type"] == one["type"]:
            left.append(found)
    return left
