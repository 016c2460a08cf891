# SPDX-License-Identifier: MIT
"""Answers of the engine as lines of text, one function an answer.

Each takes the decoded JSON of the entry that it is named after (engine.h
has the schema) and returns lines without their ends.
"""
from .collector import collect, cycles, garbage, gc
from .files import export
from .overview import info, unasked
from .objects import count, reachable, referrers, show, why
from .histogram import types
from .run import eval_, repr_
from .verify import verify

__all__ = (
    "collect",
    "count",
    "cycles",
    "eval_",
    "export",
    "garbage",
    "gc",
    "info",
    "reachable",
    "referrers",
    "repr_",
    "show",
    "types",
    "unasked",
    "verify",
    "why",
)
