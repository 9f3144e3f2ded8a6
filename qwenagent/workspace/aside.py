"""Contents put where the user finds them, before they would be lost: `.qwenagent/aside/`."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from pathlib import Path

from qwenagent.statefolder import STATE_FOLDER, state_folder
from qwenagent.workspace.listing import is_plain_file
from qwenagent.workspace.root import Root

_FOLDER = f"{STATE_FOLDER}/aside"
_KEEP = 100
"""Contents that are kept: they are for the next minutes, and one more may come with each attempt
where tests rewrite what they test."""


def put_aside(root: Path, path: str, data: bytes) -> str:
    """Keep a content of a repository file under a name of its own; return its path.

    The same content has the same name.

    Raises:
        OSError: it cannot be written.
        PathEscapes: somebody has put a link in the way.
    """
    state_folder(root)
    digest = hashlib.sha256(path.encode("utf-8", "surrogateescape") + b"\0" + data).hexdigest()
    name = f"{_FOLDER}/{digest[:12]}/{Path(path).name}"
    disk = Root(root)
    if disk.data(name) != data:
        disk.make_folders(name, [])
        disk.replace(name, data, 0o600)
        _prune(root / _FOLDER)
    return name


def _prune(folder: Path) -> None:
    found = [path for path in folder.glob("*/*") if is_plain_file(path)]
    for path in sorted(found, key=lambda path: path.lstat().st_mtime)[:-_KEEP]:
        with suppress(OSError):
            path.unlink()
            path.parent.rmdir()
