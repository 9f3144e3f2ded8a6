"""The arguments with which unittest finds test files, as its discovery works.

Knows nothing of pytest, and of a file only its name and folder.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import PurePosixPath

from qwenagent.checks.detect.place import Place
from qwenagent.checks.detect.tree import join


def unittest_arguments(place: Place, files: Sequence[str]) -> list[str]:
    """Return the arguments that let unittest find the files, by name if discovery cannot."""
    cases = [PurePosixPath(path) for path in files]
    start = PurePosixPath(os.path.commonpath([path.parent for path in cases]))
    folders = {path.parent for path in cases}
    reached = {start, *(p for f in folders for p in (f, *f.parents) if start in p.parents)}
    if not all(_is_package(place, folder) for folder in reached - {start}):
        return ["-v", *map(str, cases)]
    top = start
    while _is_package(place, top):
        top = top.parent
    words = ["discover", "-v", "-s", str(start)]
    if top != start:
        words += ["-t", str(top)]
    pattern = _pattern(cases)
    return words if pattern == "test*.py" else [*words, "-p", pattern]


def _is_package(place: Place, folder: PurePosixPath) -> bool:
    if folder == PurePosixPath():
        return False
    return "__init__.py" in place.tree.names(join(place.folder, str(folder)))


def _pattern(cases: Sequence[PurePosixPath]) -> str:
    ahead = [path.stem.startswith("test") for path in cases]
    if all(ahead):
        return "test*.py"
    return "*test*.py" if any(ahead) else "*_test.py"
