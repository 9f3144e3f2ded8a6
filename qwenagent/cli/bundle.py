"""`models export` and `models import`: models for a machine without any network."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from qwenagent.registry import Card


@click.command("export")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option(
    "-o",
    "folder",
    required=True,
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="Where the bundle goes: a new folder, on a stick for example.",
)
@click.option(
    "--wheels",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="DIR",
    help="Take these wheels instead of those that pip collects for this machine.",
)
def models_export(names: tuple[str, ...], folder: Path, wheels: Path | None) -> int:
    """Write models, qwenagent and all it depends on into FOLDER; all models here without NAME.

    A machine of the same kind installs from it without any network: see INSTALL.md in there.
    """
    from qwenagent.registry import export, human_bytes
    from qwenagent.ui import DownloadView

    cards = _chosen(names)
    started = time.monotonic()
    click.echo(
        "Collecting wheels takes about 10 s; 5 to 10 min where pip has to compile llama-cpp-python."
        if wheels is None
        else f"Taking the wheels in {wheels}.",
        err=True,
    )
    with DownloadView(sys.stderr) as view:
        manifest = export(cards, folder.expanduser().absolute(), on_progress=view, wheels=wheels)
    size = human_bytes(sum(entry.size_bytes for entry in manifest.files.values()))
    click.echo(
        f"{folder}: {', '.join(manifest.models)} and qwenagent {manifest.qwenagent} for "
        f"{manifest.system}, Python {manifest.python}; {len(manifest.files)} files, {size}, "
        f"{time.monotonic() - started:.0f} s"
    )
    click.echo(f"{folder / 'INSTALL.md'} says how to install it")
    return 0


def _chosen(names: tuple[str, ...]) -> list[Card]:
    from qwenagent.errors import ModelNotFound
    from qwenagent.registry import find_card, installed, load_cards

    if names:
        return list({card.name: card for card in map(find_card, names)}.values())
    here = [card for card in load_cards().values() if installed(card)]
    if not here:
        raise ModelNotFound("no model is installed", hint="`qwenagent models pull` fetches one")
    return here


@click.command("import")
@click.argument("source", type=click.Path(path_type=Path), metavar="FOLDER|FILE.gguf")
def models_import(source: Path) -> int:
    """Check a bundle, or one GGUF file, and install its models from there."""
    from qwenagent.errors import ModelNotFound
    from qwenagent.registry import place_bundle, place_file
    from qwenagent.ui import DownloadView, check_line

    source = source.expanduser().absolute()
    if not source.exists():
        raise ModelNotFound(
            f"there is no file or folder {source}",
            hint="give the folder that `qwenagent models export -o FOLDER` made, or a GGUF file",
        )
    with DownloadView(sys.stderr) as view:
        placed = place_bundle(source, view) if source.is_dir() else (place_file(source, view),)
    for each in placed:
        check_line(True, each.card.name, f"{each.how}, {each.path} has the official SHA-256")
    if not placed:
        click.echo("the bundle is whole and has no model in it")
    return 0
