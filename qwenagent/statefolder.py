"""The folder `.qwenagent/` in a repository: progress, kept attempts, unfinished edits."""

from __future__ import annotations

from pathlib import Path

STATE_FOLDER = ".qwenagent"


def state_folder(root: Path) -> Path:
    """Return the repository's `.qwenagent/`, made if need be, which git does not see.

    Raises:
        OSError: it cannot be made, or is a link that leads elsewhere.
    """
    folder = root / STATE_FOLDER
    if folder.is_symlink():
        raise NotADirectoryError(f"{folder} is a link; remove it")
    if folder.exists() and not folder.is_dir():
        raise NotADirectoryError(f"{folder} is a file, and a folder is needed; remove it")
    folder.mkdir(exist_ok=True)
    ignore = folder / ".gitignore"
    if not ignore.exists() or not ignore.stat().st_size:  # empty: killed just as it was made
        ignore.write_text("*\n", encoding="utf-8")
    return folder
