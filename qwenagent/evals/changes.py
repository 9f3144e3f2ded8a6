"""What an agent changed, by comparing its tree with the task's files. Asks no git: the tree's own
settings may be the agent's.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

Changes = dict[str, tuple[int, int]]
"""Lines added and removed, by path; of files that are no text, none."""

_NOT_LOOKED_AT = {
    *(".git", ".qwenagent", "__pycache__", ".pytest_cache", "target", "node_modules"),
    *(".venv", "venv"),
}


def changes(base: Mapping[str, str], tree: Path) -> Changes:
    """Compare the files below `tree` with those that were there at first."""
    now = dict(_files(tree))
    names = sorted({*base, *now})
    return {
        name: _lines(base.get(name, ""), now.get(name, ""))
        for name in names
        if base.get(name) != now.get(name)
    }


def is_in_place(base: Mapping[str, str], tree: Path, oracle: Mapping[str, str]) -> bool:
    """Return whether the tree differs from `base` where the oracle does, and in no other file.

    In each file that both change, one changed place at least is the same or next to it.
    """
    now = dict(_files(tree))
    changed = [name for name in sorted({*base, *now}) if base.get(name) != now.get(name)]
    wanted = {name for name, text in oracle.items() if base.get(name) != text}
    if not changed or not wanted.issuperset(changed):
        return False
    return all(
        _meet(_places(base.get(n, ""), now.get(n, "")), _places(base.get(n, ""), oracle[n]))
        for n in changed
    )


def _places(old: str, new: str) -> list[tuple[int, int]]:
    """Return the ranges of lines of `old` that are another text in `new`."""
    matcher = difflib.SequenceMatcher(None, old.split("\n"), new.split("\n"), autojunk=False)
    return [(a, b) for kind, a, b, _, _ in matcher.get_opcodes() if kind != "equal"]


def _meet(one: list[tuple[int, int]], two: list[tuple[int, int]]) -> bool:
    return any(a <= d and c <= b for a, b in one for c, d in two)


def _files(tree: Path) -> Iterator[tuple[str, str]]:
    for home, folders, names in os.walk(tree):
        folders[:] = [name for name in folders if name not in _NOT_LOOKED_AT]
        for name in names:
            path = Path(home) / name
            if path.is_file() and not path.is_symlink():
                data = path.read_bytes()
                yield _text(os.fsencode(path.relative_to(tree).as_posix())), _text(data)


def _text(data: bytes) -> str:
    return data.decode("utf-8", "backslashreplace")


def _lines(old: str, new: str) -> tuple[int, int]:
    signs = [
        line[0]
        for line in difflib.unified_diff(old.splitlines(), new.splitlines(), lineterm="", n=0)
        if not line.startswith(("---", "+++"))
    ]
    return signs.count("+"), signs.count("-")
