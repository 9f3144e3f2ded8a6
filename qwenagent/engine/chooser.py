"""Chooses the next token under a grammar at the price of almost none.

First the token is chosen as if there were no grammar and then checked alone (microseconds). Only
if it is refused the 512 likeliest are looked at, and only if all of those are refused every token
that begins with a byte that may come next. Without truncation this draws from exactly the masked
distribution: a token is drawn with p, or after a refusal (1-Z) with p/Z. Same method as llama.cpp's
common/sampling.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qwenagent.engine import family
from qwenagent.engine.constraint import Constraint
from qwenagent.engine.sampler import Candidates, Chain
from qwenagent.errors import EngineError
from qwenagent.protocol.messages import Sampling

N_TOP = 512
_NEVER_WRITTEN = np.array(sorted(family.NEVER_WRITTEN))


@dataclass(slots=True)
class Counts:
    """How often each stage decided."""

    ok: int = 0
    top: int = 0
    full: int = 0


class Chooser:
    """Chooses and accepts tokens for one answer."""

    def __init__(self, sampling: Sampling, constraint: Constraint | None) -> None:
        self.counts = Counts()
        self.constraint = constraint
        self._chain: Chain | None = None
        if sampling.temperature > 0:
            self._chain = Chain(
                sampling.top_k,
                sampling.top_p,
                sampling.min_p,
                sampling.temperature,
                sampling.seed,
            )

    def choose(self, logits: NDArray[np.float32]) -> int:
        """Return the next token and follow it in the grammar.

        Raises:
            EngineError: the grammar allows no token of the vocabulary.
        """
        token = self._first(logits)
        if self._allows(token):
            self.counts.ok += 1
        else:
            token = self._second(logits)
        if self.constraint:
            self.constraint.accept(token)
        return token

    def may_end(self) -> bool:
        """Return whether the grammar would let the turn end here."""
        return self.constraint is None or self.constraint.may_end()

    def close(self) -> None:
        """Free the sampler chain; the grammar belongs to the caller."""
        if self._chain:
            self._chain.close()

    def _first(self, logits: NDArray[np.float32]) -> int:
        if self._chain is None:
            return int(np.argmax(logits))
        top = np.argpartition(logits, -N_TOP)[-N_TOP:]
        return Candidates(top, logits[top]).sampled(self._chain)

    def _allows(self, token: int) -> bool:
        if token in family.NEVER_WRITTEN:
            return False
        return self.constraint is None or self.constraint.allows(token)

    def _second(self, logits: NDArray[np.float32]) -> int:
        top = np.argpartition(logits, -N_TOP)[-N_TOP:]
        token = self._among(top, logits)
        if token is not None:
            self.counts.top += 1
            return token
        every = self.constraint.possible() if self.constraint else np.arange(len(logits))
        token = self._among(every, logits)
        if token is None:
            raise EngineError("the grammar allows no token of the vocabulary here")
        self.counts.full += 1
        return token

    def _among(self, ids: NDArray[np.integer], logits: NDArray[np.float32]) -> int | None:
        ids = ids[~np.isin(ids, _NEVER_WRITTEN)]
        candidates = Candidates(ids, logits[ids])
        if self.constraint:
            self.constraint.mask(candidates)
        if not candidates.keep_possible():
            return None
        return candidates.sampled(self._chain) if self._chain else candidates.best()
