"""Makes the box that a run's commands go into, or has the user agree to none."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from qwenagent.errors import ApprovalNeeded

if TYPE_CHECKING:
    from qwenagent.config import Settings
    from qwenagent.sandbox import Box, Network, Sandbox

_NETWORKS: dict[str, Network] = {"allow_network": "all", "allow_loopback": "loopback"}
_ASK: ContextVar[Callable[[str], bool] | None] = ContextVar("_ASK", default=None)
"""Puts a question where somebody else has the terminal."""


@contextmanager
def consent_by(ask: Callable[[str], bool]) -> Iterator[None]:
    """While inside, have `ask` put the question: a prompt of its own has the terminal.

    `ask` returns whether the user has said yes. Holds for the thread that enters.
    """
    token = _ASK.set(ask)
    try:
        yield
    finally:
        _ASK.reset(token)


def make_box(
    root: Path, settings: Settings, flags: dict[str, Any], sandbox: Sandbox | None = None
) -> Box:
    """Return the box for the repository at `root`; `sandbox` is the one to use, if not the best.

    Raises:
        ApprovalNeeded: this machine has no sandbox, and nobody agreed to go without.
    """
    from qwenagent.sandbox import Box, Level, Limits, Policy, Sandbox

    wanted = settings.sandbox
    limits = Limits(memory_bytes=wanted.memory_mb << 20, processes=wanted.processes)
    policy = Policy(root.resolve(), limits=limits)
    if flags["no_sandbox"] or wanted.off:
        by = "--no-sandbox" if flags["no_sandbox"] else "sandbox.off"
        return Box(Sandbox.off(f"switched off by {by}"), policy)
    sandbox = sandbox or Sandbox.find(os.environ)
    if sandbox.level is Level.NONE:
        _require_consent(sandbox.why)
        return Box(sandbox, policy)
    cache = _cache(policy.tree)
    network = next((n for flag, n in _NETWORKS.items() if flags[flag]), wanted.network)
    return Box(sandbox, replace(policy, network=network, cache=cache))


def _cache(tree: Path) -> Path | None:
    """Return the folder for the caches of a repository's tools, None if there can be none."""
    from qwenagent.registry import home

    folder = home() / "sandbox" / hashlib.sha256(os.fsencode(tree)).hexdigest()[:16]
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError:  # then a second build is as slow as the first
        return None
    return folder


def _require_consent(why: str) -> None:
    """Ask once on this machine; a run without a terminal has to say it in so many words."""
    from qwenagent.transcript import state_dir

    agreed = state_dir() / "no-sandbox"
    told = f"no sandbox: {why}. What the model writes would run with your rights"
    if agreed.is_file():
        click.echo(f"warning: {told}", err=True)
        return
    ask = _ASK.get()
    if ask is None and not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise ApprovalNeeded(told, hint="--no-sandbox says that this is meant")
    if not (ask or _confirmed)(f"{told}. Go on, now and from now on?"):
        raise ApprovalNeeded(
            "not without a sandbox", hint="`qwenagent doctor` says what is missing"
        )
    agreed.parent.mkdir(parents=True, exist_ok=True)
    agreed.write_text(f"{why}\n", encoding="utf-8")


def _confirmed(question: str) -> bool:
    return click.confirm(question, err=True)
