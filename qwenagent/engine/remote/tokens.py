"""Texts and prompts as token ids, by the tokenizer of the server; a text is asked for once.

Text is data: what is between two control tokens of the template can write none.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable

from qwenagent.engine import family
from qwenagent.errors import EngineError
from qwenagent.protocol.messages import Prompt

Tokenize = Callable[[str], list[int]]

_INSIDE_A_MARK = re.compile(r"(?<=<)(?=\|)")
_CONTROL = family.NEVER_WRITTEN | set(family.ENDS_OF_TURN)


class Tokens:
    """Remembers the ids of texts, latest used last: a conversation repeats its beginning."""

    def __init__(self, kept_characters: int = 4_000_000) -> None:
        self._kept_characters = kept_characters
        self._ids: OrderedDict[str, list[int]] = OrderedDict()
        self._n_characters = 0

    def encode(self, prompt: Prompt, tokenize: Tokenize) -> list[int]:
        """Return the ids of a prompt with its template."""
        ids: list[int] = []
        for segment in family.render(prompt):
            if segment.token is not None:
                ids.append(segment.token)
            else:
                ids += self.of(segment.text, tokenize)
        return ids

    def of(self, text: str, tokenize: Tokenize) -> list[int]:
        """Return the ids of a text as data.

        Raises:
            EngineError: the server makes control tokens of it all the same.
        """
        if not text:
            return []
        if text in self._ids:
            self._ids.move_to_end(text)
            return self._ids[text]
        ids = _as_data(text.encode("utf-8", errors="replace").decode("utf-8"), tokenize)
        self._ids[text] = ids
        self._n_characters += len(text)
        while self._n_characters > self._kept_characters and len(self._ids) > 1:
            self._n_characters -= len(self._ids.popitem(last=False)[0])
        return ids


def _as_data(text: str, tokenize: Tokenize) -> list[int]:
    ids = tokenize(text)
    if _CONTROL.isdisjoint(ids):
        return ids
    # The server reads marks in every text; no mark is left in its halves.
    ids = [token for part in _INSIDE_A_MARK.split(text) for token in tokenize(part)]
    if not _CONTROL.isdisjoint(ids):
        raise EngineError(
            "the server's tokenizer makes control tokens of plain text",
            hint="use llama.cpp's server of this year: its /tokenize knows parse_special",
        )
    return ids
