"""A first start, guided: this machine, a model for it, the tests of this repository."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import click

from qwenagent.cli.flags import in_folder
from qwenagent.cli.frontier import is_attended
from qwenagent.cli.models import fetch, machine_now, use_model
from qwenagent.errors import QwenAgentError, UsageError

if TYPE_CHECKING:
    from qwenagent.registry import Card, Machine


@click.command()
@in_folder
def setup() -> int:
    """Get ready, guided: look at this machine, fetch a model, find the tests."""
    if not is_attended({}):
        raise UsageError(
            "setup asks questions, and there is no terminal",
            hint="`qwenagent models pull` fetches the model that fits, `qwenagent doctor` checks",
        )
    guide()
    return 0


def guide() -> bool:
    """Propose a model and fetch it, show how the tests are run; return whether there is a model.

    Raises:
        ModelError, ConfigError: the model cannot be had, or not be written down.
    """
    from qwenagent.registry import installed

    machine = machine_now()
    click.echo(_machine_line(machine))
    card, why = _proposed(machine)
    _say(why)
    _describe(card)
    if not installed(card):
        wanted = _asked_for(card)
        if wanted is None:
            click.echo("Nothing is fetched. `qwenagent models pull` does it later.")
            return False
        fetch(wanted)
        if wanted != card:
            use_model(wanted.name)
    _show_tests(Path.cwd())
    click.echo('Ready: qwenagent, qwenagent "a task", or qwenagent run plan.md')
    return True


def _machine_line(machine: Machine) -> str:
    from qwenagent.registry import human_bytes

    gpu = f"{human_bytes(machine.gpu_bytes)} of GPU memory free" if machine.gpu_bytes else "no GPU"
    memory = human_bytes(machine.ram_bytes)
    return f"This machine: {machine.n_cores} cores, {memory} of memory free, {gpu}."


def _proposed(machine: Machine) -> tuple[Card, str]:
    from qwenagent.registry import load_cards, obtainable, pick

    cards = load_cards().values()
    choice = pick(cards, machine, obtainable(cards))
    return choice.card, choice.why


def _describe(card: Card) -> None:
    from qwenagent.registry import human_bytes, installed

    here = "already here" if installed(card) else f"{human_bytes(card.size_bytes)} to fetch"
    click.echo(f"  {card.title}, {here}, licence {card.license}")
    if card.abilities:
        _say(card.abilities)


def _say(text: str) -> None:
    click.echo(click.wrap_text(text, shutil.get_terminal_size().columns))


def _asked_for(card: Card) -> Card | None:
    """Ask which model is to be fetched; None is none."""
    from qwenagent.registry import find_card

    while True:
        answer = click.prompt(f"Fetch {card.name}? [Y]es, [n]o, or another model's name", "y")
        match answer.strip().lower():
            case "y" | "yes":
                return card
            case "n" | "no":
                return None
        try:
            card = find_card(answer)
        except QwenAgentError as error:
            click.echo(f"{error.message}; {error.hint}")
        else:
            _describe(card)


def _show_tests(folder: Path) -> None:
    from qwenagent.checks import detect_found, explain_none
    from qwenagent.workspace import Repository

    try:
        repository = Repository.open(folder)
    except QwenAgentError as error:
        click.echo(f"Repository: {error.message}. {error.hint}")
        return
    root = repository.root
    repository.close()
    found = detect_found(root, folder)
    if found is None:
        click.echo(f"Tests: {explain_none(root, folder)}")
        return
    click.echo(f"Tests: `{found.command.shown}`, by {found.why}.")
    if not click.confirm("Is that how this project is tested?", default=True):
        click.echo(
            '  Name the command with --test-cmd, or in .qwenagent.toml: [tests] command = "..."'
        )
