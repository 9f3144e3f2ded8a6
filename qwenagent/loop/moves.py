"""Which files a step says are to be deleted or to get another path. Reads words, looks at no file
but for whether it is there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import PurePosixPath

_DELETING = r"\b(?:delet(?:e|es|ing)|remov(?:e|es|ing)|drop(?:s|ping)?)\s+"
_FILE_WORDS = r"(?:(?:the|old|now|unused|obsolete|empty|whole|file|module|script|test)\s+){0,5}"
_RENAMING = r"\b(?:renam(?:e|es|ing)|mov(?:e|es|ing))\s+"
_NOT_A_PART = r"(?!\s*(?:'s|\u2019s)\b)(?!\s+(?:from|in|out of)\b)"
"""Behind a path that goes away itself: "delete `a.py`", not "delete `a.py` from `list.txt`"."""


def deletions(text: str, paths: Sequence[str]) -> tuple[str, ...]:
    """Return those of `paths` that the text says are to be deleted."""
    return tuple(
        path
        for path in paths
        if re.search(f"{_DELETING}{_FILE_WORDS}{_spelt(path)}{_NOT_A_PART}", text, re.IGNORECASE)
    )


def renamings(
    text: str, old: Sequence[str], new: Sequence[str], is_folder: Callable[[str], bool]
) -> tuple[tuple[str, str], ...]:
    """Return the (from, to) that the text names: `old` are files, `new` are not there.

    To a folder means under the same name.
    """
    found: dict[str, str] = {}
    for path in old:
        begin = f"{_RENAMING}{_FILE_WORDS}{_spelt(path)}\\s+(?:in)?to\\s+{_FILE_WORDS}"
        targets = [(p, p) for p in new]
        folders = {*re.findall(rf"{begin}`?([\w./-]+?)/?`?(?:\s|[.,;:]|$)", text, re.IGNORECASE)}
        targets += [(f, f"{f}/{PurePosixPath(path).name}") for f in folders if is_folder(f)]
        for said, to in targets:
            if re.search(f"{begin}{_spelt(said)}", text, re.IGNORECASE):
                found.setdefault(path, to)
    return tuple(found.items())


def _spelt(path: str) -> str:
    """Return the pattern of a path in the text, in backticks or bare; a bare name may do."""
    name = PurePosixPath(path).name
    ways = "|".join(re.escape(way) for way in dict.fromkeys((path, name)))
    return rf"(?:`(?:{ways})/?`|(?:{ways})(?![`\w-])/?(?![.:]{{1,2}}\w)(?!\w))"
