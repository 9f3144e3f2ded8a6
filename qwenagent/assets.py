"""The only reader of prompts, grammars and model cards.

Looked for in this order: the folder that `QWENAGENT_ASSETS` names; the installed package, or the
checkout where the package was imported from one.
"""

from __future__ import annotations

import os
import re
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Literal

from qwenagent.errors import AssetError

Kind = Literal["prompts", "grammars", "models"]

_HOLE = re.compile(r"\{\{(\w+)\}\}")


def _roots() -> list[Traversable]:
    packaged = resources.files("qwenagent") / "_data"
    # Never beside an installed package: there lie the modules of others, `models` perhaps.
    shipped = packaged if packaged.is_dir() else Path(__file__).resolve().parent.parent
    override = os.environ.get("QWENAGENT_ASSETS")
    return [Path(override), shipped] if override else [shipped]


def read(kind: Kind, name: str) -> str:
    """Return the text of one asset.

    Raises:
        AssetError: it is in none of the places, which the message lists, or is not UTF-8.
    """
    places = [root / kind / name for root in _roots()]
    for place in places:
        if place.is_file():
            return _text(place)
    tried = ", ".join(str(place) for place in places)
    raise AssetError(f"{kind}/{name} not found; looked at {tried}", hint="reinstall qwenagent")


def _text(place: Traversable) -> str:
    try:
        return place.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise AssetError(f"{place} is not UTF-8 (byte {error.start})") from error


def names(kind: Kind, suffix: str) -> list[str]:
    """Return the names of all assets of a kind, from all places, sorted."""
    found = {
        item.name
        for root in _roots()
        if (root / kind).is_dir()
        for item in (root / kind).iterdir()
        if item.name.endswith(suffix)
    }
    return sorted(found)


def fill(text: str, **values: str) -> str:
    """Put `values` into the {{holes}} of a prompt; a missing or an unused name is an error."""
    holes = set(_HOLE.findall(text))
    if holes != set(values):
        raise AssetError(
            f"prompt has the holes {sorted(holes)}, the program gives {sorted(values)}"
        )
    return _HOLE.sub(lambda match: values[match[1]], text)
