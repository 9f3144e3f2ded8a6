"""The memory of what the user has approved before. Knows digests, not what they stand for."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from qwenagent.protocol.approval import Approver
from qwenagent.protocol.events import ApprovalAnswered, ApprovalAsked

_MAX_KEPT = 2000
"""Approvals; the oldest are forgotten first, and asked for again."""


class RememberingApprover:
    """Answers what the user has granted before; asks `inner` for the rest.

    The store is a JSON file in the state folder, never in the repository: what a repository
    ships must not approve itself. Only a user's own yes is kept, for each item under the digest
    of everything it stands for. If one item is new, changed or not to be remembered, all are
    asked about.
    """

    def __init__(self, inner: Approver, store_path: Path) -> None:
        self._inner = inner
        self._store_path = store_path

    def ask(self, request: ApprovalAsked) -> ApprovalAnswered:
        """Look the digests up, or ask and keep a yes."""
        wanted = request.digests
        if wanted and all(wanted) and set(wanted) <= set(_read_digests(self._store_path)):
            return ApprovalAnswered(True, "remembered", request.digest)
        answer = self._inner.ask(request)
        fresh = [digest for digest in wanted if digest]
        if fresh and answer.granted and answer.by == "user" and answer.digest == request.digest:
            _keep_digests(self._store_path, fresh)
        return answer


def _read_digests(path: Path) -> list[str]:
    """Return the granted digests; a missing or damaged store has none, so the user is asked."""
    try:
        raw: Any = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return []
    granted = raw.get("granted") if isinstance(raw, dict) else None
    return [d for d in granted if isinstance(d, str)] if isinstance(granted, list) else []


def _keep_digests(path: Path, digests: Sequence[str]) -> None:
    kept = list(dict.fromkeys([*(d for d in _read_digests(path) if d not in digests), *digests]))
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # mode 0600
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump({"version": 1, "granted": kept[-_MAX_KEPT:]}, file, indent=1)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
