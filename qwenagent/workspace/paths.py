"""Which paths of a repository may be written."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from qwenagent.errors import PathEscapes

PROTECTED_FOLDERS = frozenset(
    {".git", ".github", ".gitlab", ".circleci", ".vscode", ".idea", ".husky", ".qwenagent"}
)
PROTECTED_FILES = frozenset({".envrc", ".gitmodules", ".gitattributes", ".qwenagent.toml"})


def is_protected(path: str) -> bool:
    """Return whether a path belongs to git, an editor, CI or this program, at any depth."""
    parts = [part.casefold() for part in PurePosixPath(path).parts]
    return bool(PROTECTED_FOLDERS.intersection(parts)) or parts[-1:] in [[f] for f in PROTECTED_FILES]


def confine(root: Path, path: str) -> Path:
    """Return the absolute path of a repository path that may be written.

    Raises:
        PathEscapes: it is absolute, leads out of the repository (through a link too), or is
            protected.
    """
    pure = PurePosixPath(path)
    if not path or pure.is_absolute() or ".." in pure.parts or "\\" in path or "\0" in path:
        raise PathEscapes(f"{path!r} is not a relative path inside the repository")
    if is_protected(path):
        raise PathEscapes(f"{path} belongs to git, an editor or CI and is not edited")
    target = root.joinpath(*pure.parts)
    # Links in the folders above are followed; the file itself must not be a link.
    if target.is_symlink() or not target.parent.resolve().is_relative_to(root.resolve()):
        raise PathEscapes(f"{path} leads out of the repository through a link")
    return target
