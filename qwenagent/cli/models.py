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

if TYPE_CHECKING:
    from qwenagent.config import Settings
    from qwenagent.registry import Card


@click.group()
def models() -> None:
    """List, fetch and check the model files."""


@models.command("list")
def models_list() -> int:
    """List the models this program knows."""
    from qwenagent.registry import human_bytes, installed, load_cards
    from qwenagent.ui import print_rows

    rows = [
        (
            card.name,
            human_bytes(card.size_bytes),
            card.license,
            "installed" if installed(card) else "",
            "" if card.default else "never picked by itself",
        )
        for card in load_cards().values()
    ]
    print_rows("Qwen2.5-Coder-Instruct, Q4_K_M", ("name", "size", "licence", "here", ""), rows)
    return 0


@models.command("pull")
@click.argument("name", required=False)
def models_pull(name: str | None) -> int:
    """Fetch a model; without NAME the one that fits this machine and can be had."""
    from qwenagent.registry import find_card

    if name is None:
        obtain_default(quiet=False)
    else:
        _pull(find_card(name), quiet=False)
    return 0


@models.command("info")
@click.argument("name")
def models_info(name: str) -> int:
    """Print everything a model card says."""
    from qwenagent.registry import find_card, human_bytes, installed, needed_bytes
    from qwenagent.ui import print_rows

    card = find_card(name)
    place = installed(card)
    rows = [
        ("model", card.title),
        ("file", f"{card.repository} / {card.file}"),
        ("revision", card.revision),
        ("size", f"{card.size_bytes:,} bytes"),
        ("sha256", card.sha256),
        ("memory", f"{human_bytes(needed_bytes(card))} with a context of {card.n_ctx:,} tokens"),
        ("licence", card.license),
        ("profile", card.profile.name),
        ("sources", ", ".join(source.kind for source in card.sources)),
        ("here", str(place) if place else f"no; `qwenagent models pull {card.name}` fetches it"),
    ]
    print_rows(card.name, ("", ""), rows)
    return 0


@models.command("verify")
@click.argument("name", required=False)
def models_verify(name: str | None) -> int:
    """Read installed files again and compare their SHA-256; all without NAME."""
    from qwenagent.errors import ModelNotFound
    from qwenagent.registry import find_card, installed, load_cards, verify
    from qwenagent.ui import check_line

    cards = [find_card(name)] if name else [c for c in load_cards().values() if installed(c)]
    if not cards:
        raise ModelNotFound("no model is installed", hint="qwenagent models pull")
    for card in cards:
        check_line(True, card.name, f"{verify(card)} has the official SHA-256")
    return 0


@models.command("rm")
@click.argument("name")
def models_rm(name: str) -> int:
    """Delete a model's file from this machine."""
    from qwenagent.registry import find_card, human_bytes, remove

    card = find_card(name)
    click.echo(f"{card.name}: {human_bytes(remove(card))} freed")
    return 0


def find_model(settings: Settings) -> tuple[Card, Path]:
    """Return the card and the file of the model to use, which must be on this machine."""
    from qwenagent.errors import ModelNotFound
    from qwenagent.registry import find_card, installed, load_cards, local_file, pick, probe_machine

    name = settings.model.name
    if is_model_path(name):
        file = Path(name).expanduser().absolute()
        return local_file(file), file
    if name:
        card = find_card(name)
    else:
        cards = load_cards()
        here = [card.name for card in cards.values() if installed(card)]
        usable = frozenset(name for name in here if cards[name].default)
        if not usable:
            others = f"; {', '.join(here)} is never picked by itself" if here else ""
            hint = "`qwenagent models pull` fetches one"
            if here:
                hint += f", `--model {here[0]}` uses what is here"
            raise ModelNotFound(f"no model is installed{others}", hint=hint)
        card = pick(cards.values(), probe_machine(_gpu_bytes()), usable).card
    path = installed(card)
    if path is None:
        raise ModelNotFound(
            f"{card.title} is not on this machine",
            hint=f"`qwenagent models pull {card.name}` fetches it",
        )
    return card, path


def is_model_path(model: str) -> bool:
    """Tell a GGUF file from the name of a model, which may be the file name on the hub."""
    return os.sep in model or (model.endswith(".gguf") and Path(model).exists())


def obtain_default(*, quiet: bool) -> Card:
    """Fetch the model that fits this machine and can be had, unless it is here; say why it."""
    from qwenagent.registry import load_cards, obtainable, pick, probe_machine

    cards = load_cards()
    choice = pick(cards.values(), probe_machine(_gpu_bytes()), obtainable(cards.values()))
    if not quiet:
        click.echo(choice.why)
    _pull(choice.card, quiet=quiet)
    return choice.card


def _pull(card: Card, *, quiet: bool) -> None:
    from qwenagent.registry import pull
    from qwenagent.ui import DownloadView

    cancel = threading.Event()
    with ExitStack() as stack:
        view = stack.enter_context(DownloadView(sys.stderr))
        previous = signal.signal(signal.SIGINT, lambda *_: cancel.set())
        stack.callback(signal.signal, signal.SIGINT, previous)
        pulled = pull(card, on_progress=view, cancel=cancel)
    if not quiet:
        for note in pulled.notes:
            click.echo(note)
        click.echo(f"{card.title} is at {pulled.path}")


def _gpu_bytes() -> int:
    from qwenagent.engine import gpu_memory

    return gpu_memory()
