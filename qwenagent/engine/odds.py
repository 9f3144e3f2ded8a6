"""What the model would write at a place if it were free, and what a grammar leaves of that.

Looks at the logits of one place. Knows nothing of the text before it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qwenagent.engine import family
from qwenagent.engine.constraint import Constraint
from qwenagent.engine.llama import Model
from qwenagent.engine.sampler import Candidates
from qwenagent.protocol.messages import Doubt

_LIKELY = 1e-5
"""Less likely tokens are not looked at: the others are a few dozen where a model is sure, which
takes 0.5 ms, and together mostly all but a thousandth."""
UNSEEN = 0.01
"""Where the likely tokens leave more than this, every token that may come is looked at, and else
the rest counts as cut away. So `cut` is too high by this at most, and never too low."""
_NEVER_WRITTEN = np.array(sorted(family.NEVER_WRITTEN))


@dataclass(frozen=True, slots=True)
class View:
    """The model's own view of a place."""

    wanted: bytes
    """The likeliest token that was refused, or of all where hardly anything was; empty for a
    control token."""
    cut: float
    entropy_bits: float
    is_choice: bool
    """Whether the grammar left more than one text that is not all too unlikely."""

    def doubt(self, at: int, chosen: bytes) -> Doubt | None:
        """Return what to tell of the place behind `at` characters; None if it is forced and right.

        It is told where the texts part: what is alike in both was not in doubt.
        """
        if not self.is_choice and self.cut <= UNSEEN:
            return None
        ours, theirs = (text.decode("utf-8", "replace") for text in (chosen, self.wanted))
        return Doubt(at + _n_alike(ours, theirs), ours, theirs, self.cut, self.entropy_bits)


def view_of_choice(logits: NDArray[np.float32], constraint: Constraint, model: Model) -> View:
    """Return the view of a place where the model chooses a token that `constraint` allows."""
    odds = _probabilities(logits)
    ids = _likely(odds)
    legal = _legal(ids, logits, constraint)
    if not len(legal) or 1 - odds[ids].sum() > UNSEEN:
        ids = np.union1d(ids, constraint.possible())
        legal = _legal(ids, logits, constraint)
    # The model may put a line end and what the grammar ends with into one token.
    kept = [int(token) for token in np.setdiff1d(ids[odds[ids] > UNSEEN], legal)]
    kept = [token for token in kept if constraint.ends_within(model.piece(token))]
    agreeing = np.append(legal, kept).astype(np.int64)
    cut = _cut(odds, agreeing)
    is_choice = differ([model.piece(int(token)) for token in legal])
    entropy = entropy_bits(odds[agreeing]) if is_choice else 0.0
    return View(_wanted(odds, ids, agreeing, cut, model), cut, entropy, is_choice)


def view_of_forced(logits: NDArray[np.float32], forced: bytes, model: Model) -> View:
    """Return the view of a place where the text goes on with `forced` and nothing else."""
    odds = _probabilities(logits)
    ids = _likely(odds)
    if 1 - odds[ids].sum() > UNSEEN:
        ids = np.union1d(ids, model.starting_with(forced[0]))
    agreeing = np.array([i for i in ids if _agree(model.piece(int(i)), forced)], dtype=np.int64)
    cut = _cut(odds, agreeing)
    return View(_wanted(odds, ids, agreeing, cut, model), cut, 0.0, is_choice=False)


def entropy_bits(odds: NDArray[np.float32]) -> float:
    """Return the entropy of probabilities once they add up to 1."""
    likely = odds[odds > 0] / odds.sum() if odds.sum() > 0 else np.ones(1)
    return abs(float(-(likely * np.log2(likely)).sum()))  # no -0.0


def differ(texts: Sequence[bytes]) -> bool:
    """Return whether some of the texts are no beginnings of another one; the end is one, too."""
    longest = max(texts, key=len, default=b"")
    return any(not text or not longest.startswith(text) for text in texts) and bool(longest)


def _agree(piece: bytes, forced: bytes) -> bool:
    return bool(piece) and (forced.startswith(piece) or piece.startswith(forced))


def _probabilities(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    weights = np.exp(logits - logits.max())
    odds: NDArray[np.float32] = weights / weights.sum()
    return odds


def _likely(odds: NDArray[np.float32]) -> NDArray[np.integer]:
    return np.flatnonzero(odds >= _LIKELY)


def _legal(
    ids: NDArray[np.integer], logits: NDArray[np.float32], constraint: Constraint
) -> NDArray[np.integer]:
    ids = ids[~np.isin(ids, _NEVER_WRITTEN)]
    candidates = Candidates(ids, logits[ids])
    constraint.mask(candidates)
    return candidates.possible()


def _cut(odds: NDArray[np.float32], agreeing: NDArray[np.int64]) -> float:
    return min(1.0, max(0.0, 1.0 - float(odds[agreeing].sum())))


def _wanted(
    odds: NDArray[np.float32],
    ids: NDArray[np.integer],
    agreeing: NDArray[np.int64],
    cut: float,
    model: Model,
) -> bytes:
    refused = np.setdiff1d(ids, agreeing)
    among = refused if cut > UNSEEN and len(refused) else ids
    return model.piece(int(among[np.argmax(odds[among])]))


def _n_alike(one: str, other: str) -> int:
    """Return how many characters both begin with; 0 if one is all that the other begins with."""
    if one.startswith(other):
        return 0
    pairs = zip(one, other, strict=False)
    return next((i for i, (a, b) in enumerate(pairs) if a != b), len(one))
