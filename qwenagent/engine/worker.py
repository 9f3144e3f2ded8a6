"""The process that holds the model. Reads requests from a pipe, writes answers to it.

An assert inside llama.cpp ends this process and not the program. Messages are tuples whose first
item is their kind; see `embedded` for the other side.
"""

from __future__ import annotations

import os
import signal
import sys
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING

from qwenagent.engine.requests import CompleteRequest, CountRequest, LoadSettings, Ready
from qwenagent.errors import QwenAgentError
from qwenagent.protocol.messages import Completion

if TYPE_CHECKING:
    from qwenagent.engine.decoder import Decoder


class _Cancelled:
    """Looks at the pipe: while an answer is made, the only thing the parent sends is "cancel"."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe
        self._set = False

    def __call__(self) -> bool:
        if not self._set and self._pipe.poll():
            self._set = self._pipe.recv() == ("cancel",)
        return self._set


def serve(pipe: Connection, settings: LoadSettings) -> None:
    """Load the model and answer until the pipe closes. The process's main function."""
    _separate_from_terminal(settings)
    try:
        decoder, ready = _load(settings)
    except QwenAgentError as error:
        pipe.send(("error", error))
        return
    pipe.send(("ready", ready))
    while True:
        try:
            _answer(pipe, decoder, pipe.recv())
        except QwenAgentError as error:
            pipe.send(("error", error))
        except (EOFError, BrokenPipeError):
            return


def _load(settings: LoadSettings) -> tuple[Decoder, Ready]:
    # Here, so that the parent, which imports this module for `serve`, need not load llama.cpp.
    from qwenagent.engine.decoder import Decoder
    from qwenagent.engine.device import library, offload_device
    from qwenagent.engine.llama import Context, Model, start_backend

    start_backend()
    model = Model(settings)
    context = Context(model, settings)
    device = offload_device() if settings.n_gpu_layers else ""
    return Decoder(model, context), Ready(
        model.describe(), context.n_ctx, device or "CPU", library()
    )


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


def _answer(pipe: Connection, decoder: Decoder, request: object) -> None:
    match request:
        case CountRequest(text):
            model = decoder.model
            ids = model.tokenize(text) if isinstance(text, str) else model.encode(text)
            pipe.send(("count", len(ids)))
        case CompleteRequest():
            pipe.send(("done", _complete(pipe, decoder, request)))
        case _:
            pass  # a cancel that came after its answer was finished


def _complete(pipe: Connection, decoder: Decoder, request: CompleteRequest) -> Completion:
    from qwenagent.engine.decoder import Watch

    watch = Watch(
        on_text=lambda text: pipe.send(("text", text)),
        on_prefill=lambda done, total: pipe.send(("prefill", done, total)),
        cancelled=_Cancelled(pipe),
    )
    return decoder.complete(request.prompt, request.grammar, request.sampling, watch)
