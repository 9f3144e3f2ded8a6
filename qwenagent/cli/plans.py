"""What is told without carrying anything out: a plan, how to write one, the form of events."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from qwenagent.plan import Plan


def check_plan(plan: Plan, *, as_json: bool) -> int:
    """Print what `run` would do."""
    import dataclasses
    import json

    if as_json:
        click.echo(json.dumps({"type": "plan", **dataclasses.asdict(plan)}))
        return 0
    from qwenagent.ui.plan_view import print_plan

    print_plan(plan)
    return 0


@click.command("plan-prompt")
def plan_prompt() -> int:
    """Print what to tell a frontier model so that its plan comes out right."""
    from qwenagent.assets import read

    click.echo(read("prompts", "plan-prompt.md"), nl=False)
    return 0


@click.command()
def schema() -> int:
    """Print the JSON Schema of the lines that --json prints."""
    import json

    from qwenagent.protocol.schema import line_schema

    click.echo(json.dumps(line_schema(), indent=2))
    return 0
