"""Which functions of a file failing tests point to: by their frames, else by what they use.

What failing tests use and passing ones do not is suspect. As in fault localisation by spectra, with
Ochiai's measure (Abreu et al. 2007), but over names in the source instead of executed lines: that
needs no tracer, works in every language that is parsed, and costs milliseconds.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from qwenagent.loop.evidence.testsource import WORD, words_of_tests
from qwenagent.protocol.checks import TestRun
from qwenagent.syntax import Symbol, plain_name, symbols
from qwenagent.workspace import Workspace

_CONSTRUCTORS = frozenset({"__init__", "__post_init__", "__new__", "constructor", "new"})
_DEPTH = 5
"""So many calls are followed from a test."""
_MAX_TESTS = 400
_MAX_PATH = 1000
_FOREIGN = re.compile(r"(?:^|/)(?:site-packages|dist-packages|node_modules|lib/python\d[\d.]*)/")


@dataclass(frozen=True, slots=True)
class Spectrum:
    """What the tests of a run use, as the words of their source."""

    red: tuple[frozenset[str], ...] = ()
    green: tuple[frozenset[str], ...] = ()

    @classmethod
    def of(cls, run: TestRun, tree: Workspace) -> Spectrum:
        """Return what tests of a run use, as far as their source is found."""
        words: dict[str, list[frozenset[str]]] = {"failed": [], "passed": []}
        some = [t for t, s in run.statuses.items() if s in words][:_MAX_TESTS]
        for test, used in words_of_tests(some, tree).items():
            if used:
                words[run.statuses[test]].append(used)
        return cls(tuple(words["failed"]), tuple(words["passed"]))


NO_SPECTRUM = Spectrum()


def suspicion(
    path: str, text: str, failing: TestRun, spectrum: Spectrum, files: Collection[str] = ()
) -> dict[Symbol, float]:
    """Return the functions of a file that failures point to, 0 to 1, the most suspect first.

    Those that hold the innermost frames come before what failing tests use. What no test tells of
    is in a failure's words, perhaps. `files` are the repository's, to tell those of one name apart.
    """
    functions = [s for s in symbols(path, text) if s.kind == "function"]
    told = "\n".join([*failing.failures.values(), failing.output])
    rows = _frames(path, told, files)
    by_frame = [s for row in rows for s in functions if s.first_line <= row <= s.last_line]
    if spectrum.red:
        scores = _scores(functions, text, spectrum)
    else:
        words = frozenset(WORD.findall(told))
        scores = {s.name: 0.5 for s in functions if _short(s) in words}
    ranked = sorted((s for s in functions if s.name in scores), key=lambda s: -scores[s.name])
    found = dict.fromkeys(by_frame, 1.0)
    return found | {s: scores[s.name] for s in ranked if s not in found}


def _frames(path: str, told: str, files: Collection[str]) -> list[int]:
    """Return the lines of a file that a failure names, the last one first."""
    name = PurePosixPath(path).name
    twins = [p for p in files if PurePosixPath(p).name == name]
    places = re.finditer(rf"(?<![\w.-]){re.escape(name)}(?=[\"']?(?::|, line |\()(\d+))", told)
    rows = [int(found[1]) for found in places if _is_of(path, _before(found), twins)]
    return rows[::-1]


def _before(found: re.Match[str]) -> str:
    """Return the line up to the end of the name that was found in it."""
    text, at = found.string, found.start()
    begin = max(text.rfind("\n", 0, at) + 1, at - _MAX_PATH)
    return text[begin : found.end()]


def _is_of(path: str, before: str, twins: Sequence[str]) -> bool:
    """Tell whether a frame whose path stands at the end of a text is one of this file.

    `twins` are the files of its name; which of them is meant is known by the longest end.
    """
    said = re.split(r"[\s\"'(]", before)[-1].removeprefix("./")
    if _FOREIGN.search(said):
        return False
    if meant := [p for p in twins if re.search(rf"(?<![\w.-]){re.escape(p)}$", before)]:
        return max(meant, key=len) == path
    # It may count from a folder further down.
    below = [p for p in twins if p.endswith(f"/{said}")]
    return path in below or not below


def _short(symbol: Symbol) -> str:
    """Return the name by which a function is used: its class's, if it makes one."""
    *outer, name = plain_name(symbol.name).split(".")
    # JavaScript's private methods have a # in front, which is no part of a word.
    return outer[-1] if outer and name in _CONSTRUCTORS else name.removeprefix("#")


def _scores(functions: list[Symbol], text: str, spectrum: Spectrum) -> dict[str, float]:
    """Return how suspect functions are, 0 to 1, by name; those that no red test uses are none."""
    lines = text.split("\n")
    users: dict[str, frozenset[str]] = {}
    """By the name by which it is used, the words in a function's code."""
    for s in functions:
        code = s.code_in(lines)
        users[_short(s)] = users.get(_short(s), frozenset()) | frozenset(WORD.findall(code))
    red = [_reached(words, users) for words in spectrum.red]
    green = [_reached(words, users) for words in spectrum.green]
    found: dict[str, float] = {}
    for s in functions:
        n_red = sum(_short(s) in names for names in red)
        n_green = sum(_short(s) in names for names in green)
        if n_red:
            found[s.name] = n_red / math.sqrt(len(red) * (n_red + n_green))
    return found


def _reached(words: frozenset[str], users: Mapping[str, frozenset[str]]) -> set[str]:
    """Return the functions that code with these words uses, and those that these use."""
    found: set[str] = set()
    new = set(words & users.keys())
    for _ in range(_DEPTH):
        found |= new
        new = {name for user in new for name in users[user] & users.keys()} - found
    return found
