"""Which project is meant, and which of the hints in it counts.

The nearest project upward from where the user stands, not above the root, decides. In its folder
the most specific hint comes first, see `_FAMILIES`. Runs nothing.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path, PurePosixPath

from qwenagent.checks.detect import dotnet, jvm, native, node, php, python, recipes, ruby
from qwenagent.checks.detect.place import Found, Place
from qwenagent.checks.detect.tree import Tree, upward
from qwenagent.protocol.checks import TestCommand

_FAMILIES: tuple[Callable[[Place], Found | None], ...] = (
    python.configured,
    python.tested,
    node.scripted,
    node.deno,
    native.cargo,
    native.go,
    jvm.gradle,
    jvm.maven,
    dotnet.dotnet,
    native.mix,
    native.swift,
    ruby.ruby,
    php.php,
    native.ctest,
    python.beside,
    node.plain,
    recipes.make,
    recipes.just,
    python.by_environments,
)
_NAMES = frozenset(
    [
        *(*python.PROJECT, *python.INI, python.DJANGO, node.PACKAGE, *node.DENO),
        *(native.CARGO, *native.GO, native.MIX, native.SWIFT, native.CMAKE),
        *(jvm.POM, *jvm.BUILDS, *jvm.SETTINGS, *ruby.MANIFESTS, php.COMPOSER, *php.CONFIGS),
        *(*recipes.MAKEFILES, *recipes.JUSTFILES),
    ]
)
_SUFFIXES = (*dotnet.SOLUTIONS, *dotnet.PROJECTS, ruby.GEMSPEC)
# Projects there are what tests work on, or are for show.
_SAMPLES = frozenset(
    [
        *("fixture", "fixtures", "__fixtures__", "testdata", "test_data", "test-data", "mocks"),
        *("example", "examples", "sample", "samples", "demo", "demos", "template", "templates"),
    ]
)
_MAX_PROJECTS = 50
_MAX_TRIED = 100
_MAX_NAMED = 5


def detect(
    root: Path, folder: Path | None = None, files: Iterable[str] | None = None
) -> TestCommand | None:
    """Return the command that runs the tests of the project a folder is in, None if none is told.

    `folder` is in `root`, which it is if not given. `files` are the repository's as git lists
    them, relative to `root`; without them the folders are walked.
    """
    found = detect_found(root, folder, files)
    return found.command if found else None


def detect_found(
    root: Path, folder: Path | None = None, files: Iterable[str] | None = None
) -> Found | None:
    """Return what `detect` does, with the project and the reason."""
    tree = Tree(root, files)
    start = _relative(root, folder)
    return find(tree, start) or _compiled(tree, start)


def _compiled(tree: Tree, start: str) -> Found | None:
    """Find a compiler that checks a repository without any test; with some it is no choice."""
    found = (node.compiled(place) for place in Place(tree, start).above())
    return None if _projects(tree, ".") else next(filter(None, found), None)


def projects(root: Path, files: Iterable[str] | None = None) -> tuple[Found, ...]:
    """Return the projects below the root that have a test command, by folder, 50 at most.

    A project inside of another one is not listed, nor are samples beside real ones.
    """
    return tuple(_projects(Tree(root, files), "."))


def explain_none(root: Path, folder: Path | None = None, files: Iterable[str] | None = None) -> str:
    """Say in a sentence why `detect` finds no command and what would help."""
    tree = Tree(root, files)
    place = Place(tree, _relative(root, folder))
    for outer in place.above():
        if lacks := native.ctest_lacks(outer):
            return f"no test command was found: {lacks}"
    if several := _projects(tree, "."):
        named = ", ".join(f"{f.folder} ({f.command.shown})" for f in several[:_MAX_NAMED])
        more = f" and {len(several) - _MAX_NAMED} more" if len(several) > _MAX_NAMED else ""
        return (
            f"no test command was found for the whole repository, but for {len(several)} projects "
            f"in it: {named}{more}; start in the folder of one, or name a command (--test-cmd)"
        )
    seen = [name for outer in place.above() for name in sorted(filter(_is_manifest, outer.names))]
    told = f"{', '.join(seen[:_MAX_NAMED])} tell of none" if seen else "there is no project file"
    return f"no test command was found: {told}, and no test file was found; name one (--test-cmd)"


def find(tree: Tree, start: str) -> Found | None:
    """Find the project of a folder: upward, else the only one below the folder or the root."""
    for place in Place(tree, start).above():
        if (place.folder == "." or _is_project(place)) and (found := _in_folder(place)):
            return found
    for top in dict.fromkeys((start, ".")):
        if len(only := _projects(tree, top)) == 1:
            return only[0]
    return None


def _in_folder(place: Place) -> Found | None:
    return next((found for family in _FAMILIES if (found := family(place))), None)


def _relative(root: Path, folder: Path | None) -> str:
    """Return the folder's path from the root; one that is not in the root counts as the root."""
    for normal in (os.path.abspath, os.path.realpath):
        outer, inner = Path(normal(root)), Path(normal(folder or root))
        if inner.is_relative_to(outer):
            return inner.relative_to(outer).as_posix()
    return "."


def _projects(tree: Tree, top: str) -> list[Found]:
    """Find the outermost projects below a folder, sorted."""
    places = [Place(tree, folder) for folder in tree.folders(top) if folder != top]
    manifested = [place for place in places if _is_project(place)]
    real = [place for place in manifested if not _is_sample(place, top)]
    found = islice(_outermost(real or manifested), _MAX_PROJECTS)
    return sorted(found, key=lambda project: project.folder)


def _outermost(places: Iterable[Place]) -> Iterator[Found]:
    """Yield what is found in places that are in no other found one; outer ones come first."""
    taken: set[str] = set()
    for place in islice(places, _MAX_TRIED):
        if taken.isdisjoint(upward(place.folder)) and (found := _in_folder(place)):
            taken.add(place.folder)
            yield found


def _is_sample(place: Place, top: str) -> bool:
    below = PurePosixPath(place.folder).relative_to(top)
    return not _SAMPLES.isdisjoint(below.parts)


def _is_project(place: Place) -> bool:
    return any(map(_is_manifest, place.names)) or python.is_listed(place)


def _is_manifest(name: str) -> bool:
    return name in _NAMES or name.endswith(_SUFFIXES)
