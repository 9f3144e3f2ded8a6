"""The commands that carry out a task, a plan or the demo, and `doctor`. No logic."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from qwenagent import __version__
from qwenagent.cli.codes import ENVIRONMENT
from qwenagent.cli.flags import check_flags, in_folder, relative_files, run_flags
from qwenagent.cli.models import find_model, models, obtain_default
from qwenagent.cli.wiring import build_settings, open_repository, run_agent
from qwenagent.cli.words import TaskGroup
from qwenagent.errors import UsageError

if TYPE_CHECKING:
    from qwenagent.plan import Plan
    from qwenagent.workspace import Repository


@click.group(cls=TaskGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="qwenagent")
def cli() -> None:
    """A terminal coding agent for Qwen 2.5 Coder, which it runs itself.

    \b
    qwenagent "make tests/test_parser.py pass"     one task, on the tree as it is
    qwenagent run plan.md                          a plan, a commit for each step
    """


@cli.command()
@click.argument("task", nargs=-1, metavar="[TASK]")
@click.option("--prompt-file", type=click.Path(), metavar="FILE", help="Read the task from a file.")
@click.option("--commit", is_flag=True, help="Commit the change instead of leaving it in the tree.")
@run_flags
def do(task: tuple[str, ...], prompt_file: str | None, commit: bool, **flags: Any) -> int:
    """Carry out one task on the tree as it is. `qwenagent "TASK"` is short for it."""
    from qwenagent.loop import RunOptions
    from qwenagent.plan import task_plan

    text = _task_text(task, prompt_file, flags)
    check_flags(flags)
    with open_repository() as repository:
        options = RunOptions(files=relative_files(repository, flags), branch=False, commit=commit)
        return run_agent(repository, task_plan(text), "task", options, flags)


def _task_text(words: tuple[str, ...], prompt_file: str | None, flags: dict[str, Any]) -> str:
    if len(words) > 1:
        raise UsageError(
            f"a task is one argument, and here are {len(words)}: {' | '.join(words)}",
            hint=f'put it in quotes: qwenagent "{" ".join(words)}"',
        )
    if bool(words) == (prompt_file is not None):
        files = "; words after --files count as files" if flags["files"] else ""
        raise UsageError(
            f"give the task either as one argument or with --prompt-file{files}",
            hint='for example: qwenagent "make tests/test_parser.py pass"',
        )
    return words[0] if prompt_file is None else _read_prompt(prompt_file)


def _read_prompt(name: str) -> str:
    try:
        return Path(name).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"the task cannot be read from {name}: {error}") from error


@cli.command()
@click.argument("plan", type=click.Path())
@click.option("--check", is_flag=True, help="Print steps, files and tests; run nothing.")
@click.option("--here", is_flag=True, help="Commit on the present branch.")
@click.option("--no-commit", is_flag=True, help="Leave one uncommitted diff.")
@run_flags
def run(plan: str, check: bool, here: bool, no_commit: bool, **flags: Any) -> int:
    """Carry out a plan step by step, each tested and committed on a new branch."""
    from qwenagent.loop import RunOptions
    from qwenagent.plan import read_plan

    if here and no_commit:
        raise UsageError("--here and --no-commit exclude each other")
    check_flags(flags)
    path = Path(plan)
    if check:
        return _check_plan(read_plan(path), as_json=flags["as_json"])
    with open_repository() as repository:
        files = relative_files(repository, flags)
        parsed = read_plan(path)
        repository.require_clean(_inside(repository, path))
        options = RunOptions(files=files, branch=not here, commit=not no_commit)
        return run_agent(repository, parsed, "plan", options, flags)


def _inside(repository: Repository, path: Path) -> list[str]:
    resolved = path.resolve()
    root = repository.root.resolve()
    return [resolved.relative_to(root).as_posix()] if resolved.is_relative_to(root) else []


def _check_plan(plan: Plan, *, as_json: bool) -> int:
    """Print what `run` would do."""
    import dataclasses
    import json

    from qwenagent.ui import check_line, print_rows

    if as_json:
        click.echo(json.dumps({"type": "plan", **dataclasses.asdict(plan)}))
        return 0
    rows = [
        (
            str(step.number),
            f"{step.title} (ticked)" if step.checked else step.title,
            ", ".join(step.mentions),
            step.test or ("given as code" if step.test_code else ""),
        )
        for step in plan.steps
    ]
    print_rows(plan.title, ("step", "what", "files", "test"), rows)
    if plan.test:
        click.echo(f"tests of the whole: {plan.test}")
    for warning in plan.warnings:
        check_line(None, "plan", warning)
    return 0


@cli.command()
@click.option(
    "--keep", type=click.Path(), metavar="DIR", help="Put the sample here instead of a new folder."
)
@run_flags
def demo(keep: str | None, **flags: Any) -> int:
    """Copy a small sample project and carry out its plan of three steps."""
    import tempfile

    from qwenagent.demo import copy_sample, require_empty
    from qwenagent.loop import RunOptions
    from qwenagent.plan import read_plan
    from qwenagent.workspace import Repository

    check_flags(flags)
    if keep:
        require_empty(Path(keep))
    flags |= {"yes": True, "model": _demo_model(flags)}
    folder = Path(keep or tempfile.mkdtemp(prefix="qwenagent-demo-")).absolute()
    copy_sample(folder)
    if not flags["as_json"]:
        click.echo(f"The sample project is in {folder}")
        _warn_of_idle_gpu()
    repository = Repository.open(folder)
    try:
        return run_agent(repository, read_plan(folder / "plan.md"), "plan", RunOptions(), flags)
    finally:
        repository.close()


def _demo_model(flags: dict[str, Any]) -> str:
    """Return the model for the demo: the one that was asked for, else one that is fetched now."""
    settings = build_settings(None, flags)
    if settings.model.name:
        find_model(settings)
        return settings.model.name
    return obtain_default(quiet=flags["as_json"]).name


def _warn_of_idle_gpu() -> None:
    from qwenagent.engine import offload_available, visible_gpu, wheel_command

    gpu = visible_gpu()
    if gpu and not offload_available():
        click.echo(
            f"warning: the {gpu} sits idle; this build of llama.cpp uses the CPU only", err=True
        )
        click.echo(f"  {wheel_command(gpu)}", err=True)


@cli.command()
@in_folder
def doctor() -> int:
    """Check what qwenagent needs on this machine and say what is missing."""
    from qwenagent.doctor import examine
    from qwenagent.ui import check_line

    ok = True
    for finding in examine(Path.cwd()):
        check_line(finding.ok, finding.name, finding.detail, finding.hint)
        ok = ok and finding.ok is not False
    return 0 if ok else ENVIRONMENT


cli.add_command(models)
