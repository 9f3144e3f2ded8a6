"""Earlier sessions of a repository: which there are, and the one that somebody means."""

from __future__ import annotations

from itertools import islice

from qwenagent.errors import UsageError
from qwenagent.transcript import PastRun, find_run, past_runs

N_OFFERED = 10


def newest_sessions(repository: str, but: str = "") -> list[PastRun]:
    """Return the newest ones of a repository, without the session `but`."""
    found = (
        run
        for run in past_runs()
        if run.repository == repository
        and run.run_id != but
        and run.started is not None
        and run.started.kind == "session"
    )
    return list(islice(found, N_OFFERED))


def meant_session(name: str, repository: str, but: str = "") -> PastRun:
    """Return the session of a number in the list, of an id or its beginning, or "last".

    Raises:
        UsageError: there is no such session.
    """
    offered = newest_sessions(repository, but)
    if name == "last" or (name.isdecimal() and len(name) <= 2):
        at = 0 if name == "last" else int(name) - 1
        if 0 <= at < len(offered):
            return offered[at]
        raise UsageError(
            f"there are {len(offered)} earlier sessions here" if offered else "no earlier sessions",
            hint="/resume lists them",
        )
    return find_run(name, repository)
