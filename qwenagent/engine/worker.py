"""The process that holds the model. Reads requests from a pipe, writes answers to it.

An assert inside llama.cpp ends this process and not the program. Messages are tuples whose first
item is their kind; see `embedded` for the other side. A thread reads the pipe, so that a cancel is
noticed in the middle of a long prompt.
"""

from __future__ import annotations

import os
import queue
import signal
import sys
import threading
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING

from qwenagent.engine.requests import (
    AlternativesRequest,
    CompleteRequest,
    CountRequest,
    LoadSettings,
    Ready,
)
from qwenagent.errors import QwenAgentError
from qwenagent.protocol.messages import Alternative, Alternatives, Completion

if TYPE_CHECKING:
    from qwenagent.engine.decoder import Decoder


class _Inbox:
    """What the parent has sent. A cancel overtakes everything and ends the running answer."""

    def __init__(self, pipe: Connection, abort: Callable[[], None]) -> None:
        self._pipe = pipe
        self._abort = abort
        self._messages: queue.Queue[object] = queue.Queue()
        self._lock = threading.Lock()
        self._running = self._cancelled = 0
        threading.Thread(target=self._read, daemon=True).start()

    def next(self) -> object:
        """Return the next message; None once the pipe is closed."""
        return self._messages.get()

    def begin(self, number: int, resume: Callable[[], None]) -> None:
        """Note which request is being answered; `resume` takes back an earlier abort."""
        with self._lock:
            self._running = number
            resume()

    def cancelled(self) -> bool:
        """Return whether the parent does not want the running answer any more."""
        return self._cancelled >= self._running

    def _read(self) -> None:
        while True:
            try:
                message = self._pipe.recv()
            except (EOFError, OSError):
                self._cancel(sys.maxsize)  # nobody will read what is still to be answered
                self._messages.put(None)
                return
            if isinstance(message, tuple) and message[0] == "cancel":
                self._cancel(message[1])
            else:
                self._messages.put(message)

    def _cancel(self, number: int) -> None:
        with self._lock:
            self._cancelled = max(number, self._cancelled)
            if number >= self._running:
                self._abort()


def serve(pipe: Connection, settings: LoadSettings) -> None:
    """Load the model and answer until the pipe closes. The process's main function."""
    _separate_from_terminal(settings)
    try:
        decoder, ready = _load(settings)
    except QwenAgentError as error:
        pipe.send(("error", error))
        return
    pipe.send(("ready", ready))
    inbox = _Inbox(pipe, decoder.context.abort)
    while (request := inbox.next()) is not None:
        try:
            _answer(pipe, inbox, decoder, request)
        except QwenAgentError as error:
            pipe.send(("error", error))
        except (EOFError, BrokenPipeError):
            return


def _load(settings: LoadSettings) -> tuple[Decoder, Ready]:
    # Here, so that the parent, which imports this module for `serve`, need not load llama.cpp.
    from qwenagent.engine.decoder import Decoder
    from qwenagent.engine.device import library
    from qwenagent.engine.llama import start_backend
    from qwenagent.engine.opening import open_model
    from qwenagent.engine.saved import SavedPrompts

    start_backend()
    placed = open_model(settings)
    model, context = placed.loaded
    saved = None
    if settings.cache and settings.cache_bytes:
        computed = [library(), placed.device, settings.kv_type, context.attention]
        key = "|".join([model.fingerprint(settings.path), *computed])
        saved = SavedPrompts(settings.cache / "prompts", key, settings.cache_bytes)
    decoder = Decoder(model, context, saved=saved, cache=settings.cache)
    details = {"kv_type": settings.kv_type, "gpu_layers": placed.layers}
    return decoder, Ready(model.describe(), context.n_ctx, placed.device, library(), details)


def _separate_from_terminal(settings: LoadSettings) -> None:
    """Ctrl-C is the parent's business, and llama.cpp's messages belong into a file."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Otherwise ggml starts a debugger on an abort, which takes the terminal and seconds.
    os.environ["GGML_NO_BACKTRACE"] = "1"
    path = settings.log or Path(os.devnull)
    target = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    sys.stdout.flush()
    sys.stderr.flush()
    os.dup2(target, 1)
    os.dup2(target, 2)


def _answer(pipe: Connection, inbox: _Inbox, decoder: Decoder, request: object) -> None:
    match request:
        case CountRequest(text):
            model = decoder.model
            ids = model.tokenize(text) if isinstance(text, str) else model.encode(text)
            pipe.send(("count", len(ids)))
        case CompleteRequest():
            inbox.begin(request.number, decoder.context.resume)
            pipe.send(("done", _complete(pipe, inbox, decoder, request)))
        case AlternativesRequest():
            inbox.begin(request.number, decoder.context.resume)
            pipe.send(("done", _alternatives(pipe, inbox, decoder, request)))


def _complete(
    pipe: Connection, inbox: _Inbox, decoder: Decoder, request: CompleteRequest
) -> list[Completion]:
    from qwenagent.engine.writing import Watch

    def accept(done: Completion) -> bool:
        pipe.send(("candidate", done))
        return inbox.next() in (("enough",), None)

    watch = Watch(
        on_text=lambda number, text: pipe.send(("text", number, text)),
        on_prefill=lambda done, total: pipe.send(("prefill", done, total)),
        cancelled=inbox.cancelled,
        accept=accept,
        doubts=request.doubts,
    )
    return decoder.complete(request.prompt, request.grammar, request.samplings, watch)


def _alternatives(
    pipe: Connection, inbox: _Inbox, decoder: Decoder, request: AlternativesRequest
) -> Alternatives:
    from qwenagent.engine.alternatives import find_alternatives
    from qwenagent.engine.writing import Watch

    def take(found: Alternative) -> bool:
        pipe.send(("candidate", found))
        return inbox.next() in (("enough",), None)

    watch = Watch(
        on_text=lambda _number, _text: None,
        on_prefill=lambda done, total: pipe.send(("prefill", done, total)),
        cancelled=inbox.cancelled,
    )
    return find_alternatives(decoder, request.reading, take, watch)
