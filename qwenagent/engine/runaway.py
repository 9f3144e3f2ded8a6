"""Tells an answer that will not end: small models repeat themselves, or count on and on.

Looked at every 32 tokens: it costs nothing then, and a runaway has time.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from qwenagent.protocol.messages import Prompt

EVERY_TOKENS = 32
PERIOD_MAX = 80
"""Longest piece that is recognised when it is repeated, in tokens."""
REPEATED_TOKENS = 320
"""So much of one short piece over and over is no text that anybody wants."""
COUNTED_LINES = 32
"""So many lines that differ in their numbers alone, too."""
TABLE_LINES = 200
"""Unless nearly each of them differs from all others: a table may be so long."""
TABLE_DIFFERENT = 24
"""Lines of the last COUNTED_LINES that differ in a table: more than in blocks of two lines, or of
three, of which one is the same each time."""
KINDS_OF_LINES = 3
ROUND_LINES = 8
"""So few different lines among the last COUNTED_LINES go round and round, in whatever order."""
_DIGITS = re.compile(r"\d+")
_WORDS = re.compile(r"[A-Za-z]{2,}")
_NUMBERED = re.compile(r" *\d+  (.*)")


@dataclass(slots=True)
class PromptLines:
    """The lines of a prompt, which are not read before somebody asks."""

    prompt: Prompt
    _counts: Counter[str] | None = field(default=None, init=False)

    def without(self, lines: Sequence[str]) -> list[str]:
        """Return lines without those that the prompt has, each as often as it is there.

        Indents do not matter, nor does the number that a file is shown with before each line.
        """
        if self._counts is None:
            self._counts = Counter(self._read())
        written: Counter[str] = Counter()
        new = []
        for line in lines:
            words = line.strip()
            written[words] += 1
            if written[words] > self._counts[words]:
                new.append(line)
        return new

    def _read(self) -> Iterator[str]:
        texts = [message.text for message in self.prompt.messages]
        if self.prompt.gap:
            texts += [self.prompt.gap.before, self.prompt.gap.after]
        for text in texts:
            for line in text.split("\n"):
                numbered = _NUMBERED.match(line)
                yield (numbered[1] if numbered else line).strip()


def runs_away(tokens: Sequence[int], text: str, prompt: PromptLines) -> bool:
    """Return whether the end of an answer to a prompt is a loop."""
    if len(tokens) % EVERY_TOKENS or len(tokens) < REPEATED_TOKENS:
        return False
    return repeats_itself(tokens) or counts_on(text, prompt) or goes_round(text, prompt)


def repeats_itself(tokens: Sequence[int]) -> bool:
    """Return whether the last REPEATED_TOKENS are one short piece over and over."""
    tail = tokens[-REPEATED_TOKENS:]
    return any(tail[p:] == tail[:-p] for p in range(1, PERIOD_MAX + 1))


def counts_on(text: str, prompt: PromptLines) -> bool:
    """Return whether the last lines are a few statements that differ in their numbers alone.

    Tables of bare numbers are not meant: a line without words ends the search. Neither is what is
    copied from the prompt, nor a table of which nearly each line is another, until it is long.
    """
    lines = text.rsplit("\n", COUNTED_LINES + 1)[1:-1]
    if len(lines) < COUNTED_LINES or len(_alike(lines)) < COUNTED_LINES:
        return False
    new = prompt.without(_alike(text.split("\n")[:-1]))
    if len(new) < COUNTED_LINES:
        return False
    return len(set(new[-COUNTED_LINES:])) < TABLE_DIFFERENT or len(new) >= TABLE_LINES


def goes_round(text: str, prompt: PromptLines) -> bool:
    """Return whether the last lines are a few statements, again and again.

    Blank lines and brackets alone do not count, nor does what is copied from the prompt.
    """
    lines = [line.strip() for line in text.split("\n")[:-1] if _WORDS.search(line)]
    last = lines[-COUNTED_LINES:]
    if len(last) < COUNTED_LINES or len({*last}) > ROUND_LINES:
        return False
    new = prompt.without(lines)[-COUNTED_LINES:]
    return len(new) == COUNTED_LINES and len({*new}) <= ROUND_LINES


def _alike(lines: Sequence[str]) -> Sequence[str]:
    """Return the last of the lines, as far as they are a few that differ in their numbers."""
    kinds: set[str] = set()
    for n, line in enumerate(reversed(lines)):
        kinds.add(_DIGITS.sub("0", line))
        if len(kinds) > KINDS_OF_LINES or not _WORDS.search(line):
            return lines[len(lines) - n :]
    return lines
