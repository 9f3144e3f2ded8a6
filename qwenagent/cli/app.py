"""The commands that carry out a task, a plan or the demo, and `doctor`. No logic."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from qwenagent import __version__
from qwenagent.cli.bench import bench
from qwenagent.cli.bill import stats
from qwenagent.cli.codes import ENVIRONMENT
from qwenagent.cli.completion import completion
from qwenagent.cli.endpoint import remote_engine
from qwenagent.cli.evals import evals
from qwenagent.cli.flags import check_flags, in_folder, relative_files, run_flags, standing_in
from qwenagent.cli.models import find_model, models, obtain_default
from qwenagent.cli.past import clean, export, log, show
from qwenagent.cli.planning import plan as plan_command
from qwenagent.cli.plans import plan_prompt, schema
from qwenagent.cli.reviewing import review
from qwenagent.cli.session import session
from qwenagent.cli.settings import config
from qwenagent.cli.setup import setup
from qwenagent.cli.undoing import diff, redo, restore, undo
from qwenagent.cli.wiring import build_settings, open_repository, run_agent
from qwenagent.cli.words import TaskGroup
from qwenagent.cli.worktree import open_worktree
from qwenagent.errors import UsageError, reason

if TYPE_CHECKING:
    from qwenagent.workspace import Repository


@click.group(cls=TaskGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="qwenagent")
def cli() -> None:
    """A terminal coding agent for Qwen 2.5 Coder, which it runs itself.

    \b
    qwenagent                                      a conversation about the repository
    qwenagent "make tests/test_parser.py pass"     one task, on the tree as it is
    qwenagent run plan.md                          a plan, a commit for each step
    """


@cli.command()
@click.argument("task", nargs=-1, metavar="[TASK]")
@click.option(
    "--prompt-file",
    type=click.Path(),
    metavar="FILE",
    help="Read the task from a file, or from the input: -.",
)
@click.option("--commit", is_flag=True, help="Commit the change instead of leaving it in the tree.")
@run_flags
def do(task: tuple[str, ...], prompt_file: str | None, commit: bool, **flags: Any) -> int:
    """Carry out one task on the tree as it is. `qwenagent "TASK"` is short for it."""
    from qwenagent.loop import RunOptions
    from qwenagent.plan import task_plan

    text = _task_text(task, prompt_file, flags)
    check_flags(flags)
    with open_repository(text) as repository:
        options = RunOptions(
            files=relative_files(repository, flags),
            folder=standing_in(repository),
            branch=False,
            commit=commit,
        )
        return run_agent(repository, [task_plan(text)], "task", options, flags)


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
    if name == "-" and sys.stdin.isatty():
        raise UsageError(
            "--prompt-file - reads a pipe, and there is a terminal", hint="name a file"
        )
    try:
        data = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
        return data.decode("utf-8-sig").replace("\r\n", "\n")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"the task cannot be read from {name}: {reason(error)}",
            hint="give a text file in UTF-8, or the task itself in quotes",
        ) from error


@cli.command()
@click.argument("plan", type=click.Path(), nargs=-1, required=True)
@click.option("--check", is_flag=True, help="Print steps, files and tests; run nothing.")
@click.option("--here", is_flag=True, help="Commit on the present branch.")
@click.option("--no-commit", is_flag=True, help="Leave one uncommitted diff.")
@click.option("--worktree", is_flag=True, help="Work in a tree of its own beside this one.")
@click.option("--strict", is_flag=True, help="Exit 1 if no test speaks for a step.")
@click.option("--stop-on-block", is_flag=True, help="End at the first blocked step.")
@click.option("--tick", is_flag=True, help="Tick the boxes of the done steps in PLAN.")
@click.option("--restart", is_flag=True, help="Forget what earlier runs of PLAN have done.")
@run_flags
def run(
    plan: tuple[str, ...], check: bool, here: bool, no_commit: bool, worktree: bool, **flags: Any
) -> int:
    """Carry out a plan step by step, each tested and committed on a new branch.

    Several plans are carried out one after the other. What an earlier run of the same plan has
    done is not done again.
    """
    from qwenagent.cli.plans import check_plan
    from qwenagent.loop import RunOptions, require_clean
    from qwenagent.plan import read_plan

    _refuse_both({"--here": here, "--no-commit": no_commit, "--worktree": worktree})
    check_flags(flags)
    paths = [Path(name).absolute() if worktree else Path(name) for name in plan]
    _refuse_twice(paths)
    if check:
        return max(check_plan(read_plan(path), as_json=flags["as_json"]) for path in paths)
    what = f"run {' '.join(plan)}"
    if worktree and flags["metrics"]:
        flags["metrics"] = str(Path(flags["metrics"]).absolute())
    opened = open_worktree(paths[0], what, as_json=flags["as_json"]) if worktree else None
    with opened or open_repository(what) as repository:
        options = RunOptions(
            files=relative_files(repository, flags),
            folder=standing_in(repository),
            branch=not (here or worktree),
            commit=not no_commit,
            **{name: flags[name] for name in ("strict", "stop_on_block", "tick", "restart")},
        )
        plans = [read_plan(path) for path in paths]
        require_clean(repository, plans, _inside(repository, paths), commit=options.commit)
        return run_agent(repository, plans, "plan", options, flags)


def _refuse_both(given: dict[str, bool]) -> None:
    names = [name for name, is_given in given.items() if is_given]
    if len(names) > 1:
        raise UsageError(f"{' and '.join(names)} exclude each other", hint="leave one of them out")


def _refuse_twice(paths: list[Path]) -> None:
    places = [path.absolute().resolve() for path in paths]
    for path, place in zip(paths, places, strict=True):
        if (n := places.count(place)) > 1:
            raise UsageError(f"{path} is given {n} times", hint="name each plan of the queue once")


def _inside(repository: Repository, paths: list[Path]) -> list[str]:
    root = repository.root.resolve()
    resolved = [path.resolve() for path in paths]
    return [p.relative_to(root).as_posix() for p in resolved if p.is_relative_to(root)]


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
    settings = build_settings(None, flags)
    remote = bool(settings.model.endpoint)
    flags |= {"yes": True} if remote else {"yes": True, "model": _demo_model(flags)}
    if remote:
        remote_engine(settings)[0].close()  # before anything is left behind
    folder = Path(keep or tempfile.mkdtemp(prefix="qwenagent-demo-")).absolute()
    copy_sample(folder)
    if not flags["as_json"]:
        click.echo(f"The sample project is in {folder}")
        if not remote:
            _warn_of_idle_gpu()
    repository = Repository.open(folder)
    try:
        return run_agent(repository, [read_plan(folder / "plan.md")], "plan", RunOptions(), flags)
    finally:
        repository.close()


def _demo_model(flags: dict[str, Any]) -> str:
    """Return the model for the demo: the one that was asked for, else one that is fetched now."""
    settings = build_settings(None, flags)
    if settings.model.name or flags["offline"]:
        card, _ = find_model(settings)
        return settings.model.name or card.name
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
cli.add_command(plan_prompt)
cli.add_command(schema)
cli.add_command(plan_command)
cli.add_command(review)
cli.add_command(config)
cli.add_command(stats)
cli.add_command(bench)
cli.add_command(completion)
cli.add_command(setup)
cli.add_command(session)
cli.add_command(evals)
cli.add_command(undo)
cli.add_command(redo)
cli.add_command(restore)
cli.add_command(diff)
cli.add_command(log)
cli.add_command(show)
cli.add_command(export)
cli.add_command(clean)
