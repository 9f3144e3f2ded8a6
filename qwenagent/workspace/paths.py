"""Which paths of a repository may be read and written."""

from __future__ import annotations

import unicodedata
from pathlib import Path, PurePosixPath

from qwenagent.errors import PathEscapes

PROTECTED_FOLDERS = frozenset(
    {
        ".git", ".github", ".gitlab", ".circleci", ".devcontainer", ".vscode", ".idea", ".husky",
        ".qwenagent",
    }
)  # fmt: skip
PROTECTED_FILES = frozenset(
    {
        ".envrc", ".gitmodules", ".gitattributes", ".gitlab-ci.yml", ".travis.yml",
        ".pre-commit-config.yaml", ".qwenagent.toml", ".qwenagentignore",
    }
)  # fmt: skip
_MAX_NAME_BYTES = 255


def is_protected(path: str) -> bool:
    """Return whether a path belongs to git, an editor, CI or this program, at any depth."""
    parts = [_as_stored(part) for part in PurePosixPath(path).parts]
    return bool(PROTECTED_FOLDERS.intersection(parts) or PROTECTED_FILES.intersection(parts[-1:]))


def is_speakable(name: str) -> bool:
    """Return whether a name can stand on one line of UTF-8."""
    if name.isascii() and name.isprintable():
        return bool(name)
    return bool(name) and not any(unicodedata.category(c) in ("Cc", "Cs") for c in name)


def confine(root: Path, path: str) -> Path:
    """Return the absolute path of a repository path that may be read and written.

    Raises:
        PathEscapes: it is absolute, leads out of the repository or through a link, is in a
            repository of its own, or is protected.
    """
    pure = PurePosixPath(path)
    if not pure.parts or pure.is_absolute() or ".." in pure.parts:
        raise PathEscapes(f"{path!r} is not a relative path inside the repository")
    if "\\" in path:
        raise PathEscapes(f"{path} has a backslash, which is no part of a name on every system")
    if not is_speakable(path) or max(len(p.encode()) for p in pure.parts) > _MAX_NAME_BYTES:
        raise PathEscapes(f"{path[:80]!r} is not a name that a file can have here")
    if is_protected(path):
        raise PathEscapes(f"{path} belongs to git, an editor or CI and is not edited")
    try:
        return _followed(root, pure)
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


def other_spelling(root: Path, path: str) -> str:
    """Return what is there under a name that differs only in case or accents' form, if anything.

    Where such names are one and the same, the new file would take the old one's place.
    """
    target = root
    for part in PurePosixPath(path).parts:
        if not (target / part).exists():
            twins = [p for p in _listed(target) if _folded(p.name) == _folded(part)]
            return twins[0].relative_to(root).as_posix() if twins else ""
        target = target / part
    return ""


def _listed(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:  # no folder, or not for us to look into
        return []


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def _as_stored(part: str) -> str:
    """A name as a file system that ignores case and invisible characters finds it."""
    visible = "".join(c for c in part if unicodedata.category(c) != "Cf")
    return visible.casefold().rstrip(". ")
