"""A text file as bytes and as text, so that an edit changes nothing that it did not name."""

from __future__ import annotations

import re
from collections import defaultdict, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import TypeAlias

from qwenagent.errors import EditRefused

MAX_BYTES = 2_000_000
_BOM = b"\xef\xbb\xbf"
_LFS = b"version https://git-lfs.github.com/spec/"
_LFS_MAX_BYTES = 1024
"""Longest pointer, by the specification of Git LFS."""
_WIDE = {
    b"\xff\xfe\0\0": "UTF-32",
    b"\0\0\xfe\xff": "UTF-32",
    b"\xff\xfe": "UTF-16",
    b"\xfe\xff": "UTF-16",
}
_NO_TEXT = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")
_UTF8_CHARACTER = re.compile(
    rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}"
)
_MOST_COMPARED = 1_000_000
"""Pairs of lines: `SequenceMatcher` may look at each of them, and again."""
Run: TypeAlias = tuple[int, int, int]
"""Lines that two texts share: place in the old one, place in the new one, how many."""
_SAID = {"cp1252": "Windows-1252", "latin-1": "Latin-1"}


@dataclass(frozen=True, slots=True)
class TextFile:
    """The text with `\\n` line ends, and how it is written down."""

    text: str
    newline: str = "\n"
    """The line end of the file, or of most of its lines."""
    bom: bool = False
    encoding: str = "utf-8"
    """A codec's name."""
    ends: tuple[str, ...] = ()
    """Each line's own end where they differ, else nothing."""

    @classmethod
    def decode(cls, data: bytes, path: str) -> TextFile:
        """Read bytes.

        Raises:
            EditRefused: no text, or in an encoding that is not written; says what helps.
        """
        if data.startswith(_LFS) and len(data) <= _LFS_MAX_BYTES:
            raise EditRefused(f"{path} is a Git LFS pointer; `git lfs pull` fetches the file")
        if wide := _wide(data):
            raise EditRefused(f"{path} is {wide} text; `iconv -f {wide} -t UTF-8` converts it")
        if b"\0" in data:
            raise EditRefused(f"{path} is not a text file: it has zero bytes")
        bom = data.startswith(_BOM)
        data = data.removeprefix(_BOM)
        encoding = encoding_of(data)
        if not encoding:
            raise EditRefused(f"{path} is {_neither(data)}; `iconv -t UTF-8` converts text")
        text = data.decode(encoding)
        n_crlf, n_lf = text.count("\r\n"), text.count("\n")
        newline = "\r\n" if 2 * n_crlf > n_lf else "\n"
        ends = () if n_crlf in (0, n_lf) else tuple(re.findall(r"\r?\n", text))
        return cls(text.replace("\r\n", "\n"), newline, bom, encoding, ends)

    def encode(self, text: str, path: str = "the file", kept: Iterable[Run] | None = None) -> bytes:
        """Write another text the way this one was written.

        Where line ends differ, lines that are in both texts keep theirs and new ones get that of
        most lines. `kept` tells which lines are in both; without it they are compared.

        Raises:
            EditRefused: a character does not fit the encoding; says which.
        """
        ended = self._with_own_ends(text, kept) if self.ends else text.replace("\n", self.newline)
        try:
            data = ended.encode(self.encoding)
        except UnicodeEncodeError as error:
            raise EditRefused(self._misfit(path, ended[error.start])) from None
        return _BOM + data if self.bom else data

    def _misfit(self, path: str, character: str) -> str:
        if self.encoding == "utf-8":
            return f"the text for {path} cannot be written as UTF-8: {character!r}"
        name = _SAID[self.encoding]
        convert = f"`iconv -f {name.upper()} -t UTF-8` converts the file"
        return f"{path} is {name} text and cannot hold {character!r}; write it in ASCII ({convert})"

    def _with_own_ends(self, text: str, kept: Iterable[Run] | None) -> str:
        old, new = self.text.split("\n"), text.split("\n")
        ends = [self.newline] * (len(new) - 1)
        for at, there, n in _common(old, new) if kept is None else kept:
            for i in range(n):
                if at + i < len(self.ends) and there + i < len(ends):
                    ends[there + i] = self.ends[at + i]
        return "".join(line + end for line, end in zip(new, [*ends, ""], strict=True))


def encoding_of(data: bytes) -> str:
    """Return the codec that reads and writes these bytes unchanged, empty if it is no text.

    UTF-8, else Windows-1252 or Latin-1, unless the bytes look like broken UTF-8.
    """
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        pass
    else:
        return "utf-8"
    if _NO_TEXT.search(data) or _UTF8_CHARACTER.search(data):
        return ""
    if not re.search(rb"[\x80-\x9f]", data):
        return "latin-1"
    # Five bytes of Windows-1252 have no meaning; Latin-1 has control characters in that range.
    return "" if re.search(rb"[\x81\x8d\x8f\x90\x9d]", data) else "cp1252"


def _wide(data: bytes) -> str:
    """Name UTF-16 and UTF-32, by their mark or by zeros in every other place."""
    for mark, name in _WIDE.items():
        if data.startswith(mark):
            return name
    if b"\0" in data and len(data) >= 4 and not len(data) % 2:
        for zeros, others in ((data[::2], data[1::2]), (data[1::2], data[::2])):
            if b"\0" not in others and not zeros.strip(b"\0"):
                return "UTF-16"
    return ""


def _neither(data: bytes) -> str:
    if _NO_TEXT.search(data):
        return "not a text file"
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        return f"neither UTF-8 text (byte {error.start}) nor Latin-1"
    raise AssertionError("it is UTF-8")


def _common(old: Sequence[str], new: Sequence[str]) -> list[Run]:
    """Return runs of equal lines."""
    n_head = 0
    while n_head < min(len(old), len(new)) and old[n_head] == new[n_head]:
        n_head += 1
    n_tail = 0
    while n_tail < min(len(old), len(new)) - n_head and old[-1 - n_tail] == new[-1 - n_tail]:
        n_tail += 1
    middle = _matched(old[n_head : len(old) - n_tail], new[n_head : len(new) - n_tail])
    inner = [(at + n_head, there + n_head, n) for at, there, n in middle]
    return [(0, 0, n_head), *inner, (len(old) - n_tail, len(new) - n_tail, n_tail)]


def _matched(old: Sequence[str], new: Sequence[str]) -> list[Run]:
    """Return runs of equal lines in order; of very many lines each alone, by its occurrence."""
    if len(old) * len(new) <= _MOST_COMPARED:
        blocks = SequenceMatcher(None, old, new, autojunk=False).get_matching_blocks()
        return [(block.a, block.b, block.size) for block in blocks]
    there: defaultdict[str, deque[int]] = defaultdict(deque)
    for i, line in enumerate(new):
        there[line].append(i)
    return [(at, there[line].popleft(), 1) for at, line in enumerate(old) if there[line]]
