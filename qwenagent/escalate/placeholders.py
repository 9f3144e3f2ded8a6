"""Puts stable placeholders in the place of secrets, and the secrets back.

One object lives as long as a run: the same text has the same placeholder in all of its requests.
Holds secrets in memory alone; nothing here is written, logged or shown by `repr`.
"""

from __future__ import annotations

import re
import secrets
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from qwenagent.escalate.secrets import Found, Known, look, merged


@dataclass(frozen=True, slots=True)
class Redacted:
    """A text without secrets, and how many of each class were replaced in it."""

    text: str
    counts: tuple[tuple[str, int], ...] = ()
    """(name of the class, how many), sorted."""


@dataclass(frozen=True, slots=True)
class Restored:
    """A text with its secrets, and what in it looks like a placeholder of ours and is none.

    Those have to be refused: a model changed a placeholder or made one up, and nobody guesses what
    it stands for.
    """

    text: str
    unknown: tuple[str, ...] = ()


class Placeholders:
    """The secrets of a run and what stands for each of them."""

    def __init__(self, known: Known | None = None, *, mark: str = "") -> None:
        """Begin a run. `mark`, hexadecimal, tells its placeholders from other text; else random."""
        self._known = known or Known()
        self._head = f"REDACTED_{mark or secrets.token_hex(4)}_"
        self._whole = re.compile(rf"{self._head}\d+_[A-Z0-9]+_")
        # Each one alone, also where two meet.
        self._alike = re.compile(rf"{self._head}(?:(?!{self._head})\w){{0,40}}", re.IGNORECASE)
        self._by_text: dict[str, str] = {}
        self._by_placeholder: dict[str, str] = {}

    def __repr__(self) -> str:
        return f"Placeholders({len(self._by_text)} in use, {self._known!r})"

    def learn(self, texts: Iterable[str]) -> None:
        """Find what looks like a secret in texts, so that it is replaced wherever it stands."""
        for text in texts:
            for found in look(text):
                self._known.add(found.value, found.kind)

    def redact(self, text: str) -> Redacted:
        """Replace every secret. `restore` gives back exactly `text`, whatever it is."""
        seen = list(look(text))
        for found in seen:
            self._known.add(found.value, found.kind)
        places = merged([*self._known.find(text), *seen])
        parts: list[str] = []
        counts: Counter[str] = Counter()
        done = 0
        for place in places:
            counts[place.kind.name] += 1
            parts.append(self._without_marks(text[done : place.start]))
            parts.append(self._placeholder(text, place))
            done = place.end
        parts.append(self._without_marks(text[done:]))
        return Redacted("".join(parts), tuple(sorted(counts.items())))

    def restore(self, text: str) -> Restored:
        """Put the secrets back where placeholders stand exactly as they were given out."""
        alike = (match[0] for match in self._alike.finditer(text))
        unknown = [word for word in alike if not self._is_given(word)]
        whole = self._whole.sub(lambda m: self._by_placeholder.get(m[0], m[0]), text)
        return Restored(whole, tuple(dict.fromkeys(unknown)))

    def holds_known(self, text: str) -> bool:
        """Return whether a known value is still in a text, in any form: then nothing may go."""
        return next(self._known.find(text), None) is not None

    def _is_given(self, word: str) -> bool:
        match = self._whole.match(word)
        return match is not None and match[0] in self._by_placeholder

    def _placeholder(self, text: str, place: Found) -> str:
        return self._given(text[place.start : place.end], place.kind.tag)

    def _without_marks(self, text: str) -> str:
        """What begins like a placeholder without being one gets one too, so that it comes back.

        So every such beginning in what is returned is one of ours: none can arise where two parts
        meet, since it has one R, its first letter.
        """
        return (
            text.replace(self._head, self._given(self._head, "TEXT"))
            if self._head in text
            else text
        )

    def _given(self, secret: str, tag: str) -> str:
        if secret not in self._by_text:
            placeholder = f"{self._head}{len(self._by_text) + 1}_{tag}_"
            self._by_text[secret] = placeholder
            self._by_placeholder[placeholder] = secret
        return self._by_text[secret]
