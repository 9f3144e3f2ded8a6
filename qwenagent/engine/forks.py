"""Answers to one prompt that are written side by side, one token each in a batch."""

from __future__ import annotations

import time

import numpy as np
from numpy.typing import NDArray

from qwenagent.engine.context import Aborted, Context
from qwenagent.engine.writing import ReadPrompt, Watch, Writing
from qwenagent.protocol.messages import Completion, Usage


class Forks:
    """Answers that are written side by side, each in a sequence of its own."""

    def __init__(self, context: Context, writings: dict[int, Writing], watch: Watch) -> None:
        self._context = context
        self._watch = watch
        self._active = {fork: item for fork, item in enumerate(writings.items(), 1)}

    def write(
        self, logits: NDArray[np.float32], read: ReadPrompt, found: dict[int, Completion]
    ) -> bool:
        """Write until all are at their end or one is accepted; return whether that is enough."""
        active = self._active
        self._context.fork(len(active))
        texts = {done.text for done in found.values()}
        position = len(read.ids)
        chosen = {f: w.choose(logits) for f, (_, w) in active.items()}
        try:
            while chosen:
                for fork in list(chosen):
                    number, writing = active[fork]
                    if not writing.take(chosen[fork]):
                        continue
                    del chosen[fork]
                    self._context.drop(fork)
                    done = writing.completion(read, first=not found)
                    if done.text in texts:  # another one has written the same
                        continue
                    texts.add(done.text)
                    found[number] = done
                    if self._watch.accept(done):
                        return True
                if self._watch.cancelled():
                    return self._cancel(read, found)
                chosen = self._step(chosen, position)
                position += 1
        except Aborted:
            return self._cancel(read, found)
        finally:
            for fork in active:
                self._context.drop(fork)
        return False

    def _step(self, chosen: dict[int, int], position: int) -> dict[int, int]:
        """Read one token into each sequence and choose the ones after them."""
        if not chosen:
            return {}
        start = time.perf_counter()
        self._context.decode_forks(chosen, position)
        following = {
            fork: self._active[fork][1].choose(self._context.logits(row))
            for row, fork in enumerate(chosen)
        }
        share = (time.perf_counter() - start) / len(chosen)
        for fork in chosen:
            self._active[fork][1].decode_s += share
        return following

    def _cancel(self, read: ReadPrompt, found: dict[int, Completion]) -> bool:
        number = max([*found, *(number for number, _ in self._active.values())])
        usage = Usage(len(read.ids), read.n_cached, prefill_s=read.seconds, calls=1)
        found[number] = Completion("", "cancelled", usage)
        return True
