"""The engine whose model lives in a worker process of this program."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from typing import Any

from qwenagent.engine.base import Accept, Take
from qwenagent.engine.requests import (
    AlternativesRequest,
    CompleteRequest,
    CountRequest,
    LoadSettings,
    Ready,
)
from qwenagent.engine.wheels import visible_gpu
from qwenagent.engine.worker import serve
from qwenagent.errors import EngineCrashed, EngineError, QwenAgentError
from qwenagent.grammar import Grammar
from qwenagent.protocol.messages import (
    Alternatives,
    Cancel,
    Completion,
    EngineInfo,
    OnPrefill,
    OnText,
    Prompt,
    Reading,
    Sampling,
)

POLL_S = 0.02
"""How long a cancel may go unseen while the worker is silent."""


@dataclass(frozen=True, slots=True)
class _Listener:
    """Whom a call tells, and who may end it."""

    accept: Accept | Take | None
    cancel: Cancel | None
    on_text: OnText | None
    on_prefill: OnPrefill | None


class EmbeddedEngine:
    """Implements `Engine`. The worker starts at the first call, and again after it died."""

    def __init__(self, name: str, settings: LoadSettings) -> None:
        """`name` is the model's, for people."""
        self._name = name
        self._settings = settings
        self._process: multiprocessing.process.BaseProcess | None = None
        self._pipe: Connection | None = None
        self._ready: Ready | None = None
        self._number = 0

    @property
    def worker_pid(self) -> int | None:
        """Process id of the worker, None if none is running."""
        return self._process.pid if self._process and self._process.is_alive() else None

    def start(self) -> None:
        """Start the worker and load the model now.

        Raises:
            ModelLoadFailed: the file or the context could not be loaded.
            EngineCrashed: the worker died over it, out of memory perhaps.
        """
        if self.worker_pid is None:
            self._stop()
            with self._ready_or_stopped():
                self._start()

    def complete(
        self,
        prompt: Prompt,
        *,
        sampling: Sampling,
        grammar: Grammar | None = None,
        n: int = 1,
        accept: Accept | None = None,
        cancel: Cancel | None = None,
        on_text: OnText | None = None,
        on_prefill: OnPrefill | None = None,
        doubts: bool = False,
    ) -> list[Completion]:
        """See `Engine.complete`. Several candidates are written side by side over one prompt."""
        self._number += 1
        samplings = tuple(replace(sampling, seed=sampling.seed + i) for i in range(n))
        request = CompleteRequest(self._number, prompt, grammar, samplings, doubts)
        listener = _Listener(accept, cancel, on_text, on_prefill)
        self.start()
        with self._ready_or_stopped():
            answer = self._converse(request, listener)
        if isinstance(answer, QwenAgentError):
            raise answer
        assert isinstance(answer, list)
        return answer

    def alternatives(
        self,
        reading: Reading,
        *,
        take: Take | None = None,
        cancel: Cancel | None = None,
        on_prefill: OnPrefill | None = None,
    ) -> Alternatives:
        """See `Engine.alternatives`."""
        self._number += 1
        request = AlternativesRequest(self._number, reading)
        self.start()
        with self._ready_or_stopped():
            answer = self._converse(request, _Listener(take, cancel, None, on_prefill))
        if isinstance(answer, QwenAgentError):
            raise answer
        assert isinstance(answer, Alternatives)
        return answer

    def count(self, text: str | Prompt) -> int:
        """See `Engine.count`."""
        self.start()
        with self._ready_or_stopped():
            self._send(CountRequest(text))
            answer = self._receive()
        match answer:
            case ("count", int(n)):
                return n
            case ("error", QwenAgentError() as error):
                raise error
            case other:
                raise EngineError(f"the engine worker answered {other!r} to a count")

    def describe(self) -> EngineInfo:
        """See `Engine.describe`; starts the worker if need be."""
        self.start()
        assert self._ready is not None
        return EngineInfo(
            model=self._name,
            device=self._ready.device,
            n_ctx=self._ready.n_ctx,
            n_threads=self._settings.n_threads,
            library=self._ready.library,
            gpu_idle=visible_gpu() if self._ready.device == "CPU" else "",
            details={
                "weights": self._ready.weights,
                "log": str(self._settings.log or ""),
                **self._ready.details,
            },
        )

    def close(self) -> None:
        """End the worker."""
        self._stop()

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        self._process = context.Process(
            target=serve, args=(theirs, self._settings), daemon=True, name="qwenagent-engine"
        )
        self._process.start()
        theirs.close()  # so that its end of the pipe closes when it dies
        self._pipe = ours
        kind, *values = self._receive()
        if kind == "error":
            self._stop()
            raise values[0]
        self._ready = values[0]

    def _stop(self) -> None:
        pipe, process = self._pipe, self._process
        self._process = self._pipe = None
        if pipe:
            pipe.close()
        if process:
            try:
                process.join(1)
            finally:  # another Ctrl-C perhaps
                process.kill()
                process.join()

    @contextmanager
    def _ready_or_stopped(self) -> Iterator[None]:
        """End the worker where its answer is not waited for: nobody would read it.

        So it is after Ctrl-C and after an error of the caller's own callbacks.
        """
        try:
            yield
        except BaseException:
            self._stop()
            raise

    def _converse(
        self, request: CompleteRequest | AlternativesRequest, listener: _Listener
    ) -> list[Completion] | Alternatives | QwenAgentError:
        """Ask and listen; return what was asked for, or the worker's own error."""
        self._send(request)
        told = False
        while True:
            if listener.cancel and listener.cancel.is_set() and not told:
                self._send(("cancel", request.number))
                told = True
            match self._receive(POLL_S):
                case ("text", int(number), str(text)):
                    if listener.on_text:
                        listener.on_text(number, text)
                case ("prefill", int(done), int(total)):
                    if listener.on_prefill:
                        listener.on_prefill(done, total)
                case ("candidate", candidate):
                    enough = listener.accept is not None and listener.accept(candidate)
                    self._send(("enough",) if enough else ("more",))
                case ("error", QwenAgentError() as error):
                    return error
                case ("done", (list() | Alternatives()) as answers):
                    return answers

    def _send(self, message: object) -> None:
        assert self._pipe is not None
        try:
            self._pipe.send(message)
        except (BrokenPipeError, ConnectionResetError):
            raise self._crashed() from None

    def _receive(self, timeout_s: float | None = None) -> Any:
        """Return the next message, None after `timeout_s` of silence."""
        assert self._pipe is not None
        try:
            return self._pipe.recv() if self._pipe.poll(timeout_s) else None
        except (EOFError, ConnectionResetError, BrokenPipeError):
            raise self._crashed() from None

    def _crashed(self) -> EngineCrashed:
        assert self._process is not None
        self._process.join(2)
        code = self._process.exitcode
        how = f"exit code {code}"
        if code is not None and code < 0:
            how = f"signal {signal.Signals(-code).name}"
        self._stop()
        log = self._settings.log
        return EngineCrashed(
            f"the engine worker died ({how})",
            hint=f"llama.cpp's last words are in {log}" if log else "",
        )
