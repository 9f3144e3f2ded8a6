"""The answers to one prompt: asked for, followed as they arrive, stopped when one is enough."""

from __future__ import annotations

import queue
from collections.abc import Sequence
from dataclasses import dataclass

from qwenagent.engine.base import Accept
from qwenagent.engine.remote.answer import Answer
from qwenagent.engine.remote.connection import Connection, Stream
from qwenagent.engine.remote.dialect import Dialect
from qwenagent.engine.remote.failures import Cancelled, Passing, Patience, Refused
from qwenagent.engine.runaway import PromptLines
from qwenagent.errors import (
    ContextOverflow,
    EngineCrashed,
    EngineError,
    InvalidGrammar,
    QwenAgentError,
)
from qwenagent.grammar import Grammar
from qwenagent.protocol.messages import Cancel, Completion, OnPrefill, OnText, Sampling

_POLL_S = 0.02
"""How long a cancel may go unseen while the server is silent."""
_RETRIES_OF_A_CUT = 1


@dataclass(frozen=True, slots=True)
class Listener:
    """Whom a call tells, and who may end it."""

    accept: Accept | None
    cancel: Cancel | None
    on_text: OnText | None
    on_prefill: OnPrefill | None

    def cancelled(self) -> bool:
        """Return whether the caller has given up."""
        return self.cancel is not None and self.cancel.is_set()


@dataclass(frozen=True, slots=True)
class Wanted:
    """A prompt, what may be written behind it, and a sampling for each answer."""

    ids: list[int]
    lines: PromptLines
    grammar: Grammar | None
    samplings: Sequence[Sampling]


@dataclass(slots=True)
class _Open:
    """An answer that is being written, and the stream it comes through."""

    answer: Answer
    stream: Stream
    mark: int
    """Of the stream: what another one brings is not for this answer."""
    patience: Patience
    n_cuts: int = 0
    told: bool = False
    """Whether the caller has seen text of it."""


class Round:
    """Writes an answer for each sampling, or fewer."""

    def __init__(
        self,
        connection: Connection,
        dialect: Dialect,
        wanted: Wanted,
        listener: Listener,
    ) -> None:
        self._connection = connection
        self._dialect = dialect
        self._wanted = wanted
        self._listener = listener
        self._arrived: queue.Queue[tuple[int, int, object]] = queue.Queue()
        self._n_streams = 0
        self._open: dict[int, _Open] = {}
        self._found: dict[int, Completion] = {}

    def write(self, *, side_by_side: int) -> list[Completion]:
        """Return the answers in their order, without those that say the same as an earlier one.

        Raises:
            ContextOverflow, InvalidGrammar, EngineCrashed, EngineError: see `Engine.complete`.
        """
        waiting = list(range(len(self._wanted.samplings)))
        try:
            while waiting or self._open:
                while waiting and len(self._open) < side_by_side:
                    self._begin(waiting.pop(0))
                if self._follow_until_one_ends():
                    break
        except Cancelled:
            self._note_cancelled()
        finally:  # Ctrl-C too: nobody reads what is still being written
            for open_ in self._open.values():
                open_.stream.hang_up()
        return [self._found[number] for number in sorted(self._found)]

    def _begin(self, number: int) -> None:
        if self._listener.cancelled():
            raise Cancelled
        patience = Patience(self._connection.endpoint, self._listener.cancel)
        self._open[number] = _Open(self._answer(), *self._stream(number), patience)

    def _answer(self) -> Answer:
        wanted = self._wanted
        host = self._connection.endpoint.host
        return Answer(host, len(wanted.ids), wanted.lines, wanted.grammar)

    def _stream(self, number: int) -> tuple[Stream, int]:
        """Ask for an answer; return its stream and the mark of what comes through it."""
        self._n_streams += 1
        mark = self._n_streams
        wanted = self._wanted
        path, body = self._dialect.request(wanted.ids, wanted.samplings[number], wanted.grammar)
        stream = self._connection.stream(
            path, body, lambda item: self._arrived.put((number, mark, item))
        )
        return stream, mark

    def _follow_until_one_ends(self) -> bool:
        """Return whether that is enough."""
        while True:
            number, mark, item = self._next()
            open_ = self._open.get(number)
            if open_ is None or open_.mark != mark:
                continue  # the rest of a stream that was given up
            if isinstance(item, dict):
                self._take(number, open_, item)
            else:
                self._retry(number, open_, item)
            if open_.answer.stop:
                return self._finish(number)

    def _next(self) -> tuple[int, int, object]:
        while True:
            if self._listener.cancelled():
                raise Cancelled
            try:
                return self._arrived.get(timeout=_POLL_S)
            except queue.Empty:
                continue

    def _take(self, number: int, open_: _Open, event: dict[str, object]) -> None:
        piece = self._dialect.piece(event)
        open_.answer.take(piece)
        if piece.read and self._listener.on_prefill:
            self._listener.on_prefill(*piece.read)
        if piece.text and self._listener.on_text:
            open_.told = True
            self._listener.on_text(number, piece.text)

    def _finish(self, number: int) -> bool:
        open_ = self._open.pop(number)
        open_.stream.hang_up()
        done = open_.answer.completion()
        if any(done.text == other.text for other in self._found.values()):
            return False
        self._found[number] = done
        return self._listener.accept is not None and self._listener.accept(done)

    # -- what goes wrong ----------------------------------------------------------------------

    def _retry(self, number: int, open_: _Open, ended: object) -> None:
        """Ask again after a stream ended before its answer did, or give up."""
        if isinstance(ended, Refused):
            raise self._meaning(ended) from ended
        if isinstance(ended, QwenAgentError):
            raise ended
        error = ended if isinstance(ended, Passing) else Passing("it stopped", begun=True)
        if error.begun:
            if open_.told or open_.n_cuts >= _RETRIES_OF_A_CUT:
                raise self._broken_off(open_, error)
            open_.n_cuts += 1
        open_.patience.wait(error)
        open_.answer = self._answer()
        open_.stream, open_.mark = self._stream(number)

    def _broken_off(self, open_: _Open, error: Passing) -> EngineCrashed:
        return EngineCrashed(
            f"{self._connection.endpoint.host} broke off in the middle of an answer, after "
            f"{len(open_.answer.text)} characters: {error}",
            hint="its own log says why; `qwenagent doctor` asks whether it is back",
        )

    def _meaning(self, error: Refused) -> QwenAgentError:
        host = self._connection.endpoint.host
        if "exceed_context" in error.kind:
            return ContextOverflow(
                f"{host} refuses a prompt of {len(self._wanted.ids)} tokens: {error}",
                hint="start the server with a larger --ctx-size or put less into the prompt",
            )
        if self._wanted.grammar and _is_about_grammar(str(error)):
            return InvalidGrammar(
                f"{host} could not read the grammar of {self._wanted.grammar.origin}: {error}"
            )
        return EngineError(f"{host} refuses with HTTP {error.status}: {error}")

    def _note_cancelled(self) -> None:
        """The last answer of a cancelled call is the one that was being written."""
        number = max([*self._found, *self._open], default=-1)
        if number in self._open:
            self._found[number] = self._open[number].answer.completion("cancelled")
        else:
            self._found[number + 1] = self._answer().completion("cancelled")


def _is_about_grammar(words: str) -> bool:
    """Return whether a refusal speaks of the grammar, or of the samplers that it belongs to."""
    return any(word in words.lower() for word in ("grammar", "initialize samplers", "structured"))
