"""The memory of what the user has approved before. Digests decide; what they stand for is told."""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qwenagent.protocol.approval import Approver
from qwenagent.protocol.events import ApprovalAnswered, ApprovalAsked

_MAX_KEPT = 2000
"""Approvals; the oldest are forgotten first, and asked for again."""
_MAX_SHOWN = 300
"""Characters of a command that are kept for the list."""


class RememberingApprover:
    """Answers what the user has granted before; asks `inner` for the rest.

    The store is a JSON file in the state folder, never in the repository: what a repository
    ships must not approve itself. Only a user's own yes for good is kept, for each item under the
    digest of everything it stands for. If one item is new, changed or not to be remembered, all
    are asked about.
    """

    def __init__(self, inner: Approver, store_path: Path) -> None:
        self._inner = inner
        self._store_path = store_path

    def ask(self, request: ApprovalAsked) -> ApprovalAnswered:
        """Look the digests up, or ask and keep a yes that is for good."""
        wanted = request.digests
        if wanted and all(wanted) and set(wanted) <= set(_read(self._store_path)):
            return ApprovalAnswered(True, "remembered", request.digest)
        answer = self._inner.ask(request)
        fresh = {digest: shown for digest, shown in _shown_of(request).items() if digest}
        if fresh and answer.digest == request.digest and _is_for_good(answer):
            known = {d: one for d, one in _read(self._store_path).items() if d not in fresh}
            _write(self._store_path, known | _noted(fresh))
        return answer


@dataclass(frozen=True, slots=True)
class Granted:
    """Something that is approved for good."""

    digest: str
    shown: str = ""
    """What was asked about; empty if that was not kept."""
    when: float = 0.0
    """Seconds since the epoch."""


def granted(store_path: Path) -> list[Granted]:
    """Return what is approved for good, the oldest first."""
    return list(_read(store_path).values())


def take_back(store_path: Path, digests: Collection[str]) -> None:
    """Have these asked about again.

    Raises:
        OSError: it cannot be written.
    """
    _write(store_path, {d: one for d, one in _read(store_path).items() if d not in digests})


def _is_for_good(answer: ApprovalAnswered) -> bool:
    is_yes = answer.granted and not answer.edited
    return is_yes and answer.for_good and answer.by == "user"


def _shown_of(request: ApprovalAsked) -> dict[str, str]:
    same = len(request.digests) == len(request.items)
    items = request.items if same else (request.question,) * len(request.digests)
    return dict(zip(request.digests, items, strict=True))


def _noted(shown: Mapping[str, str]) -> dict[str, Granted]:
    now = time.time()
    return {digest: Granted(digest, text[:_MAX_SHOWN], now) for digest, text in shown.items()}


def _read(path: Path) -> dict[str, Granted]:
    """Return what was granted; a missing or damaged store has nothing, so the user is asked."""
    try:
        raw: Any = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    if not isinstance(raw, dict) or not isinstance(raw.get("granted"), list):
        return {}
    about = raw.get("about")
    about = about if isinstance(about, dict) else {}
    return {d: _one(d, about.get(d)) for d in raw["granted"] if isinstance(d, str)}


def _one(digest: str, about: Any) -> Granted:
    match about:
        case {"shown": str(shown), "when": int() | float() as when}:
            return Granted(digest, shown, when)
    return Granted(digest)


def _write(path: Path, found: Mapping[str, Granted]) -> None:
    kept = list(found.values())[-_MAX_KEPT:]
    about = {one.digest: {"shown": one.shown, "when": one.when} for one in kept if one.shown}
    whole = {"version": 1, "granted": [one.digest for one in kept], "about": about}
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # mode 0600
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(whole, file, indent=1)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
