"""Finds secrets in a text: known values in every claimed form, and what looks like a secret.

Says where they are and of which class; puts nothing in their place, `placeholders` does.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import unquote

from qwenagent.escalate import assignments
from qwenagent.escalate.classes import CLASSES as _BY_LOOK
from qwenagent.escalate.classes import URL, SecretClass
from qwenagent.escalate.spelling import Spelling, View, decoded, every_view, spellings

KNOWN = SecretClass(
    "values known on this machine",
    "KNOWN",
    "of the environment by name, of `.env` and key files, of git's configuration, of files of "
    "credentials in the home folder, and whatever was found once by one of the classes above, in "
    "each of the encoded forms; of eight characters and more that are no words or numbers",
    (),
)
ENCODED = SecretClass(
    "base64 of the classes above",
    "BASE64",
    "a word of 20 characters and more that decodes to text with one of the classes in it",
    (),
)
ASSIGNED = SecretClass(assignments.NAME, assignments.TAG, assignments.LOOK, ())

CLASSES: tuple[SecretClass, ...] = (*_BY_LOOK, ASSIGNED, ENCODED, KNOWN)
"""Everything that is claimed. Where two classes meet, the earlier one names the placeholder."""


def classes_markdown() -> str:
    """Return the table of what is claimed, for the README."""
    rows = [f"| {kind.name} | {kind.look} |\n" for kind in CLASSES]
    return "".join(["| class | what is recognised |\n|---|---|\n", *rows])


MIN_DISTINCT = 8
"""Characters that a value needs to be looked for wherever it stands."""
_MIN_ONE_CASE = 16
"""And this many, if it is a number, or words in letters of one case."""
_PLAIN = re.compile(r"[a-z _.-]+|[A-Z _.-]+|[\d _.-]+")
_MIN_LINE = 16
_WORD_BASE64 = re.compile(r"(?<![A-Za-z0-9+/_=-])[A-Za-z0-9+/_-]{20,100000}={0,2}")


@dataclass(frozen=True, slots=True)
class Found:
    """A secret in a text: [start, end), and which class it is of."""

    start: int
    end: int
    kind: SecretClass
    value: str = ""
    """What it is without its encoding, where that is known."""


def is_distinct(value: str) -> bool:
    """Return whether a value is so much its own that it may be replaced wherever it stands."""
    if len(value) < MIN_DISTINCT:
        return False
    return len(value) >= _MIN_ONE_CASE or not _PLAIN.fullmatch(value)


def known_parts(value: str) -> list[str]:
    """Return what of a secret value is looked for: all of it, and its lines if it has several."""
    lines = value.split("\n") if "\n" in value else []
    long = [line.strip() for line in lines if len(line.strip()) >= _MIN_LINE]
    parts = [value.strip(), *(line for line in long if not line.startswith("-----"))]
    return [part for part in dict.fromkeys(parts) if is_distinct(part)]


class Known:
    """The values that are known to be secret, ready to be looked for. Never shows them."""

    def __init__(self) -> None:
        self._spellings: dict[str, list[Spelling]] = {}
        self._kinds: dict[str, SecretClass] = {}

    def __len__(self) -> int:
        return len(self._spellings)

    def __repr__(self) -> str:
        return f"Known({len(self)} values)"

    def add(self, value: str, kind: SecretClass = KNOWN) -> None:
        """Look for a value, and for its lines, from now on; a plain word is not looked for."""
        for part in known_parts(value):
            if part not in self._spellings:
                self._spellings[part] = spellings(part)
                self._kinds[part] = kind

    def find(self, text: str) -> Iterator[Found]:
        """Yield every place where one is, in any of `spelling.FORMS`."""
        if not self._spellings:
            return
        for view in every_view(text):
            for value, forms in self._spellings.items():
                for form in forms:
                    kind = self._kinds[value]
                    yield from (Found(*at, kind, value) for at in form.places(view))


def look(text: str) -> Iterator[Found]:
    """Yield what looks like a secret, also where the text around it is escaped."""
    for view in decoded(text):
        yield from _in(view)
    yield from _in_base64(text)


def _in(view: View) -> Iterator[Found]:
    for start, end, kind in _places(view.text):
        yield Found(*view.origin(start, end), kind, _value(view.text[start:end], kind))


def _places(text: str) -> Iterator[tuple[int, int, SecretClass]]:
    for kind in _BY_LOOK:
        for pattern in kind.patterns:
            for match in pattern.finditer(text):
                start, end = match.span(min(1, pattern.groups))
                yield start, end, kind
    for start, end in assignments.values(text):
        yield start, end, ASSIGNED


def _value(text: str, kind: SecretClass) -> str:
    """Return what is looked for elsewhere too: of `user:password` the password."""
    if kind is not URL:
        return text
    return unquote(text.partition(":")[2] or text)


def _in_base64(text: str) -> Iterator[Found]:
    for match in _WORD_BASE64.finditer(text):
        inner = _plain(match[0])
        if inner and next(_places(inner), None):
            yield Found(match.start(), match.end(), ENCODED, match[0])


def _plain(word: str) -> str:
    """Return the text that a word of base64 stands for, empty if it stands for none."""
    body = word.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        inner = base64.b64decode(body + "=" * (-len(body) % 4), validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError):
        return ""
    return inner if inner.replace("\n", "").replace("\r", "").isprintable() else ""


def merged(found: Iterable[Found]) -> list[Found]:
    """Return places that do not overlap, in order: those that do become one, of the first class."""
    whole: list[Found] = []
    for one in sorted(found, key=lambda f: (f.start, -f.end, CLASSES.index(f.kind))):
        if one.start == one.end:
            continue
        if whole and one.start < whole[-1].end:
            last = whole.pop()
            kind = min(last.kind, one.kind, key=CLASSES.index)
            whole.append(Found(last.start, max(last.end, one.end), kind))
        else:
            whole.append(one)
    return whole
