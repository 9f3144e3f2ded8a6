"""A patch as text, and what it says: for each file, blocks of lines to replace, or all of it.

Strict: what is not in the form is an error that names the line. Knows no files and applies nothing.

A patch is one or more of these, with blank lines between them and nothing else:

    path/of/a/file.py
    <<<<<<< SEARCH
    lines of the file
    =======
    the lines that come in their place
    >>>>>>> REPLACE

    path/of/another.py
    ```python
    the whole file
    ```

A path with blanks in it stands between backticks, and every other one may. It may be left out where
only one file may change: small models do. More blocks for the same
file follow below each other, and a fence around blocks is allowed. Markers may be longer, all three
of a block alike; so may fences, and those around Markdown have to be.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePosixPath

from qwenagent.errors import PatchMalformed, PathEscapes
from qwenagent.grammar.body import MARKDOWN_FENCE
from qwenagent.grammar.search import MAX_BLOCKS, Markers, markers
from qwenagent.workspace.paths import require_inside

_FENCE = re.compile(r"(`{3,})[^`\s]*\s*")
_SEARCH = re.compile(r"(<{7,}) SEARCH\s*")
_BODY = re.compile(rf"(?:{_FENCE.pattern}|{_SEARCH.pattern})$")
_QUOTED = re.compile(r"`([^`]+)`\s*")
_MARKDOWN = frozenset({".md", ".markdown", ".mdx"})
_HINT = (
    "a patch is, for each file, a line with its path, and below it SEARCH/REPLACE blocks or the "
    "whole file in a fence; nothing else"
)


@dataclass(frozen=True, slots=True)
class PatchBlock:
    """Consecutive lines of a file, and those that come in their place; without line ends."""

    search: tuple[str, ...]
    replace: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FilePatch:
    """What a patch says of one file: either blocks, or the whole text."""

    path: str
    """As a listing of the repository has it; the file need not exist."""
    blocks: tuple[PatchBlock, ...] = ()
    whole: str | None = None
    """With `\\n` behind every line; None where there are blocks."""

    def body_for(self, old: str) -> str:
        """Return the blocks as the body of a `search_replace` on a file that has the text `old`."""
        marks = markers(old)
        rows: list[str] = []
        for block in self.blocks:
            rows += [marks.search, *block.search, marks.middle, *block.replace, marks.replace]
        return "".join(f"{row}\n" for row in rows)


def parse_patch(text: str, only: str = "") -> tuple[FilePatch, ...]:
    """Return what a patch says, a value for each file in the order of the first mention.

    `only` is the one file that may change, if there is just one.

    Raises:
        PatchMalformed: it is not in the form; the message has the line and what is wrong there.
    """
    reader = _Reader(text.replace("\r\n", "\n").split("\n"), only)
    found: dict[str, FilePatch] = {}
    while reader.skip_blank():
        at = reader.at
        patch = reader.section()
        before = found.get(patch.path)
        found[patch.path] = _together(before, patch, at) if before else patch
    if not found:
        raise _malformed("it is empty")
    for patch in found.values():
        if len(patch.blocks) > MAX_BLOCKS:
            raise _malformed(
                f"{len(patch.blocks)} blocks for {patch.path}, and a file takes {MAX_BLOCKS}"
            )
    return tuple(found.values())


def _together(before: FilePatch, patch: FilePatch, at: int) -> FilePatch:
    if before.whole is not None or patch.whole is not None:
        raise _malformed(f"{patch.path} is there twice, and once whole", at)
    return FilePatch(patch.path, before.blocks + patch.blocks)


class _Reader:
    """Goes through the lines of a patch once."""

    def __init__(self, rows: list[str], only: str = "") -> None:
        self._rows = rows
        self._only = only
        self.at = 0

    def skip_blank(self) -> bool:
        """Go to the next line that says something; return whether there is one."""
        while self.at < len(self._rows) and not self._rows[self.at].strip():
            self.at += 1
        return self.at < len(self._rows)

    def section(self) -> FilePatch:
        """Read a path and what is below it."""
        start, path = self.at, self._only
        if not path or not _BODY.match(self._rows[start]):
            path = self._path()
            self.at += 1
        if not self.skip_blank():
            raise _malformed(f"there is nothing below {path}", start)
        row = self._rows[self.at]
        if fence := _FENCE.fullmatch(row):
            patch = self._fenced(path, fence[1])
        elif _SEARCH.fullmatch(row):
            patch = FilePatch(path, self._blocks(path))
        else:
            raise _malformed(f"{row[:80]!r} is neither a fence nor a SEARCH marker", self.at)
        if self.at < len(self._rows) and self._rows[self.at].strip():
            raise _malformed(f"{self._rows[self.at][:80]!r} follows without a blank line", self.at)
        return patch

    def _path(self) -> str:
        row = self._rows[self.at]
        quoted = _QUOTED.fullmatch(row)
        name = quoted[1] if quoted else row.rstrip()
        if _FENCE.fullmatch(row) or _SEARCH.fullmatch(row):
            raise _malformed(f"there is no path above {name[:80]!r}", self.at)
        if not quoted and (len(name.split()) != 1 or name[0].isspace()):
            raise _malformed(f"{row[:80]!r} is not the path of a file", self.at)
        if name.endswith("/"):
            raise _malformed(f"{name[:80]!r} is a folder", self.at)
        try:
            return require_inside(name)
        except PathEscapes as error:
            raise _malformed(error.message, self.at) from error

    def _fenced(self, path: str, fence: str) -> FilePatch:
        start = self.at
        end = self._find(fence, start + 1, f"the fence of {path} is not closed")
        inside = _Reader(self._rows[:end])
        inside.at = start + 1
        is_blocks = inside.skip_blank() and _SEARCH.fullmatch(self._rows[inside.at])
        if is_blocks:
            patch = FilePatch(path, inside._blocks(path))
            if inside.skip_blank():
                raise _malformed(f"{inside._rows[inside.at][:80]!r} is outside a block", inside.at)
        else:
            patch = self._whole(path, fence, self._rows[start + 1 : end], start)
        self.at = end + 1
        return patch

    def _whole(self, path: str, fence: str, rows: list[str], start: int) -> FilePatch:
        if len(fence) < MARKDOWN_FENCE and PurePosixPath(path).suffix.lower() in _MARKDOWN:
            raise _malformed(
                f"{path} can have fences itself; its own has {len(fence)} backticks, not "
                f"{MARKDOWN_FENCE} or more",
                start,
            )
        return FilePatch(path, whole="".join(f"{row}\n" for row in rows))

    def _blocks(self, path: str) -> tuple[PatchBlock, ...]:
        """Read blocks up to what is none; blank lines behind the last one stay."""
        found = []
        while True:
            found.append(self._block(path))
            after = self.at
            if not (self.skip_blank() and _SEARCH.fullmatch(self._rows[self.at])):
                self.at = after
                return tuple(found)

    def _block(self, path: str) -> PatchBlock:
        start = self.at
        marker = _SEARCH.fullmatch(self._rows[start])
        assert marker is not None
        marks = _markers(len(marker[1]))
        end = self._find(marks.replace, start + 1, f"a block of {path} has no {marks.replace!r}")
        rows = self._rows[start + 1 : end]
        if any(row.rstrip() == marks.search for row in rows):
            raise _malformed(f"a block of {path} has no {marks.replace!r}", start)
        middles = [n for n, row in enumerate(rows) if row.rstrip() == marks.middle]
        if len(middles) != 1:
            raise _malformed(
                f"a block of {path} has {len(middles)} lines {marks.middle!r}, not one; longer "
                "markers tell them from those of the file",
                start,
            )
        middle = middles[0]
        if not middle:
            raise _malformed(f"a block of {path} searches for nothing", start)
        self.at = end + 1
        return PatchBlock(tuple(rows[:middle]), tuple(rows[middle + 1 :]))

    def _find(self, marker: str, start: int, missing: str) -> int:
        for at in range(start, len(self._rows)):
            if self._rows[at].rstrip() == marker:
                return at
        raise _malformed(missing, start - 1)


def _markers(width: int) -> Markers:
    return Markers("<" * width + " SEARCH", "=" * width, ">" * width + " REPLACE")


def _malformed(what: str, at: int | None = None) -> PatchMalformed:
    where = "the patch" if at is None else f"line {at + 1} of the patch"
    return PatchMalformed(f"{where}: {what}", hint=_HINT)
