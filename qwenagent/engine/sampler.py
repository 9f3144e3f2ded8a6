"""Tokens with logits, and llama.cpp's chain of samplers that draws one of them."""

from __future__ import annotations

import ctypes

import llama_cpp.llama_cpp as lib
import numpy as np
from numpy.typing import NDArray


class Candidates:
    """Tokens with logits, in the form that samplers work on."""

    _LAYOUT = np.dtype([("id", np.int32), ("logit", np.float32), ("p", np.float32)])

    def __init__(self, ids: NDArray[np.integer], logits: NDArray[np.float32]) -> None:
        self._data = np.empty(len(ids), dtype=self._LAYOUT)
        self._data["id"], self._data["logit"], self._data["p"] = ids, logits, 0.0
        pointer = self._data.ctypes.data_as(lib.llama_token_data_p)
        self._array = lib.llama_token_data_array(pointer, len(ids), -1, False)
        self.reference = ctypes.byref(self._array)

    def possible(self) -> NDArray[np.int32]:
        """Return the ids whose logit is not -inf."""
        data = self._data[: self._array.size]
        ids: NDArray[np.int32] = data["id"][np.isfinite(data["logit"])]
        return ids

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
