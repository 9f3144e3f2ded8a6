"""A suffix automaton: where in a sequence one is after reading a part of it. Knows numbers only.

Blumer et al., "The smallest automaton recognizing the subwords of a text" (1985). It has at most
two states and three steps for each item, however often parts repeat.
"""

from __future__ import annotations

from collections.abc import Sequence

NEVER = 1 << 60


class Automaton:
    """The parts of a sequence of numbers; parts that end in the same places share a state.

    State 0 is the beginning. `next[state][item]` is the state after one more item.
    """

    def __init__(self, items: Sequence[int]) -> None:
        self.next: list[dict[int, int]] = [{}]
        self._lengths = [0]
        """Of the longest part that leads to a state."""
        self._links = [-1]
        """The state of the longest end of that part which occurs in more places."""
        self._counts = [0]
        last = 0
        for item in items:
            last = self._extend(last, item)
        self._longest_first = sorted(
            range(1, len(self.next)), key=self._lengths.__getitem__, reverse=True
        )
        for state in self._longest_first:
            self._counts[self._links[state]] += self._counts[state]

    def is_once(self, state: int) -> bool:
        """Return whether what leads to `state` occurs in one place only."""
        return state > 0 and self._counts[state] == 1

    def steps_to_once(self, allowed: Sequence[bool]) -> list[int]:
        """Return for each state how many items it takes until one place is left.

        `allowed` says of each item whether it may be read; NEVER where no way leads there.
        """
        steps = [NEVER] * len(self.next)
        for state in [*self._longest_first, 0]:  # a step leads to a longer part
            if self.is_once(state):
                steps[state] = 0
                continue
            found = (steps[then] + 1 for item, then in self.next[state].items() if allowed[item])
            steps[state] = min(found, default=NEVER)
        return steps

    def _extend(self, last: int, item: int) -> int:
        new = self._add({}, self._lengths[last] + 1, 0, 1)
        state = last
        while state >= 0 and item not in self.next[state]:
            self.next[state][item] = new
            state = self._links[state]
        if state >= 0:
            self._links[new] = self._exactly_behind(state, item)
        return new

    def _exactly_behind(self, state: int, item: int) -> int:
        """Return the state of the parts of `state` and `item`, split from longer ones if needed."""
        found = self.next[state][item]
        if self._lengths[found] == self._lengths[state] + 1:
            return found
        copy = self._add(dict(self.next[found]), self._lengths[state] + 1, self._links[found], 0)
        self._links[found] = copy
        while state >= 0 and self.next[state].get(item) == found:
            self.next[state][item] = copy
            state = self._links[state]
        return copy

    def _add(self, onward: dict[int, int], length: int, link: int, count: int) -> int:
        self.next.append(onward)
        self._lengths.append(length)
        self._links.append(link)
        self._counts.append(count)
        return len(self.next) - 1
