"""Which files a step orders to be deleted or to get another path. Reads words, looks at no file
but for whether it is there.

What is deleted by mistake is worse than what is left: in doubt a file stays where it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import PurePosixPath

from qwenagent.loop.words.imperatives import (
    Names,
    behind_next,
    first_names,
    orders,
    sentences,
    spelt,
)

_TO = re.compile(r"\s+(?:in)?to\s+", re.IGNORECASE)
_PLAIN_FOLDER = re.compile(r"(?:the\s+)?(?:folder\s+)?([\w-]+)", re.IGNORECASE)


def deletions(text: str, paths: Sequence[str]) -> tuple[str, ...]:
    """Return those of `paths` that the text orders to be deleted."""
    gone: set[str] = set()
    for sentence in sentences(text):
        for verb in orders(sentence, "delete|remove|drop|erase"):
            found = first_names(sentence.text[verb.end() :])
            if found.end_here:
                gone.update(spelt(name, paths) for name in found.names)
    return tuple(path for path in paths if path in gone)


def renamings(
    text: str, old: Sequence[str], new: Sequence[str], is_folder: Callable[[str], bool]
) -> tuple[tuple[str, str], ...]:
    """Return the (from, to) that the text orders: `old` are files, `new` are not there.

    To a folder means under the same name; to a bare name in the folder where the file is, if it
    is to be renamed, or is named by a bare name itself.
    """
    found: dict[str, str] = {}
    for sentence in sentences(text):
        for verb in orders(sentence, "rename|move"):
            is_renamed = verb[0].casefold().startswith("rename")
            for names, said in _pairs(sentence.text[verb.end() :], is_folder):
                for name in names:
                    path = spelt(name, old)
                    to = _folder_said(said, is_folder, path) or _file_said(said, new, names)
                    if to == said and (is_renamed or "/" not in name):
                        to = _beside(path, to)
                    if path and to:
                        found.setdefault(path, to)
    return tuple(found.items())


def _beside(path: str, to: str) -> str:
    """Return a bare name as one in the folder of a file; any other path as it is."""
    return to if "/" in to or not path else str(PurePosixPath(path).with_name(to))


def _pairs(text: str, is_folder: Callable[[str], bool]) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield the (names, name to get) of "`a` to `b`, and `c` to `d`", as far as that goes."""
    while (names := first_names(text)).names and (to := _TO.match(names.rest)):
        behind = names.rest[to.end() :]
        target = first_names(behind, most=1)
        plain = _PLAIN_FOLDER.match(behind)
        if not target.names and plain and is_folder(plain[1]):
            target = Names((f"{plain[1]}/",), behind[plain.end() :])
        if not target.end_here:
            return
        yield names.names, target.names[0]
        text = behind_next(target.rest)


def _folder_said(said: str, is_folder: Callable[[str], bool], path: str) -> str:
    """Return where a file is to lie, empty if no folder is named."""
    folder = said.rstrip("/")
    is_one = said.endswith("/") or is_folder(folder)
    return f"{folder}/{PurePosixPath(path).name}" if path and is_one else ""


def _file_said(said: str, new: Sequence[str], names: Sequence[str]) -> str:
    """Return the path that one file is to get, empty if it is not known, or for several files."""
    return spelt(said, new) if len(names) == 1 else ""
