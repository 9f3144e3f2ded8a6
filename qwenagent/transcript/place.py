"""Where transcripts lie, and how they are called. Reads and makes nothing."""

from __future__ import annotations

import os
import re
import secrets
import time
from pathlib import Path

from qwenagent.errors import UsageError

SUFFIX = ".jsonl"
_RUN_ID = re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]{0,63}")


def state_dir() -> Path:
    """Return the folder for what outlives a run: `$QWENAGENT_HOME/state`, or the platform's.

    It may not exist yet.
    """
    home = os.environ.get("QWENAGENT_HOME")
    if home:
        return Path(home) / "state"
    import platformdirs  # 25 ms that most commands do not need

    return platformdirs.user_state_path("qwenagent", appauthor=False)


def runs_dir() -> Path:
    """Return the folder of all transcripts; it may not exist yet."""
    return state_dir() / "runs"


def new_run_id() -> str:
    """Return an id that sorts by its start (UTC) and is not given twice: 20261122-051903-9f3a1c."""
    return f"{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}-{secrets.token_hex(3)}"


def is_run_id(text: str) -> bool:
    """Return whether a text may be a run's id, or the beginning of one."""
    return _RUN_ID.fullmatch(text) is not None


def run_path(run_id: str) -> Path:
    """Return where the transcript of a run lies.

    Raises:
        UsageError: `run_id` is no id (it may come from the command line).
    """
    if not is_run_id(run_id):
        raise UsageError(f"{run_id!r} is not a run id; they look like 20261122-051903-9f3a1c")
    return runs_dir() / f"{run_id}{SUFFIX}"
