"""The flags that every run has, and what a look at them alone shows to be wrong."""

from __future__ import annotations

import math
import re
from contextlib import chdir
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from qwenagent.cli.completion import ModelName
from qwenagent.errors import ChecksError, UsageError

if TYPE_CHECKING:
    from qwenagent.workspace import Repository


_OF_RUNS = ("--files", "--json", "--time-limit", "--metrics")
"""Flags that mean one run, or no person."""


def run_flags(command: Any) -> Any:
    """Add the flags that every run of the model has."""
    return _with(command, _options())


def session_flags(command: Any) -> Any:
    """Add those of them that hold for a whole conversation."""

    def is_of_sessions(option: Any) -> bool:
        probe = option(lambda: None)
        return probe.__click_params__[0].opts[0] not in _OF_RUNS

    return _with(command, list(filter(is_of_sessions, _options())))


def _with(command: Any, options: list[Any]) -> Any:
    for option in reversed(options):
        command = option(command)
    return command


def _options() -> list[Any]:
    return [
        click.option(
            "--model", type=ModelName(), help="Model: a name of `models list`, or a GGUF file."
        ),
        click.option(
            "--endpoint",
            metavar="URL",
            help="Server that runs the model: llama.cpp's; vLLM's is untested. \"\" is none.",
        ),
        click.option("--test-cmd", help="Command that runs the project's tests."),
        click.option("--files", multiple=True, metavar="FILE...", help="Files to work on."),
        click.option(
            "--write-tests",
            is_flag=True,
            default=None,
            help="Where no test speaks for a step, have the model write one first.",
        ),
        click.option("--yes", is_flag=True, help="Approve all commands without asking."),
        *frontier_options(),
        click.option(
            "--up-front",
            type=click.Choice(["advice", "patch"]),
            metavar="WHAT",
            help='Ask another model for "advice" or a "patch" before a step is tried here.',
        ),
        click.option(
            "--allow-loopback", is_flag=True, help="Let tests reach this machine's own ports."
        ),
        click.option("--allow-network", is_flag=True, help="Let tests reach the network."),
        click.option("--no-sandbox", is_flag=True, help="Run tests with all your rights."),
        click.option("--json", "as_json", is_flag=True, help="Print events as JSON lines."),
        click.option(
            "--seed",
            type=click.IntRange(min=0),
            metavar="N",
            help="Seed for everything that is drawn.",
        ),
        click.option(
            "--time-limit",
            type=click.FloatRange(min=0, min_open=True),
            metavar="S",
            help="Stop after so many seconds.",
        ),
        click.option(
            "--metrics",
            type=click.Path(dir_okay=False),
            metavar="FILE",
            help="Write token counts here, as JSON.",
        ),
        in_folder,
    ]


def frontier_options() -> list[Any]:
    """Return the flags that say what may leave this machine, and for how much."""
    return [
        click.option("--offline", is_flag=True, help="Open no connection to another machine."),
        click.option(
            "--budget",
            type=Budget(),
            metavar="DOLLARS",
            help='Most that this run may spend on other models; "50000t" is in tokens.',
        ),
    ]


class Budget(click.ParamType["tuple[str, float | int]"]):
    """Dollars as "0.50", or tokens as "50000t"; gives the setting that it is, and its value."""

    name = "budget"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, float | int]:
        """Read it."""
        if isinstance(value, tuple):
            return value
        text = str(value).strip().lower().removeprefix("$").replace(",", "").replace("_", "")
        if found := re.fullmatch(r"(\d{1,12}) ?(?:t|tok|tokens?)", text, re.ASCII):
            return "escalate.run_tokens", int(found[1])
        if re.fullmatch(r"\d{1,6}(\.\d{1,6})?|\.\d{1,6}", text, re.ASCII):
            return "escalate.run_dollars", float(text)
        raise click.BadParameter(
            f"{value!r} is neither dollars, as 0.50, nor tokens, as 50000t", ctx, param
        )


def in_folder(command: Any) -> Any:
    """Add -C, which is read before every other flag."""
    return click.option(
        "-C",
        metavar="DIR",
        type=click.Path(exists=True, file_okay=False),
        callback=_enter,
        is_eager=True,
        expose_value=False,
        help="Work as if started in DIR; the plan, --files and all other paths start there.",
    )(command)


def _enter(ctx: click.Context, _: click.Parameter, folder: str | None) -> None:
    """Make the folder after -C the current one for as long as the command runs."""
    if folder is not None:
        ctx.with_resource(chdir(folder))


def check_flags(flags: dict[str, Any]) -> None:
    """Refuse what a look at the flags alone shows to be wrong.

    Raises:
        UnknownModel, UsageError: there is no such model, or the test command cannot be read.
        ConfigError: the endpoint is no address of a server.
    """
    from qwenagent.checks import parse_command
    from qwenagent.registry import find_card, is_model_path

    if flags["time_limit"] is not None and math.isnan(flags["time_limit"]):
        raise UsageError("--time-limit nan is no number of seconds", hint="--time-limit 3600")
    if flags["model"] and not is_model_path(flags["model"]):
        find_card(flags["model"])
    if flags["offline"] and flags["allow_network"]:
        raise UsageError(
            "--offline and --allow-network exclude each other", hint="leave one of them out"
        )
    if flags["endpoint"]:
        from qwenagent.engine.remote import read_endpoint

        read_endpoint(flags["endpoint"], {})
    if flags["test_cmd"] is not None:
        try:
            parse_command(flags["test_cmd"], "flag")
        except ChecksError as error:
            raise UsageError(f"--test-cmd: {error.message}", hint=error.hint) from error


def relative_files(repository: Repository, flags: dict[str, Any]) -> tuple[str, ...]:
    """Return the paths after --files as repository paths."""
    root = repository.root.resolve()
    paths = [Path(name).resolve() for name in flags["files"]]
    if outside := [p for p in paths if not p.is_relative_to(root)]:
        raise UsageError(
            f"--files: {outside[0]} is not inside the repository {root}",
            hint="name files of the repository; paths start in the current folder, or after -C",
        )
    return tuple(path.relative_to(root).as_posix() for path in paths)


def standing_in(repository: Repository) -> str:
    """Return the current folder relative to the repository; the repository itself is "."."""
    root, here = repository.root.resolve(), Path.cwd().resolve()
    return here.relative_to(root).as_posix() if here.is_relative_to(root) else "."
