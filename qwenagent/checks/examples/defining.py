"""Which file of a repository defines the names that literal examples call. Runs nothing."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import PurePosixPath

from qwenagent.checks.testfiles import is_test_file
from qwenagent.plan.examples.literals import Language, called_names, is_literal
from qwenagent.plan.markdown.inline import word_set
from qwenagent.plan.values import Example
from qwenagent.syntax import symbols

_MAX_FILES_READ = 3_000
_LANGUAGES: dict[str, Language] = {
    ".py": "python",
    ".js": "javascript",
    ".mjs": "javascript",
    ".cjs": "javascript",
    ".go": "go",
    ".rs": "rust",
}
_BUILTINS: dict[Language, frozenset[str]] = {
    "python": frozenset(dir(builtins)),
    "javascript": word_set(
        "Number String Boolean Math JSON Object Array Date Symbol parseInt parseFloat isNaN "
        "isFinite BigInt Set Map"
    ),
    "go": word_set(
        "append cap len make new min max string bool byte rune int int8 int16 int32 int64 uint "
        "uint8 uint16 uint32 uint64 float32 float64"
    ),
    "rust": word_set("Some Ok Err String Vec Box"),
}


def places(
    examples: Sequence[Example],
    wanted: Sequence[str],
    files: Collection[str],
    read: Callable[[str], str | None],
) -> dict[str, str]:
    """Return the file that defines each name that the examples call, as the tree is now.

    `wanted` are the step's own files, there or not, `files` those of the repository; `read` gives
    a file's text, None if it has none. In order: the step's only file that defines the name, its
    only file that is yet to be created, the only file of the repository that defines it, the
    step's only file. A name for which none of these holds has no place, nor has one that stands
    for a method in the step's files: what it is called on is told in prose. Tests are no places.
    """
    finder = _Finder([path for path in wanted if _may_define(path)], files, read)
    found = ((name, finder.find(name, kinds)) for name, kinds in _names(examples).items())
    return {name: path for name, path in found if path}


def _names(examples: Sequence[Example]) -> dict[str, frozenset[Language]]:
    """Return the names that examples call, each with the languages that it can be of."""
    names: dict[str, frozenset[Language]] = {}
    for example in examples:
        for language in _BUILTINS:
            for name in called_names(example.call, language):
                names[name] = names.get(name, frozenset()) | {language}
    return names


def _language(path: str) -> Language | None:
    return _LANGUAGES.get(PurePosixPath(path).suffix)


def _may_define(path: str) -> bool:
    is_test = is_test_file(path) or PurePosixPath(path).name == "conftest.py"
    return _language(path) is not None and not is_test


class _Finder:
    """Finds where names are defined; reads each file once."""

    def __init__(
        self, wanted: list[str], files: Collection[str], read: Callable[[str], str | None]
    ) -> None:
        self._wanted = wanted
        self._files = files
        self._read = read
        self._texts: dict[str, str | None] = {}

    def find(self, name: str, kinds: frozenset[Language]) -> str | None:
        """Return the place of a name that can be of these languages."""
        wanted = [path for path in self._wanted if _language(path) in kinds]
        defining = [path for path in wanted if self._defines(path, name)]
        if defining:
            return _only(defining)
        if any(self._has_method(path, name) for path in wanted):
            return None
        new = [path for path in wanted if path not in self._files]
        everywhere = (path for path in sorted(self._files) if _may_define(path))
        some = [path for path in everywhere if _language(path) in kinds][:_MAX_FILES_READ]
        is_builtin = any(name in _BUILTINS[kind] for kind in kinds)
        return (
            (_only(_without_init(new)) if not is_builtin else None)
            or _only([path for path in some if self._defines(path, name)])
            or (_only(_without_init(wanted)) if not is_builtin else None)
        )

    def _defines(self, path: str, name: str) -> bool:
        return name in self._symbols(path, name)

    def _has_method(self, path: str, name: str) -> bool:
        return any(found.endswith(f".{name}") for found in self._symbols(path, name))

    def _symbols(self, path: str, word: str) -> list[str]:
        """Return the names of a file's symbols; none where its text does not have the word."""
        if path not in self._texts:
            self._texts[path] = self._read(path) if path in self._files else None
        text = self._texts[path]
        return [it.name for it in symbols(path, text)] if text and word in text else []


def _only(paths: Sequence[str]) -> str | None:
    return paths[0] if len(paths) == 1 else None


def _without_init(paths: list[str]) -> list[str]:
    """Leave out packages' own files where there are others: they only hand names on."""
    return [path for path in paths if not path.endswith("__init__.py")] or paths


def runnable(
    examples: Sequence[Example], where: Mapping[str, str]
) -> dict[Language, tuple[Example, ...]]:
    """Return the examples that can be run, by language: all of their names have a place."""
    found = {
        language: tuple(it for it in examples if _can_run(it, where, language))
        for language in _BUILTINS
    }
    return {language: group for language, group in found.items() if group}


def _can_run(example: Example, where: Mapping[str, str], language: Language) -> bool:
    names = called_names(example.call, language)
    placed = [name for name in names if name in where]
    return (
        bool(placed)
        and all(_language(where[name]) == language for name in placed)
        and all(name in _BUILTINS[language] for name in names if name not in where)
        and _can_compare(example, language)
    )


def _can_compare(example: Example, language: Language) -> bool:
    if example.raises:  # the others have no exceptions
        return language in ("python", "javascript")
    return is_literal(example.expected, language)
