"""Records without what somebody says is secret, before they are passed on.

Knows what to put in its place; not what a secret looks like.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec

from qwenagent.protocol import wire
from qwenagent.protocol.events import Record

Find = Callable[[str], Iterable[tuple[int, int, str]]]
"""Returns start, end and class of each secret in a text: in order, none over another."""


def hide(records: Iterable[Record], find: Find) -> tuple[list[Record], int]:
    """Return the records with every secret replaced, and how many different ones there were."""
    hiding = _Hiding(find)
    return [hiding.record(record) for record in records], len(hiding.found)


class _Hiding:
    def __init__(self, find: Find) -> None:
        self._find = find
        self._clean: dict[str, str] = {}  # the same output stands in many records
        self.found: set[str] = set()

    def record(self, record: Record) -> Record:
        before = wire.to_dict(record)
        after = {name: self._value(value) for name, value in before.items()}
        return record if after == before else wire.decode(msgspec.json.encode(after))

    def _value(self, value: Any) -> Any:
        match value:
            case str():
                if value not in self._clean:
                    self._clean[value] = self._text(value)
                return self._clean[value]
            case dict():
                return {self._value(k): self._value(v) for k, v in value.items()}
            case list() | tuple():
                return [self._value(item) for item in value]
        return value

    def _text(self, text: str) -> str:
        places: Sequence[tuple[int, int, str]] = list(self._find(text))
        for start, end, kind in reversed(places):
            self.found.add(text[start:end])
            text = f"{text[:start]}[hidden: {kind}]{text[end:]}"
        return text
