"""A way to models elsewhere that leads to servers on loopback: real SDKs, a real ledger."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Literal

from qwenagent.config import EscalateSettings
from qwenagent.escalate import Around, Escalation, Ledger, Rules, rules_of
from qwenagent.protocol.approval import Approver
from qwenagent.protocol.events import EventStream
from qwenagent.protocol.messages import Cancel
from tests.escalate_canaries import plant
from tests.escalate_servers import ENVIRON, KEY_VARIABLE, MODEL, Reply, Standin, serving
from tests.loop_stage import Stage, Yes

Policy = Literal["never", "ask", "auto"]

PRICE = {"fresh": 3, "cached": 0.3, "out": 15, "as_of": "2026-08-05"}
"""20 fresh, 5 cached and 7 written, as the servers say, are 167 millionths: 60 + 1.5 + 105 is
166.5, rounded up."""
COST = 167


def table(standin: Standin, **own: Any) -> dict[str, Any]:
    """A provider as the user's file has it."""
    return {
        "protocol": standin.protocol,
        "base_url": f"http://127.0.0.1:{standin.port}/v1",
        "model": MODEL,
        "key_variable": KEY_VARIABLE,
        "stream": standin.stream,
        "first_s": 30.0,
        "between_s": 30.0,
        "models": {MODEL: {"price": PRICE}},
    } | own


def settings_for(*standins: Standin, policy: Policy = "auto", **own: Any) -> EscalateSettings:
    """Settings in which the providers are called "one", "two", in this order."""
    names = ("one", "two", "three")
    tables = {name: table(standin) for name, standin in zip(names, standins, strict=False)}
    return EscalateSettings(policy=policy, providers=tables, **own)


@contextmanager
def asked_of(*replies: Sequence[Reply]) -> Iterator[list[Standin]]:
    """Serve a provider for each list of replies."""
    with ExitStack() as stack:
        yield [stack.enter_context(serving(Standin("chat", True, list(r)))) for r in replies]


def way(
    rules: Rules,
    root: Path,
    events: EventStream,
    ledger: Path,
    *,
    approver: Approver | None = None,
    can_ask: bool = True,
    environ: Mapping[str, str] = ENVIRON,
    cancel: Cancel | None = None,
    home: Path | None = None,
) -> Escalation:
    """A way for a repository with secrets in every place; none of them may go, see `serving`."""
    plant(root)
    around = Around(
        root,
        events,
        approver or Yes(),
        can_ask,
        cancel,
        environ,
        home,
        pauses_s=(0.0,),
    )
    return Escalation(rules, Ledger(ledger), around)


def for_stage(
    ledger: Path, settings: EscalateSettings, **own: Any
) -> Callable[[Stage, EventStream], Escalation]:
    """What makes the way for a run on a stage."""

    def make(stage: Stage, events: EventStream) -> Escalation:
        rules = rules_of(settings)
        options: dict[str, Any] = {"approver": stage.approver, "cancel": stage.stop} | own
        return way(rules, stage.root, events, ledger, **options)

    return make
