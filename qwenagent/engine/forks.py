"""Answers to one prompt that are written side by side.

Answers that are the same until now are one token in a batch, which is read into all of their
sequences: eight answers cost eight times as much only from where they part.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

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
        self._context.fork(len(self._active))
        texts = {done.text for done in found.values()}
        position = len(read.ids)
        parted = self._part([list(self._active)], [logits])
        try:
            while parted:
                for fork in [fork for _, forks in parted for fork in forks]:
                    number, writing = self._active[fork]
                    if not writing.ended:
                        continue
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
                parted = self._step(parted, position)
                position += 1
        except Aborted:
            return self._cancel(read, found)
        finally:
            for fork in self._active:
                self._context.drop(fork)
        return False

    def _part(
        self, groups: Sequence[Sequence[int]], rows: Sequence[NDArray[np.float32]]
    ) -> list[tuple[int, list[int]]]:
        """Choose and take a token for each fork; return each token with those that took it.

        `groups` are forks that have written the same until now, and `rows` their logits.
        """
        parted: list[tuple[int, list[int]]] = []
        for group, logits in zip(groups, rows, strict=True):
            took: dict[int, list[int]] = {}
            for fork in group:
                writing = self._active[fork][1]
                token = writing.choose(logits)
                writing.take(token)
                took.setdefault(token, []).append(fork)
            parted += took.items()
        return parted

    def _step(
        self, parted: Sequence[tuple[int, list[int]]], position: int
    ) -> list[tuple[int, list[int]]]:
        """Read the tokens that were taken and go on with the forks that are not at their end."""
        open_ = [
            (token, going)
            for token, forks in parted
            if (going := [fork for fork in forks if not self._active[fork][1].ended])
        ]
        if not open_:
            return []
        start = time.perf_counter()
        groups = [forks for _, forks in open_]
        self._context.decode_forks([token for token, _ in open_], groups, position)
        following = self._part(groups, [self._context.logits(row) for row in range(len(groups))])
        share = (time.perf_counter() - start) / sum(map(len, groups))
        for fork in (fork for forks in groups for fork in forks):
            self._active[fork][1].decode_s += share
        return following

    def _cancel(self, read: ReadPrompt, found: dict[int, Completion]) -> bool:
        number = max([*found, *(number for number, _ in self._active.values())])
        usage = Usage(len(read.ids), read.n_cached, prefill_s=read.seconds, calls=1)
        found[number] = Completion("", "cancelled", usage)
        return True
