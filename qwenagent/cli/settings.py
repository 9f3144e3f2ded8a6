"""`config`: every setting, its value, and where that comes from."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from qwenagent.cli.flags import in_folder
from qwenagent.errors import WorkspaceError
from qwenagent.ui.printable import revealed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qwenagent.config import Origin
    from qwenagent.escalate import Provider


@click.command()
@click.argument("name", default="", metavar="[NAME]")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object for each setting.")
@in_folder
def config(name: str, as_json: bool) -> int:
    """Show every setting, its value, and which place has set it.

    NAME is a section or a setting: `escalate`, `loop.repairs`. Settings are looked for on the
    command line, in the environment (QWENAGENT_SECTION_NAME), in the repository's .qwenagent.toml,
    which can only make things stricter, and in your own file.
    """
    from qwenagent.config import explain_settings
    from qwenagent.errors import UsageError

    found = explain_settings(
        _root(), os.environ, {}, lambda why: click.echo(f"warning: {revealed(why)}", err=True)
    )
    shown = [one for one in found if not name or f"{one.path}.".startswith(f"{name}.")]
    if not shown:
        raise UsageError(f"there is no setting {name!r}", hint="`qwenagent config` shows them all")
    providers = _providers(found) if not name or name.startswith("escalate") else []
    if as_json:
        for line in (*map(_setting, shown), *map(_provider, providers)):
            click.echo(json.dumps(line, ensure_ascii=False))
        return 0
    _print(shown, providers)
    return 0


def _root() -> Path | None:
    from qwenagent.workspace import Repository

    try:
        repository = Repository.open(Path.cwd())
    except WorkspaceError:
        return None
    try:
        return repository.root
    finally:
        repository.close()


def _print(shown: Sequence[Origin], providers: Sequence[Provider]) -> None:
    from qwenagent.config import user_file
    from qwenagent.ui import print_rows

    rows = [(one.path, _written(one.value), one.place) for one in shown]
    print_rows("", ("setting", "value", "set by"), rows)
    if providers:
        told = [(p.name, p.host, p.model.name, _price(p), _key(p)) for p in providers]
        click.echo()
        print_rows(
            "Providers, in the order in which they are asked",
            ("name", "host", "model", "$ for a million tokens", "key"),
            told,
        )
    click.echo(f"\nyour own file: {user_file()}")


def _written(value: Any) -> str:
    """Return a value as TOML has it; of providers their names, of no table what is in it."""
    if isinstance(value, dict):
        return ", ".join(value) or "none"
    return json.dumps(value, ensure_ascii=False)


def _providers(found: Sequence[Origin]) -> list[Provider]:
    """Return those who would be asked if the policy allowed it."""
    from qwenagent.escalate import find_provider

    values = {one.path: one.value for one in found}
    own = values["escalate.providers"]
    names = dict.fromkeys(values["escalate.order"] or own)
    return [find_provider(name, own) for name in names]


def _price(provider: Provider) -> str:
    price = provider.model.price
    if price is None:
        return "unknown: only caps in tokens hold"
    return f"{price.fresh} in, {price.cached} cached, {price.out} out ({price.as_of})"


def _key(provider: Provider) -> str:
    """Return where the key is looked for, and whether a variable has it; never the key."""
    source = provider.key
    ways = []
    if source.variable:
        there = "set" if os.environ.get(source.variable, "").strip() else "not set"
        ways.append(f"{source.variable} ({there})")
    ways += [f"keyring {source.keyring}"] if source.keyring else []
    ways += [f"command {source.command[0]}"] if source.command else []
    return ", ".join(ways) or "none"


def _setting(one: Origin) -> dict[str, Any]:
    value = sorted(one.value) if isinstance(one.value, dict) else one.value
    return {"type": "setting", "name": one.path, "value": value, "set_by": one.place}


def _provider(provider: Provider) -> dict[str, Any]:
    price = provider.model.price
    return {
        "type": "provider",
        "name": provider.name,
        "base_url": provider.base_url,
        "protocol": provider.protocol,
        "model": provider.model.name,
        "price": price
        and {
            "fresh": str(price.fresh),
            "cached": str(price.cached),
            "out": str(price.out),
            "as_of": price.as_of,
        },
        "key": _key(provider),
    }
