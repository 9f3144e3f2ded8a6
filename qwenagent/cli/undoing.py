"""The commands on what was done: undo, redo, restore, diff. No logic."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from qwenagent.cli.codes import NOT_DONE
from qwenagent.cli.flags import in_folder
from qwenagent.cli.wiring import open_repository

if TYPE_CHECKING:
    from qwenagent.workspace import FileChange, Turned

_MAX_NAMED = 20


@click.command()
@in_folder
def undo() -> int:
    """Take back the last task, or the last step of a plan, with its commit.

    Files that you have changed since stay as they are, and are named. `redo` brings it back.
    """
    from qwenagent.loop import Undoing

    with open_repository("undo") as repository:
        return _tell(Undoing(repository).undo())


@click.command()
@in_folder
def redo() -> int:
    """Bring back what `undo` has taken back."""
    from qwenagent.loop import Undoing

    with open_repository("redo") as repository:
        return _tell(Undoing(repository).redo())


@click.command()
@click.argument("point", type=click.IntRange(min=0), required=False)
@in_folder
def restore(point: int | None) -> int:
    """Go to the state just after POINT, by undoing or redoing what lies between.

    Without POINT the points are listed; 0 is the state before all of them.
    """
    from qwenagent.loop import Undoing

    if point is None:
        return _list_points()
    with open_repository(f"restore {point}") as repository:
        return _tell(Undoing(repository).restore(point))


def _list_points() -> int:
    from qwenagent.loop import Undoing
    from qwenagent.ui import print_rows
    from qwenagent.workspace import Repository

    points = Undoing(Repository.open(Path.cwd())).points()
    if not points:
        click.echo("there are no points: no step or task was kept here")
        return 0
    rows = []
    for point, state in points:
        when = time.strftime("%Y-%m-%d %H:%M", time.localtime(point.time))
        commit = f"{point.commit[:12]} on {point.place.shown}" if point.commit else "not committed"
        what = f"{point.about.kind}: {point.about.title}"
        rows.append((str(point.number), when, what, commit, str(len(point.paths)), state))
    print_rows("", ("point", "when", "what", "commit", "files", "state"), rows)
    return 0


@click.command()
@click.argument("point", type=click.IntRange(min=0), required=False)
@click.option("--stat", is_flag=True, help="Only the files, with their lines added and removed.")
@in_folder
def diff(point: int | None, stat: bool) -> int:
    """Show what the last task or run has changed, compared with the files as they are now.

    With POINT, what changed after it; 0 is before all points, `restore` lists them. Files that
    you have changed as well are named.
    """
    from qwenagent.workspace import Repository, Turning, changes_since

    repository = Repository.open(Path.cwd())
    points = Turning(repository).since(point)
    if changes := changes_since(repository, points):
        print_changes(changes, stat=stat)
    elif points:
        click.echo(f"the files are as they were before point {points[0].shown}")
    else:
        after = f" after point {point}" if point else ""
        click.echo(f"nothing was changed: no step or task was kept here{after}")
    return 0


def print_changes(changes: Sequence[FileChange], *, stat: bool = False) -> None:
    """Print changes as diffs, or as a table; then the files in which others have written, too."""
    from qwenagent.ui import print_rows, revealed
    from qwenagent.ui.table import print_diff

    if stat:
        rows = [(one.path, str(one.added), str(one.removed)) for one in changes]
        print_rows("", ("file", "added", "removed"), rows)
    for one in changes if not stat else ():
        print_diff(one.path, one.diff, one.added, one.removed)
    if others := [one.path for one in changes if one.by_others]:
        click.echo(revealed(f"not by qwenagent alone: {_listed(others)}"), err=True)


def _tell(turned: Sequence[Turned]) -> int:
    for one in turned:
        _tell_one(one)
    last = turned[-1]
    if last.back:
        click.echo("`qwenagent redo` brings it back")
    return NOT_DONE if any(one.kept for one in turned) else 0


def _tell_one(turned: Turned) -> None:
    from qwenagent.ui import revealed

    what = "undone" if turned.back else "redone"
    point = turned.point
    branch = point.place.shown
    where = "dropped from" if turned.back else "is on"
    commit = f"; commit {point.commit[:12]} {where} {branch}" if point.commit else ""
    click.echo(revealed(f"{what}: {point.about.kind} {point.about.title!r}{commit}"))
    if turned.paths:
        as_they = "as they were before" if turned.back else "as it left them"
        click.echo(revealed(f"  {as_they}: {_listed(turned.paths)}"))
    for path, kept in turned.kept.items():
        click.echo(revealed(f"  {path} {kept.why} and stays as it is"), err=True)
        if kept.aside:
            other = "before" if turned.back else "after"
            told = f"    as it was {other}, it lies in {kept.aside}"
            click.echo(revealed(told), err=True)
        else:
            click.echo("    there was no such file then: delete it if it is not wanted", err=True)


def _listed(paths: Sequence[str]) -> str:
    more = f" and {len(paths) - _MAX_NAMED} more" if len(paths) > _MAX_NAMED else ""
    return ", ".join(paths[:_MAX_NAMED]) + more
