"""How to make a script that watches files run its tests once and end.

The options are those that end jest 29, vitest 4, mocha 12 and node 20, each tried; those of
react-scripts and ng are their documented ones.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

_SEPARATORS = re.compile(r"&&|\|\||[;|&]")
_STARTED = re.compile(r"(?:npm|pnpm|yarn|bun)\s+(?:run(?:-script)?\s+)?([\w:.-]+)")
_REACT = r"(?:react-scripts|react-app-rewired|craco)\s+(?:\S+\s+)*?test\b"
_VITEST = r"(?<![\w@-])vitest(?![\w./-])"
_WATCH = r"\s--watch(?![\w-]|=false)"
# What watches, the words with which it does not, and the option that, coming last, ends it.
_ENDINGS = (
    (_VITEST, r"\s(?:run|related|bench|list)\b|\s--run\b|\s--watch=false|\s--no-watch", "--run"),
    (_REACT, r"--watchAll[ =]false", "--watchAll=false"),
    (r"(?<![\w@-])ng\s+test\b", r"--watch=false|--no-watch", "--watch=false"),
    (r"\bjest\b.*\s--watchAll(?!\w|[ =]false)", None, "--watchAll=false"),
    (rf"\bjest\b.*{_WATCH}", None, "--watch=false"),
    (rf"\bmocha\b.*(?:{_WATCH}|\s-w\b)", None, "--no-watch"),
    (rf"\bnode\b.*{_WATCH}", None, "--no-watch"),
)
# They do not watch where the variable CI is set.
_HEEDS_CI = re.compile(f"{_VITEST}|{_REACT}")
_ENDLESS = re.compile(rf"\b(?:nodemon|chokidar|tsc-watch|onchange)\b|{_WATCH}|--watch-path|--ui\b")


@dataclass(frozen=True, slots=True)
class Once:
    """What a script needs so that it ends."""

    arguments: str = ""
    """To be handed to the script, "" if nothing has to be."""
    needs_ci: bool = False
    """True if the variable CI has to be set."""


def once(script: str, others: Mapping[str, str]) -> Once | None:
    """Return what makes a script end by itself, None if nothing does.

    `others` are the package's scripts by name, some of which this one may start.
    """
    *before, last = _SEPARATORS.split(script)
    option = _ending(last)
    inner = [*before, *_started(script, others)]
    watching = [part for part in inner if _ending(part) != ""]
    if option is None or not all(map(_HEEDS_CI.search, watching)):
        return None
    return Once(option, bool(watching))


def _started(script: str, others: Mapping[str, str]) -> Iterator[str]:
    """Yield the commands of the scripts that a script starts, not further down."""
    for name in _STARTED.findall(script):
        if name in others and others[name] != script:
            yield from _SEPARATORS.split(others[name])


def _ending(command: str) -> str | None:
    """Return the option that ends a command, "" if it needs none, None if there is none."""
    for watches, unless, option in _ENDINGS:
        if re.search(watches, command):
            return "" if unless and re.search(unless, command) else option
    return None if _ENDLESS.search(command) else ""
