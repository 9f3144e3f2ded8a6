"""llama.cpp through its C interface: one model, one context, one sequence.

Everything untyped ends here. Pointers are owned by the objects and freed by `close`. A ctypes
pointer that is NULL is falsy, but not None.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Sequence
from typing import Any

import llama_cpp.llama_cpp as lib
import numpy as np
from numpy.typing import NDArray

from qwenagent.engine import family
from qwenagent.engine.requests import LoadSettings
from qwenagent.errors import EngineError, InvalidGrammar, ModelLoadFailed
from qwenagent.protocol.messages import Prompt

N_BATCH = 512
"""Tokens per decode call; between two calls a cancel is noticed."""


@lib.llama_log_callback  # type: ignore[untyped-decorator]
def _log_warnings(level: int, text: bytes, _data: object) -> None:
    if level >= 3:  # GGML_LOG_LEVEL_WARN; the worker's stderr is a file
        sys.stderr.write(text.decode(errors="replace"))


def start_backend() -> None:
    """Initialise llama.cpp; once per process, before anything else."""
    lib.llama_log_set(_log_warnings, ctypes.c_void_p(0))
    lib.llama_backend_init()


class Model:
    """The weights and the vocabulary."""

    def __init__(self, settings: LoadSettings) -> None:
        params = lib.llama_model_default_params()
        params.n_gpu_layers = settings.n_gpu_layers
        self._model = lib.llama_model_load_from_file(str(settings.path).encode(), params)
        if not self._model:
            raise ModelLoadFailed(
                f"llama.cpp could not load {settings.path}",
                hint="`qwenagent models verify` checks the file; the engine log has the reason",
            )
        self.vocab = lib.llama_model_get_vocab(self._model)
        self.n_vocab: int = lib.llama_vocab_n_tokens(self.vocab)
        self._pieces: dict[int, bytes] = {}

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

    def describe(self) -> str:
        """Return llama.cpp's own description, e.g. "qwen2 1.5B Q4_K - Medium"."""
        buffer = ctypes.create_string_buffer(128)
        lib.llama_model_desc(self._model, buffer, 128)
        return buffer.value.decode(errors="replace")

    def close(self) -> None:
        """Free the weights."""
        lib.llama_model_free(self._model)


class Context:
    """The KV cache of one sequence. `tokens` is what it holds."""

    def __init__(self, model: Model, settings: LoadSettings) -> None:
        params = lib.llama_context_default_params()
        params.n_ctx = settings.n_ctx
        params.n_batch = params.n_ubatch = N_BATCH
        params.n_seq_max = 1
        # Logits rows reserved; with 0 llama.cpp reserves n_batch rows, 300 MB for this vocabulary.
        params.n_outputs_max = 1
        params.n_threads = params.n_threads_batch = settings.n_threads
        params.flash_attn_type = lib.LLAMA_FLASH_ATTN_TYPE_AUTO
        params.no_perf = True
        self.pointer = lib.llama_init_from_model(model.pointer, params)
        if not self.pointer:
            raise ModelLoadFailed(
                f"llama.cpp could not make a context of {settings.n_ctx} tokens",
                hint="lower n_ctx or take a smaller model",
            )
        self.n_ctx: int = lib.llama_n_ctx(self.pointer)
        self.tokens: list[int] = []
        self._memory = lib.llama_get_memory(self.pointer)
        self._n_vocab = model.n_vocab
        self._buffer = (lib.llama_token * N_BATCH)()

    def keep(self, n_tokens: int) -> None:
        """Forget everything after the first `n_tokens`."""
        if n_tokens < len(self.tokens):
            lib.llama_memory_seq_rm(self._memory, 0, n_tokens, -1)
            del self.tokens[n_tokens:]

    def decode(self, tokens: Sequence[int]) -> None:
        """Read up to N_BATCH tokens; afterwards `logits` are those after the last of them.

        Raises:
            EngineError: llama.cpp refused; the cache is as before.
        """
        self._buffer[: len(tokens)] = tokens
        batch = lib.llama_batch_get_one(self._buffer, len(tokens))
        if code := lib.llama_decode(self.pointer, batch):
            raise EngineError(
                f"llama.cpp could not decode {len(tokens)} tokens after {len(self.tokens)} "
                f"of n_ctx {self.n_ctx} (code {code})"
            )
        self.tokens += tokens

    def logits(self) -> NDArray[np.float32]:
        """Return the logits after the last token, (n_vocab,) float32, valid until `decode`."""
        pointer = lib.llama_get_logits_ith(self.pointer, -1)
        return np.ctypeslib.as_array(pointer, (self._n_vocab,))

    def close(self) -> None:
        """Free the cache."""
        lib.llama_free(self.pointer)


class GrammarState:
    """A compiled grammar and how far it has been followed.

    `accept` of a refused token would abort the process, so each `accept` belongs to a check of
    the same token in the same state.
    """

    def __init__(self, model: Model, gbnf: str, origin: str) -> None:
        self._sampler = lib.llama_sampler_init_grammar(model.vocab, gbnf.encode(), b"root")
        # An empty text is read as "no grammar at all" instead of as an error.
        if not self._sampler or not gbnf.strip():
            raise InvalidGrammar(f"llama.cpp could not read the grammar of {origin}")
        self._one = (lib.llama_token_data * 1)()
        self._array = lib.llama_token_data_array(self._one, 1, -1, False)

    def allows(self, token: int) -> bool:
        """Return whether `token` may come next."""
        entry = self._one[0]
        entry.id, entry.logit, entry.p = token, 1.0, 0.0
        self._array.size, self._array.selected, self._array.sorted = 1, -1, False
        lib.llama_sampler_apply(self._sampler, ctypes.byref(self._array))
        return bool(entry.logit > 0.0)

    def mask(self, candidates: Candidates) -> None:
        """Set the logits of refused candidates to -inf."""
        lib.llama_sampler_apply(self._sampler, candidates.reference)

    def accept(self, token: int) -> None:
        """Follow `token`, which `allows` has just allowed."""
        lib.llama_sampler_accept(self._sampler, token)

    def close(self) -> None:
        """Free the compiled grammar."""
        lib.llama_sampler_free(self._sampler)


class Candidates:
    """Tokens with logits, in the form that samplers work on."""

    _LAYOUT = np.dtype([("id", np.int32), ("logit", np.float32), ("p", np.float32)])

    def __init__(self, ids: NDArray[np.int64], logits: NDArray[np.float32]) -> None:
        self._data = np.empty(len(ids), dtype=self._LAYOUT)
        self._data["id"], self._data["logit"], self._data["p"] = ids, logits, 0.0
        pointer = self._data.ctypes.data_as(lib.llama_token_data_p)
        self._array = lib.llama_token_data_array(pointer, len(ids), -1, False)
        self.reference = ctypes.byref(self._array)

    def keep_possible(self) -> bool:
        """Drop what has logit -inf; False if nothing is left."""
        left = self._data[np.isfinite(self._data["logit"])]
        self._data[: len(left)] = left
        self._array.size = len(left)
        return len(left) > 0

    def best(self) -> int:
        """Return the likeliest token."""
        data = self._data[: self._array.size]
        return int(data["id"][np.argmax(data["logit"])])

    def sampled(self, chain: Chain) -> int:
        """Return a token drawn by the sampler chain."""
        lib.llama_sampler_apply(chain.pointer, self.reference)
        return int(self._array.data[self._array.selected].id)


class Chain:
    """top-k, top-p, min-p, temperature, then a draw. Knows no grammar."""

    def __init__(
        self, top_k: int, top_p: float, min_p: float, temperature: float, seed: int
    ) -> None:
        self.pointer = lib.llama_sampler_chain_init(lib.llama_sampler_chain_default_params())
        parts = [lib.llama_sampler_init_top_k(top_k), lib.llama_sampler_init_top_p(top_p, 1)]
        if min_p > 0:
            parts.append(lib.llama_sampler_init_min_p(min_p, 1))
        # The library takes 0xFFFFFFFF for "at random"; any other 32-bit seed is repeatable.
        parts += [
            lib.llama_sampler_init_temp(temperature),
            lib.llama_sampler_init_dist(seed % 0xFFFFFFFF),
        ]
        for part in parts:
            lib.llama_sampler_chain_add(self.pointer, part)

    def close(self) -> None:
        """Free the chain and its parts."""
        lib.llama_sampler_free(self.pointer)
