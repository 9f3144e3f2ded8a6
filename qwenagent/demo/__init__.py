"""The sample project that ships with the package, and its copy as a fresh repository."""

from __future__ import annotations

import shutil
from pathlib import Path

from qwenagent.errors import UsageError
from qwenagent.workspace import Repository

SAMPLE = Path(__file__).parent / "sample"


def copy_sample(folder: Path) -> None:
    """Copy the sample into a new or empty folder and commit it there.

    Raises:
        UsageError: the folder has something in it.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"{folder} is not empty; the sample needs a folder of its own")
    ignored = shutil.ignore_patterns("__pycache__", "*.pyc")
    shutil.copytree(SAMPLE, folder, dirs_exist_ok=True, ignore=ignored)
    Repository.create(folder, "the sample project").close()
