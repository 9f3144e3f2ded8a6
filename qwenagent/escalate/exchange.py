"""One request and its answer: read in a thread, ended at any time, counted whatever happens."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import TYPE_CHECKING

from qwenagent.errors import AnswerCut, AnswerEmpty, AnswerRefused, EscalationError
from qwenagent.escalate import chat, messages
from qwenagent.escalate.answer import Answer, Draft, Piece, Request, Stop, Tokens
from qwenagent.escalate.failures import Failed
from qwenagent.escalate.keys import Key
from qwenagent.escalate.line import Line
from qwenagent.escalate.providers import Protocol, Provider
from qwenagent.escalate.sdk import load_sdk
from qwenagent.escalate.telling import COUNTED, malformed, mapping_errors, timed_out
from qwenagent.protocol.messages import Cancel

if TYPE_CHECKING:
    import httpx2

OnText = Callable[[str], None]
"""Called with new text while the answer grows, in the caller's thread."""
Pieces = Callable[[ModuleType, "httpx2.Client", Provider, Request], Iterator[Piece]]

_PIECES: dict[Protocol, Pieces] = {"messages": messages.pieces, "chat": chat.pieces}
_POLL_S = 0.05
"""How long a cancel, or the end of patience, may go unseen."""
_ENDED = object()

_STOPS: dict[str, Stop] = {
    "max_tokens": "length",
    "length": "length",
    "model_context_window_exceeded": "length",
}
_REFUSALS = frozenset({"refusal", "content_filter"})
_BROKEN = frozenset({"error"})
"""Some gateways end so what they lost."""
_NOT_ASKED_FOR = frozenset({"tool_use", "pause_turn", "tool_calls", "function_call"})


class Exchange:
    """One request and its answer: a thread reads it, and the asker may leave at any time."""

    def __init__(self, provider: Provider, request: Request, key: Key) -> None:
        self._provider = provider
        self._request = request
        self._key = key
        self._line = Line(provider, key)
        self._draft = Draft(request, provider.model.name)
        self._arrived: queue.Queue[object] = queue.Queue()

    def follow(self, cancel: Cancel | None, on_text: OnText | None) -> Answer:
        """Return the answer.

        Raises:
            Failed: there is none this time.
            EscalationError: nor will there be one.
        """
        threading.Thread(target=self._read, daemon=True, name="qwenagent-frontier").start()
        try:
            while cancel is None or not cancel.is_set():
                try:
                    item = self._arrived.get(timeout=_POLL_S)
                except queue.Empty:
                    self._check_silence()
                    self._check_length()
                    continue
                if not isinstance(item, Piece):
                    return self._ended(item)
                self._take(item, on_text)
                self._check_length()
        finally:  # Ctrl-C too: nobody listens any more
            self._line.hang_up()
        return self._cancelled()

    def _take(self, piece: Piece, on_text: OnText | None) -> None:
        self._draft.take(piece)
        if piece.text and on_text:
            on_text(piece.text)

    def _check_silence(self) -> None:
        line, provider = self._line, self._provider
        allowed_s = provider.between_s if line.n_bytes else provider.first_s
        if line.sent and time.monotonic() - line.heard_at > allowed_s:
            raise self._costing(timed_out(provider, allowed_s))

    def _check_length(self) -> None:
        line, provider = self._line, self._provider
        if line.opened_at is None or time.monotonic() - line.opened_at < provider.answer_s:
            return
        raise self._costing(
            AnswerCut(
                f"{provider.name} is not at the end of its answer after {provider.answer_s:g} s "
                f"and {len(self._draft.text):,} characters",
                hint=f"answer_s in [escalate.providers.{provider.name}] waits longer",
            )
        )

    # -- how it ends --------------------------------------------------------------------------

    def _ended(self, last: object) -> Answer:
        if isinstance(last, Failed):
            if not last.free:
                last.error.spent = self._spent()
            raise last
        if isinstance(last, EscalationError):
            raise last
        if last is not _ENDED:  # its traceback went where those of threads go
            raise self._costing(malformed(self._provider, "its SDK failed"))
        return self._complete()

    def _complete(self) -> Answer:
        draft, stop, name = self._draft, self._draft.stop, self._provider.name
        if not stop or stop in _BROKEN:
            raise self._costing(self._without_end())
        if stop in _REFUSALS:
            raise self._costing(
                AnswerRefused(
                    f"{self._provider.model.name} of {name} declines to answer ({stop})",
                    hint="another provider may not",
                )
            )
        if stop in _NOT_ASKED_FOR:
            raise self._costing(malformed(self._provider, f"it ended with {stop}"))
        answer = draft.answer(_STOPS.get(stop, "stop"), self._line.request_id)
        if not answer.text.strip():
            raise self._costing(self._empty(answer))
        return answer

    def _without_end(self) -> EscalationError:
        """Both SDKs take a stream that ends early for a whole one."""
        line = self._line
        in_events = line.begun or line.content_type == "text/event-stream"
        if not self._draft.stop and not (self._provider.stream and in_events):
            what = f"{line.n_bytes:,} bytes of {line.content_type or 'no content type'}"
            return malformed(self._provider, what)
        return AnswerCut(
            f"the answer of {self._provider.name} broke off after {len(self._draft.text):,} "
            "characters",
            hint=COUNTED,
        )

    def _empty(self, answer: Answer) -> AnswerEmpty:
        name = f"{self._provider.model.name} of {self._provider.name}"
        if answer.stop == "length":
            return AnswerEmpty(
                f"{name} used up its {self._request.max_tokens:,} tokens before the answer began",
                hint="it thinks first; allow a longer answer",
            )
        return AnswerEmpty(f"{name} answers with nothing")

    def _cancelled(self) -> Answer:
        if self._line.sent:
            return self._draft.answer("cancelled", self._line.request_id)
        return Answer("", Tokens(), "cancelled", self._provider.model.name, "")

    def _costing(self, error: EscalationError) -> EscalationError:
        error.spent = self._spent()
        return error

    def _spent(self) -> tuple[int, int, int]:
        self._line.hang_up()  # first: what is not sent by now never will be
        if not self._line.sent:
            return (0, 0, 0)
        usage = self._draft.usage()
        return (usage.fresh, usage.cached, usage.out)

    # -- in the thread ------------------------------------------------------------------------

    def _read(self) -> None:
        last: object = None
        try:
            sdk = load_sdk(self._provider.protocol)
            silence_s = max(self._provider.first_s, self._provider.between_s)
            with (
                self._line.client() as http,
                mapping_errors(sdk, self._provider, self._key, self._line, silence_s=silence_s),
            ):
                pieces = _PIECES[self._provider.protocol]
                for piece in pieces(sdk, http, self._provider, self._request):
                    self._line.begun = True
                    self._arrived.put(piece)
            last = _ENDED
        except (Failed, EscalationError) as error:
            last = error
        finally:
            self._arrived.put(last)
