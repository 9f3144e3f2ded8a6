"""Which files are put before the model in a conversation, and why. Knows no tokens."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Literal

from qwenagent.checks.testfiles import is_test_file
from qwenagent.loop.editing.targets import find_targets, identifiers
from qwenagent.plan import Step
from qwenagent.syntax import Symbol, is_known, symbols
from qwenagent.workspace import Workspace

Why = Literal["added", "mentioned", "named", "small repository"]
_MAX_FOUND = 20
"""Files that are looked through for a symbol."""
_MAX_SYMBOLS = 3
_MAX_NAMES = 12
_SPOKEN_OF = re.compile(
    r"""\b(?:does|do|is|are|calls?|uses?|functions?|methods?|class(?:es)?|funktion|methode|klasse
      |fonction|méthode|classe|función|método|clase|функция|метод|класс)\s+([^\W\d]\w*)
    | \b([^\W\d]\w*)\(""",
    re.VERBOSE | re.IGNORECASE,
)
"""Where a plain word is probably a name of code; it is one if something is called so."""


class Shelf:
    """Files by path, in the order in which they came: what came first is read once."""

    def __init__(self, tree: Workspace) -> None:
        self._tree = tree
        self._why: dict[str, Why] = {}
        self._dropped: set[str] = set()
        """What comes back only if the user says so."""

    @property
    def paths(self) -> tuple[str, ...]:
        """All of them that are still there. From any thread."""
        return tuple(path for path in tuple(self._why) if self._tree.is_file(path))

    @property
    def added(self) -> tuple[str, ...]:
        """Those that the user has put here on purpose."""
        return tuple(path for path in self.paths if self._why[path] == "added")

    def why(self, path: str) -> Why:
        """Return why a file is here."""
        return self._why[path]

    def put(self, paths: Iterable[str], why: Why) -> list[str]:
        """Add files of the repository that are text; return those that are new here."""
        wanted = dict.fromkeys(paths)
        if why in ("added", "mentioned"):
            self._dropped.difference_update(wanted)
        fresh = [path for path in wanted if path not in self._why and path not in self._dropped]
        fresh = [path for path in fresh if self._tree.text(path) is not None]
        self._why |= dict.fromkeys(fresh, why)
        return fresh

    def drop(self, path: str) -> bool:
        """Take a file out; return whether it was here."""
        if self._why.pop(path, None) is None:
            return False
        self._dropped.add(path)
        return True

    def clear(self) -> None:
        """Take all out."""
        self._why.clear()
        self._dropped.clear()


def named_files(step: Step, tree: Workspace) -> tuple[str, ...]:
    """Return the files of the repository that a message names."""
    there = [path for path in step.mentions if tree.is_file(path)]
    return tuple(dict.fromkeys([*there, *find_targets(step, tree).change]))


def named_symbols(step: Step, tree: Workspace) -> tuple[tuple[str, Symbol], ...]:
    """Return file and symbol for names of code in a message that one place alone defines."""
    found: dict[str, tuple[str, Symbol]] = {}
    spoken = {name for match in _SPOKEN_OF.finditer(step.text) for name in match.groups() if name}
    for name in sorted(identifiers(step) | spoken)[:_MAX_NAMES]:
        places = list(defining(name, tree))
        if len(places) == 1:
            found.setdefault(f"{places[0][0]} {places[0][1].name}", places[0])
    return tuple(found.values())[:_MAX_SYMBOLS]


def defining(name: str, tree: Workspace) -> Iterable[tuple[str, Symbol]]:
    """Yield file and symbol for each definition of a name, which may be qualified."""
    last = name.rpartition(".")[2]
    holding = (path for path in tree.holding(last) if is_known(path) and not is_test_file(path))
    for n, path in enumerate(holding):
        if n == _MAX_FOUND:
            return
        for symbol in symbols(path, tree.text(path) or ""):
            if symbol.name == name or symbol.name.rpartition(".")[2] == name:
                yield path, symbol


def small_files(tree: Workspace, count: Callable[[str], int], max_tokens: int) -> list[str]:
    """Return the source files of a repository so small that they need no map, tests not."""
    paths = [path for path in tree.files() if is_known(path) and not is_test_file(path)]
    texts = {path: tree.text(path) or "" for path in sorted(paths, key=lambda p: (p.count("/"), p))}
    found = [path for path, text in texts.items() if text.strip()]
    return found if sum(count(texts[path]) for path in found) <= max_tokens else []
