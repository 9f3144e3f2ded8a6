"""Which past runs a repository still waits for: plans that are not done, work to be put back."""

from __future__ import annotations

from pathlib import Path

from qwenagent.errors import WorkspaceError
from qwenagent.plan.progress import ProgressFile
from qwenagent.transcript import PastRun
from qwenagent.workspace import Repository

_NOTES = "unfinished"
"""Where `workspace.unfinished` keeps pre-images, in the tree's own folder inside git's."""


def waits_for(run: PastRun) -> bool:
    """Return whether something in the run's repository is to be gone on with.

    That is the progress of a plan, or what a killed process has left half done. A repository that
    is no longer there waits for nothing; one that cannot be looked at may.
    """
    if run.started is None:
        return False
    root = Path(run.repository)
    try:
        if not root.is_dir():
            return False
        if run.started.kind == "plan" and ProgressFile(root).path.is_file():
            return True
        return run.finished is None and _has_unfinished_work(root)
    except (WorkspaceError, OSError):  # nobody can tell: better kept
        return True


def _has_unfinished_work(root: Path) -> bool:
    folder = Repository.open(root).private_folder() / _NOTES
    return folder.is_dir() and any(folder.iterdir())
