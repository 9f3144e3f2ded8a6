"""`qwenagent` alone: a conversation about the repository, in a terminal."""

from __future__ import annotations

from typing import Any

import click

from qwenagent.cli.flags import session_flags


@click.command()
@click.option("--plain", is_flag=True, help="Redraw nothing: for screen readers.")
@click.option("--resume", metavar="SESSION", help='Go on with an earlier one: its id, or "last".')
@session_flags
def session(plain: bool, resume: str | None, **flags: Any) -> int:
    """Talk about the repository, and have things done in it.

    `qwenagent` alone is short for it.
    """
    from qwenagent.cli.session.opening import open_session

    flags |= {"as_json": False, "time_limit": None, "metrics": None, "files": ()}
    return open_session(flags, resume or "", plain=plain)
