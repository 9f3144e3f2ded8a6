"""A process that spends from a ledger as it is told, line by line, and looks whether a cap broke.

Run as `python -m tests.escalate_spender`. A line of JSON in is a list of requests; a line out is
what became of them.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from qwenagent.escalate.answer import Tokens
from qwenagent.escalate.caps import CapReached, Caps, Limit, reserve
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
    limits = dict(caps.by_scope())
    return [
        f"{scope[0]} {scope[1]}: {counter[scope]}"
        for counter, unit in ((totals, "micro"), (tokens, "tokens"))
        for scope in counter
        if (most := getattr(limits[scope[0]], unit)) is not None and counter[scope] > most  # type: ignore[index]
    ]


def spend(order: dict[str, Any]) -> dict[str, Any]:
    """Reserve and end each request as told; the first two thirds of what is open stay open."""
    caps = caps_of(order["caps"])
    now = [0.0]
    ledger = Ledger(Path(order["path"]), clock=lambda: now[0])
    sent, refused, wrong = 0, 0, list[str]()
    for step in order["steps"]:
        now[0] = step["at"]
        most = Amount(step["micro"], step["tokens"])
        got = reserve(ledger, caps, errand(step["run"], step["step"]), most)
        match got:
            case Reservation():
                sent += 1
                wrong += broken(caps, ledger.entries())
                end(ledger, got, step)
            case CapReached():
                refused += 1
                assert got.used + got.wanted > got.limit, got
    return {"sent": sent, "refused": refused, "wrong": wrong}


def end(ledger: Ledger, given: Reservation, step: dict[str, Any]) -> None:
    """Settle with a part of what was reserved, with all of it, give it back, or leave it open."""
    match step["end"]:
        case "part":
            used = given.most.tokens * step["percent"] // 100
            cost = (given.most.micro or 0) * step["percent"] // 100
            ledger.settle(given.id, Tokens(used, 0, 0), cost, "answered")
        case "most":
            ledger.settle_at_most(given.id, "cut off")
        case "release":
            ledger.release(given.id, "refused")


def main() -> None:
    for line in sys.stdin:
        print(json.dumps(spend(json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
