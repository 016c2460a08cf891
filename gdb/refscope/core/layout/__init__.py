# SPDX-License-Identifier: MIT
"""Answers of the engine as lines of text, one function for each answer.

Each takes the decoded JSON of rs_answer_<its name>(), whose schema is in
include/refscope/engine.h, and returns lines without line ends.
"""
from .acted import (
    asked, breaking, broken, cleared, collected, judged, reference, switched,
)
from .collector import collect, cycles, garbage, gc
from .files import export
from .leaks import leaks
from .overview import completeness, info
from .objects import count, reachable, referrers, show, why
from .histogram import objects, types
from .rehearsal import dropped, rehearsal
from .run import eval_, repr_
from .verify import verify

__all__ = (
    "asked",
    "breaking",
    "broken",
    "cleared",
    "collect",
    "collected",
    "completeness",
    "count",
    "cycles",
    "dropped",
    "eval_",
    "export",
    "garbage",
    "gc",
    "info",
    "judged",
    "leaks",
    "objects",
    "reachable",
    "reference",
    "referrers",
    "rehearsal",
    "repr_",
    "show",
    "switched",
    "types",
    "verify",
    "why",
)
