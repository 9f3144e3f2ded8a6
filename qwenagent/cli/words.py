"""What the words on the command line mean: a command, a task, a file. Runs nothing."""

from __future__ import annotations

import difflib
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from qwenagent.errors import UsageError


class TaskGroup(click.Group):
    """`qwenagent "do this"` is `qwenagent do "do this"`, and flags may precede the command."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        # A shell that asks for words has a part of the line, in which a slip is nothing to tell.
        return super().parse_args(ctx, self._with_command(args, strict=not ctx.resilient_parsing))

    def _with_command(self, args: list[str], *, strict: bool) -> list[str]:
        if args and args[0] in ("--help", "-h", "--version"):
            return args
        at = self._first_word(args)
        if at is None:
            return self._without_word(args)
        word, others = args[at], [*args[:at], *args[at + 1 :]]
        if word in self.commands:
            return [word, *others]
        # "runn plan.md" is a slip and no task; a sentence is never near a command's name.
        near = difflib.get_close_matches(word, self.commands, n=1, cutoff=0.75) if strict else []
        if near:
            raise UsageError(
                f"there is no command {word!r}; did you mean {near[0]}?",
                hint=f"if it is a task: qwenagent do {word}",
            )
        return ["do", *args]

    def _without_word(self, args: list[str]) -> list[str]:
        """Flags alone open a session, if somebody sits before a terminal."""
        if not (sys.stdin.isatty() and sys.stdout.isatty()):
            return ["do", *args] if args else args
        known = {name for param in self.commands["session"].params for name in param.opts}
        flags = {word.partition("=")[0] for word in args if word.startswith("-") and word != "--"}
        return ["session", *args] if flags <= known and "--" not in args else ["do", *args]

    def _first_word(self, args: list[str]) -> int | None:
        """Return where the first word is that is neither a flag nor the value of one."""
        options = [p for p in self.commands["do"].params if isinstance(p, click.Option)]
        take_value = {name for option in options if not option.is_flag for name in option.opts}
        after_flag = False
        for i, word in enumerate(args):
            if word == "--":
                return None
            if not (after_flag or word.startswith("-")):
                return i
            after_flag = not after_flag and word in take_value
        return None


def spread_files(args: Sequence[str]) -> list[str]:
    """Write `--files a b` as `--files a --files b`: up to the next flag, or to a sentence.

    Raises:
        UsageError: no file follows.
    """
    out: list[str] = []
    n_taken: int | None = None  # files since the last --files, None behind another flag
    for i, word in enumerate(args):
        if n_taken is not None and not word.startswith("-") and _may_be_file(word, args):
            out += ["--files", word]
            n_taken += 1
            continue
        if n_taken == 0:
            break
        if word == "--":
            return [*out, *args[i:]]
        n_taken = 0 if word == "--files" else None
        out += [] if word == "--files" else [word]
    if n_taken == 0:
        raise UsageError(
            "--files needs at least one file", hint='qwenagent "TASK" --files a.py b.py'
        )
    return out


def _may_be_file(word: str, args: Sequence[str]) -> bool:
    """Tell a file from a task: a name with a space in it counts only if the file is there."""
    folder = args[args.index("-C") + 1 :][:1] if "-C" in args else []
    # Path.exists raises for a name that is too long, which a task is easily.
    return not any(c.isspace() for c in word) or os.path.lexists(Path(*folder, word))


def usage_words(error: click.ClickException) -> tuple[str, str]:
    """Return message and next move for what click says of a command line."""
    text = error.format_message().rstrip(".")
    context = getattr(error, "ctx", None)
    command = context.command_path if context else "qwenagent"
    return f"{text[:1].lower()}{text[1:]}", f"`{command} --help` lists what it takes"
