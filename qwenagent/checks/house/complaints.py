"""What linters complain of, read from what they print, and which of it is new."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import msgspec

from qwenagent.checks.house.tool import HouseTool

_RUFF = re.compile(r"(?P<path>.+?):\d+:\d+: (?P<code>[\w-]+):? (?P<text>.+)")
_BIOME = re.compile(
    r"::(?:error|warning) title=(?P<code>[^,]+),file=(?P<path>[^,]+),line=\d+"
    r"[^:]*::(?P<text>.+)"
)


@dataclass(frozen=True, slots=True)
class Complaint:
    """One complaint of a linter. Its line is not kept: a formatter moves it."""

    path: str
    """Relative to the repository."""
    code: str
    """The rule's name; empty for what cannot be parsed."""
    text: str

    @property
    def shown(self) -> str:
        """The complaint on one line."""
        return f"{self.path}: {' '.join(f'{self.code} {self.text}'.split())}"

    @property
    def key(self) -> tuple[str, str, str]:
        """The same before and after other lines have moved it."""
        return self.path, self.code, re.sub(r"\d+", "0", self.text)


def read_complaints(tool: HouseTool, output: str, root: Path) -> list[Complaint]:
    """Return what a linter printed that it complains of; none of a tool that does not."""
    match tool.says:
        case "ruff":
            return list(_matching(_RUFF, output, tool, root))
        case "biome":
            return list(_matching(_BIOME, output, tool, root))
        case "eslint":
            return list(_of_eslint(output, tool, root))
        case _:
            return []


def new_ones(before: Iterable[Complaint], after: Sequence[Complaint]) -> list[Complaint]:
    """Return the complaints that there are more of than before, wherever they stand now."""
    left = Counter(complaint.key for complaint in before)
    found = []
    for complaint in after:
        if left[complaint.key]:
            left[complaint.key] -= 1
        else:
            found.append(complaint)
    return found


def _matching(
    pattern: re.Pattern[str], output: str, tool: HouseTool, root: Path
) -> Iterator[Complaint]:
    for row in output.split("\n"):
        if match := pattern.fullmatch(row.strip()):
            path = _path(match["path"], tool, root)
            yield Complaint(path, match["code"], match["text"])


class _Message(msgspec.Struct, rename="camel", frozen=True):
    message: str
    rule_id: str | None = None
    fatal: bool = False


class _Linted(msgspec.Struct, rename="camel", frozen=True):
    """One file of ESLint's report."""

    file_path: str
    messages: tuple[_Message, ...]


def _of_eslint(output: str, tool: HouseTool, root: Path) -> Iterator[Complaint]:
    # Warnings of node and of ESLint itself stand around the report.
    reports = (row for row in output.split("\n") if row.startswith('[{"filePath"'))
    try:
        files = msgspec.json.decode(next(reports, "[]"), type=list[_Linted])
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return
    for file in files:
        path = _path(file.file_path, tool, root)
        for found in file.messages:
            if found.rule_id or found.fatal:
                yield Complaint(path, found.rule_id or "", found.message)


def _path(said: str, tool: HouseTool, root: Path) -> str:
    path = Path(said)
    if path.is_absolute():
        return path.relative_to(root).as_posix() if path.is_relative_to(root) else said
    return (PurePosixPath(tool.home) / PurePosixPath(said)).as_posix()
