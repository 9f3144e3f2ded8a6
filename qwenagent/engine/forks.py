"""Answers to one prompt, written side by side; a single answer is the simplest case.

Answers that are the same until now are one branch: its tokens are read once, into all of their
sequences, so that eight answers cost eight times as much only from where they part. How a branch
may go on is guessed from the prompt and from the other answers, and read in the same batch.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from qwenagent.engine.context import MAX_ROWS, N_BATCH, Aborted, Context, Part
from qwenagent.engine.lookup import Lookup
from qwenagent.engine.pace import Chance, Outcome, Pace
from qwenagent.engine.writing import Look, ReadPrompt, Watch, Writing
from qwenagent.protocol.messages import Completion

_Rows = Callable[[int], NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class Guessing:
    """What an answer may be copied from, and what tells when that pays."""

    lookup: Lookup
    pace: Callable[[], Pace]


@dataclass(slots=True)
class _Branch:
    """Forks that have written the same until now. A fork is the number of its sequence."""

    forks: list[int]
    n_held: int
    """Tokens that their sequences hold."""
    pending: list[int]
    """Tokens that were taken and are to be read."""
    guess: list[int] = field(default_factory=list)
    agreed: int = 0
    """Tokens before the guess that agree with where it comes from."""
    looks: list[Look] = field(default_factory=list)
    """Places in the pending text of which logits are wanted."""
    n_right: int = 0
    n_wrong: int = 0

    @property
    def tokens(self) -> list[int]:
        """What is to be read."""
        return [*self.pending, *self.guess]


class Forks:
    """Writes answers, each into a sequence of its own."""

    def __init__(
        self,
        context: Context,
        writings: Mapping[int, Writing],
        watch: Watch,
        *,
        alone: bool,
        guessing: Guessing | None,
        jumps: bool,
    ) -> None:
        """`writings` are by the number of the answer.

        An answer that is `alone` is not asked about and ends the conversation in the cache;
        `jumps` takes forced text at once.
        """
        self._context = context
        self._watch = watch
        self._guessing = guessing
        self._alone = alone
        self._jumps = jumps
        self._numbers = dict(enumerate(writings, 1))
        self._writings = dict(enumerate(writings.values(), 1))
        self._open = list(self._writings)
        """Forks whose answers are not told yet."""
        self._held = dict.fromkeys(self._writings, len(context.tokens))
        self._texts = {fork: guessing.lookup.begin() for fork in self._writings} if guessing else {}
        self.is_enough = False
        """Whether an answer was accepted, or the watch cancelled."""

    def write(
        self, logits: NDArray[np.float32], read: ReadPrompt, seen: set[str]
    ) -> list[Completion]:
        """Write until all are at their end or one is accepted; return the answers by number.

        Those whose text is in `seen` are left out, and the others' are added to it. If the watch
        cancels, the last one is what was written until then. An answer that is alone, and one
        that is accepted, stay in the cache as the conversation's end.
        """
        self._context.fork(len(self._writings))
        found: dict[int, Completion] = {}
        try:
            whole = _Branch(list(self._writings), len(read.ids), [])
            branches = self._timed(whole.forks, lambda: self._follow(whole, lambda _: logits))
            while self._tell(branches, read, seen, found):
                if self._watch.cancelled():
                    raise Aborted
                branches = self._step(branches)
        except Aborted:
            self.is_enough = True
            return [*_by_number(found), self._cut_short(read, seen)]
        finally:
            for fork in self._writings:
                self._context.drop(fork)
        return _by_number(found)

    # -- the ends -----------------------------------------------------------------------------

    def _tell(
        self,
        branches: Sequence[_Branch],
        read: ReadPrompt,
        seen: set[str],
        found: dict[int, Completion],
    ) -> bool:
        """Hand over the answers that came to their end; return whether others go on."""
        going = {fork for branch in branches for fork in branch.forks}
        for fork in [fork for fork in self._open if fork not in going]:
            self._open.remove(fork)
            done = self._writings[fork].completion(read, first=not seen)
            if done.text not in seen:  # otherwise another one has written the same
                seen.add(done.text)
                found[self._numbers[fork]] = done
                self.is_enough = not self._alone and self._watch.accept(done)
            if self.is_enough or self._alone:
                self._adopt(fork)
                return False
            self._context.drop(fork)
        return bool(going)

    def _cut_short(self, read: ReadPrompt, seen: set[str]) -> Completion:
        writing = self._writings[self._open[0]]
        writing.stop = "cancelled"
        if self._alone:
            self._adopt(self._open[0])
        return writing.completion(read, first=not seen)

    def _adopt(self, fork: int) -> None:
        n = self._held[fork] - len(self._context.tokens)
        self._context.adopt(fork, self._writings[fork].tokens[:n])

    # -- a step -------------------------------------------------------------------------------

    def _step(self, branches: Sequence[_Branch]) -> list[_Branch]:
        """Read what was taken, and guesses behind it; choose what comes next."""
        forks = [fork for branch in branches for fork in branch.forks]
        return self._timed(forks, lambda: self._read(branches))

    def _timed(self, forks: Sequence[int], work: Callable[[], list[_Branch]]) -> list[_Branch]:
        start = time.perf_counter()
        following = work()
        share = (time.perf_counter() - start) / len(forks)
        for fork in forks:
            self._writings[fork].decode_s += share
        return following

    def _read(self, branches: Sequence[_Branch]) -> list[_Branch]:
        self._guess(branches)
        following: list[_Branch] = []
        for batch in _batches(branches):
            for branch, rows in zip(batch, self._context.read(_parts(batch)), strict=True):
                following += self._follow(branch, rows)
        if self._guessing and any(branch.guess for branch in branches):
            outcomes = [Outcome(b.agreed, b.n_right, b.n_wrong) for b in branches]
            self._guessing.pace().learn(outcomes)
        return following

    def _follow(self, branch: _Branch, rows: _Rows) -> list[_Branch]:
        """Let each fork choose along the guess as far as it agrees; return what goes on."""
        parted: dict[tuple[int, ...], _Branch] = {}
        n_read = branch.n_held + len(branch.pending)
        for fork in branch.forks:
            for look in branch.looks:
                self._writings[fork].look(look, rows(look.index - len(branch.pending) + 1))
            n_right, pending = self._choose(fork, branch.guess, rows)
            self._held[fork] = n_read + n_right
            branch.n_right += n_right
            if n_right < len(branch.guess):
                self._context.cut(fork, n_read + n_right)
            if not self._writings[fork].ended:
                branch.n_wrong += n_right < len(branch.guess)
                looks = self._writings[fork].looks
                same = _Branch([], n_read + n_right, pending, looks=looks)
                parted.setdefault((n_right, *pending), same).forks.append(fork)
        return list(parted.values())

    def _choose(self, fork: int, guess: Sequence[int], rows: _Rows) -> tuple[int, list[int]]:
        """Take tokens while they are those of the guess, and the one after.

        Returns how many were, and what is to be read next.
        """
        writing = self._writings[fork]
        n_right = 0
        token = writing.choose(rows(0))
        while not writing.take(token) and n_right < len(guess) and token == guess[n_right]:
            n_right += 1
            token = writing.choose(rows(n_right))
        jumped = writing.jump() if self._jumps and not writing.ended else []
        writing.n_guessed += len(guess)
        writing.n_right += n_right
        if self._guessing:
            new = [*guess[:n_right], token, *jumped]
            self._guessing.lookup.extend(self._texts[fork], new)
        return n_right, [token, *jumped]

    def _guess(self, branches: Sequence[_Branch]) -> None:
        """Let branches guess where that pays."""
        n_used = len(self._context.tokens) + sum(len(w.tokens) for w in self._writings.values())
        if not self._guessing or n_used + 2 * MAX_ROWS > self._context.n_ctx:
            return
        lookup = self._guessing.lookup
        found = [lookup.guess(self._texts[b.forks[0]], MAX_ROWS - 1) for b in branches]
        if not any(guess for guess, _ in found):
            return
        chances = [
            Chance(agreed, len(guess), len(branch.forks))
            for branch, (guess, agreed) in zip(branches, found, strict=True)
        ]
        lengths = self._guessing.pace().worth(chances)
        for branch, (guess, agreed), n in zip(branches, found, lengths, strict=True):
            if n:
                branch.agreed = agreed
                branch.guess = self._writings[branch.forks[0]].legal(guess[:n])


def _by_number(found: Mapping[int, Completion]) -> list[Completion]:
    return [found[number] for number in sorted(found)]


def _parts(batch: Sequence[_Branch]) -> list[Part]:
    """Return what to read; as many looks as the batch has rows for: they change no answer."""
    room = MAX_ROWS - sum(len(b.guess) + 1 for b in batch)
    parts = []
    for branch in batch:
        branch.looks = branch.looks[: max(room, 0)]
        room -= len(branch.looks)
        looks = [look.index for look in branch.looks]
        parts.append(Part(branch.tokens, branch.forks, branch.n_held, len(branch.guess) + 1, looks))
    return parts


def _batches(branches: Sequence[_Branch]) -> Iterator[list[_Branch]]:
    """Yield branches whose tokens fit into one decode call together; mostly that is all."""
    batch: list[_Branch] = []
    for branch in branches:
        if batch and sum(len(b.tokens) for b in (*batch, branch)) > N_BATCH:
            yield batch
            batch = []
        batch.append(branch)
    yield batch
