"""One candidate's tree: the repository with other files, shown at the repository's own path.

Editable installs, virtual environments and `node_modules` then lead to the candidate. The
repository itself is never written. Needs mount namespaces (`Sandbox.races`).
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import stat
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path, PurePosixPath
from types import TracebackType

from qwenagent.errors import PathEscapes
from qwenagent.sandbox.policy import Overlay, Policy
from qwenagent.sandbox.sandbox import Sandbox

_NOT_SHARED = frozenset({"__pycache__", ".pytest_cache", ".mypy_cache", ".ruff_cache"})
_CHUNK_BYTES = 1 << 30
_WHOLE_COPY_NEEDED = (errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.EPERM)


class Candidate:
    """A tree to write into and to run commands in; `close` removes it."""

    def __init__(self, tree: Path, folder: Path, *, overlay: bool) -> None:
        self._tree = tree
        self._folder = folder
        self._overlay = Overlay(folder / "upper", folder / "work") if overlay else None
        self._base = folder / ("upper" if overlay else "copy")
        self._shared: tuple[Path, ...] = ()

    @classmethod
    def of(cls, tree: Path, sandbox: Sandbox, files: Iterable[str] = ()) -> Candidate:
        """Make a candidate that is like the tree.

        Where the sandbox makes overlays it costs nothing. Else `files`, the tracked and the
        untracked ones that are not ignored, are copied, sharing their blocks where the file
        system can; ignored folders are then shown read-only.

        Raises:
            OSError: there is no room.
        """
        folder = Path(tempfile.mkdtemp(prefix="qwenagent-candidate-")).resolve()
        candidate = cls(tree.resolve(), folder, overlay=sandbox.overlays)
        try:
            candidate._fill(files)
        except BaseException:
            candidate.close()
            raise
        return candidate

    def _fill(self, files: Iterable[str]) -> None:
        self._base.mkdir()
        if self._overlay:
            self._overlay.work.mkdir()
            shutil.copymode(self._tree, self._base)
        else:
            self._shared = _copy_tree(self._tree, self._base, files)

    def __enter__(self) -> Candidate:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def policy(self, policy: Policy) -> Policy:
        """Return a policy for the repository as one for this candidate of it."""
        policy = replace(policy, tree=self._tree)
        if self._overlay:
            return replace(policy, overlay=self._overlay)
        mounts = {path: path for path in self._shared}
        return replace(policy, mounts={**policy.mounts, self._tree: self._base, **mounts})

    def write(self, path: str, data: bytes) -> None:
        """Write a file, `path` counted from the repository; its mode stays.

        Raises:
            PathEscapes: the path leads out of the repository, or over a link.
        """
        target = self._target(path)
        if os.path.lexists(target) and not stat.S_ISREG(target.lstat().st_mode):
            target.unlink()  # a link, or the mark of a deleted file
        target.write_bytes(data)
        with contextlib.suppress(OSError):  # new in this candidate
            shutil.copymode(self._tree / path, target, follow_symlinks=False)

    def delete(self, path: str) -> None:
        """Remove a file; one that is not there is no error.

        Raises:
            PathEscapes: the path leads out of the repository, or over a link.
        """
        target = self._target(path)
        target.unlink(missing_ok=True)
        if self._overlay and os.path.lexists(self._tree / path):
            # What overlayfs takes for a deleted file; anybody may make it.
            os.mknod(target, stat.S_IFCHR, os.makedev(0, 0))

    def _target(self, path: str) -> Path:
        parts = PurePosixPath(path)
        if parts.is_absolute() or ".." in parts.parts or not parts.name or "\0" in path:
            raise PathEscapes(f"{path!r} is not a path in the repository")
        folder = self._base
        for name in parts.parent.parts:
            original = self._tree / folder.relative_to(self._base) / name
            folder = folder / name
            if folder.is_symlink() or original.is_symlink():
                raise PathEscapes(f"{path!r} leads over the link {name!r}")
            folder.mkdir(exist_ok=True)
            if original.is_dir():
                shutil.copymode(original, folder)
        return folder / parts.name

    def close(self) -> None:
        """Remove the candidate's files; a second call does nothing."""
        for folder, names, _ in os.walk(self._folder):
            for name in names:  # the kernel's, and those of a test, may be closed to us
                with contextlib.suppress(OSError):
                    (Path(folder) / name).chmod(0o700, follow_symlinks=True)
        shutil.rmtree(self._folder, ignore_errors=True)


def _copy_tree(tree: Path, copy: Path, files: Iterable[str]) -> tuple[Path, ...]:
    """Copy the files and the ignored ones beside them; return the folders to share."""
    wanted = [PurePosixPath(file) for file in files]
    folders = {tree / parent for file in wanted for parent in file.parents} | {tree}
    shared: list[Path] = []
    for folder in sorted(folders):
        if folder.is_symlink() or not folder.is_dir():
            continue
        target = copy / folder.relative_to(tree)
        target.mkdir(parents=True, exist_ok=True)
        shared += _copy_folder(folder, target, folders)
        shutil.copystat(folder, target)
    return tuple(shared)


def _copy_folder(folder: Path, target: Path, wanted: set[Path]) -> Iterator[Path]:
    """Copy the files of one folder, yield its folders that hold nothing that is wanted."""
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
        path = Path(entry.path)
        if entry.is_symlink():
            (target / entry.name).symlink_to(path.readlink())
        elif path.name == ".git":
            yield path
        elif entry.is_file(follow_symlinks=False):
            _clone(path, target / entry.name)
        elif entry.is_dir() and path not in wanted and entry.name not in _NOT_SHARED:
            yield path


def _clone(source: Path, target: Path) -> None:
    """Copy a file; its blocks are shared where the file system can. Never a hard link."""
    with source.open("rb") as old, target.open("xb") as new:
        try:
            while os.copy_file_range(old.fileno(), new.fileno(), _CHUNK_BYTES):
                pass
        except OSError as error:
            if error.errno not in _WHOLE_COPY_NEEDED:
                raise
            old.seek(0)
            new.seek(0)
            shutil.copyfileobj(old, new)
    shutil.copystat(source, target)
