# SPDX-License-Identifier: MIT
"""refs collect, cycles, garbage and gc: about the garbage collector."""
from __future__ import annotations

from typing import Any

from ..command import JSON, Command, Failure, Given, finding, limit
from ..core import layout
from ..core.engine import Session
from ..core.options import Option, last_word
from . import breaking, now
from .rehearsal import ABOUT, INTERPRETER, TIMEOUT, rehearsed

# rs_answer_collect(): a full collection.
_FULL = -1


class Collect(Command):
    name = "refs collect"
    summary = "Show what a collection would find now."
    text = (
        "Compute what the target's own collector would do, without running "
        "it. Print the unreachable objects: first those that it could not "
        "free (uncollectable), then those that it would free (collectable); "
        "then how many are unreachable, and how many it would put in the "
        "garbage list (gc.garbage). " + now.ABOUT + ABOUT + "It needs a core and \"set "
        "refs run on\" (\"help set refs run\" tells the risk)."
    )
    example = "refs collect -generation 0"
    options = (
        Option("generation", "Collect generation N (0 to 2) and the younger "
               "ones. The default is all.", metavar="N", number=True,
               choices=("0", "1", "2")),
        Option("rules", "Decide what is uncollectable by the rules of CPython "
               "up to 3.3 (2.7) or from 3.4 on (3.4), instead of the target's "
               "own.",
               metavar="VERSION", choices=("2.7", "3.4")),
        Option("rehearse", "Rehearse the collection, and compare with what was "
               "computed."),
        Option("now", "Run the collector in the live process, if that can be "
               "done safely now, and compare with what was computed."),
        Option("judge", "Have librefscope in the live C program say what it "
               "would collect. Nothing is freed and no code of the program "
               "runs, so any stop will do, but where a thread holds a lock of "
               "the library."),
        INTERPRETER,
        TIMEOUT._replace(
            help="With -rehearse, stop after N seconds of processor time; the "
            "default is 30. With -now and -judge, give up after N seconds; the "
            "default is 5."
        ),
        limit("objects"),
        JSON,
    )

    def ask(self, session: Session, given: Given) -> str:
        generation = given["generation"]
        if generation is None:
            generation = _FULL
        if given["rehearse"] and given["rules"]:
            raise Failure("-rules is of no use to -rehearse, which applies "
                          "the target's own")
        if given["judge"]:
            return now.judged(session, given)
        if given["now"]:
            return now.collect(session, given, generation)
        if given["rehearse"]:
            return rehearsed(session, "collect", given, generation)
        return session.answer(
            "rs_answer_collect", generation, given["rules"], given.limit
        )

    def lines(self, answer: dict[str, Any], given: Given) -> list[str]:
        if given["judge"]:
            return layout.judged(answer)
        if given["now"]:
            return layout.collected(answer)
        if given["rehearse"]:
            return layout.rehearsal(answer)
        return layout.collect(answer)


class Cycles(Command):
    name = "refs cycles"
    summary = "Show reference cycles in the garbage."
    text = (
        "Print each set of objects that keep each other alive (a strongly "
        "connected component): a shortest cycle in it, with the names of its "
        "references, why it is not freed, and which single reference would "
        "free the whole set if it were dropped. Sets that are alike, of "
        "objects of the same types and names, are shown once. -try N rehearses "
        "dropping one of the references proposed for cycle N, the first or "
        "number EDGE, and prints what is gone then. " + ABOUT
        + "It needs a core and \"set refs run on\" (\"help set refs run\" tells the risk). "
        "-break N drops that reference in the live Python process and runs its "
        "collector, after a question (\"set confirm off\" for scripts): only where "
        "all threads wait without the interpreter's lock, so that nothing of the "
        "program runs before. It refuses references that only code of the holder's "
        "own type can drop."
    )
    example = "refs cycles -limit 3"
    operand = "EDGE"
    options = (
        Option("alive", "Show cycles among reachable objects instead."),
        finding("the cycles of"),
        Option("try", "Rehearse dropping a reference of cycle N.",
               metavar="N", number=True),
        Option("break", "Drop a reference of cycle N in the live process.",
               metavar="N", number=True),
        INTERPRETER,
        TIMEOUT._replace(
            help="With -try, stop after N seconds of processor time; the "
            "default is 30. With -break, give up after N seconds; the default "
            "is 5."
        ),
        limit("cycles, and references of a long one"),
        JSON,
    )

    def ask(self, session: Session, given: Given) -> str:
        if given["try"] is not None or given["break"] is not None:
            return self._changed(session, given)
        if given.operand:
            raise Failure("EDGE is for -try N and -break N; usage: "
                          + self.usage())
        if given["finding"]:
            return session.answer(
                "rs_answer_cycles_of", given["finding"], given.limit
            )
        return session.answer("rs_answer_cycles", given["alive"], given.limit)

    def lines(self, answer: dict[str, Any], given: Given) -> list[str]:
        if given["try"] is not None:
            return layout.dropped(answer)
        if given["break"] is not None:
            return layout.broken(answer)
        return layout.cycles(answer, given["alive"])

    def _changed(self, session: Session, given: Given) -> str:
        """With one reference dropped, in a rehearsal or in the process."""
        word = "try" if given["break"] is None else "break"
        if given["try"] is not None and given["break"] is not None:
            raise Failure("-try and -break do not go together")
        if given["alive"] or given["finding"]:
            raise Failure(f"-{word} is for cycles in the garbage, as \"refs "
                          "cycles\" numbers them")
        if not (given.operand or "1").isdecimal():
            raise Failure("EDGE is a number, as \"refs cycles\" lists the "
                          "references from 1 on")
        cycle, edge = given[word], int(given.operand or "1")
        if not 0 < cycle < 1 << 32 or not 0 < edge < 1 << 32:
            raise Failure("cycles and their references are numbered from 1 on")
        if word == "try":
            return rehearsed(session, "cut", given, cycle, edge)
        if given["interpreter"] is not None:
            raise Failure("-interpreter is for -try N")
        return breaking.broken(session, given, cycle, edge)

    def complete_operand(self, text: str) -> Any:
        return []


class Garbage(Command):
    name = "refs garbage"
    summary = "Show the garbage list of the collector."
    text = (
        "Print the objects in gc.garbage, or in the garbage list of a C "
        "program that uses librefscope: those that earlier collections could "
        "not free. -clear takes all of them out of gc.garbage of the live "
        "process, where that is safe; what nothing else holds is freed then."
    )
    example = "refs garbage"
    options = (
        Option("clear", "Clear gc.garbage of the live process."),
        now.TIMEOUT,
        limit("objects"),
        JSON,
    )

    def ask(self, session: Session, given: Given) -> str:
        if given["clear"]:
            return now.clear(given)
        return session.answer("rs_answer_garbage", given.limit)

    def lines(self, answer: dict[str, Any], given: Given) -> list[str]:
        if given["clear"]:
            return layout.cleared(answer)
        return layout.garbage(answer)


class Gc(Command):
    name = "refs gc"
    summary = "Show the state of the collector."
    text = (
        "Print whether the collector is enabled, its debug flags, and for "
        "each generation the threshold, the count, the number of objects and, "
        "where the runtime records them, statistics of past collections. "
        "With SWITCH, change that in the live Python process, where it is safe "
        "(as refs collect -now), and print what was and, if there is one, the "
        "command that puts it back. SWITCH is enable, disable, threshold A [B "
        "[C]], debug FLAGS (none, leak, or names as uncollectable|saveall), freeze or "
        "unfreeze."
    )
    example = "refs gc threshold 700 10 10"
    operand = "SWITCH"
    options = (now.TIMEOUT, JSON)

    def ask(self, session: Session, given: Given) -> str:
        if given.operand:
            return now.switch(given, session)
        return session.answer("rs_answer_gc")

    def lines(self, answer: dict[str, Any], given: Given) -> list[str]:
        if given.operand:
            return layout.switched(answer)
        return layout.gc(answer)

    def complete_operand(self, text: str) -> Any:
        token = last_word(text)
        if text.strip() != token:
            return []
        return [one for one in now.SWITCHES if one.startswith(token)]


def register() -> None:
    for command in (Collect, Cycles, Garbage, Gc):
        command()
