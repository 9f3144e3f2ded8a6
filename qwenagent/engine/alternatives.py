"""What the model would rather have written, place by place, in a text that is there already.

The text is read as if it were the model's answer: so each of its tokens has a probability, and so
has every other token in its place. From the likeliest of those the line is written to its end, with
the block that it opens.
"""

from __future__ import annotations

import time
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from qwenagent.engine import family
from qwenagent.engine.base import Take
from qwenagent.engine.context import MAX_FORKS, MAX_ROWS, Aborted, Context, Part
from qwenagent.engine.decoder import Decoder
from qwenagent.engine.llama import Model
from qwenagent.engine.writing import Watch
from qwenagent.protocol.messages import Alternative, Alternatives, Reading, Span
from qwenagent.syntax import block_end, opens_block

LEAST = 1e-4
"""The least probable first token: of 17 faults of one line none that was found was below 5e-4."""
PER_PLACE = 6
"""Most other tokens for one place."""
LINE_TOKENS = 48
"""A line that is longer is given up."""
BLOCK_TOKENS = 96
"""The same for a line that opens a block, with that block: then the line alone is left."""
_COMMENTS = (b"//", b"/*", b'"""', b"'''")
_NOT_IN_A_LINE = family.NEVER_WRITTEN.union(family.ENDS_OF_TURN)


@dataclass(frozen=True, slots=True)
class _Turn:
    """A place where the text could have gone another way."""

    probability: float
    index: int
    """Of the token that another one would replace."""
    token: int


@dataclass(slots=True)
class _Line:
    """The rest of a line, and the block that it opens, written from a turn into its own fork."""

    turn: _Turn
    fork: int
    n_held: int
    """Tokens that the fork's sequence holds."""
    start: int
    """Where what is written begins, in bytes."""
    head: bytes
    """What stands before it in its line."""
    may_open: bool
    """Whether a block belongs to it; else one is there that follows."""
    tokens: list[int] = field(default_factory=list)
    written: bytes = b""
    is_done: bool = False
    text: bytes | None = None
    """As far as it counts; None if it did not come to its end."""

    def take(self, token: int, piece: bytes) -> None:
        """Add a token."""
        is_end = token in _NOT_IN_A_LINE
        if not is_end:
            self.tokens.append(token)
            self.written += piece
        line, newline, _ = self.written.partition(b"\n")
        has_block = self.may_open and opens_block(self.head + line)
        if is_end:
            self.is_done = True
            self.text = self.written if token in family.ENDS_OF_TURN else None
        elif newline:
            end = block_end(self.head + self.written) if has_block else len(self.head) + len(line)
            self.is_done = end is not None or len(self.tokens) >= BLOCK_TOKENS
            self.text = line if end is None else self.written[: end - len(self.head)]
        else:
            self.is_done = len(self.tokens) >= LINE_TOKENS


def find_alternatives(decoder: Decoder, reading: Reading, take: Take, watch: Watch) -> Alternatives:
    """Return what the model would have written; see `Engine.alternatives`.

    If the watch cancels, what was found until then.
    """
    model, context = decoder.model, decoder.context
    ids = model.tokenize(reading.text)
    read = decoder.read(reading.prompt, len(ids) + MAX_FORKS * BLOCK_TOKENS, watch)
    source = _Source(model, reading.text, ids)
    if not read.is_whole or not source.is_faithful:
        return Alternatives((), read.usage)
    found: list[Alternative] = []
    lines: list[_Line] = []
    start = time.perf_counter()
    waited_s = 0.0
    try:
        turns = _turns(context, source, source.weights(reading.spans), watch)
        n_text = len(context.tokens) - len(read.ids)
        for written in _lines(context, source, len(read.ids), turns, watch):
            lines += written
            asked = time.perf_counter()
            new = source.distinct(written)[: reading.n - len(found)]
            taken = next((i for i, one in enumerate(new, 1) if take(one)), 0)
            waited_s += time.perf_counter() - asked
            found += new[: taken or len(new)]
            if taken or len(found) >= reading.n:
                break
    except Aborted:
        n_text = len(context.tokens) - len(read.ids)
    usage = replace(
        read.usage,
        prompt_tokens=len(read.ids) + n_text,
        completion_tokens=sum(len(line.tokens) for line in lines),
        decode_s=time.perf_counter() - start - waited_s,
    )
    return Alternatives(tuple(found), usage)


class _Source:
    """The text in tokens, bytes and characters."""

    def __init__(self, model: Model, text: str, ids: Sequence[int]) -> None:
        self.ids = ids
        self._text = text
        self.model = model
        self._data = text.encode("utf-8", "replace")
        pieces = [model.piece(token) for token in ids]
        self.is_faithful = b"".join(pieces) == self._data
        self._starts = [0, *np.cumsum([len(piece) for piece in pieces]).tolist()]
        self._seen = {text}

    def weights(self, spans: Iterable[Span]) -> dict[int, float]:
        """Return the tokens that begin within a span, by index, with the span's weight."""
        found = {}
        for span in spans:
            first = bisect_left(self._starts, self._n_bytes(span.start))
            end = bisect_left(self._starts, self._n_bytes(span.end))
            found.update(dict.fromkeys(range(first, min(end, len(self.ids))), span.weight))
        return found

    def line(self, turn: _Turn, fork: int, n_prompt: int) -> _Line:
        """Return the line that begins with a turn."""
        at, piece = self._starts[turn.index], self.model.piece(turn.token)
        n_held = n_prompt + turn.index
        if piece.endswith(b"\n") and self._data.startswith(piece + b"\n", at):
            # A line of its own, where a block ends and a blank line follows.
            return _Line(turn, fork, n_held, at + len(piece), b"", True, [turn.token])
        begin, end = self._data.rfind(b"\n", 0, at) + 1, self._data.find(b"\n", at)
        head, rest = self._data[begin:at], self._data[at : end if end >= 0 else None]
        # Behind the beginning of a line that opens a block, that block goes on behind the new one.
        may_open = not head.strip() or not opens_block(rest)
        line = _Line(turn, fork, n_held, at, head, may_open)
        line.take(turn.token, piece)
        return line

    def is_comment(self, turn: _Turn) -> bool:
        """Return whether a turn begins a line that is no code: in many places that is likely."""
        at = self._starts[turn.index]
        head = self._data[self._data.rfind(b"\n", 0, at) + 1 : at]
        piece = self.model.piece(turn.token).strip()
        return not head.strip() and (piece == b"#" or piece.startswith(_COMMENTS))

    def distinct(self, lines: Iterable[_Line]) -> list[Alternative]:
        """Return what the lines say, each result once over all calls."""
        found = []
        for line in lines:
            one = self._alternative(line)
            if one is None:
                continue
            result = self._text[: one.start] + one.text + self._text[one.end :]
            if result not in self._seen:
                self._seen.add(result)
                found.append(one)
        return found

    def _alternative(self, line: _Line) -> Alternative | None:
        """Return what a line says; None if it breaks a character apart."""
        assert line.text is not None
        at = line.start
        end = self._data.find(b"\n", at)
        end = len(self._data) if end < 0 else end
        try:
            start, stop = len(self._data[:at].decode()), len(self._data[:end].decode())
            return Alternative(start, stop, line.text.decode(), line.turn.probability)
        except UnicodeDecodeError:
            return None

    def _n_bytes(self, at: int) -> int:
        return len(self._text[:at].encode("utf-8", "replace"))


def _turns(
    context: Context, source: _Source, weights: Mapping[int, float], watch: Watch
) -> list[_Turn]:
    """Read the text up to its last place with a weight; return where it could turn.

    The likeliest come first, by probability and weight.
    """
    weights = {index: weight for index, weight in weights.items() if weight > 0}
    if not weights:
        return []
    found = _others(context.logits(), 0, source.ids[0]) if 0 in weights else []
    last = max(weights)
    for at in range(0, last, MAX_ROWS):
        some = source.ids[at : min(at + MAX_ROWS, last)]
        if watch.cancelled():
            raise Aborted
        context.decode(some, n_rows=len(some))
        for row in range(len(some)):
            index = at + row + 1
            if index in weights:
                found += _others(context.logits(row), index, source.ids[index])
    found = [turn for turn in found if not source.is_comment(turn)]
    return sorted(found, key=lambda turn: (-turn.probability * weights[turn.index], turn.index))


def _others(logits: NDArray[np.float32], index: int, token: int) -> list[_Turn]:
    """Return the likeliest tokens in place of one that is there."""
    top = np.argpartition(logits, -PER_PLACE - 1)[-PER_PLACE - 1 :]
    highest = logits[top].max()
    odds = np.exp(logits[top] - highest) / np.exp(logits - highest).sum()
    return [
        _Turn(float(p), index, int(other))
        for p, other in zip(odds, top, strict=True)
        if p >= LEAST and other != token and other not in _NOT_IN_A_LINE
    ]


def _lines(
    context: Context, source: _Source, n_prompt: int, turns: Sequence[_Turn], watch: Watch
) -> Iterator[list[_Line]]:
    """Write the lines of the turns, as many side by side as there are forks.

    Guesses at how a line goes on do not pay: a batch of 32 tokens costs four times one of 8 here.
    """
    for at in range(0, len(turns), MAX_FORKS):
        some = turns[at : at + MAX_FORKS]
        lines = [source.line(turn, fork, n_prompt) for fork, turn in enumerate(some, 1)]
        for line in lines:
            context.fork_at(line.fork, line.n_held)
        try:
            while going := [line for line in lines if not line.is_done]:
                if watch.cancelled():
                    raise Aborted
                _go_on(context, source.model, going)
        finally:
            for line in lines:
                context.drop(line.fork)
        yield [line for line in lines if line.text is not None]


def _go_on(context: Context, model: Model, lines: Sequence[_Line]) -> None:
    """Let each line take its likeliest next token."""
    parts = [Part(line.tokens[-1:], [line.fork], line.n_held, 1) for line in lines]
    for line, rows in zip(lines, context.read(parts), strict=True):
        line.n_held += 1
        token = int(np.argmax(rows(0)))
        line.take(token, model.piece(token))
