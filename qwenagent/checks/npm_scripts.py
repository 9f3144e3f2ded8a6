"""The scripts of package.json, and which test runner `npm test` really starts if that is plain.

Starts nothing. A script that needs a shell, runs several commands or hands
arguments over with `--` is left alone.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

from qwenagent.checks.anatomy import Kind, dissect
from qwenagent.checks.command import is_shell, parse_command
from qwenagent.checks.smallfile import text_of
from qwenagent.errors import ChecksError

_QUIET = frozenset({"-s", "--silent", "-q", "--quiet", "--if-present"})
_KINDS: tuple[Kind, ...] = ("node", "jest", "vitest", "mocha")


@dataclass(frozen=True, slots=True)
class Script:
    """A script of package.json that starts a test runner."""

    kind: Kind
    own: tuple[str, ...]
    """The runner's arguments, as the script has them and as the command adds them."""
    separator: tuple[str, ...]
    """What has to stand before further arguments on the command line."""


def script_of(argv: Sequence[str], program: int, folder: Path) -> Script | None:
    """Return what a command that starts a script of `folder` runs, None if that is not plain."""
    name, rest = PurePath(argv[program]).name, list(argv[program + 1 :])
    while rest and rest[0] in _QUIET:
        rest.pop(0)
    if name not in ("npm", "pnpm", "yarn") or not rest:
        return None
    wanted, given = _wanted(name, rest)
    text = scripts_of(folder).get(wanted)
    return None if text is None else _read(text, name, given)


def _wanted(manager: str, rest: list[str]) -> tuple[str, list[str]]:
    """Return the script's name, and what stands behind it."""
    if rest[0] in ("test", "t", "tst"):
        return "test", rest[1:]
    if rest[0] in ("run", "run-script"):
        return (rest[1], rest[2:]) if len(rest) > 1 else ("", [])
    return ("", []) if manager == "npm" else (rest[0], rest[1:])


def scripts_of(folder: Path) -> dict[str, str]:
    """Return the scripts of a folder's package.json by name, none if it cannot be read."""
    scripts = package_of(folder).get("scripts")
    pairs = scripts.items() if isinstance(scripts, dict) else ()
    return {name: text for name, text in pairs if isinstance(text, str)}


def package_of(folder: Path) -> dict[str, Any]:
    """Return what a folder's package.json says, nothing if it cannot be read."""
    try:
        package = json.loads(text_of(folder / "package.json"))
    except (ValueError, RecursionError):
        return {}
    return package if isinstance(package, dict) else {}


def _read(text: str, manager: str, given: list[str]) -> Script | None:
    try:
        words = parse_command(text, "detected").argv
    except ChecksError:
        return None
    place = dissect(words)
    own = list(words[place.arguments :])
    if is_shell(words) or place.kind not in _KINDS or "--" in own:
        return None
    separator: tuple[str, ...] = ()
    if manager == "npm":
        separator = () if "--" in given else ("--",)
        given = given[given.index("--") + 1 :] if "--" in given else []
    if "--" in given:
        return None
    return Script(place.kind, (*own, *given), separator)
