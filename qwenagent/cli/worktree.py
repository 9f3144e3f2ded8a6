"""A plan carried out in a working tree of its own: opened, and told before and after."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from contextlib import chdir, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from qwenagent.cli.flags import standing_in
from qwenagent.cli.wiring import open_repository

if TYPE_CHECKING:
    from qwenagent.workspace import LinkedTree, Repository


@contextmanager
def open_worktree(plan: Path, what: str, *, as_json: bool) -> Iterator[Repository]:
    """Open the working tree of a plan, and stand in it as one stood in the repository.

    With `as_json` what is told of it goes to stderr.
    """
    from qwenagent.workspace import linked_tree

    with open_repository(what) as repository:
        tree = linked_tree(repository, _name(plan))
        place = tree.folder / standing_in(repository)
    _say([f"works in {tree.folder}, on branch {tree.branch or 'none'}", *_missing(tree)], as_json)
    with chdir(place if place.is_dir() else tree.folder), open_repository(what) as linked:
        yield linked
    _say(_after(tree), as_json)


def _name(plan: Path) -> str:
    return re.sub(r"[^a-z0-9]+", "-", plan.stem.lower()).strip("-") or "plan"


def _missing(tree: LinkedTree) -> list[str]:
    if not tree.is_new:
        return []
    return ["  made now: what git ignores or does not know, an environment say, is not in there"]


def _after(tree: LinkedTree) -> list[str]:
    folder, branch = shlex.quote(str(tree.folder)), shlex.quote(tree.branch)
    if not tree.branch:
        return [f"git worktree remove {folder}  # remove that tree"]
    return [
        f"git merge {branch} && git worktree remove {folder}  # take all commits here",
        f"git worktree remove --force {folder} && git branch -D {branch}  # discard them",
    ]


def _say(lines: list[str], as_json: bool) -> None:
    from qwenagent.ui import revealed

    for line in lines:
        click.echo(revealed(line), err=as_json)
