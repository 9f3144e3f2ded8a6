"""Which files stay at home: by the user's rules, by the repository's, and always.

Judges names. Reads no file; asks git which names a pattern means.
"""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from qwenagent.errors import PathEscapes
from qwenagent.escalate.known import is_key_file
from qwenagent.workspace.paths import require_inside

Reason = Literal["outside", "key file", "local_only", "ignored", "no room"]

WHY: dict[Reason, str] = {
    "outside": "outside of the repository, or git's, an editor's or CI's",
    "key file": "a file of secrets, by its name",
    "local_only": "named in local_only",
    "ignored": "ignored, or no file of the repository",
    "no room": "left out for length",
}


@dataclass(frozen=True, slots=True)
class HomeRules:
    """What stays on this machine."""

    everything: bool = False
    """Nothing of this repository goes anywhere."""
    lists: tuple[tuple[str, ...], ...] = ()
    """Lists of patterns as in .gitignore, from the root of the repository. Each is read by itself:
    a `!` in one takes nothing out of another."""

    def tightened(self, other: HomeRules) -> HomeRules:
        """Return rules under which stays what stays under either."""
        return HomeRules(self.everything or other.everything, self.lists + other.lists)


@dataclass(frozen=True, slots=True)
class Judgement:
    """What was said of paths."""

    everything: bool = False
    """Nothing goes, whatever the path."""
    stays: Mapping[str, Reason] = field(default_factory=dict)
    goes: frozenset[str] = frozenset()

    def why_home(self, path: str) -> Reason | None:
        """Return why a file stays, None if it may go. One that nobody judged stays."""
        if path in self.stays:
            return self.stays[path]
        if self.everything:
            return "local_only"
        return None if path in self.goes else "ignored"


def judge(root: Path, rules: HomeRules, paths: Iterable[str], listed: Collection[str]) -> Judgement:
    """Say which of `paths` stay at home, and why.

    Args:
        root: of the repository.
        rules: the user's, tightened by the repository's.
        paths: in the repository, of files that are there or not.
        listed: the repository's files, ignored ones not, and new ones that edits may make.

    Raises:
        GitFailed: git cannot read the patterns; then nothing may go.
    """
    found: dict[str, Reason] = {}
    rest: list[str] = []
    for path in dict.fromkeys(paths):
        if reason := _by_name(path, listed):
            found[path] = reason
        else:
            rest.append(path)
    named = {name for patterns in rules.lists for name in _named(root, patterns, rest)}
    found |= dict.fromkeys(named, "local_only")
    goes = frozenset[str]() if rules.everything else frozenset(rest) - named
    return Judgement(rules.everything, found, goes)


def _by_name(path: str, listed: Collection[str]) -> Reason | None:
    try:
        name = require_inside(path)
    except PathEscapes:
        return "outside"
    if is_key_file(path):
        return "key file"
    return None if name == path and path in listed else "ignored"


def _named(root: Path, patterns: Sequence[str], names: Sequence[str]) -> set[str]:
    """Return the names that patterns mean."""
    # GitPython takes 140 ms to import.
    from qwenagent.workspace.git import Git
    from qwenagent.workspace.patterns import named_by

    if not patterns or not names:
        return set()
    with tempfile.TemporaryDirectory() as folder:
        rules = Path(folder) / "patterns"
        rules.write_text("\n".join(patterns) + "\n", encoding="utf-8")
        return named_by(Git(root), f"--exclude-from={rules}", names)
