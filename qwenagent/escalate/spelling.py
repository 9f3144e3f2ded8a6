"""How a value can be written: its encoded forms, and a text read with encodings undone.

Knows nothing of what is secret. Every place found in a text that was read is told as a place of the
text that was given.
"""

from __future__ import annotations

import base64
import html
import re
import string
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

FORMS: dict[str, str] = {
    "literal": "as it is; with its quotes doubled, or `+` for its blanks; composed or decomposed",
    "base64": "standard and URL-safe alphabet, alone or in the middle of more, of UTF-8 or UTF-16",
    "hex": "in small or large letters",
    "percent": "any of its characters as %XX, in small or large letters",
    "escapes": "any of its characters escaped as JSON, Python, C, JavaScript or a shell do",
    "entities": "any of its characters as an HTML or XML entity",
    "wrapped": "broken over lines, indented or after a mark of a diff or of pytest",
}
"""The forms in which a known value is found; of percent, escapes and entities also two, one in
the other, in whichever order, and a wrapped form of any."""

_ALPHABET = frozenset(string.ascii_letters + string.digits + "+/_-")


@dataclass(frozen=True, slots=True)
class _Piece:
    """A place where a view and the text below it differ."""

    here: tuple[int, int]
    below: tuple[int, int]


@dataclass(frozen=True, slots=True)
class View:
    """A text, and where each part of it comes from."""

    text: str
    below: View | None = None
    _pieces: tuple[_Piece, ...] = ()
    _starts: tuple[int, ...] = ()
    joined: bool = False
    """Whether lines were joined in it, so that words stand together that are apart."""

    def origin(self, start: int, end: int) -> tuple[int, int]:
        """Return the part of the given text that a part of this one was read from."""
        if self.below is None:
            return start, end
        return self.below.origin(self._start_below(start), self._end_below(end))

    def _start_below(self, at: int) -> int:
        index = bisect_right(self._starts, at) - 1
        if index < 0:
            return at
        piece = self._pieces[index]
        return piece.below[0] if at < piece.here[1] else piece.below[1] + at - piece.here[1]

    def _end_below(self, at: int) -> int:
        index = bisect_left(self._starts, at) - 1
        if index < 0:
            return at
        piece = self._pieces[index]
        return piece.below[1] if at <= piece.here[1] else piece.below[1] + at - piece.here[1]

    def read(self, token: re.Pattern[str], meaning: Callable[[re.Match[str]], str]) -> View:
        """Return this text with every token replaced by what it means."""
        parts: list[str] = []
        pieces: list[_Piece] = []
        done, size = 0, 0
        for match in token.finditer(self.text):
            plain, meant = self.text[done : match.start()], meaning(match)
            size += len(plain)
            parts += (plain, meant)
            pieces.append(_Piece((size, size + len(meant)), match.span()))
            size += len(meant)
            done = match.end()
        text = "".join((*parts, self.text[done:]))
        starts = tuple(piece.here[0] for piece in pieces)
        return View(text, self, tuple(pieces), starts, self.joined)


def _percent(match: re.Match[str]) -> str:
    return bytes.fromhex(match[0].replace("%", "")).decode("utf-8", "replace")


def _escape(match: re.Match[str]) -> str:
    code = match["pair"] or match["braced"] or match["four"] or match["eight"] or match["two"]
    if match["pair"]:
        both = bytes.fromhex(match["pair"].replace("\\u", ""))
        return both.decode("utf-16-be", "replace")
    if code:
        return chr(min(int(code, 16), 0x10FFFF))
    if match["bytes"]:
        raw = re.findall(r"\\x(..)|\\(...)", match["bytes"])
        return bytes(int(x, 16) if x else int(o, 8) for x, o in raw).decode("utf-8", "replace")
    if match["octal"]:
        return chr(int(match["octal"], 8))
    return _LETTERS.get(match["letter"], "") if match["letter"] else (match["mark"] or "")


_LETTERS = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f", "v": "\v", "a": "\a", "0": "\0"}
_PERCENT = re.compile(r"%[0-7][0-9A-Fa-f]|(?:%[89A-Fa-f][0-9A-Fa-f])+")
_ESCAPE = re.compile(
    r"""\\(?:
        (?P<pair>u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})
      | u\{(?P<braced>[0-9a-fA-F]{1,6})\} | u(?P<four>[0-9a-fA-F]{4})
      | U(?P<eight>[0-9a-fA-F]{8}) | x(?P<two>[0-7][0-9a-fA-F])
      | (?P<octal>[01][0-7]{2}) | (?P<letter>[nrtbfva0])
      | \r?\n | (?P<mark>[^A-Za-z0-9\r\n])
      )
      | (?P<bytes>(?:\\x[89a-fA-F][0-9a-fA-F]|\\[23][0-7]{2})+)""",
    re.VERBOSE,
)
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_ENCODINGS: tuple[tuple[str, re.Pattern[str], Callable[[re.Match[str]], str]], ...] = (
    ("%", _PERCENT, _percent),
    ("\\", _ESCAPE, _escape),
    ("&", _ENTITY, lambda match: html.unescape(match[0])),
)
_BREAKS = (
    re.compile(r"[ \t]*\r?\n[ \t]*"),
    re.compile(r"[ \t]*\r?\n[ \t]*[-+>|#*E][ \t]*"),
)


def decoded(text: str) -> list[View]:
    """Return a text as it is, and with up to two encodings undone."""
    return _decoded([View(text)])


def every_view(text: str) -> list[View]:
    """Return what `decoded` does, and all of it with lines joined, before and after."""
    return _with_lines_joined(_decoded(_with_lines_joined([View(text)])))


def _decoded(views: list[View]) -> list[View]:
    found = layer = views
    for _ in range(2):
        layer = [
            view.read(token, meaning)
            for view in layer
            for mark, token, meaning in _ENCODINGS
            if mark in view.text
        ]
        found = found + layer
    return _different(found)


def _with_lines_joined(views: list[View]) -> list[View]:
    """Add every view with its lines joined: as they are, and without marks before them."""
    joined = [v.read(at, lambda _: "") for v in views if "\n" in v.text for at in _BREAKS]
    return _different([*views, *(replace(view, joined=True) for view in joined)])


def _different(views: list[View]) -> list[View]:
    return list({view.text: view for view in reversed(views)}.values())[::-1]


@dataclass(frozen=True, slots=True)
class Spelling:
    """One way to write a value; `whole` if all that is base64 around it belongs to it."""

    text: str
    whole: bool = False

    def places(self, view: View) -> Iterator[tuple[int, int]]:
        """Yield where it is, as places of the text that was given."""
        at = view.text.find(self.text)
        while at >= 0:
            start, end = at, at + len(self.text)
            if self.whole and not view.joined:
                start, end = _run_around(view.text, start, end)
            yield view.origin(start, end)
            at = view.text.find(self.text, end)


def _run_around(text: str, start: int, end: int) -> tuple[int, int]:
    while start and text[start - 1] in _ALPHABET:
        start -= 1
    while end < len(text) and text[end] in _ALPHABET:
        end += 1
    while end < len(text) and text[end] == "=":
        end += 1
    return start, end


def spellings(value: str) -> list[Spelling]:
    """Return every way in which a value is looked for in a view of a text."""
    plain = [value, value.replace("'", "''"), value.replace('"', '""'), value.replace(" ", "+")]
    plain += [value.replace("'", "'\\''"), re.sub(r"\s*\n\s*", "", value)]
    plain += [unicodedata.normalize(form, value) for form in ("NFC", "NFD")]
    raw = value.encode("utf-8", "surrogateescape")
    wide = value.encode("utf-16-le", "surrogatepass")
    runs = [core for data in (raw, wide) for core in _cores(data)]
    runs += [core.translate(_URL_SAFE) for core in runs]
    found = [Spelling(text) for text in (*plain, raw.hex(), raw.hex().upper())]
    return list(dict.fromkeys([*found, *(Spelling(text, whole=True) for text in runs)]))


_URL_SAFE = str.maketrans("+/", "-_")


def _cores(data: bytes) -> Iterator[str]:
    """Yield the base64 characters that depend on `data` alone, for each place in three bytes."""
    for before in range(3):
        text = base64.b64encode(bytes(before) + data).decode("ascii")
        mixed_ahead = (0, 2, 3)[before]
        mixed_behind = (0, 3, 2)[(before + len(data)) % 3]
        yield text[mixed_ahead : len(text) - mixed_behind]
