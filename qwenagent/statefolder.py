"""The folder `.qwenagent/` in a repository: progress, kept attempts, unfinished edits.

A repository may bring links of any name along, so what is written follows none.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path

STATE_FOLDER = ".qwenagent"


def state_folder(root: Path) -> Path:
    """Return the repository's `.qwenagent/`, made if need be, which git does not see.

    Raises:
        OSError: it cannot be made, or it or its `.gitignore` is a link that leads elsewhere.
    """
    folder = root / STATE_FOLDER
    if folder.is_symlink():
        raise NotADirectoryError(f"{folder} is a link; remove it")
    if folder.exists() and not folder.is_dir():
        raise NotADirectoryError(f"{folder} is a file, and a folder is needed; remove it")
    folder.mkdir(exist_ok=True)
    ignore = folder / ".gitignore"
    if not ignore.exists() or not ignore.stat().st_size:  # empty: killed just as it was made
        write_unlinked(ignore, "*\n")
    return folder


def write_unlinked(path: Path, text: str, *, new: bool = False) -> None:
    """Write a file of UTF-8, its line ends as they are; `new` is one that is not there yet.

    Raises:
        FileExistsError: something has its name, a link perhaps, and `new` was asked for.
        OSError: it is a link, or cannot be written.
    """

    def opened(name: str, flags: int) -> int:
        return os.open(name, flags | os.O_NOFOLLOW, 0o666)

    data = text.encode("utf-8", "surrogateescape")
    try:
        with open(path, "xb" if new else "wb", opener=opened) as file:
            file.write(data)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise OSError(f"{path} is a link; remove it") from error
        raise
