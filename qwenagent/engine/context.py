"""The KV cache: the conversation is sequence 0, candidates are forks of it.

Knows token ids and positions, no sampling and no text. Logits are valid until the next
decode.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

import llama_cpp.llama_cpp as lib
import numpy as np
from numpy.typing import NDArray

from qwenagent.engine.llama import Model
from qwenagent.engine.requests import LoadSettings
from qwenagent.errors import EngineError, ModelLoadFailed
from qwenagent.registry import KvType

N_BATCH = 512
"""Most tokens of one decode call."""
_N_COMPUTED = 256
"""Of them computed at once: as quick as 512 on a CPU, with half the memory for attention."""
MAX_FORKS = 8
_FORKS = frozenset(range(1, MAX_FORKS + 1))
MAX_ROWS = 33
"""Logits rows of one decode call: a draft and the token before it. More abort the process."""
_ABORTED = 2
_TYPES: dict[KvType, int] = {"f16": lib.GGML_TYPE_F16, "q8_0": lib.GGML_TYPE_Q8_0}


_Attention = Literal["auto", "flash", "plain"]
_ATTENTION: dict[_Attention, int] = {
    "auto": lib.LLAMA_FLASH_ATTN_TYPE_AUTO,
    "flash": lib.LLAMA_FLASH_ATTN_TYPE_ENABLED,
    "plain": lib.LLAMA_FLASH_ATTN_TYPE_DISABLED,
}


class Aborted(Exception):
    """A decode call was ended by `Context.abort`; the cache is as it was before."""


@dataclass(frozen=True, slots=True)
class Part:
    """Tokens for sequences that held the same until now, from `position` on."""

    tokens: Sequence[int]
    sequences: Sequence[int]
    position: int
    n_rows: int
    """Logits are wanted for so many of the last tokens."""
    looks: Sequence[int] = ()
    """Tokens before those, by index, for which logits are wanted too."""


class Context:
    """The cache of the conversation and of its forks. `tokens` is what sequence 0 holds."""

    def __init__(self, model: Model, settings: LoadSettings) -> None:
        params = lib.llama_context_default_params()
        params.n_ctx = settings.n_ctx
        params.n_batch = N_BATCH
        params.n_ubatch = N_BATCH if settings.n_gpu_layers else _N_COMPUTED
        params.n_seq_max = 1 + MAX_FORKS
        # One pool of cells for all sequences, so that a fork only tags those of its prefix.
        params.kv_unified = True
        # With 0 llama.cpp reserves a row for each token of a batch: 300 MB for this vocabulary.
        params.n_outputs_max = MAX_ROWS
        params.n_threads = params.n_threads_batch = settings.n_threads
        params.type_k = params.type_v = _TYPES[settings.kv_type]
        self.attention = _attention(settings)
        params.flash_attn_type = _ATTENTION[self.attention]
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
        self._batch = lib.llama_batch_init(N_BATCH, 0, MAX_FORKS)
        self._flag = ctypes.create_string_buffer(b"0")
        self._abort_callback = _watch(self.pointer, self._flag)

    # -- sequence 0 ---------------------------------------------------------------------------

    def keep(self, n_tokens: int) -> None:
        """Forget everything of the conversation after its first `n_tokens`."""
        n_tokens = max(n_tokens, 0)
        if n_tokens < len(self.tokens):
            lib.llama_memory_seq_rm(self._memory, 0, n_tokens, -1)
            del self.tokens[n_tokens:]

    def decode(self, tokens: Sequence[int], *, n_rows: int = 1) -> None:
        """Read up to N_BATCH tokens; then there are logits for the last `n_rows` of them.

        Raises:
            EngineError: llama.cpp refused; the cache is as before.
            Aborted: `abort` was called meanwhile.
        """
        n = len(tokens)
        _check_batch(n, n_rows)
        at = len(self.tokens)
        self._fill(tokens, range(at, at + n), [(0,)] * n)
        rows = self._array(self._batch.logits, np.int8, n)
        rows[:] = 0
        rows[-n_rows:] = 1
        self._decode(n, {0: at})
        self.tokens += tokens

    # -- forks --------------------------------------------------------------------------------

    def fork(self, n: int) -> None:
        """Let the sequences 1 to n, of MAX_FORKS, begin as the conversation is now."""
        if n > MAX_FORKS:  # would abort the process
            raise EngineError(f"{n} forks, at most {MAX_FORKS}")
        for sequence in range(1, n + 1):
            lib.llama_memory_seq_cp(self._memory, 0, sequence, -1, -1)

    def fork_at(self, sequence: int, n_tokens: int) -> None:
        """Let a sequence, of 1 to MAX_FORKS, begin as the conversation's first `n_tokens`."""
        if sequence not in _FORKS:  # would abort the process
            raise EngineError(f"fork {sequence}, of 1 to {MAX_FORKS}")
        lib.llama_memory_seq_cp(self._memory, 0, sequence, 0, n_tokens)

    def read(self, parts: Sequence[Part]) -> list[Callable[[int], NDArray[np.float32]]]:
        """Read tokens into forks; for each part return a function from row to logits.

        Rows are counted from the first of a part's `n_rows`; its `looks` have negative ones.

        Raises:
            EngineError, Aborted: see `decode`.
        """
        n = sum(len(part.tokens) for part in parts)
        n_rows = sum(part.n_rows + len(part.looks) for part in parts)
        _check_batch(n, n_rows)
        forks = [fork for part in parts for fork in part.sequences]
        if not len(parts) <= len(forks) <= MAX_FORKS or not _FORKS.issuperset(forks):
            raise EngineError(f"{len(parts)} parts for the forks {forks}, of 1 to {MAX_FORKS}")
        tokens = [token for part in parts for token in part.tokens]
        positions = [part.position + i for part in parts for i in range(len(part.tokens))]
        self._fill(tokens, positions, [p.sequences for p in parts for _ in p.tokens])
        wanted = self._array(self._batch.logits, np.int8, n)
        wanted[:] = 0
        firsts = []
        end = 0
        for part in parts:
            wanted[[end + look for look in part.looks]] = 1
            end += len(part.tokens)
            wanted[end - part.n_rows : end] = 1
            firsts.append(end - part.n_rows)
        self._decode(n, {fork: part.position for part in parts for fork in part.sequences})
        return [partial(self._row, first) for first in firsts]

    def cut(self, sequence: int, n_tokens: int) -> None:
        """Forget everything of a fork after its first `n_tokens`."""
        lib.llama_memory_seq_rm(self._memory, sequence, n_tokens, -1)

    def adopt(self, sequence: int, tokens: Sequence[int]) -> None:
        """Let the conversation go on as a fork does: with these tokens."""
        at = len(self.tokens)
        lib.llama_memory_seq_cp(self._memory, sequence, 0, at, at + len(tokens))
        self.tokens += tokens

    def drop(self, sequence: int) -> None:
        """Forget a fork."""
        lib.llama_memory_seq_rm(self._memory, sequence, -1, -1)

    # -- logits -------------------------------------------------------------------------------

    def logits(self, row: int = -1) -> NDArray[np.float32]:
        """Return the logits after the token at this place of the batch, (n_vocab,) float32.

        Raises:
            EngineError: none were asked for there.
        """
        pointer = lib.llama_get_logits_ith(self.pointer, row)
        if not pointer:
            raise EngineError(f"there are no logits for row {row} of the last batch")
        return np.ctypeslib.as_array(pointer, (self._n_vocab,))

    def _row(self, first: int, row: int) -> NDArray[np.float32]:
        return self.logits(first + row)

    # -- files --------------------------------------------------------------------------------

    def save(self, path: Path) -> bool:
        """Write the conversation's cache and tokens to a file."""
        ids = (lib.llama_token * len(self.tokens))(*self.tokens)
        n = lib.llama_state_seq_save_file(self.pointer, os.fsencode(path), 0, ids, len(self.tokens))
        return bool(n)

    def load(self, path: Path) -> bool:
        """Make the conversation what a file holds; empty if that cannot be read.

        The file has to be whole: one that was cut off aborts the process.
        """
        self.keep(0)
        room = self.n_ctx
        ids, n = (lib.llama_token * room)(), ctypes.c_size_t()
        read = lib.llama_state_seq_load_file(
            self.pointer, os.fsencode(path), 0, ids, room, ctypes.byref(n)
        )
        # The tokens may be fewer than what came into the cache.
        if not read or lib.llama_memory_seq_pos_max(self._memory, 0) != n.value - 1:
            lib.llama_memory_seq_rm(self._memory, 0, -1, -1)
            return False
        self.tokens = list(ids[: n.value])
        return True

    # -- ending -------------------------------------------------------------------------------

    def abort(self) -> None:
        """End the decode call that is running in another thread, on a CPU within milliseconds."""
        self._flag[0] = b"1"

    def resume(self) -> None:
        """Allow decode calls again after `abort`."""
        self._flag[0] = b"0"

    def close(self) -> None:
        """Free the cache."""
        lib.llama_batch_free(self._batch)
        lib.llama_free(self.pointer)

    # -- within -------------------------------------------------------------------------------

    def _fill(
        self, tokens: Sequence[int], positions: Sequence[int], sequences: Sequence[Sequence[int]]
    ) -> None:
        n = len(tokens)
        self._batch.n_tokens = n
        self._array(self._batch.token, np.int32, n)[:] = tokens
        self._array(self._batch.pos, np.int32, n)[:] = positions
        for i, several in enumerate(sequences):
            self._batch.n_seq_id[i] = len(several)
            for k, sequence in enumerate(several):
                self._batch.seq_id[i][k] = sequence

    def _array(self, pointer: object, kind: type[np.generic], n: int) -> NDArray[np.generic]:
        return np.ctypeslib.as_array(pointer, (n,)).view(kind)

    def _decode(self, n_tokens: int, before: Mapping[int, int]) -> None:
        """Decode the batch; `before` has the length of each of its sequences."""
        code = lib.llama_decode(self.pointer, self._batch)
        if not code:
            return
        for sequence, length in before.items():
            lib.llama_memory_seq_rm(self._memory, sequence, length, -1)
        if code == _ABORTED:
            raise Aborted
        raise EngineError(
            f"llama.cpp could not decode {n_tokens} tokens after {len(self.tokens)} "
            f"of n_ctx {self.n_ctx} (code {code})"
        )


def _attention(settings: LoadSettings) -> _Attention:
    """Return the form of attention, which is also that of the cache.

    On a CPU llama.cpp's flash attention reads a batch row by row: behind 2,000 tokens a batch of
    32 took 1.4 times as long as with plain attention (1.5B, two cores), single tokens the same.
    Quantised values can only be read by flash attention.
    """
    if settings.kv_type != "f16":
        return "flash"
    return "auto" if settings.n_gpu_layers else "plain"


def _check_batch(n_tokens: int, n_rows: int) -> None:
    """Refuse what could abort the process."""
    if not 0 < n_tokens <= N_BATCH or not 0 < n_rows <= MAX_ROWS:
        raise EngineError(f"{n_tokens} tokens and {n_rows} rows, at most {N_BATCH} and {MAX_ROWS}")


def _watch(pointer: object, flag: ctypes.Array[ctypes.c_char]) -> object:
    """Have llama.cpp look at a flag between operations, and return what must stay alive for it.

    It asks thousands of times a second from its own threads. `atoi` reads "0" or "1" out of the
    flag without the interpreter and its lock; a Python function would cost a tenth of the speed.
    """
    callback = ctypes.cast(ctypes.CDLL(None).atoi, lib.ggml_abort_callback)
    lib.llama_set_abort_callback(pointer, callback, ctypes.cast(flag, ctypes.c_void_p))
    return callback
