"""The port through which somebody says yes."""

from __future__ import annotations

from typing import Protocol

from qwenagent.protocol.events import ApprovalAnswered, ApprovalAsked


class Approver(Protocol):
    """Answers what only the user may decide. Implemented by the terminal, by flags, by tests."""

    def ask(self, request: ApprovalAsked) -> ApprovalAnswered:
        """Return the answer; `by="nobody"` if there is nobody to ask."""
        ...
