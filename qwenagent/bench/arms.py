"""The arms that are compared: our loop, the barest loop over the same tokens, the stock class."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from qwenagent.engine.context import N_BATCH
from qwenagent.engine.decoder import Decoder
from qwenagent.engine.llama import Model
from qwenagent.engine.opening import open_model
from qwenagent.engine.requests import LoadSettings
from qwenagent.engine.writing import Watch
from qwenagent.grammar import Grammar
from qwenagent.protocol.messages import Completion, Prompt, Sampling

QUIET = Watch(lambda *_: None, lambda *_: None, lambda: False)


class Arms:
    """One model and one cache, on which all arms run in turn."""

    def __init__(self, settings: LoadSettings) -> None:
        self.settings = settings
        self.model, self.context = open_model(settings).loaded

    def decoder(self, *, jumps: bool = False, guesses: bool = False) -> Decoder:
        """Return our loop with some of its means; each call has its own grammars and costs."""
        return Decoder(
            self.model, self.context, jumps=jumps, guesses=guesses, cache=self.settings.cache
        )

    def ours(
        self, decoder: Decoder, prompt: Prompt, grammar: Grammar | None, n: int
    ) -> tuple[list[int], Completion]:
        """Return the ids that our loop writes, and its answer."""
        [done] = decoder.complete(prompt, grammar, [Sampling(max_tokens=n)], QUIET)
        return self.context.tokens[done.usage.prompt_tokens :], done

    def bare(self, prompt: Prompt, ids: Sequence[int]) -> float:
        """Return the seconds of a loop that only decodes and takes the argmax, over these ids."""
        self.read(self.model.encode(prompt))
        start = time.perf_counter()
        for token in ids:
            np.argmax(self.context.logits())
            self.context.decode([token])
        return time.perf_counter() - start

    def read(self, ids: Sequence[int]) -> None:
        """Bring a prompt into the cache, whatever of it is there."""
        self.context.keep(0)
        for at in range(0, len(ids), N_BATCH):
            self.context.decode(ids[at : at + N_BATCH])

    def batch(self, n: int) -> float:
        """Return the seconds of one decode call with `n` tokens and the logits of all."""
        held = len(self.context.tokens)
        start = time.perf_counter()
        self.context.decode([self.context.tokens[-1]] * n, n_rows=n)
        seconds = time.perf_counter() - start
        self.context.keep(held)
        return seconds

    def close(self) -> None:
        """Free everything."""
        self.context.close()
        self.model.close()


class Stock:
    """llama-cpp-python's own class, as its documentation says."""

    def __init__(self, path: Path, n_ctx: int, n_threads: int) -> None:
        from llama_cpp import Llama

        self._llama = Llama(str(path), n_ctx=n_ctx, n_threads=n_threads, verbose=False)

    def write(self, model: Model, prompt: Prompt, grammar: Grammar, n: int) -> float:
        """Return tokens a second under a grammar, without the prompt's reading."""
        from llama_cpp import LlamaGrammar

        ids = model.encode(prompt)
        self._llama.reset()
        self._llama.eval(ids)
        compiled = LlamaGrammar.from_string(grammar.text, verbose=False)
        start = time.perf_counter()
        done = self._llama.create_completion(
            ids, max_tokens=n, temperature=0.0, grammar=compiled, repeat_penalty=1.0
        )
        seconds = time.perf_counter() - start
        return float(done["usage"]["completion_tokens"]) / seconds

    def close(self) -> None:
        """Free it."""
        self._llama.close()
