"""A test command as people type it, and as the words that are started. Starts nothing."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from pathlib import PurePath
from typing import Literal

from qwenagent.errors import ChecksError
from qwenagent.protocol.checks import TestCommand

Origin = Literal["flag", "step", "plan", "repository", "detected"]

MAX_CHARS = 4000
MAX_WORDS = 200
"""Longer ones nobody reads before saying yes. What the user typed has no limit."""

_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=")
_VERSION = re.compile(r"(?<=[a-z])[\d.]+$")
_BRACES = re.compile(r"\{[^{}\s,]*,[^{}\s]*\}")
# Words of the shell itself: there is no program of this name, or it would do something else.
_SHELL_WORDS = frozenset(
    [
        *("cd", "export", "source", ".", ":", "set", "unset", "eval", "exit", "ulimit", "if"),
        *("for", "while", "case", "until", "[[", "{", "!"),
    ]
)


def parse_command(text: str, origin: Origin) -> TestCommand:
    """Turn a line that a person wrote into words, or into one for bash if it needs a shell.

    Raises:
        ChecksError: nothing to run, a quote that is not closed, or too long to be approved.
    """
    shown = re.sub(r"\\\r?\n[ \t]*", "", text).strip()
    if not shown or "\0" in shown:
        raise ChecksError("the test command is empty; give one, e.g. `python -m pytest`")
    if origin != "flag":
        _require_short(shown)
    try:
        words = shlex.split(shown)
    except ValueError as error:
        raise ChecksError(
            f"cannot read the test command {shown!r}: {str(error).lower()}",
            hint="close the quotation, or put a backslash before a mark that is meant as it is",
        ) from error
    n_set = count_assignments(words)
    if n_set == len(words):
        raise ChecksError(f"the test command {shown!r} starts no program")
    if needs_shell(shown) or words[n_set] in _SHELL_WORDS:
        return TestCommand(("bash", "-c", shown), shown, origin)
    return TestCommand(tuple(["env", *words] if n_set else words), shown, origin)


def _require_short(shown: str) -> None:
    n_words = len(shown.split())
    if len(shown) > MAX_CHARS or n_words > MAX_WORDS:
        raise ChecksError(
            f"a command of {len(shown)} characters and {n_words} words, which begins "
            f"{shown[:40]!r}: more than {MAX_CHARS} or {MAX_WORDS} are not run",
            hint="put it into a script of the repository and name that",
        )


def count_assignments(words: Sequence[str]) -> int:
    """Return how many words at the beginning set a variable: `A=b`."""
    plain = (i for i, word in enumerate(words) if not _ASSIGNMENT.match(word))
    return next(plain, len(words))


def program_name(word: str) -> str:
    """Return a program's name without folder, version and `.exe`, in small letters."""
    return _VERSION.sub("", PurePath(word.strip()).name.lower().removesuffix(".exe"))


def typed(argv: Sequence[str]) -> str:
    """Return the words of a command as people type them: `env A=b x` is `A=b x`."""
    n_set = count_assignments(argv[1:]) if argv[0] == "env" else 0
    if not n_set or n_set == len(argv) - 1:
        return shlex.join(argv)
    pairs = (word.partition("=") for word in argv[1 : 1 + n_set])
    # Quoted as a whole it would be the name of a program.
    assigned = [f"{name}={shlex.quote(value)}" for name, _, value in pairs]
    return " ".join([*assigned, shlex.join(argv[1 + n_set :])])


def needs_shell(text: str) -> bool:
    """True if a shell would see more in the text than words."""
    bare = unquoted(text)
    return (
        re.search(r"[|&;<>()$`*?\n]|(?:^|\s)[~#!]", bare) is not None
        or _BRACES.search(bare) is not None
    )


def unquoted(text: str) -> str:
    """Return the text without what quotes protect; `$` and backquote act in double quotes too."""
    pattern = r"\\.|'[^']*'|\"((?:[^\"\\]|\\.)*)\""

    def active(match: re.Match[str]) -> str:
        inner = re.sub(r"\\.", "", match[1] or "", flags=re.DOTALL)
        return "_" + "".join(c for c in inner if c in "$`")

    return re.sub(pattern, active, text, flags=re.DOTALL)


def is_shell(argv: Sequence[str]) -> bool:
    """True for a text that a shell interprets."""
    return len(argv) >= 3 and PurePath(argv[0]).name in ("bash", "sh") and argv[1] == "-c"
