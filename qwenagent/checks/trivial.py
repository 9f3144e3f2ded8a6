"""Tells commands that cannot fail, or that show nothing when they succeed.

When in doubt a command counts as able to fail.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from pathlib import PurePath

from qwenagent.checks.command import dissect, is_shell
from qwenagent.protocol.checks import TestCommand

_HARMLESS = frozenset({"true", ":", "echo", "printf", "pwd", "date", "sleep", "whoami", "clear"})
_ONLY_TELLING = frozenset({"--version", "--help", "--collect-only", "--co", "--fixtures"})
_QUOTED = re.compile(r"\\.|'[^']*'|\"(?:[^\"\\]|\\.)*\"", re.DOTALL)


def is_trivial(command: TestCommand) -> bool:
    """True if the command succeeds whatever the code does: `true`, `x || true`, `x --version`."""
    return not _can_fail(command.argv)


def _can_fail(words: Sequence[str]) -> bool:
    if not words:
        return False
    if is_shell(words):
        return _text_can_fail(words[2])
    place = dissect(words)
    if is_shell(words[place.program :]):
        return _text_can_fail(words[place.program + 2])
    rest = words[place.program :]
    name = PurePath(rest[0]).name
    if name == "exit":
        return "0" not in rest[1:2]
    if place.kind != "other" or name in ("make", "cargo", "go", "node", "npm"):
        return not _ONLY_TELLING.intersection(rest)
    return name not in _HARMLESS and "--version" not in rest


def _text_can_fail(text: str) -> bool:
    """Judge a shell text by the status it ends with: that of its last list of commands."""
    parts = _split(text)
    stops = any(re.match(r"set\s+-\w*e", part) for _, part in parts)
    can_fail = False
    for operator, part in parts:
        now = _simple_can_fail(part)
        if operator == "||":
            can_fail = can_fail and now
        elif operator in ("&&", "|") or stops:
            can_fail = can_fail or now
        else:
            can_fail = now
    return can_fail


def _split(text: str) -> list[tuple[str, str]]:
    """Cut a shell text at its operators: (operator before it, simple command)."""
    bare = _QUOTED.sub(lambda match: "_" * len(match[0]), text)
    parts, operator, start = [], ";", 0
    # `2>&1` and `&>log` are redirections.
    for match in re.finditer(r"&&|\|\||(?<![<>])&(?!>)|\|&?|;|\n", bare):
        parts.append((operator, text[start : match.start()].strip()))
        operator, start = match[0].removesuffix("&") if match[0] == "|&" else match[0], match.end()
    last = text[start:].strip()
    # An `&` at the end sends what stands before it to the background: the status is 0.
    return [*parts, (operator, last)] if last or operator == "&" else parts


def _simple_can_fail(part: str) -> bool:
    try:
        words = shlex.split(part, comments=True)
    except ValueError:
        return True
    return _can_fail(words)
