"""Finds past runs: all of them, or the one that somebody means."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from qwenagent.errors import UsageError
from qwenagent.transcript.pastrun import PastRun, look_at
from qwenagent.transcript.place import SUFFIX, is_run_id, run_path, runs_dir

LAST = "last"
_MAX_NAMED = 5


def run_ids() -> list[str]:
    """Return the ids of all runs, the newest first."""
    try:
        found = [entry for entry in runs_dir().iterdir() if entry.name.endswith(SUFFIX)]
    except (FileNotFoundError, NotADirectoryError):
        return []
    ours = [path for path in found if path.is_file() and not path.is_symlink()]
    return sorted((path.stem for path in ours if is_run_id(path.stem)), reverse=True)


def past_runs() -> Iterator[PastRun]:
    """Yield all runs, the newest first; what is removed meanwhile is left out."""
    for run_id in run_ids():
        try:
            yield look_at(run_path(run_id))
        except FileNotFoundError:
            continue


def find_run(name: str, repository: str = "") -> PastRun:
    """Return the run of this id, or whose id begins so; "last" is the newest.

    Those of `repository` come first: only where it has none, those of others are meant.

    Raises:
        UsageError: there is none, or more than one.
    """
    ids = run_ids()
    if not ids:
        raise UsageError(f"there are no runs yet: nothing lies in {runs_dir()}")
    if name == LAST:
        return _newest(repository) or look_at(run_path(ids[0]))
    if not is_run_id(name):
        raise UsageError(
            f"{name!r} is not a run id; they look like 20261122-051903-9f3a1c", hint=_LIST
        )
    found = [name] if name in ids else [run_id for run_id in ids if run_id.startswith(name)]
    if not found:
        raise UsageError(f"no run's id begins with {name!r}", hint=_LIST)
    runs = [look_at(run_path(run_id)) for run_id in found]
    here = [run for run in runs if repository and run.repository == repository]
    return _the_one(name, here or runs)


_LIST = "`qwenagent log --all` lists them"


def _newest(repository: str) -> PastRun | None:
    if not repository:
        return None
    return next((run for run in past_runs() if run.repository == repository), None)


def _the_one(name: str, runs: Sequence[PastRun]) -> PastRun:
    if len(runs) == 1:
        return runs[0]
    shown = ", ".join(run.run_id for run in runs[:_MAX_NAMED])
    more = f" and {len(runs) - _MAX_NAMED} more" if len(runs) > _MAX_NAMED else ""
    raise UsageError(
        f"the ids of {len(runs)} runs begin with {name!r}: {shown}{more}",
        hint="give more of the id",
    )
