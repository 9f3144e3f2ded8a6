"""The sample project that ships with the package, and its copy as a fresh repository."""

from __future__ import annotations

import os
from pathlib import Path

from qwenagent.errors import UsageError
from qwenagent.workspace import Repository

SAMPLE = Path(__file__).parent / "sample"


def require_empty(folder: Path) -> None:
    """Check that the sample may be put there.

    Raises:
        UsageError: the folder has something in it, or is no folder, or cannot be read.
    """
    try:
        taken = folder.exists() and (not folder.is_dir() or any(folder.iterdir()))
    except OSError as error:
        raise UsageError(f"{folder} cannot be read: {error.strerror}") from error
    if taken:
        raise UsageError(f"{folder} is not empty; the sample needs a folder of its own")


def copy_sample(folder: Path) -> None:
    """Copy the sample into a new or empty folder and commit it there.

    Raises:
        UsageError: the folder has something in it, or cannot be made.
    """
    require_empty(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for source in _sample_files():
            target = folder / source.relative_to(SAMPLE)
            target.parent.mkdir(parents=True, exist_ok=True)
            # The bytes only: an installed package may be read-only.
            target.write_bytes(source.read_bytes())
    except OSError as error:
        raise UsageError(f"{folder} cannot be made: {error.strerror}") from error
    Repository.create(folder, "the sample project").close()


def _sample_files() -> list[Path]:
    return [
        Path(home) / name
        for home, _, names in os.walk(SAMPLE)
        for name in names
        if "__pycache__" not in home and ".pytest_cache" not in home
    ]
