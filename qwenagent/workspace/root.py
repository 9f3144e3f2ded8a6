"""The tree on disk, opened once: each path is walked from there, a name at a time, never by text.

No link is followed, also none that leads to another place of the tree: what a path names is the
file itself or nothing. A link that somebody puts in the way while a path is being walked cannot
lead it out, and a root that is moved or replaced meanwhile stays the folder that was opened. A
folder that is moved out of the tree after the walk has entered it is the one thing not seen.

A hard link is a file of the tree like any other and may be read; a write gives its name a new
file, so that its other names, which may lie outside, keep what they had.

Knows nothing of what is hidden or protected, but that git's own folder is never entered.
"""

from __future__ import annotations

import errno
import io
import os
import secrets
import stat
import time
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import Enum
from pathlib import Path, PurePosixPath
from typing import Final, Literal, TypeAlias

from qwenagent.errors import EditRefused, NotARepository, PathEscapes, reason
from qwenagent.protocol.protected import GIT_FOLDER, is_gits_own
from qwenagent.workspace.paths import folded

# O_PATH needs no right to list a folder, only the one to enter it.
TEMPORARY = ".qwenagent-"
"""What the names of half-written files begin with."""
_ENTER = getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | os.O_NOFOLLOW
# A pipe that is put in the file's place in the last moment must not keep us waiting.
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
# What the system takes away from a file whose content changes: it vouches for the old content.
_VOUCHING = frozenset({"security.capability", "security.ima", "security.evm"})
_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFLNK: "a link",
    stat.S_IFIFO: "a pipe, and no file",
    stat.S_IFSOCK: "a socket, and no file",
}


class _Unasked(Enum):
    ANYTHING = "anything"


ANYTHING: Final = _Unasked.ANYTHING
"""Said of a file that may be replaced whatever it holds."""
Was: TypeAlias = bytes | Literal[_Unasked.ANYTHING] | None
"""What has to be at a path when it is changed; None is nothing."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A file's bytes, or their beginning, and what the system says of it."""

    data: bytes
    status: os.stat_result


class Root:
    """A folder and all that is in it. Paths are POSIX and relative to it.

    Methods raise PathEscapes for a path that leaves the tree, goes through a link or into another
    repository, and OSError for what the system refuses.
    """

    def __init__(self, path: Path) -> None:
        """Open the folder; it may itself be reached through a link."""
        self.path = path
        try:
            self._handle = os.open(path, _ENTER & ~os.O_NOFOLLOW)
        except OSError as error:
            raise NotARepository(f"{path} cannot be opened: {reason(error)}") from error
        weakref.finalize(self, os.close, self._handle)

    def relative(self, path: Path) -> str:
        """Return an absolute path below the root as one of ours."""
        return path.relative_to(self.path).as_posix()

    # -- looking ------------------------------------------------------------------------------

    def look(self, path: str) -> os.stat_result | None:
        """Return what is at a path, None if nothing is.

        Raises:
            PathEscapes: see the class; also where the system does not let us look.
        """
        try:
            with self._parent(path) as (folder, name):
                found = os.stat(name, dir_fd=folder, follow_symlinks=False)
                if stat.S_ISLNK(found.st_mode):
                    raise _through_link(path)
                if stat.S_ISDIR(found.st_mode):
                    os.close(_entered(folder, name, path))
                return found
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise PathEscapes(f"{path[:80]} cannot be looked at: {error.strerror}") from error

    def load(self, path: str, limit: int = -1) -> Stored:
        """Return a plain file, or its first `limit` bytes."""
        with self._parent(path) as (folder, name):
            return _loaded(folder, name, path, limit)

    def data(self, path: str) -> bytes | None:
        """Return a plain file's bytes, None where no such file of the tree is."""
        try:
            return self.load(path).data
        except (FileNotFoundError, NotADirectoryError, PathEscapes):
            return None

    def twin(self, path: str) -> str:
        """Return what is there under a name that differs only in case or accents' form, or "".

        Where such names are one and the same, a new file would take the old one's place.
        """
        there = ""
        for part in _parts(path):
            wanted = f"{there}/{part}" if there else part
            if self.look(wanted) is None:
                twins = [name for name in self._names(there) if folded(name) == folded(part)]
                return (f"{there}/{twins[0]}" if there else twins[0]) if twins else ""
            there = wanted
        return ""

    def respells(self, path: str, to: str) -> bool:
        """Return whether `to` names the file at `path` but for case or accents' form.

        Where such names are one and the same, something seems to be at `to`.
        """
        *folders, name = _parts(path)
        *others, wanted = _parts(to)
        if folders != others or folded(name) != folded(wanted):
            return False
        return wanted not in self._names("/".join(folders))

    def _names(self, path: str) -> list[str]:
        """The names in a folder, sorted; none if it is no folder or not for us to look into."""
        try:
            with self._parent(f"{path}/x" if path else "x") as (folder, _):
                handle = os.open(".", os.O_RDONLY | os.O_DIRECTORY, dir_fd=folder)
        except OSError:
            return []
        try:
            return sorted(os.listdir(handle))  # noqa: PTH208 - of a handle
        finally:
            os.close(handle)

    # -- changing -----------------------------------------------------------------------------

    def make_folders(self, path: str, made: list[str]) -> None:
        """Make the folders above a path that are missing; `made` gets each as soon as it is."""
        with self._parent(path, made):
            pass

    def replace(self, path: str, data: bytes, mode: int, was: Was = ANYTHING) -> None:
        """Write a file so that it has the old or the new content at any moment.

        With `was`, what is there is compared in the folder that is written to, as the last thing
        before the new content gets the name.

        Owner and extended attributes stay as far as we may set them. What else has the name, a
        link say, goes; a folder stays, and is an error. The time of the new content is at least a
        second after that of the old: Python tells by size and whole seconds whether its compiled
        copy is still good.

        Raises:
            EditRefused: something else is there than `was`.
        """
        with self._parent(path) as (folder, name):
            before = _status(folder, name)
            fresh = f"{TEMPORARY}{secrets.token_hex(4)}"
            try:
                handle = os.open(fresh, _CREATE, 0o600, dir_fd=folder)
                with os.fdopen(handle, "wb") as file:
                    file.write(data)
                    if before is not None and stat.S_ISREG(before.st_mode):
                        _take_after(handle, before, folder, name)
                    os.fchmod(handle, mode)
                    file.flush()
                    _set_time(handle, before)
                    if before is not None:  # a power failure must not cost the old content
                        os.fsync(handle)
                if was is None:
                    _give_free_name((folder, fresh), (folder, name), path)
                else:
                    _require_same(folder, name, path, was)
                    os.rename(fresh, name, src_dir_fd=folder, dst_dir_fd=folder)
            except BaseException:
                with suppress(FileNotFoundError):
                    os.unlink(fresh, dir_fd=folder)
                raise

    def remove(self, path: str, was: Was = ANYTHING) -> None:
        """Remove a file, or a link that has its name, if there is one.

        Raises:
            EditRefused: something else is there than `was`.
        """
        with suppress(FileNotFoundError, NotADirectoryError), self._parent(path) as (folder, name):
            _require_same(folder, name, path, was)
            os.unlink(name, dir_fd=folder)

    def rename(self, path: str, to: str, was: bytes) -> None:
        """Give a file another path, whose folders are there; it stays the same file.

        Raises:
            EditRefused: it does not hold `was`, or something is at `to`.
        """
        respelled = self.respells(path, to)
        with self._parent(path) as (folder, name), self._parent(to) as (other, wanted):
            _require_same(folder, name, path, was)
            if respelled:
                os.rename(name, wanted, src_dir_fd=folder, dst_dir_fd=other)
            else:
                _give_free_name((folder, name), (other, wanted), to)

    def remove_folder(self, path: str) -> bool:
        """Remove a folder if it is empty; return whether it is gone."""
        try:
            with self._parent(path) as (folder, name):
                os.rmdir(name, dir_fd=folder)
        except (FileNotFoundError, NotADirectoryError, PathEscapes):  # or something else by now
            return True
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
            return False
        return True

    @contextmanager
    def _parent(self, path: str, made: list[str] | None = None) -> Iterator[tuple[int, str]]:
        """Open the folder that a path is in; yield it, for as long as it is needed, and the name.

        With `made`, missing folders are made and added to it.
        """
        *folders, name = _parts(path)
        handle = os.dup(self._handle)
        try:
            for depth, part in enumerate(folders, 1):
                if made is not None and _status(handle, part) is None:
                    os.mkdir(part, dir_fd=handle)
                    made.append("/".join(folders[:depth]))
                inner = _entered(handle, part, path)
                os.close(handle)
                handle = inner
            yield handle, name
        except OSError as error:  # it has a name of ours, or none: of no use in a message
            error.filename = str(self.path / path)
            raise
        finally:
            os.close(handle)


def kind_of(status: os.stat_result) -> str:
    """Return what something is that is no plain file, for a message."""
    return _KINDS.get(stat.S_IFMT(status.st_mode), "a device, and no file")


def _parts(path: str) -> tuple[str, ...]:
    parts = PurePosixPath(path).parts
    if not parts or parts[0].startswith("/") or ".." in parts or "\0" in path:
        raise PathEscapes(f"{path[:80]!r} is not a relative path inside the repository")
    if any(map(is_gits_own, parts)):
        raise PathEscapes(f"{path[:80]} belongs to git and is not touched")
    return parts


def _entered(folder: int, name: str, path: str) -> int:
    """Open a folder in a folder, unless it is a link or a repository of its own."""
    try:
        inner = os.open(name, _ENTER, dir_fd=folder)
    except OSError:
        status = _status(folder, name)
        if status is not None and stat.S_ISLNK(status.st_mode):
            raise _through_link(path) from None
        raise
    try:
        foreign = _status(inner, GIT_FOLDER) is not None
    except OSError:
        os.close(inner)
        raise
    if foreign:
        os.close(inner)
        raise PathEscapes(f"{path[:80]} is in a repository of its own")
    return inner


def _status(folder: int, name: str) -> os.stat_result | None:
    try:
        return os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return None


def _loaded(folder: int, name: str, path: str, limit: int = -1) -> Stored:
    # Before it is opened: some devices act on that.
    _require_plain(os.stat(name, dir_fd=folder, follow_symlinks=False), path)

    def opener(of: str, _: int) -> int:
        return os.open(of, _READ, dir_fd=folder)

    try:
        opened = io.BufferedReader(io.FileIO(name, "rb", opener=opener))
    except OSError as error:
        raise (_through_link(path) if error.errno == errno.ELOOP else error) from None
    with opened as file:
        status = os.fstat(file.fileno())
        _require_plain(status, path)
        return Stored(file.read(limit), status)


def _require_same(folder: int, name: str, path: str, was: Was) -> None:
    if was is ANYTHING:
        return
    try:
        now: bytes | None = _loaded(folder, name, path).data
    except FileNotFoundError:
        now = None
    if now is None and was is not None:
        raise EditRefused(f"{path} is gone since it was read; write_file creates it anew")
    if now != was:
        raise EditRefused(f"{path} has changed since it was read; read it again")


def _give_free_name(old: tuple[int, str], new: tuple[int, str], path: str) -> None:
    """Move a file, given as folder and name, to a name that nothing has.

    By a second name, since a rename would replace what somebody puts there in the last moment. A
    file system without such names, or a system that keeps us from giving one, gets the rename.
    """
    try:
        os.link(old[1], new[1], src_dir_fd=old[0], dst_dir_fd=new[0], follow_symlinks=False)
    except OSError:
        if _status(*new) is not None:
            raise EditRefused(f"{path} exists by now; choose another name") from None
        os.rename(old[1], new[1], src_dir_fd=old[0], dst_dir_fd=new[0])
    else:
        os.unlink(old[1], dir_fd=old[0])


def _through_link(path: str) -> PathEscapes:
    return PathEscapes(f"{path[:80]} goes through a link; name the file itself")


def _require_plain(status: os.stat_result, path: str) -> None:
    if stat.S_ISLNK(status.st_mode):
        raise _through_link(path)
    if not stat.S_ISREG(status.st_mode):
        raise PathEscapes(f"{path[:80]} is {kind_of(status)}")


def _take_after(handle: int, before: os.stat_result, folder: int, name: str) -> None:
    """Give a new file the owner and the extended attributes of the one that it replaces."""
    with suppress(OSError):  # only root gives files away; the group may be one of ours
        os.fchown(handle, -1, before.st_gid)
        os.fchown(handle, before.st_uid, -1)
    if not hasattr(os, "listxattr"):  # macOS
        return
    with suppress(OSError):  # no attributes on this file system, or not for us to read
        old = os.open(name, _READ, dir_fd=folder)
        try:
            for attribute in set(os.listxattr(old)) - _VOUCHING:
                with suppress(OSError):
                    os.setxattr(handle, attribute, os.getxattr(old, attribute))
        finally:
            os.close(old)


def _set_time(handle: int, before: os.stat_result | None) -> None:
    if before is not None and int(before.st_mtime) >= int(time.time()):
        os.utime(handle, (time.time(), int(before.st_mtime) + 1))
