"""A process that spends from a ledger as it is told, line by line, and looks whether a cap broke.

Run as `python -m tests.escalate_spender`. A line of JSON in is a list of requests; a line out is
what became of them.
"""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from qwenagent.escalate.answer import Tokens
from qwenagent.escalate.caps import CapReached, Caps, Limit, NoPrice, reserve
from qwenagent.escalate.ledger import DAY_S, Amount, Entry, Errand, Ledger, Reservation


def caps_of(limits: dict[str, list[int | None]]) -> Caps:
    return Caps(**{scope: Limit(*both) for scope, both in limits.items()})


def errand(run: str, step: str) -> Errand:
    return Errand(run, "/r", step, "shop", "large", "advice", "tests red")


def broken(caps: Caps, entries: list[Entry]) -> list[str]:
    """Name the caps that are exceeded by what is spent or reserved now."""
    totals: Counter[tuple[str, object]] = Counter()
    tokens: Counter[tuple[str, object]] = Counter()
    for entry in entries:
        counted = entry.counts_as
        scopes: list[tuple[str, object]] = [("request", entry.id), ("run", entry.errand.run)]
        # Every window of a day that ends with a request; a step in one run, and in such a window.
        for last in entries:
            if last.asked_at - DAY_S < entry.asked_at <= last.asked_at:
                scopes.append(("day", last.id))
                if entry.errand.step == last.errand.step:
                    scopes.append(("step", (entry.errand.step, last.id)))
        scopes.append(("step", (entry.errand.step, entry.errand.run)))
        for scope in scopes:
            totals[scope] += counted.micro or 0
            tokens[scope] += counted.tokens
    limits = {str(name): limit for name, limit in caps.by_scope()}
    most = [
        (totals, {name: limit.micro for name, limit in limits.items()}),
        (tokens, {name: limit.tokens for name, limit in limits.items()}),
    ]
    return [
        f"{name} {what}: {counter[name, what]}"
        for counter, by_name in most
        for name, what in counter
        if (cap := by_name[name]) is not None and counter[name, what] > cap
    ]


def spend(order: dict[str, Any]) -> dict[str, Any]:
    """Reserve and end each request as told, and look at all caps after each."""
    caps = caps_of(order["caps"])
    now = [0.0]
    ledger = Ledger(Path(order["path"]), clock=lambda: now[0])
    sent, wrong = 0, list[str]()
    for step in order["steps"]:
        now[0] = step["at"]
        if step["end"] == "die":
            sent += died_with_it(ledger, caps, step)
        elif given := leave(ledger, caps, step):
            sent += 1
            wrong += broken(caps, ledger.entries())
            end(ledger, given, step)
        wrong += broken(caps, ledger.entries())
    return {"sent": sent, "wrong": wrong}


def leave(ledger: Ledger, caps: Caps, step: dict[str, Any]) -> Reservation | None:
    most = Amount(step["micro"], step["tokens"])
    got = reserve(ledger, caps, errand(step["run"], step["step"]), most)
    match got:
        case Reservation():
            return got
        case CapReached():
            assert got.used + got.wanted > got.limit, got
        case NoPrice():
            assert (most.micro, caps.has_tokens) == (None, False), got
    return None


def died_with_it(ledger: Ledger, caps: Caps, step: dict[str, Any]) -> bool:
    """Reserve in a process that ends without a word; return whether it could."""
    child = os.fork()
    if child == 0:
        code = 2
        try:
            code = 0 if leave(ledger, caps, step) else 1
        finally:
            os._exit(code)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code in (0, 1), code
    return code == 0


def end(ledger: Ledger, given: Reservation, step: dict[str, Any]) -> None:
    """Settle with a part of what was reserved, with all of it, give it back, or leave it open."""
    match step["end"]:
        case "part":
            most, percent = given.most, step["percent"]
            cost = None if most.micro is None else most.micro * percent // 100
            ledger.settle(given.id, Tokens(most.tokens * percent // 100), cost, "answered")
        case "most":
            ledger.settle_at_most(given.id, "cut off")
        case "release":
            ledger.release(given.id, "refused")


def main() -> None:
    for line in sys.stdin:
        print(json.dumps(spend(json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
