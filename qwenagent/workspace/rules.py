"""Values: how commits are made."""

from __future__ import annotations

import re
from dataclasses import dataclass

from qwenagent.workspace.hooks import HookRunner

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


@dataclass(frozen=True, slots=True)
class CommitRules:
    """What the user's settings say about commits; a repository's never count."""

    sign: bool = False
    """Signed by the program of the user's git configuration."""
    hooks: HookRunner | None = None
    """Runs the repository's hooks; without it they are off."""
    sign_timeout_s: float = 30.0
    """After that a program that signs, and may wait for a passphrase, is ended."""


def clean_message(text: str) -> str:
    """Return a commit message that says what it seems to say.

    The title, all before the first empty line, becomes one line, so that no line of it is taken for
    a trailer; control characters, NUL too, and what is not Unicode go.
    """
    text = _CONTROL.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    title, _, rest = text.encode("utf-8", "replace").decode("utf-8").partition("\n\n")
    subject = " ".join(title.split()) or "(no title)"
    return f"{subject}\n\n{rest.strip()}" if rest.strip() else subject
