"""llama.cpp through its C interface: the library itself, the weights and the vocabulary.

Everything untyped ends here and in `context`, `constraint` and `sampler`. Pointers are owned by the
objects and freed by `close`. A ctypes pointer that is NULL is falsy, but not None.
"""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path
from typing import Any

import llama_cpp.llama_cpp as lib
import numpy as np
from numpy.typing import NDArray

from qwenagent.engine import family
from qwenagent.engine.requests import LoadSettings
from qwenagent.errors import EngineError, ModelLoadFailed
from qwenagent.protocol.messages import Prompt

_BYTES = 256


def _log_warnings(level: int, text: bytes, _data: object) -> None:
    if level >= 3:  # GGML_LOG_LEVEL_WARN; the worker's stderr is a file
        sys.stderr.write(text.decode(errors="replace"))


def _log_nothing(_level: int, _text: bytes, _data: object) -> None:
    pass


# llama.cpp calls these for as long as the process lives.
_WARNINGS = lib.llama_log_callback(_log_warnings)
_NOTHING = lib.llama_log_callback(_log_nothing)


def start_backend(*, quiet: bool = False) -> None:
    """Initialise llama.cpp; once per process, before anything else. Its warnings go to stderr."""
    lib.llama_log_set(_NOTHING if quiet else _WARNINGS, ctypes.c_void_p(0))
    lib.llama_backend_init()


class Model:
    """The weights and the vocabulary."""

    def __init__(self, settings: LoadSettings) -> None:
        params = lib.llama_model_default_params()
        params.n_gpu_layers = settings.n_gpu_layers
        # Read instead of mapped: on a CPU the weights are repacked while they are read, and the
        # mapped file would stand in memory beside the repacked copy.
        params.load_mode = lib.LLAMA_LOAD_MODE_NONE
        self._model = lib.llama_model_load_from_file(os.fsencode(settings.path), params)
        if not self._model:
            raise ModelLoadFailed(
                f"llama.cpp could not load {settings.path}",
                hint=f"`qwenagent models verify` checks the file; {settings.log} has the reason",
            )
        self.vocab = lib.llama_model_get_vocab(self._model)
        self.n_vocab: int = lib.llama_vocab_n_tokens(self.vocab)
        self._pieces: dict[int, bytes] = {}
        self._by_byte: list[NDArray[np.int32]] = []
        self._singles = np.full(_BYTES, -1, dtype=np.int32)

    @property
    def pointer(self) -> Any:
        """The llama_model pointer."""
        return self._model

    def tokenize(self, text: str) -> list[int]:
        """Return the ids of `text` as data: no special token is recognised in it."""
        data = text.encode("utf-8", errors="replace")
        room = len(data) + 1
        buffer = (lib.llama_token * room)()
        n = lib.llama_tokenize(self.vocab, data, len(data), buffer, room, False, False)
        if n < 0:
            raise EngineError(f"the tokenizer refused a text of {len(data)} bytes")
        return list(buffer[:n])

    def encode(self, prompt: Prompt) -> list[int]:
        """Return the ids of a prompt with its template."""
        ids: list[int] = []
        for segment in family.render(prompt):
            ids += [segment.token] if segment.token is not None else self.tokenize(segment.text)
        return ids

    def piece(self, token: int) -> bytes:
        """Return the bytes of a token; those of control tokens are empty."""
        if token not in self._pieces:
            buffer = ctypes.create_string_buffer(256)
            n = lib.llama_token_to_piece(self.vocab, token, buffer, 256, 0, False)
            self._pieces[token] = buffer.raw[:n] if n > 0 else b""
        return self._pieces[token]

    @property
    def single_bytes(self) -> NDArray[np.int32]:
        """The tokens of one byte each, by byte: (256,) int32, -1 where there is none."""
        self._index()
        return self._singles

    def starting_with(self, first: int) -> NDArray[np.int32]:
        """Return the ids of the tokens whose first byte is `first`."""
        self._index()
        return self._by_byte[first]

    def _index(self) -> None:
        """Sort the vocabulary by first byte, once: 0.3 s."""
        if self._by_byte:
            return
        lists: list[list[int]] = [[] for _ in range(_BYTES)]
        for token in range(self.n_vocab):
            if piece := self.piece(token):
                lists[piece[0]].append(token)
                if len(piece) == 1:
                    self._singles[piece[0]] = token
        self._by_byte = [np.array(ids, dtype=np.int32) for ids in lists]

    def describe(self) -> str:
        """Return llama.cpp's own description, e.g. "qwen2 1.5B Q4_K - Medium"."""
        buffer = ctypes.create_string_buffer(128)
        lib.llama_model_desc(self._model, buffer, 128)
        return buffer.value.decode(errors="replace")

    def fingerprint(self, path: Path) -> str:
        """Return what tells these weights from others without reading them."""
        status = path.stat()
        return f"{self.describe()} {path.name} {status.st_size} {status.st_mtime_ns}"

    def close(self) -> None:
        """Free the weights."""
        lib.llama_model_free(self._model)
