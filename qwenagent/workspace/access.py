"""Which files of a repository the agent does not see, and which it only reads, and why."""

from __future__ import annotations

import stat
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from qwenagent.errors import PathEscapes
from qwenagent.workspace import readonly
from qwenagent.workspace.listing import IGNORE_FILE, Listing
from qwenagent.workspace.repository import Repository
from qwenagent.workspace.root import Root


class Access:
    """Looks at names, at what git says of a file, and at its first bytes. Writes nothing."""

    def __init__(self, repository: Repository, disk: Root) -> None:
        self._repository = repository
        self._disk = disk

    def why_hidden(self, path: str, listing: Listing) -> str:
        """Return why a path that is not listed is not to be seen, empty if it may be."""
        if module := listing.submodule_of(path):
            return f"{path} is in the submodule {module}; work in that repository"
        if path in listing.index.absent:
            return f"{path} is not checked out here; `git sparse-checkout` brings it"
        if self._is_below_ignore_file(path) and self._repository.named_in_ignore_file([path]):
            return f"{path} is named in {IGNORE_FILE}"
        return ""

    def _is_below_ignore_file(self, path: str) -> bool:
        places = (str(parent / IGNORE_FILE) for parent in PurePosixPath(path).parents)
        found = (self._disk.look(place) for place in places)
        return any(status is not None and stat.S_ISREG(status.st_mode) for status in found)

    def why_read_only(self, path: str, attributes: Mapping[str, bool], listing: Listing) -> str:
        """Return why a file is not to be changed, empty if it may be."""
        if path in listing.index.unmerged:
            return f"{path} has conflicts; resolve them and `git add` it"
        if path in listing.index.unwatched:
            return f"{path} is marked --assume-unchanged, so git would not see a change"
        if why := readonly.by_name(path, attributes):
            return why
        try:
            head = self._disk.load(path, readonly.HEAD_BYTES)
        except (OSError, PathEscapes):  # not there yet, or not readable, which reading tells
            return ""
        if not head.status.st_mode & 0o222:
            return f"{path} is write-protected; `chmod u+w` allows it"
        return readonly.by_head(path, head.data, attributes)

    def attributes(self, paths: list[str], listing: Listing) -> dict[str, dict[str, bool]]:
        """Return what the repository's attribute files say of linguist, if they speak of it."""
        if not any(map(_speaks_of_linguist, listing.watched)):
            return {}
        return self._repository.attributes(paths)


def _speaks_of_linguist(path: str) -> bool:
    try:
        return path.endswith("attributes") and b"linguist-" in Path(path).read_bytes()
    except OSError:  # not there, or not for us to read
        return False
