"""Which names a path of a repository may have. How it is reached is `root`'s."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path, PurePosixPath

from qwenagent.errors import PathEscapes
from qwenagent.protocol.protected import is_protected

_MAX_NAME_BYTES = 255
# Linux takes 4,096 bytes in one call. Each folder costs a walk, so that depth has a bound as well.
_MAX_PATH_BYTES, _MAX_DEPTH = 4096, 100
# Line ends of their own, marks that turn the direction of text around, and what would close the
# code span in which a prompt names a file.
_UNSPEAKABLE = re.compile("[`\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def is_speakable(name: str) -> bool:
    """Return whether a name can stand on one line of UTF-8, between backticks, as it is read."""
    if "`" in name:
        return False
    if name.isascii() and name.isprintable():
        return bool(name)
    if _UNSPEAKABLE.search(name):
        return False
    return bool(name) and not any(unicodedata.category(c) in ("Cc", "Cs") for c in name)


def require_inside(path: str) -> str:
    """Return a path as a listing has it: `./a//b/` as `a/b`.

    Raises:
        PathEscapes: by its names alone it is no path of a file that may be read and written.
    """
    pure = PurePosixPath(path)
    if not pure.parts or pure.is_absolute() or ".." in pure.parts:
        raise PathEscapes(f"{path[:80]!r} is not a relative path inside the repository")
    if len(path) > _MAX_PATH_BYTES or len(pure.parts) > _MAX_DEPTH:
        raise PathEscapes(
            f"{path[:80]} ... has {len(path):,} characters in {len(pure.parts):,} names; up to "
            f"{_MAX_PATH_BYTES:,} in {_MAX_DEPTH} are a path here"
        )
    if not is_speakable(path) or max(len(p.encode()) for p in pure.parts) > _MAX_NAME_BYTES:
        raise PathEscapes(f"{path[:80]!r} is not a name that a file can have here")
    if "\\" in path:
        raise PathEscapes(
            f"{path[:80]} has a backslash, which is no part of a name on every system"
        )
    if is_protected(path):
        raise PathEscapes(f"{path[:80]} belongs to git, an editor or CI and is not edited")
    return pure.as_posix()


def confine(root: Path, path: str) -> Path:
    """Return the absolute path of a repository path that may be read and written.

    It was looked at once: whoever opens it by this name later may find a link there. `Root`
    reaches files without that gap.

    Raises:
        PathEscapes: it is absolute, leads out of the repository or through a link, is in a
            repository of its own, or is protected.
    """
    name = require_inside(path)
    try:
        return _followed(root, PurePosixPath(name))
    except OSError as error:
        raise PathEscapes(f"{path[:80]} cannot be looked at: {error.strerror}") from error


def _followed(root: Path, path: PurePosixPath) -> Path:
    target = root
    for part in path.parts:
        target = target / part
        if target.is_symlink():
            raise PathEscapes(f"{path} goes through a link; name the file itself")
        if (target / ".git").exists():
            raise PathEscapes(f"{path} is in a repository of its own")
    return target


def folded(name: str) -> str:
    """Return a name without what some systems ignore in it: case, and the form of accents."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())
