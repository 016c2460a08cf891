# SPDX-License-Identifier: MIT
"""refs check: whether the answers of the engine stay within limits."""
from __future__ import annotations

from typing import Any, NamedTuple, Optional

from . import text

CLEAN, FOUND, UNKNOWN = "clean", "found", "could not tell"


class Wanted(NamedTuple):
    """What to hold the answers against; None: not checked."""

    findings: bool = True
    unexplained: Optional[int] = None
    unreachable: Optional[int] = None
    uncollectable: Optional[int] = None
    numbers: tuple[tuple[str, int], ...] = ()
    ignored: frozenset[str] = frozenset()


def parse_numbers(words: str) -> tuple[tuple[str, int], ...]:
    """TYPE=N,TYPE=N. Raises ValueError."""
    found = []
    for word in words.split(","):
        name, equals, number = word.rpartition("=")
        if not equals or not name or not number.isdecimal():
            raise ValueError(
                f'-max-number takes TYPE=N, or several with commas, '
                f'not "{words}"'
            )
        found.append((name, int(number)))
    return tuple(found)


def parse_ignored(lines: list[str]) -> frozenset[str]:
    """Keys, one a line; empty lines and those with # are left out."""
    stripped = (line.strip() for line in lines)
    return frozenset(s for s in stripped if s and not s.startswith("#"))


def judge(
    wanted: Wanted,
    leaks: dict[str, Any],
    collect: dict[str, Any],
    types: dict[str, Any],
) -> dict[str, Any]:
    """The result as in include/refscope/schema/check.json.

    leaks: rs_answer_leaks() with all findings; collect, types: those answers.
    """
    checks: list[dict[str, Any]] = []
    if wanted.findings:
        checks += _findings(leaks, wanted.ignored)
    unexplained = sum(
        one["references"] for one in leaks["findings"]
        if one["kind"] in ("missing-decref", "lost")
        and one["key"] not in wanted.ignored
    )
    for name, limit, value in (
        ("unexplained", wanted.unexplained, unexplained),
        ("unreachable", wanted.unreachable, collect["unreachable"]),
        ("uncollectable", wanted.uncollectable, collect["uncollectable"]),
    ):
        if limit is not None:
            checks.append(_limit(f"max-{name}", name, limit, value))
    for name, limit in wanted.numbers:
        rows = [t for t in types["types"] if _is_called(t["type"], name)]
        value = sum(row["objects"] for row in rows)
        checks.append(
            _limit(f"max-number {name}", f"{name} objects", limit, value)
        )
    return _result(checks, _doubts(leaks))


def unknown(why: str) -> dict[str, Any]:
    """The result when the target could not be read."""
    return {"result": UNKNOWN, "why": why, "failed": 0, "checks": []}


def _is_called(name: str, wanted: str) -> bool:
    return wanted in (name, name.rpartition(".")[2])


def _findings(
    leaks: dict[str, Any], ignored: frozenset[str]
) -> list[dict[str, Any]]:
    found = [
        one for one in leaks["findings"]
        if one["grade"] != "possible" and one["key"] not in ignored
    ]
    if not found:
        return [{"check": "no-findings", "passed": True, "text": "no findings",
                 "key": None}]
    return [
        {
            "check": "no-findings",
            "passed": False,
            "text": f"{one['kind']}: {one['number']} {one['type']}, "
            f"{one['bytes']} bytes ({one['grade']}): "
            + "; ".join(one["evidence"]),
            "key": one["key"],
        }
        for one in found
    ]


def _limit(check: str, what: str, limit: int, value: int) -> dict[str, Any]:
    passed = value <= limit
    bound = "at most" if passed else "more than"
    return {"check": check, "passed": passed,
            "text": f"{value} {what}, {bound} {limit}", "key": None}


def _doubts(leaks: dict[str, Any]) -> str | None:
    """Why an answer without findings may have missed some."""
    if leaks.get("collecting"):
        return "the target was stopped during a collection"
    if leaks.get("incomplete"):
        return "some objects could not be found"
    if leaks.get("unread"):
        return "the references of some objects were not read"
    for problem in leaks.get("problems") or ():
        return str(problem)
    return None


def _result(
    checks: list[dict[str, Any]], doubts: str | None
) -> dict[str, Any]:
    failed = sum(not check["passed"] for check in checks)
    if failed:
        result, why = FOUND, None
    elif doubts:
        result, why = UNKNOWN, doubts
    else:
        result, why = CLEAN, None
    return {"result": result, "why": why, "failed": failed, "checks": checks}


def last_line(result: dict[str, Any]) -> str:
    """refs check: clean | found N | could not tell: WHY."""
    if result["result"] == FOUND:
        return f"refs check: found {result['failed']}"
    if result["result"] == UNKNOWN:
        return f"refs check: could not tell: {text.clean(result['why'])}"
    return "refs check: clean"


def lines(result: dict[str, Any]) -> list[str]:
    shown = []
    for check in result["checks"]:
        state = "ok    " if check["passed"] else "FAILED"
        shown.append(f"{state} {check['check']}: {text.clean(check['text'])}")
        if check["key"]:
            shown.append(f"         key: {text.clean(check['key'])}")
    return shown + [last_line(result)]


def junit(result: dict[str, Any]) -> str:
    """The result as XML in JUnit's form."""
    from xml.sax.saxutils import escape  # as in _quoted()

    cases = []
    for check in result["checks"]:
        name = check["check"] + (f" {check['key']}" if check["key"] else "")
        case = f'  <testcase classname="refs check" name={_quoted(name)}'
        if check["passed"]:
            cases.append(case + "/>")
        else:
            cases.append(
                f"{case}>\n    <failure message={_quoted(check['text'])}/>\n"
                "  </testcase>"
            )
    errors = 0
    if result["result"] == UNKNOWN:
        errors = 1
        cases.append(
            '  <testcase classname="refs check" name="target">\n    <error>'
            f"{escape(text.clean(result['why']))}</error>\n  </testcase>"
        )
    head = (
        f'<testsuite name="refs check" tests="{len(cases)}" '
        f'failures="{result["failed"]}" errors="{errors}">'
    )
    return "\n".join(
        ['<?xml version="1.0" encoding="UTF-8"?>', head, *cases,
         "</testsuite>", ""]
    )


def _quoted(words: str) -> str:
    # Imported here: it brings urllib and more, which would make each start of
    # GDB some 50 ms longer, and only -junit needs it.
    from xml.sax.saxutils import quoteattr

    return str(quoteattr(text.clean(words)))
