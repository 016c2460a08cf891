# SPDX-License-Identifier: MIT
"""What acts on a live process: its own collector, called in it; and what only
looks, but is answered by the program's own library."""
from __future__ import annotations

import json
from typing import Any, Optional

from .. import acting, tracking
from ..command import Default, Failure, Given
from ..core import engine as rs
from ..core import judge
from ..core.engine import Session
from ..core.options import Option
from ..target import holder

_SECONDS = 5
_FULL = -1  # generation
_WAYS = {rs.BLOCKED: "blocked", rs.PENDING: "pending", rs.LATER: "later",
         rs.STOPPED: "stopped"}
ABOUT = (
    "-now runs it in the live process, finalizers and callbacks included, "
    "where that is safe: by a thread that waits without the interpreter's "
    "lock, or by the main thread where it looks for queued calls; in a C "
    "program that links librefscope by a thread that waits as all others do, or "
    "where the program next collects by itself. It says "
    "which way and why, or refuses with the reason and changes nothing. "
)

NOW = Option(
    "now",
    "Have librefscope in the live C program answer too, by a thread that is "
    "stopped; only that thread runs, and calls traverse callbacks. The answer "
    "stands beside the one by reading, with any difference.",
)
TIMEOUT = Option(
    "timeout",
    "Give up changing the process after N seconds. The default is 5.",
    metavar="N", number=True, default=Default(_SECONDS),
)
# Bits of gc.set_debug(). Those of 2.7 alone are instances and objects.
_BITS = {"stats": 1, "collectable": 2, "uncollectable": 4, "instances": 8,
         "objects": 16, "saveall": 32}
_OF_2 = _BITS["instances"] | _BITS["objects"]
_LEAK = 38  # gc.DEBUG_LEAK from 3 on
SWITCHES = ("enable", "disable", "threshold", "debug", "freeze", "unfreeze")
_INT_MOST = (1 << 31) - 1


def done(outcome: acting.Outcome, what: str) -> rs.ActResult:
    """Its result; Failure when it raised an exception."""
    result = outcome.result
    if result.state == rs.REPLACED:
        raise Failure(f"nothing was called: the program has put a function of "
                      f"its own in place of {what}")
    if result.state != rs.DONE:
        raise Failure(f"{what} raised an exception, of the type at "
                      f"{result.error:#x}")
    return result


def way(outcome: acting.Outcome) -> dict[str, Any]:
    """How it was done, for an answer."""
    return how(outcome.verdict, outcome.ran_ms, outcome.left)


def how(verdict: judge.Verdict, ran_ms: int, left: bool) -> dict[str, Any]:
    return {
        "way": _WAYS[verdict.way],
        "thread": verdict.tid,
        "why": verdict.why,
        "ran_ms": ran_ms,
        "left": left,
    }


def collect(session: Session, given: Given, generation: int) -> str:
    """The program's own collection, in the process; -1: of all generations."""
    if given["rules"] or given["rehearse"] or given["interpreter"] is not None:
        raise Failure("-now goes with -generation, -timeout, -limit and "
                      "-json only")

    def before(session: Session) -> tuple[Optional[dict[str, Any]], int]:
        return (_prediction(session, generation, given.limit),
                _collections(session, generation))

    if tracking.is_native(session):
        return _collect_native(given, generation)

    outcome = acting.call(
        "collect", [2 if generation < 0 else generation],
        given.seconds(_SECONDS), before,
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


def _collect_native(given: Given, generation: int) -> str:
    """rs_collect() in the process, of which every collection is a full one."""
    if generation >= 0:
        raise Failure("-generation is for CPython: each collection of "
                      "librefscope is a full one")

    def before(session: Session) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(session.answer(
            "rs_answer_collect", _FULL, None, given.limit))
        answer["in_garbage"] = _listed(session)
        return answer

    outcome = tracking.collect(given.seconds(_SECONDS), before)
    predicted = outcome.before
    garbage = _listed(holder.session())
    answer = {
        **how(outcome.verdict, outcome.ran_ms, outcome.left),
        "generation": 2,
        "returned": outcome.returned,
        "garbage_before": predicted["in_garbage"],
        "garbage": garbage,
        "predicted": {name: predicted[name] for name in
                      ("unreachable", "uncollectable", "garbage")},
        "differs": _differs_native(predicted, outcome, garbage),
        "objects": predicted["objects"],
        "limited": predicted["limited"],
    }
    return json.dumps(answer, separators=(",", ":"), ensure_ascii=False)


def _listed(session: Session) -> int:
    """How many are in the program's garbage list."""
    return int(json.loads(session.answer("rs_answer_garbage", 1))["total"])


def _differs_native(predicted: dict[str, Any], outcome: tracking.Collected,
                    garbage: int) -> list[str]:
    lines = []
    if outcome.collections > 1:
        lines.append("it collected more often than it was asked: "
                     f"{outcome.collections} times")
    if outcome.returned != predicted["unreachable"]:
        lines.append(f"predicted: it finds {predicted['unreachable']}")
    if garbage != predicted["garbage"]:
        lines.append(f"predicted: {predicted['garbage']} in the garbage list")
    if lines and predicted.get("unread"):
        lines.append("reading cannot call the traverse callbacks of "
                     f"{predicted['unread']['objects']} objects; it called them")
    if lines and outcome.ran_ms:
        lines.append(_ran_between(outcome.ran_ms))
    return lines


def _ran_between(ran_ms: int) -> str:
    return (f"the program ran for {ran_ms} ms between the prediction and the "
            "collection")


def judged(session: Session, given: Given) -> str:
    """rs_find_garbage() in the process: what it would collect."""
    if given["rules"] or given["rehearse"] or given["now"] or \
            given["generation"] is not None or \
            given["interpreter"] is not None:
        raise Failure("-judge goes with -timeout, -limit and -json only")
    looked = tracking.look(session, rs.FIND_GARBAGE, 0,
                           given.seconds(_SECONDS), given.limit)
    return json.dumps({**looked.answer, **how(looked.verdict, 0, looked.left),
                       **beside(looked)},
                      separators=(",", ":"), ensure_ascii=False)


def beside(looked: tracking.Looked) -> dict[str, Any]:
    """The library's answer beside that by reading, for an answer."""
    names = ("own", "read", "only_own", "only_read", "callbacks",
             "own_objects", "read_objects", "limited")
    return {**{name: looked.answer[name] for name in names},
            "unreadable": looked.returned != 0}


def asked(session: Session, given: Given, call: int, address: int,
          text: str) -> str:
    """An answer by reading, with that of the library itself as "now"."""
    looked = tracking.look(session, call, address, given.seconds(_SECONDS),
                           given.limit)
    answer = json.loads(text)
    answer["now"] = {**how(looked.verdict, 0, looked.left), **beside(looked)}
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
        lines.append(_ran_between(outcome.ran_ms))
    return lines


# --- Switches of the collector.


def switch(given: Given, session: Session) -> str:
    """refs gc VERB ..: what was, what is, and the command that puts it back."""
    verb, *words = given.operand.split()
    if verb not in SWITCHES:
        raise Failure(f"no switch \"{verb}\"; there are "
                      + ", ".join(SWITCHES))
    acting.check_target("a core cannot be changed; refs gc alone shows its "
                        "switches")
    method, numbers = _method(verb, words, _version(session))
    outcome = acting.call(method, numbers, given.seconds(_SECONDS), _state)
    done(outcome, f"gc.{method}()")
    answer = {
        **way(outcome),
        "verb": "gc",
        "done": verb,
        "before": outcome.before,
        "after": _state(holder.session()),
    }
    answer["back"] = _back(verb, answer["before"], answer["after"])
    return json.dumps(answer, separators=(",", ":"))


def clear(given: Given) -> str:
    """refs garbage -clear."""
    acting.check_target("a core cannot be changed; refs garbage alone lists "
                        "what is in gc.garbage")
    outcome = acting.call("", [], given.seconds(_SECONDS),
                          lambda _session: None)
    result = done(outcome, "clearing gc.garbage")
    answer = {
        **way(outcome),
        "verb": "garbage",
        "garbage_before": result.garbage_before,
        "garbage": result.garbage_after,
    }
    return json.dumps(answer, separators=(",", ":"))


def _version(session: Session) -> str:
    return str(json.loads(session.answer("rs_answer_call_facts"))["version"])


def _state(session: Session) -> dict[str, Any]:
    """The switches as they are, by reading."""
    answer = json.loads(session.answer("rs_answer_gc"))
    rows = [r for r in answer["runtimes"] if r["name"] == "cpython"]
    row = rows[0] if rows else {}
    return {
        "enabled": row.get("enabled"),
        "debug": row.get("debug"),
        "thresholds": [g.get("threshold")
                       for g in row.get("generations") or ()][:3],
        "frozen": row.get("frozen"),
    }


def _method(
    verb: str, words: list[str], version: str
) -> tuple[str, list[int]]:
    """The function of the module gc, and its arguments."""
    if verb == "threshold":
        if not 1 <= len(words) <= 3:
            raise Failure("usage: refs gc threshold A [B [C]]")
        numbers = [_number(word) for word in words]
        return "set_threshold", numbers
    if verb == "debug":
        if len(words) != 1:
            raise Failure("usage: refs gc debug FLAGS; FLAGS are none, leak, "
                          "or some of " + "|".join(_BITS))
        return "set_debug", [_flags(words[0], version)]
    if words:
        raise Failure(f"{verb} takes no argument")
    if "freeze" in verb and _release(version) < (3, 7):
        raise Failure(f"CPython {version} has no gc.{verb}(); 3.7 is the "
                      "first that has")
    return verb, []


def _release(version: str) -> tuple[int, ...]:
    return tuple(int(n) for n in version.split(".")[:2])


def _number(word: str) -> int:
    if not word.isdecimal() or int(word) > _INT_MOST:
        raise Failure(f"a threshold is a number up to {_INT_MOST}, not "
                      f"\"{word}\"")
    return int(word)


def _flags(word: str, version: str) -> int:
    is_2 = version.startswith("2.")
    bits = 0
    for name in word.lower().replace(",", "|").split("|"):
        if name == "leak":
            bits |= _LEAK | (_OF_2 if is_2 else 0)
        elif name in _BITS and (is_2 or not _BITS[name] & _OF_2):
            bits |= _BITS[name]
        elif name not in ("none", "0"):
            raise Failure(f"no debug flag \"{name}\" of CPython {version}")
    return bits


def _back(
    verb: str, before: dict[str, Any], after: dict[str, Any]
) -> Optional[str]:
    """The command that puts it back; None: nothing changed, or none can."""
    if before == after:
        return None
    if verb in ("enable", "disable"):
        return "refs gc " + ("disable" if verb == "enable" else "enable")
    if verb == "threshold" and None not in before["thresholds"]:
        return " ".join(["refs gc threshold",
                         *map(str, before["thresholds"])])
    if verb == "debug" and before["debug"] is not None:
        return "refs gc debug " + ("|".join(before["debug"]) or "none")
    return "refs gc unfreeze" if verb == "freeze" and not before[
        "frozen"] else None
