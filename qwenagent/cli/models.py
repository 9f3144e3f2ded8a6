"""The `models` commands, and the model file that a run gets. Knows no plan and no engine."""

from __future__ import annotations

import os
import signal
import sys
import threading
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click

from qwenagent.cli.bundle import models_export, models_import
from qwenagent.cli.completion import ModelName

if TYPE_CHECKING:
    from qwenagent.config import Settings
    from qwenagent.registry import Card, Fit, Machine


@click.group()
def models() -> None:
    """List, fetch, choose, check and carry the model files."""


models.add_command(models_export)
models.add_command(models_import)


@models.command("list")
def models_list() -> int:
    """List the models this program knows, what they need, and which one is in use."""
    from qwenagent.registry import human_bytes, load_cards, needed_bytes
    from qwenagent.ui import print_rows

    used, machine = _in_use(), machine_now()
    rows = [
        (
            card.name,
            human_bytes(card.size_bytes),
            human_bytes(needed_bytes(card)),
            "yes" if needed_bytes(card) <= machine.model_bytes else "no",
            card.license,
            _here(card, used),
            "" if card.default else "never picked by itself",
        )
        for card in load_cards().values()
    ]
    columns = ("name", "size", "memory", "fits now", "licence", "here", "")
    print_rows("Qwen2.5-Coder-Instruct, Q4_K_M", columns, rows)
    click.echo(f"{human_bytes(machine.model_bytes)} of memory are free; `models fit` says more")
    return 0


def _here(card: Card, used: str) -> str:
    from qwenagent.registry import installed

    if not installed(card):
        return ""
    return "in use" if card.name == used else "installed"


def _in_use() -> str:
    """Return the name of the card that a run outside of any repository would take, or nothing."""
    from qwenagent.errors import ModelError

    try:
        return find_model(_user_settings())[0].name
    except ModelError:
        return ""


def _user_settings() -> Settings:
    from qwenagent.config import load_settings

    return load_settings(None, os.environ, {})


@models.command("use")
@click.argument("name", type=ModelName(), required=False)
@click.option("--auto", is_flag=True, help="Pick the largest default that suits, as at first.")
def models_use(name: str | None, auto: bool) -> int:
    """Take this model from now on: a name of `models list`, or a GGUF file."""
    from qwenagent.config import write_user_setting
    from qwenagent.errors import UsageError

    if bool(name) == auto:
        raise UsageError(
            "give either a model's name or --auto", hint="`qwenagent models list` shows the names"
        )
    if name is None:
        file = write_user_setting("model.name", None)
        click.echo(f"{file}: no model is named; {_in_use() or 'none of those here'} is picked")
        return 0
    use_model(name)
    return 0


def use_model(name: str) -> None:
    """Take an installed model, or a GGUF file, from now on."""
    from qwenagent.config import write_user_setting

    card, value = _usable(name)
    file = write_user_setting("model.name", value)
    click.echo(f"{file}: model.name = {value}")
    _warn_of_overruling(value)
    _warn_of_size(card)


def _warn_of_size(card: Card) -> None:
    from qwenagent.registry import human_bytes, need

    wanted, free = need(card), machine_now().model_bytes
    if wanted.total > free:
        click.echo(
            f"warning: {card.name} needs {wanted}, {human_bytes(free)} are free now", err=True
        )


def _usable(name: str) -> tuple[Card, str]:
    """Return the card, and what to write down for it; a path counts from anywhere."""
    from qwenagent.registry import find_card, installed, is_model_path, local_file, not_here

    if is_model_path(name):
        path = Path(name).expanduser().absolute()
        return local_file(path), str(path)
    card = find_card(name)
    if not installed(card):
        raise not_here(card)
    return card, card.name


def _warn_of_overruling(value: str) -> None:
    named = _user_settings().model.name
    if named != value:
        click.echo(f"warning: QWENAGENT_MODEL_NAME = {named} is stronger, unset it", err=True)


@models.command("fit")
@click.option("--markdown", is_flag=True, help="Print the table alone, as Markdown.")
def models_fit(markdown: bool) -> int:
    """Print which model fits which memory, with how much context, and what fits here."""
    from qwenagent.registry import (
        fit_cells,
        fit_columns,
        fit_legend,
        fit_rows,
        fits_markdown,
        load_cards,
    )
    from qwenagent.ui import print_rows

    if markdown:
        click.echo(fits_markdown(), nl=False)
        return 0
    cards = load_cards().values()
    print_rows("", fit_columns(), [fit_cells(row) for row in fit_rows(cards)])
    click.echo(fit_legend())
    _print_what_fits_here(list(cards))
    return 0


def _print_what_fits_here(cards: list[Card]) -> None:
    from qwenagent.registry import human_bytes, largest_context, need
    from qwenagent.ui import print_rows

    machine = machine_now()
    rows = []
    for card in cards:
        n_ctx = largest_context(card, machine.model_bytes)
        rows.append((card.name, f"{n_ctx:,}" if n_ctx else "no", str(need(card))))
    gpu = f", {human_bytes(machine.gpu_bytes)} on the GPU" if machine.gpu_bytes else ""
    title = f"Here, now: {human_bytes(machine.ram_bytes)} of memory are free{gpu}"
    print_rows(title, ("model", "largest context", "needs"), rows)


@models.command("pull")
@click.argument("name", type=ModelName(), required=False)
def models_pull(name: str | None) -> int:
    """Fetch a model; without NAME the one that fits this machine and can be had."""
    from qwenagent.registry import find_card

    if name is None:
        obtain_default(quiet=False)
    else:
        card = find_card(name)
        _warn_of_size(card)
        fetch(card)
    return 0


@models.command("info")
@click.argument("name", type=ModelName())
def models_info(name: str) -> int:
    """Print everything a model card says."""
    from qwenagent.registry import find_card, installed, largest_context, need
    from qwenagent.ui import print_rows

    card = find_card(name)
    place = installed(card)
    fits = largest_context(card, machine_now().model_bytes)
    rows = [
        ("model", card.title),
        ("file", f"{card.repository} / {card.file}"),
        ("revision", card.revision),
        ("size", f"{card.size_bytes:,} bytes"),
        ("sha256", card.sha256),
        ("memory", str(need(card))),
        ("fits now", f"up to {fits:,} tokens of context" if fits else "no"),
        ("licence", card.license),
        ("profile", card.profile.name),
        *([("abilities", card.abilities)] if card.abilities else []),
        ("sources", ", ".join(source.kind for source in card.sources)),
        ("here", str(place) if place else f"no; `qwenagent models pull {card.name}` fetches it"),
    ]
    print_rows(card.name, ("", ""), rows)
    return 0


@models.command("verify")
@click.argument("name", type=ModelName(), required=False)
def models_verify(name: str | None) -> int:
    """Read installed files again and compare their SHA-256; all without NAME."""
    from qwenagent.errors import ModelNotFound
    from qwenagent.registry import find_card, installed, load_cards, verify
    from qwenagent.ui import check_line

    cards = [find_card(name)] if name else [c for c in load_cards().values() if installed(c)]
    if not cards:
        raise ModelNotFound("no model is installed", hint="`qwenagent models pull` fetches one")
    for card in cards:
        check_line(True, card.name, f"{verify(card)} has the official SHA-256")
    return 0


@models.command("rm")
@click.argument("name", type=ModelName())
@click.option("--force", is_flag=True, help="Delete it even if it is the one in use.")
def models_rm(name: str, force: bool) -> int:
    """Delete a model's file from this machine."""
    from qwenagent.config import user_file
    from qwenagent.errors import UsageError
    from qwenagent.registry import find_card, human_bytes, installed, is_model_path, remove

    card = find_card(name)
    named = _user_settings().model.name
    is_used = bool(named) and not is_model_path(named) and find_card(named) == card
    if is_used and installed(card) and not force:
        raise UsageError(
            f"{card.name} is in use: model.name in {user_file()} or QWENAGENT_MODEL_NAME names it",
            hint=f"`models use OTHER` or `models use --auto` first, or `models rm {name} --force`",
        )
    click.echo(f"{card.name}: {human_bytes(remove(card))} freed")
    return 0


def find_model(settings: Settings) -> tuple[Card, Path]:
    """Return the card and the file of the model to use, which must be on this machine."""
    from qwenagent.registry import chosen_model

    return chosen_model(settings.model.name, lambda: machine_now(settings))


def machine_now(settings: Settings | None = None) -> Machine:
    """Look at memory and cores; a GPU that the settings leave idle does not count."""
    from qwenagent.registry import probe_machine

    on_gpu = settings is None or settings.model.n_gpu_layers != 0
    return probe_machine(_gpu_bytes() if on_gpu else 0)


def require_room(card: Card, settings: Settings) -> Fit:
    """Return how a model is to be loaded so that this machine's memory holds it.

    Raises:
        ModelLoadFailed: it cannot; with the sum, and what would fit.
    """
    from qwenagent.registry import require_fits

    model = settings.model
    return require_fits(card, machine_now(settings), model.n_ctx, model.kv_type or None)


def obtain_default(*, quiet: bool) -> Card:
    """Fetch the model that fits this machine and can be had, unless it is here; say why it."""
    from qwenagent.registry import load_cards, obtainable, pick

    cards = load_cards()
    choice = pick(cards.values(), machine_now(), obtainable(cards.values()))
    if not quiet:
        click.echo(choice.why)
    fetch(choice.card, quiet=quiet)
    return choice.card


def fetch(card: Card, *, quiet: bool = False) -> None:
    """Fetch a model's file with its progress on the screen; Ctrl-C stops it in good order."""
    from qwenagent.registry import pull
    from qwenagent.ui import DownloadView

    cancel = threading.Event()

    def stop(*_: object) -> None:
        if cancel.is_set():
            raise KeyboardInterrupt
        cancel.set()

    with ExitStack() as stack:
        view = stack.enter_context(DownloadView(sys.stderr))
        previous = signal.signal(signal.SIGINT, stop)
        stack.callback(signal.signal, signal.SIGINT, previous)
        pulled = pull(card, on_progress=view, cancel=cancel)
    if not quiet:
        for note in pulled.notes:
            click.echo(note)
        click.echo(f"{card.title} is at {pulled.path}")


def _gpu_bytes() -> int:
    from qwenagent.engine import gpu_memory

    return gpu_memory()
