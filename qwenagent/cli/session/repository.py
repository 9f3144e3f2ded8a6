"""The repository of a session: opened once, put in order, and left to others between the work."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import click

from qwenagent.cli.wiring import open_repository
from qwenagent.workspace import Repository
from qwenagent.workspace.lock import TreeBusy


@contextmanager
def opened() -> Iterator[Repository]:
    """Open the repository around the current folder; what a killed run has left is put back.

    Another agent may be at work in it: then questions can be asked all the same.
    """
    try:
        with open_repository("session") as repository:
            pass
    except TreeBusy as error:
        from pathlib import Path

        click.echo(f"warning: {error.message}\n  {error.hint}", err=True)
        repository = Repository.open(Path.cwd())
    try:
        yield repository
    finally:
        repository.close()
