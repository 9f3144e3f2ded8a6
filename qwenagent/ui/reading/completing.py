"""What may stand at the cursor: commands, their arguments, paths and symbols. Knows no terminal."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from qwenagent.ui.printable import visible
from qwenagent.ui.reading.commands import COMMANDS
from qwenagent.ui.reading.mentions import begun, mention
from qwenagent.ui.reading.ranking import Index

_MAX_OFFERS = 50
_NAME = re.compile(r"/[a-zA-Z-]*\Z")
_ARGUMENT = re.compile(r"/(?P<command>[a-z-]+) (?:.*\s)?(?P<word>\S*)\Z", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Named:
    """A symbol and the file it is in."""

    name: str
    where: str


Names = Callable[[], Sequence[str]]
"""Called for each key, in a thread of its own: return the same object while nothing changed."""


def no_names() -> tuple[()]:
    """Return that there is nothing."""
    return ()


@dataclass(frozen=True, slots=True)
class Sources:
    """Where names come from. The callables are as `Names` says."""

    paths: Names = no_names
    """Files of the repository, relative to its root, divided by "/"."""
    symbols: Callable[[], Sequence[Named]] = no_names
    arguments: Mapping[str, Names] = field(default_factory=dict)
    """By a command's name, for its arguments: {"model": ...}."""


@dataclass(frozen=True, slots=True)
class Offer:
    """One thing that may stand at the cursor."""

    text: str
    """Replaces what is there."""
    shown: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Offers:
    """What may replace the last `n_replaced` characters before the cursor, best first."""

    n_replaced: int
    items: tuple[Offer, ...]


NOTHING = Offers(0, ())


@dataclass(frozen=True, slots=True)
class _Known:
    """An index, what it was made of, and the notes of its names."""

    source: object
    index: Index
    notes: Mapping[str, str]


class Completing:
    """Answers with offers. Keeps an index of each list of names until another list comes."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self._known: dict[str, _Known] = {}

    def offers(self, before: str) -> Offers:
        """Return what may stand at the cursor, given the text before it."""
        if match := _NAME.match(before):
            return _commands(match[0][1:].lower(), len(before))
        mentioned = begun(before)
        if mentioned is not None:
            start, query = mentioned
            return Offers(len(before) - start, self._mentioned(query))
        match = _ARGUMENT.match(before)
        source = self._sources.arguments.get(match["command"]) if match else None
        if match is None or source is None:
            return NOTHING
        found = self._names(match["command"], source()).index.best(match["word"], _MAX_OFFERS)
        return Offers(
            len(match["word"]), tuple(Offer(shlex.quote(name), name) for _, name in found)
        )

    def may_offer(self, before: str) -> bool:
        """Return whether the cursor is in a word of which `offers` has others; looks up nothing."""
        match = _ARGUMENT.match(before)
        takes_names = match is not None and match["command"] in self._sources.arguments
        return takes_names or begun(before) is not None or _NAME.match(before) is not None

    def _mentioned(self, query: str) -> tuple[Offer, ...]:
        """Return paths and symbols, in turns where they fit equally well."""
        ranked = []
        for known in (self._names("@", self._sources.paths()), self._symbols()):
            for place, (rank, name) in enumerate(known.index.best(query, _MAX_OFFERS)):
                note = visible(known.notes.get(name, ""))
                ranked.append((rank, place, Offer(mention(name), name, note)))
        ranked.sort(key=lambda entry: entry[:2])
        return tuple(offer for *_, offer in ranked[:_MAX_OFFERS])

    def _names(self, key: str, names: Sequence[str]) -> _Known:
        known = self._known.get(key)
        if known is None or known.source is not names:
            known = _Known(names, Index(filter(_can_be_typed, names)), {})
            self._known[key] = known
        return known

    def _symbols(self) -> _Known:
        symbols = self._sources.symbols()
        known = self._known.get("@symbol")
        if known is None or known.source is not symbols:
            notes = {each.name: each.where for each in symbols if _can_be_typed(each.name)}
            known = _Known(symbols, Index(notes, "."), notes)
            self._known["@symbol"] = known
        return known


def _can_be_typed(name: str) -> bool:
    """Names with control characters, or a quote that would end a mention, are not offered."""
    return name.isprintable() and '"' not in name


def _commands(query: str, n_replaced: int) -> Offers:
    found = [c for c in COMMANDS if c.name.startswith(query)]
    found += [c for c in COMMANDS if query in c.name and c not in found]
    items = (Offer(f"/{c.name} " if c.arguments else f"/{c.name}", c.usage, c.help) for c in found)
    return Offers(n_replaced, tuple(items))
