"""What somebody says yes to, as a value, and the port through which they say it."""

from __future__ import annotations

import hashlib
import json
import unicodedata
from dataclasses import asdict, dataclass
from typing import Literal, Protocol

from qwenagent.protocol.events import ApprovalAnswered, ApprovalAsked

# Letters and signs that Unicode counts as visible and that show as nothing or as a blank.
_BLANK = frozenset("\u115f\u1160\u2800\u3164\uffa0")
# Marks that stand on the letter before them: enough of them cover what is next to it.
_MARKS = frozenset({"Mn", "Me"})


class Approver(Protocol):
    """Answers what only the user may decide. Implemented by the terminal, by flags, by tests."""

    def ask(self, request: ApprovalAsked) -> ApprovalAnswered:
        """Return the answer; `by="nobody"` if there is nobody to ask.

        One with `edited` is no yes: whoever asked reads that text as it read the first, and asks
        again.
        """
        ...


@dataclass(frozen=True, slots=True)
class Definition:
    """A file of the repository that says what a command really does: a Makefile, a script."""

    path: str
    """Relative to the repository."""
    digest: str
    """SHA-256 of what counts in it; empty if it cannot be read whole."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a command was read."""

    kind: Literal["plan", "repository", "detected", "model", "edited"]
    path: str = ""
    """Of the plan, absolute, or of the repository's file; empty for the others."""
    digest: str = ""
    """Of the plan's text without its ticks, or of that file."""


@dataclass(frozen=True, slots=True)
class Permission:
    """What one yes stands for. It holds as long as every field is the same."""

    root: str
    """The repository's folder, absolute: one that was moved is asked about again."""
    first_commit: str
    """Tells another repository at the same place; empty before the first commit."""
    argv: tuple[str, ...]
    """The exact words; empty for code that a plan gives."""
    cwd: str
    """Relative to the repository."""
    origin: Origin
    programs: tuple[str, ...] = ()
    """Everything that the words start, wrappers and what they wrap."""
    definitions: tuple[Definition, ...] = ()
    code: tuple[str, ...] = ()
    """Given tests and examples."""

    @property
    def digest(self) -> str:
        """SHA-256 over all fields."""
        text = json.dumps(asdict(self), sort_keys=True)  # ASCII: half characters have a form too
        return hashlib.sha256(text.encode("ascii")).hexdigest()


def exact(text: str) -> str:
    r"""Return a text so that nothing in it can hide, its lines kept: `\x1b`, `\u200b`, `\u00a0`.

    Control and direction characters, blanks other than the space, what takes no room and what
    stands on another character are spelt out.
    """
    return "".join(c if c == "\n" or _shows(c) else _spelt(c) for c in text)


def _shows(char: str) -> bool:
    if not char.isprintable() or char in _BLANK:
        return False
    return char.isascii() or unicodedata.category(char) not in _MARKS


def _spelt(char: str) -> str:
    code = ord(char)
    if code < 0x100:
        return {0x09: "\\t", 0x0D: "\\r"}.get(code, f"\\x{code:02x}")
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
