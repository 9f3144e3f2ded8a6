"""The command that measures the engine on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from qwenagent.cli.completion import ModelName

if TYPE_CHECKING:
    from qwenagent.bench import Figure


@click.command()
@click.option("--model", type=ModelName(), help="Model: a name of `models list`, or a GGUF file.")
@click.option("--rounds", type=click.IntRange(1, 50), default=5, show_default=True, metavar="N")
@click.option("--only", multiple=True, metavar="KEY", help="Measure this figure alone.")
@click.option("--json", "as_json", is_flag=True, help="End with one line of JSON.")
def bench(model: str | None, rounds: int, only: tuple[str, ...], as_json: bool) -> int:
    """Measure the engine: ratios of two arms in one run.

    Takes up to 20 minutes; leave the machine alone meanwhile.
    """
    import json

    from qwenagent.bench import run_bench
    from qwenagent.cli.models import find_model
    from qwenagent.cli.wiring import build_settings, load_settings_of
    from qwenagent.ui import print_rows

    settings = build_settings(None, {"model": model})
    card, path = find_model(settings)
    load = load_settings_of(card, path, settings)
    figures = run_bench(load, rounds, lambda text: click.echo(text, err=True), frozenset(only))
    print_rows(
        f"{card.title}, {load.n_threads} threads, {rounds} rounds",
        ("figure", "median", "lowest", "highest", "wanted", ""),
        [_row(figure) for figure in figures],
    )
    if as_json:
        click.echo(json.dumps({figure.key: _value(figure) for figure in figures}))
    return 0


def _row(figure: Figure) -> tuple[str, str, str, str, str, str]:
    numbers = [_shown(n) for n in (figure.median, min(figure.values), max(figure.values))]
    wanted = f"{figure.reach} {_shown(figure.wanted)}" if figure.reach else ""
    missed = "" if figure.is_reached else " (missed)"
    what = f"{figure.what}; {figure.note}" if figure.note else figure.what
    return figure.key, numbers[0], numbers[1], numbers[2], f"{wanted}{missed}", what


def _shown(value: float) -> str:
    return f"{value:.0f}" if value >= 20 else f"{value:.3f}"


def _value(figure: Figure) -> dict[str, object]:
    return {"median": figure.median, "values": list(figure.values), "note": figure.note}
