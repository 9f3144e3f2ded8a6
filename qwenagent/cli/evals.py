"""The `eval` commands: suites of tasks, and what there is to say of their results."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from qwenagent.cli.completion import ModelName
from qwenagent.errors import UsageError

if TYPE_CHECKING:
    from qwenagent.evals import Kind, Task

_ARMS = ("agent", "plain", "oracle", "idle", "text", "json", "body", "gap")


@click.group("eval")
def evals() -> None:
    """Measure what the agent can do, on tasks with tests."""


_Command = Callable[..., Any]


def _with(*options: Callable[[_Command], _Command]) -> Callable[[_Command], _Command]:
    def add(command: _Command) -> _Command:
        for option in reversed(options):
            command = option(command)
        return command

    return add


_task_flags = _with(
    click.option("--data", type=click.Path(), metavar="PATH",
                 help="Tasks of your own: JSON lines, or a checkout of exercism/python."),
    click.option("--tasks", default="", metavar="N|IDS",
                 help="So many, spread evenly, or these, with commas."),
    click.option("--language", multiple=True, metavar="NAME", help="Tasks in this one only."),
    click.option("--list", "list_only", is_flag=True, help="Print the tasks; run nothing."),
)  # fmt: skip
_arm_flags = _with(
    click.option("--arm", type=click.Choice(_ARMS), default="agent", show_default=True,
                 help="Who tries: qwenagent, one plain call of the model, the authors' "
                 "solutions, nobody, or qwenagent with answers in another form."),
    click.option("--command", default="", metavar="LINE",
                 help="Another agent, instead: a line for bash with {prompt_file}, {files}, "
                 "{dir}, {tests_cmd}, {metrics_file}."),
    click.option("--name", default="command", show_default=True, metavar="NAME",
                 help="What reports call --command."),
    click.option("--tries", type=click.IntRange(1, 2), metavar="N",
                 help="With 2 a failed try is shown the tests' output. Default: 2 for edit "
                 "with hidden tests."),
)  # fmt: skip
_run_flags = _with(
    click.option("--set", "chosen", multiple=True, metavar="NAME=VALUE",
                 help="A setting, as --set loop.repairs=0."),
    click.option("--tests", type=click.Choice(["hidden", "visible"]), default="hidden",
                 show_default=True, help="Whether the agent gets the tests that judge."),
    click.option("--model", type=ModelName(),
                 help="Model: a name of `models list`, or a GGUF file."),
    click.option("--seed", type=click.IntRange(min=0), metavar="N",
                 help="Seed for everything that is drawn."),
    click.option("--time-limit", type=click.FloatRange(min=1), default=600.0,
                 show_default=True, metavar="S", help="For one try."),
    click.option("--test-limit", type=click.FloatRange(min=1), default=60.0,
                 show_default=True, metavar="S", help="For one run of the tests that judge."),
    click.option("--out", type=click.Path(dir_okay=False), metavar="FILE",
                 help="Add the results here, a JSON line each; what is there is not repeated."),
    click.option("--again", is_flag=True, help="Move old results aside and try all anew."),
    click.option("--keep", is_flag=True, help="Keep the repositories."),
    click.option("--no-sandbox", is_flag=True, help="Run tests with all your rights."),
)  # fmt: skip
_suite_flags = _with(_task_flags, _arm_flags, _run_flags)


@evals.command("edit")
@_suite_flags
def edit(**flags: Any) -> int:
    """Write code to a description; the tests are hidden."""
    return _evaluate("edit", flags)


@evals.command("fix")
@_suite_flags
def fix(**flags: Any) -> int:
    """Find the fault that makes tests fail."""
    return _evaluate("fix", flags)


@evals.command("plan")
@_suite_flags
def plan(**flags: Any) -> int:
    """Carry out a plan.md; each step has hidden tests, and old ones stay green."""
    return _evaluate("plan", flags)


@evals.command("call")
@_suite_flags
def call(**flags: Any) -> int:
    """Answer HumanEval's problems, --data, with one call each."""
    return _evaluate("call", flags)


@evals.command("edits")
@click.option("--kind", type=click.Choice(["edit", "fix"]), default="fix", show_default=True)
@click.option(
    "--form", "forms", multiple=True, metavar="WORD", help="This form, or those with this word."
)
@_task_flags
@_run_flags
def edits(kind: Kind, forms: tuple[str, ...], **flags: Any) -> int:
    """Compare ways of changing a file: the same tasks, one answer each, in every form."""
    from qwenagent.cli.evaluating import run_study

    if flags["list_only"]:
        _print_tasks(_wanted_tasks(kind, flags))
        return 0
    return run_study(_chosen_tasks(kind, flags), kind, forms, flags)


@evals.command("report")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
def report(files: tuple[Path, ...]) -> int:
    """Print tables over result files, as Markdown."""
    from qwenagent.evals import markdown, read_all_rows

    rows = read_all_rows(files)
    if not rows:
        raise UsageError(f"no results are in {', '.join(map(str, files))}")
    click.echo(markdown(rows), nl=False)
    return 0


@evals.command("compare")
@click.argument("before", type=click.Path(path_type=Path))
@click.argument("after", type=click.Path(path_type=Path))
def compare(before: Path, after: Path) -> int:
    """Compare two result files, task by task, and say whether it is chance."""
    from qwenagent.evals import compare_kinds, comparison_text, read_rows

    found = compare_kinds(read_rows(before), read_rows(after))
    click.echo("\n\n".join(f"{kind}: {comparison_text(each)}" for kind, each in found.items()))
    return 0


@evals.command("plot")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("-o", "out", type=click.Path(path_type=Path), required=True, metavar="PNG")
def plot(files: tuple[Path, ...], out: Path) -> int:
    """Draw pass rate against time."""
    from qwenagent.evals import plot as plot_rows
    from qwenagent.evals import read_all_rows

    plot_rows(read_all_rows(files), out)
    click.echo(out)
    return 0


def _evaluate(kind: Kind, flags: dict[str, Any]) -> int:
    from qwenagent.cli.evaluating import run_suite

    if flags["list_only"]:
        _print_tasks(_wanted_tasks(kind, flags))
        return 0
    return run_suite(kind, _chosen_tasks(kind, flags), flags)


def _wanted_tasks(kind: Kind, flags: dict[str, Any]) -> list[Task]:
    from qwenagent.evals import load_tasks, select

    data = Path(flags["data"]) if flags["data"] else None
    return select(load_tasks(kind, data), flags["tasks"], flags["language"])


def _chosen_tasks(kind: Kind, flags: dict[str, Any]) -> tuple[Task, ...]:
    """Return the tasks that can be tried here; say which cannot."""
    from qwenagent.evals import choose

    chosen = choose(_wanted_tasks(kind, flags), dict(os.environ))
    for name, tool in chosen.left_out.items():
        click.echo(f"warning: {name} is left out: {tool} is not on this machine", err=True)
    if not chosen.tasks:
        raise UsageError("no task is left", hint="install what is named above")
    return chosen.tasks


def _print_tasks(tasks: Sequence[Task]) -> None:
    from qwenagent.ui import print_rows

    rows = [
        (t.id, t.language, str(t.level or ""), ", ".join(t.files), ", ".join(t.steps))
        for t in tasks
    ]
    print_rows(f"{len(tasks)} tasks", ("task", "language", "level", "files", "checks"), rows)
