"""The commands on runs that are over: a table, one run as it looked, as a file, the removal."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from qwenagent.cli.flags import in_folder
from qwenagent.errors import UsageError, WorkspaceError, reason

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qwenagent.transcript import Cleaning, PastRun

_DAYS = 30.0
"""What `clean` keeps if nothing else is said."""
_DAY_S = 24 * 3600.0

_run = click.argument("run", default="last", metavar="[RUN]")


@click.command()
@click.option("--all", "everywhere", is_flag=True, help="Runs of all repositories.")
@click.option(
    "-n", "limit", type=click.IntRange(min=1), default=20, show_default=True, metavar="N",
    help="At most so many.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object for each run.")
@in_folder
def log(everywhere: bool, limit: int, as_json: bool) -> int:
    """List past runs of this repository, the newest first.

    Outside of a repository, those of all.
    """
    from qwenagent.transcript import past_runs
    from qwenagent.ui.past import print_runs, print_runs_json

    here = "" if everywhere else _repository()
    found = [run for run in past_runs() if not here or run.repository == here]
    shown = found[:limit]
    if as_json:
        print_runs_json(shown)
        return 0
    if shown:
        print_runs(shown, with_repository=not here)
    if note := _note(len(found), len(shown), here):
        click.echo(note, err=True)
    return 0


def _note(n_found: int, n_shown: int, here: str) -> str:
    if n_found > n_shown:
        return f"{n_shown} of {n_found:,} runs; -n {n_found} lists them all"
    if n_found:
        return ""
    return "no runs of this repository; --all lists those of others" if here else "no runs yet"


@click.command()
@_run
@click.option("--full", is_flag=True, help="Also answers, parts of prompts, results, test output.")
@click.option("--json", "as_json", is_flag=True, help="Print its events as JSON lines.")
@in_folder
def show(run: str, full: bool, as_json: bool) -> int:
    """Show a past run as it looked.

    RUN is the id of a run or its beginning; without one it is the last run of this repository.
    """
    from qwenagent.transcript import read
    from qwenagent.ui.past import no_end, show_run, show_run_json

    found = _find(run)
    if as_json:
        show_run_json(read(found.path))
        return 0
    _say_if_empty(found)
    show_run(read(found.path), whole=full, no_end=no_end(found))
    return 0


@click.command()
@_run
@click.option(
    "-o", "output", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
    help="Write here: .md is Markdown, .html is HTML.",
)  # fmt: skip
@click.option("--force", is_flag=True, help="Replace FILE if it is there.")
@in_folder
def export(run: str, output: Path | None, force: bool) -> int:
    """Write a past run as Markdown or HTML; without FILE, print it as Markdown.

    What looks like a secret is hidden. The file has code and test output in it: read it before
    you pass it on.
    """
    from qwenagent.transcript import read
    from qwenagent.ui.lines import LineWriter
    from qwenagent.ui.past import exported, format_of, hide, no_end

    form = format_of(output) if output else "markdown"
    if output and not force and os.path.lexists(output):
        raise UsageError(f"{output} is there already", hint="--force replaces it")
    found = _find(run)
    _say_if_empty(found)
    records, n_hidden = hide(read(found.path), _secrets)
    text = exported(records, form, no_end(found))
    if n_hidden:
        click.echo(f"{n_hidden} value(s) that look like secrets are hidden", err=True)
    if output is None:
        # A document is UTF-8 wherever it goes; a closed pipe is no error.
        LineWriter(sys.stdout, always_utf8=True).line(text.removesuffix("\n"))
        return 0
    _write(output, text)
    click.echo(f"run {found.run_id} is in {output}")
    return 0


def _secrets(text: str) -> list[tuple[int, int, str]]:
    from qwenagent.escalate.secrets import look, merged

    return [(found.start, found.end, found.kind.name) for found in merged(look(text))]


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8", newline="\n")
    except (FileNotFoundError, NotADirectoryError) as error:
        raise UsageError(
            f"{path} cannot be written: {reason(error)}", hint="make its folder first"
        ) from error


@click.command()
@click.option(
    "--older-than", "days", type=click.FloatRange(min=0), metavar="DAYS",
    help="Only those whose last line is older.  [default: 30, without --keep]",
)  # fmt: skip
@click.option(
    "--keep", type=click.IntRange(min=0), metavar="N",
    help="Keep the newest N, however old.",
)  # fmt: skip
@click.option("--dry-run", is_flag=True, help="Only tell what would be removed.")
def clean(days: float | None, keep: int | None, dry_run: bool) -> int:
    """Remove old transcripts of runs, of all repositories.

    Never that of a run under way, nor those of a plan that is not done.
    """
    import time

    from qwenagent.loop.waiting import waits_for
    from qwenagent.transcript import choose, past_runs, remove

    if days is None:
        days = _DAYS if keep is None else 0.0
    now = time.time()
    cleaning = choose(
        list(past_runs()),
        before=now - days * _DAY_S,
        n_kept=keep or 0,
        now=now,
        waits_for=waits_for,
    )
    gone = cleaning.going if dry_run else remove(cleaning)
    for line in _told(cleaning, gone, "would remove" if dry_run else "removed"):
        click.echo(line)
    return 0


def _told(cleaning: Cleaning, gone: Sequence[PastRun], verb: str) -> list[str]:
    from qwenagent.ui.words import plural, size

    n_bytes = sum(run.size_bytes for run in gone)
    lines = [f"{verb} {plural(len(gone), 'transcript')}, {size(n_bytes)}"]
    for kept, why in (
        (cleaning.under_way, "under way, or cut short less than a day ago"),
        (cleaning.needed, "of plans that are not done, or of runs with work to be put back"),
    ):
        lines += [f"kept {plural(len(kept), 'transcript')} {why}"] if kept else []
    return lines


def _find(name: str) -> PastRun:
    from qwenagent.transcript import find_run

    return find_run(name, _repository())


def _repository() -> str:
    """Return the repository around the current folder, empty if there is none."""
    from qwenagent.workspace import Repository

    try:
        return str(Repository.open(Path.cwd()).root)
    except WorkspaceError:
        return ""


def _say_if_empty(run: PastRun) -> None:
    if run.size_bytes == 0:
        raise UsageError(f"run {run.run_id} ended before its first event: there is nothing to show")
