# SPDX-License-Identifier: MIT
"""What acts on a live process: its own collector, called in it."""
from __future__ import annotations

import json
from typing import Any, Optional

from .. import acting
from ..command import Default, Failure, Given
from ..core import engine as rs
from ..core.engine import Session
from ..target import holder

_SECONDS = 5
_LONGEST = 3600
_WAYS = {rs.BLOCKED: "blocked", rs.PENDING: "pending"}
ABOUT = (
    "-now runs it in the live process, finalizers and callbacks included, "
    "where that is safe: by a thread that waits without the interpreter's "
    "lock, or by the main thread where it looks for queued calls. It says "
    "which way and why, or refuses with the reason and changes nothing. "
)


def seconds_of(given: Given) -> int:
    """The limit that was given, or the default of what acts."""
    chosen = given["timeout"]
    if isinstance(chosen, Default):
        return _SECONDS
    if chosen == 0:
        raise Failure("-timeout 0 leaves no time; it must be at least 1")
    return int(min(chosen, _LONGEST))


def done(outcome: acting.Outcome, what: str) -> rs.ActResult:
    """Its result; Failure when it raised an exception."""
    result = outcome.result
    if result.state != rs.DONE:
        raise Failure(f"{what} raised an exception, of the type at "
                      f"{result.error:#x}")
    return result


def way(outcome: acting.Outcome) -> dict[str, Any]:
    """How it was done, for an answer."""
    return {
        "way": _WAYS[outcome.verdict.way],
        "thread": outcome.verdict.tid,
        "why": outcome.verdict.why,
        "ran_ms": outcome.ran_ms,
        "left": outcome.left,
    }


def collect(given: Given, generation: int) -> str:
    """gc.collect(generation) in the process; -1: of all."""
    if given["rules"] or given["rehearse"] or given["interpreter"] is not None:
        raise Failure("-now goes with -generation, -timeout, -limit and "
                      "-json only")

    def before(session: Session) -> tuple[Optional[dict[str, Any]], int]:
        return (_prediction(session, generation, given.limit),
                _collections(session, generation))

    outcome = acting.call(
        "collect", [2 if generation < 0 else generation], seconds_of(given),
        before,
    )
    result = done(outcome, "gc.collect()")
    predicted, collections = outcome.before
    idle = (collections is not None
            and _collections(holder.session(), generation) == collections)
    answer = {
        **way(outcome),
        "generation": 2 if generation < 0 else generation,
        "returned": result.returned,
        "garbage_before": result.garbage_before,
        "garbage": result.garbage_after,
        "predicted": _numbers(predicted),
        "differs": _differs(predicted, outcome, idle),
        "objects": predicted["objects"] if predicted else [],
        "limited": bool(predicted and predicted["limited"]),
    }
    return json.dumps(answer, separators=(",", ":"), ensure_ascii=False)


def _prediction(
    session: Session, generation: int, limit: int
) -> Optional[dict[str, Any]]:
    """What rs_answer_collect() says; None where it cannot know."""
    try:
        text = session.answer("rs_answer_collect", generation, None, limit)
    except rs.EngineError as error:
        if error.code != rs.EUNSUPPORTED:
            raise
        return None
    answer: dict[str, Any] = json.loads(text)
    return answer


def _collections(session: Session, generation: int) -> Optional[int]:
    """Collections of this generation so far; None: not recorded."""
    answer = json.loads(session.answer("rs_answer_gc"))
    for runtime in answer["runtimes"]:
        rows = runtime.get("generations") or []
        if runtime["name"] == "cpython" and rows:
            found: Optional[int] = rows[min(
                len(rows) - 1, 2 if generation < 0 else generation
            )].get("collections")
            return found
    return None


def _numbers(predicted: Optional[dict[str, Any]]) -> Optional[dict[str, Any]]:
    names = ("unreachable", "uncollectable", "garbage", "returns")
    return predicted and {name: predicted[name] for name in names}


def _differs(
    predicted: Optional[dict[str, Any]], outcome: acting.Outcome, idle: bool
) -> list[str]:
    """How it came otherwise than predicted, and why."""
    result, lines = outcome.result, []
    if idle:
        lines.append("the collector did nothing: another collection was "
                     "running, which called a finalizer or callback")
    if predicted is None:
        return lines
    low, high = predicted["returns"]
    if not low <= result.returned <= high:
        lines.append(f"predicted: it returns {low}" + (
            f" to {high}" if low != high else ""))
    if result.garbage_after != predicted["garbage"]:
        lines.append(f"predicted: {predicted['garbage']} in gc.garbage")
    if lines and outcome.ran_ms:
        lines.append(f"the program ran for {outcome.ran_ms} ms between the "
                     "prediction and the collection")
    return lines
