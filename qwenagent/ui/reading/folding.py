"""Long pastes, shown as one mark each while the message is written, and sent whole."""

from __future__ import annotations

import re

from qwenagent.ui import words

MAX_LINES = 10
MAX_CHARS = 1_000


class Folds:
    """The pastes of one message by their marks: `[pasted 214 lines]`."""

    def __init__(self) -> None:
        self._texts: dict[str, str] = {}

    def folded(self, text: str) -> str:
        """Return the mark of a long paste, which is kept; a short one as it is."""
        n_lines = len(text.removesuffix("\n").split("\n"))
        if n_lines <= MAX_LINES and len(text) <= MAX_CHARS:
            return text
        what = (
            words.plural(n_lines, "line") if n_lines > 1 else words.plural(len(text), "character")
        )
        number, mark = 1, f"[pasted {what}]"
        while self._texts.get(mark, text) != text:
            number += 1
            mark = f"[pasted {what}, {number}]"
        self._texts[mark] = text
        return mark

    def unfolded(self, shown: str) -> str:
        """Return `shown` with each mark replaced by its paste."""
        if not self._texts:
            return shown
        return self._marks().sub(lambda match: self._texts[match[0]], shown)

    def mark_at(self, shown: str, position: int) -> tuple[int, int] | None:
        """Return start and end of the mark that a cursor at `position` is in, before or after."""
        if not self._texts:
            return None
        spans = (match.span() for match in self._marks().finditer(shown))
        return next(((a, b) for a, b in spans if a <= position <= b), None)

    def has_marks(self, shown: str) -> bool:
        """Return whether anything is folded in `shown`."""
        return bool(self._texts) and self._marks().search(shown) is not None

    def clear(self) -> None:
        """Forget everything: the message is sent."""
        self._texts.clear()

    def _marks(self) -> re.Pattern[str]:
        return re.compile("|".join(map(re.escape, self._texts)))
