"""Builds the way to models elsewhere, as far as the user has set one up."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from qwenagent.config import Settings
    from qwenagent.escalate import Escalation, Ledger, Rules
    from qwenagent.protocol.approval import Approver
    from qwenagent.protocol.events import EventStream
    from qwenagent.protocol.messages import Cancel


def frontier_rules(settings: Settings, flags: dict[str, Any]) -> Rules | None:
    """Return what may be asked of whom; None where nobody may be.

    Raises:
        ConfigError: a provider is unknown, or its table cannot be meant.
    """
    escalate = settings.escalate
    if not (escalate.order or escalate.providers):
        return None
    from qwenagent.escalate import rules_of

    rules = rules_of(escalate, offline=bool(flags.get("offline")))
    return None if rules.shut else rules


def make_frontier(
    rules: Rules,
    root: Path,
    events: EventStream,
    approver: Approver,
    stop: Cancel,
    flags: dict[str, Any],
) -> Escalation:
    """Return what asks models elsewhere for the run of `events`."""
    from qwenagent.escalate import Around, Escalation

    around = Around(
        root=root,
        events=events,
        approver=approver,
        can_ask=is_attended(flags),
        cancel=stop,
        environ=dict(os.environ),
        home=Path.home(),
    )
    return Escalation(rules, ledger(), around)


def ledger() -> Ledger:
    """Return the user's ledger; its file is made by the first request."""
    from qwenagent.escalate import LEDGER_FILE, Ledger
    from qwenagent.transcript import state_dir

    return Ledger(state_dir() / LEDGER_FILE)


def is_attended(flags: dict[str, Any]) -> bool:
    """Return whether somebody sits before a terminal and can answer."""
    return sys.stdin.isatty() and sys.stdout.isatty() and not flags.get("as_json")
