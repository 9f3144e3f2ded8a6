"""The command line: builds one engine, one workspace, one view, and hands them over. No logic."""

from __future__ import annotations

import os
import platform
import signal
import sys
import threading
import traceback
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from qwenagent import __version__
from qwenagent.errors import ConfigError, PlanError, QwenAgentError, UsageError

if TYPE_CHECKING:
    from qwenagent.config import Settings
    from qwenagent.engine import EmbeddedEngine
    from qwenagent.loop import Ports, RunOptions, Stop
    from qwenagent.plan import Plan
    from qwenagent.protocol.approval import Approver
    from qwenagent.protocol.events import RunKind
    from qwenagent.registry import Card
    from qwenagent.workspace import Repository

BUG = 3
INTERRUPTED = 130


class _TaskGroup(click.Group):
    """`qwenagent "do this"` is `qwenagent do "do this"`; a list of words may follow --files."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        head = next((i for i, word in enumerate(args) if not word.startswith("-")), None)
        names_command = head is not None and args[head] in self.commands and head == 0
        wants_help = args[:1] in (["--help"], ["-h"], ["--version"], [])
        if not names_command and not wants_help:
            args = ["do", *args]
        return super().parse_args(ctx, args)


def _spread_files(args: Sequence[str]) -> list[str]:
    """Write `--files a b` as `--files a --files b`: up to the next flag, or to a sentence."""
    out: list[str] = []
    in_files = False
    for word in args:
        if word.startswith("-"):
            in_files = word == "--files"
            if not in_files:
                out.append(word)
        elif in_files and (not any(c.isspace() for c in word) or Path(word).exists()):
            out += ["--files", word]
        else:
            in_files = False
            out.append(word)
    return out


def _run_flags(command: Any) -> Any:
    """Add the flags that every run of the model has."""
    options = [
        click.option("--model", help="Model: a name of `models list`, or a GGUF file."),
        click.option("--test-cmd", help="Command that runs the project's tests."),
        click.option("--files", multiple=True, metavar="FILE...", help="Files to work on."),
        click.option("--yes", is_flag=True, help="Approve the test commands without asking."),
        click.option("--json", "as_json", is_flag=True, help="Print events as JSON lines."),
        click.option("--seed", type=int, help="Seed for everything that is drawn."),
        click.option("--time-limit", type=float, metavar="S", help="Stop after so many seconds."),
        click.option("--metrics", type=click.Path(dir_okay=False), help="Write token counts here."),
        click.option("-C", "folder", default=".", metavar="DIR", help="Work in this folder."),
    ]
    for option in reversed(options):
        command = option(command)
    return command


@click.group(cls=_TaskGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="qwenagent")
def cli() -> None:
    """A terminal coding agent for Qwen 2.5 Coder, which it runs itself.

    \b
    qwenagent "make tests/test_parser.py pass"     one task, on the tree as it is
    qwenagent run plan.md                          a plan, a commit for each step
    """


@cli.command()
@click.argument("task", required=False)
@click.option("--prompt-file", type=click.Path(dir_okay=False), help="Read the task from a file.")
@click.option("--commit", is_flag=True, help="Commit the change instead of leaving it in the tree.")
@_run_flags
def do(task: str | None, prompt_file: str | None, commit: bool, **flags: Any) -> int:
    """Carry out one task on the tree as it is. `qwenagent "TASK"` is short for it."""
    from qwenagent.loop import RunOptions
    from qwenagent.plan import task_plan

    if (task is None) == (prompt_file is None):
        raise UsageError("give the task either as one argument or with --prompt-file")
    text = task if task is not None else _read_prompt(str(prompt_file))
    options = RunOptions(files=_relative(flags), branch=False, commit=commit)
    with _repository(flags) as repository:
        return _run(repository, task_plan(text), "task", options, flags)


@cli.command()
@click.argument("plan", type=click.Path())
@click.option("--check", is_flag=True, help="Print steps, files and tests; run nothing.")
@click.option("--here", is_flag=True, help="Commit on the present branch.")
@click.option("--no-commit", is_flag=True, help="Leave one uncommitted diff.")
@_run_flags
def run(plan: str, check: bool, here: bool, no_commit: bool, **flags: Any) -> int:
    """Carry out a plan step by step, each tested and committed on a new branch."""
    from qwenagent.loop import RunOptions
    from qwenagent.plan import read_plan

    path = Path(plan) if Path(plan).is_absolute() else Path(flags["folder"]) / plan
    if not check and here and no_commit:
        raise UsageError("--here and --no-commit exclude each other")
    if check:
        return _check_plan(read_plan(path))
    options = RunOptions(files=_relative(flags), branch=not here, commit=not no_commit)
    with _repository(flags) as repository:
        parsed = read_plan(path)
        repository.require_clean(_inside(repository, path))
        return _run(repository, parsed, "plan", options, flags)


@cli.command()
@click.option("--keep", type=click.Path(), help="Put the sample here instead of a new folder.")
@_run_flags
def demo(keep: str | None, **flags: Any) -> int:
    """Copy a small sample project and carry out its plan of three steps."""
    import tempfile

    from qwenagent.demo import copy_sample
    from qwenagent.loop import RunOptions
    from qwenagent.plan import read_plan
    from qwenagent.workspace import Repository

    folder = Path(keep) if keep else Path(tempfile.mkdtemp(prefix="qwenagent-demo-"))
    copy_sample(folder)
    if not flags["as_json"]:
        click.echo(f"The sample project is in {folder}")
        _warn_of_idle_gpu()
    flags |= {"folder": str(folder), "yes": True}
    settings = _settings(None, flags)
    if not settings.model.name:
        card = _obtain_default(quiet=flags["as_json"])
        flags["model"] = card.name
    plan = read_plan(folder / "plan.md")
    repository = Repository.open(folder)
    try:
        return _run(repository, plan, "plan", RunOptions(), flags)
    finally:
        repository.close()


@cli.command()
@click.option("-C", "folder", default=".", metavar="DIR", help="Look at this folder.")
def doctor(folder: str) -> int:
    """Check what qwenagent needs on this machine and say what is missing."""
    from qwenagent.doctor import examine
    from qwenagent.ui import check_line

    findings = list(examine(Path(folder)))
    for finding in findings:
        check_line(finding.ok, finding.name, finding.detail, finding.hint)
    return 4 if any(finding.ok is False for finding in findings) else 0


@cli.group()
def models() -> None:
    """List, fetch and check the model files."""


@models.command("list")
def models_list() -> int:
    """List the models this program knows."""
    from qwenagent.registry import human_bytes, installed, load_cards
    from qwenagent.ui import print_rows

    rows = [
        (
            card.name,
            human_bytes(card.size_bytes),
            card.license,
            "installed" if installed(card) else "",
            "" if card.default else "never picked by itself",
        )
        for card in load_cards().values()
    ]
    print_rows("Qwen2.5-Coder-Instruct, Q4_K_M", ("name", "size", "licence", "here", ""), rows)
    return 0


@models.command("pull")
@click.argument("name", required=False)
def models_pull(name: str | None) -> int:
    """Fetch a model; without NAME the one that fits this machine and can be had."""
    from qwenagent.registry import find_card

    if name is None:
        _obtain_default(quiet=False)
    else:
        _pull(find_card(name), quiet=False)
    return 0


@models.command("info")
@click.argument("name")
def models_info(name: str) -> int:
    """Print everything a model card says."""
    from qwenagent.registry import find_card, human_bytes, installed, needed_bytes
    from qwenagent.ui import print_rows

    card = find_card(name)
    place = installed(card)
    rows = [
        ("model", card.title),
        ("file", f"{card.repository} / {card.file}"),
        ("revision", card.revision),
        ("size", f"{card.size_bytes:,} bytes"),
        ("sha256", card.sha256),
        ("memory", f"{human_bytes(needed_bytes(card))} with a context of {card.n_ctx:,} tokens"),
        ("licence", card.license),
        ("profile", card.profile.name),
        ("sources", ", ".join(source.kind for source in card.sources)),
        ("here", str(place) if place else f"no; `qwenagent models pull {card.name}` fetches it"),
    ]
    print_rows(card.name, ("", ""), rows)
    return 0


@models.command("verify")
@click.argument("name", required=False)
def models_verify(name: str | None) -> int:
    """Read installed files again and compare their SHA-256; all without NAME."""
    from qwenagent.errors import ModelNotFound
    from qwenagent.registry import find_card, installed, load_cards, verify
    from qwenagent.ui import check_line

    cards = [find_card(name)] if name else [c for c in load_cards().values() if installed(c)]
    if not cards:
        raise ModelNotFound("no model is installed", hint="qwenagent models pull")
    for card in cards:
        check_line(True, card.name, f"{verify(card)} has the official SHA-256")
    return 0


@models.command("rm")
@click.argument("name")
def models_rm(name: str) -> int:
    """Delete a model's file from this machine."""
    from qwenagent.registry import find_card, human_bytes, remove

    card = find_card(name)
    click.echo(f"{card.name}: {human_bytes(remove(card))} freed")
    return 0


# -- wiring -----------------------------------------------------------------------------------


def _run(
    repository: Repository, plan: Plan, kind: RunKind, options: RunOptions, flags: dict[str, Any]
) -> int:
    """Build everything a run works with, carry it out, and take everything down again."""
    from qwenagent.loop import Agent, Stop
    from qwenagent.protocol.events import EventStream, Sink
    from qwenagent.transcript import TranscriptWriter, new_run_id, run_path
    from qwenagent.ui import MetricsSink, make_view

    settings = _settings(repository.root, flags)
    card, path = _model(settings)
    stop = Stop(flags["time_limit"])
    with ExitStack() as stack:
        run_id = new_run_id()
        transcript = stack.enter_context(TranscriptWriter(run_path(run_id)))
        sinks: list[Sink] = [transcript]
        if flags["metrics"]:
            sinks.append(stack.enter_context(MetricsSink(Path(flags["metrics"]))))
        engine = _engine(card, path, settings)
        stack.callback(engine.close)
        view = make_view("json" if flags["as_json"] else "auto", sys.stdout)
        sinks.append(stack.enter_context(view))
        stack.enter_context(_interruptible(stop))
        events = EventStream(run_id, tuple(sinks))
        ports = _ports(repository, engine, events, card, settings, stop, flags)
        return Agent(ports).run(plan, kind, options)


def _ports(
    repository: Repository,
    engine: EmbeddedEngine,
    events: Any,
    card: Card,
    settings: Settings,
    stop: Stop,
    flags: dict[str, Any],
) -> Ports:
    from qwenagent.checks import TestRunner
    from qwenagent.loop import Ports
    from qwenagent.workspace import Workspace

    return Ports(
        engine=engine,
        workspace=Workspace(repository),
        runner=TestRunner(repository.root, os.environ, stop),
        events=events,
        approver=_approver(flags, stop),
        profile=card.profile,
        settings=settings,
        stop=stop,
    )


def _approver(flags: dict[str, Any], stop: Stop) -> Approver:
    from qwenagent.transcript import state_dir
    from qwenagent.ui import FlagApprover, NobodyApprover, RememberingApprover, TerminalApprover

    if flags["yes"]:
        return FlagApprover()
    person = sys.stdin.isatty() and sys.stdout.isatty() and not flags["as_json"]
    inner = TerminalApprover(cancel=stop) if person else NobodyApprover()
    return RememberingApprover(inner, state_dir() / "approvals.json")


def _engine(card: Card, path: Path, settings: Settings) -> EmbeddedEngine:
    from qwenagent.engine import EmbeddedEngine, LoadSettings, default_threads
    from qwenagent.transcript import state_dir

    log = state_dir() / "engine.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    load = LoadSettings(
        path=path,
        n_ctx=settings.model.n_ctx or card.n_ctx,
        n_threads=settings.model.n_threads or default_threads(),
        n_gpu_layers=settings.model.n_gpu_layers,
        log=log,
    )
    return EmbeddedEngine(card.title, load)


def _settings(root: Path | None, flags: dict[str, Any]) -> Settings:
    from qwenagent.config import load_settings

    chosen = {
        "model.name": flags.get("model"),
        "loop.seed": flags.get("seed"),
        "tests.command": flags.get("test_cmd"),
    }
    return load_settings(root, os.environ, chosen)


def _model(settings: Settings) -> tuple[Card, Path]:
    """Return the card and the file of the model to use, which must be on this machine."""
    from qwenagent.errors import ModelNotFound
    from qwenagent.registry import find_card, installed, load_cards, local_file, pick, probe_machine

    name = settings.model.name
    if name.endswith(".gguf") or os.sep in name:
        return local_file(Path(name)), Path(name)
    if name:
        card = find_card(name)
    else:
        here = frozenset(card.name for card in load_cards().values() if installed(card))
        if not here:
            raise ModelNotFound("no model is installed", hint="`qwenagent models pull` fetches one")
        card = pick(load_cards().values(), probe_machine(_gpu_bytes()), here).card
    path = installed(card)
    if path is None:
        raise ModelNotFound(
            f"{card.title} is not on this machine",
            hint=f"`qwenagent models pull {card.name}` fetches it",
        )
    return card, path


def _gpu_bytes() -> int:
    from qwenagent.engine import gpu_memory

    return gpu_memory()


def _obtain_default(*, quiet: bool) -> Card:
    """Fetch the model that fits this machine and can be had, unless it is here; say why it."""
    from qwenagent.registry import load_cards, obtainable, pick, probe_machine

    cards = load_cards()
    choice = pick(cards.values(), probe_machine(_gpu_bytes()), obtainable(cards.values()))
    if not quiet:
        click.echo(choice.why)
    _pull(choice.card, quiet=quiet)
    return choice.card


def _pull(card: Card, *, quiet: bool) -> None:
    from qwenagent.registry import pull
    from qwenagent.ui import DownloadView

    cancel = threading.Event()
    with ExitStack() as stack:
        view = stack.enter_context(DownloadView(sys.stderr))
        previous = signal.signal(signal.SIGINT, lambda *_: cancel.set())
        stack.callback(signal.signal, signal.SIGINT, previous)
        pulled = pull(card, on_progress=view, cancel=cancel)
    if not quiet:
        for note in pulled.notes:
            click.echo(note)
        click.echo(f"{card.title} is at {pulled.path}")


@contextmanager
def _interruptible(stop: Stop) -> Iterator[None]:
    """The first Ctrl-C ends the run in good order, a second one at once."""

    def handle(*_: object) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set("interrupted")

    previous = [(n, signal.signal(n, handle)) for n in (signal.SIGINT, signal.SIGTERM)]
    try:
        yield
    finally:
        for number, handler in previous:
            signal.signal(number, handler)


@contextmanager
def _repository(flags: dict[str, Any]) -> Iterator[Repository]:
    from qwenagent.workspace import Repository

    repository = Repository.open(Path(flags["folder"]))
    try:
        repository.head()
        yield repository
    finally:
        repository.close()


def _inside(repository: Repository, path: Path) -> list[str]:
    resolved = path.resolve()
    root = repository.root.resolve()
    return [resolved.relative_to(root).as_posix()] if resolved.is_relative_to(root) else []


def _relative(flags: dict[str, Any]) -> tuple[str, ...]:
    """Return the paths after --files as repository paths."""
    from qwenagent.workspace import Repository

    if not flags["files"]:
        return ()
    folder = Path(flags["folder"])
    root = Repository.open(folder).root.resolve()
    paths = [(folder / name).resolve() for name in flags["files"]]
    if outside := [p for p in paths if not p.is_relative_to(root)]:
        raise UsageError(f"{outside[0]} is not inside the repository {root}")
    return tuple(path.relative_to(root).as_posix() for path in paths)


def _read_prompt(name: str) -> str:
    try:
        return Path(name).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PlanError(f"the task cannot be read from {name}: {error}") from error


def _check_plan(plan: Plan) -> int:
    """Print what `run` would do."""
    from qwenagent.ui import check_line, print_rows

    rows = [
        (
            str(step.number),
            f"{step.title} (ticked)" if step.checked else step.title,
            ", ".join(step.mentions),
            step.test or "",
        )
        for step in plan.steps
    ]
    print_rows(plan.title, ("step", "what", "files", "test"), rows)
    if plan.test:
        click.echo(f"tests of the whole: {plan.test}")
    for warning in plan.warnings:
        check_line(None, "plan", warning)
    return 0


def _warn_of_idle_gpu() -> None:
    from qwenagent.engine import offload_available, visible_gpu, wheel_command

    gpu = visible_gpu()
    if gpu and not offload_available():
        click.echo(
            f"warning: the {gpu} sits idle; this build of llama.cpp uses the CPU only", err=True
        )
        click.echo(f"  {wheel_command(gpu)}", err=True)


# -- the boundary -----------------------------------------------------------------------------


def main(args: Sequence[str] | None = None) -> None:
    """Run the program and exit with its code."""
    sys.exit(_guarded(_spread_files(sys.argv[1:] if args is None else args)))


def _guarded(args: list[str]) -> int:
    """Run a command; every error ends here as one message and an exit code."""
    try:
        return int(cli.main(args, prog_name="qwenagent", standalone_mode=False) or 0)
    except click.ClickException as error:
        error.show()
        return ConfigError.exit_code
    except (KeyboardInterrupt, click.Abort):
        click.echo("interrupted", err=True)
        return INTERRUPTED
    except QwenAgentError as error:
        click.echo(f"error: {error.message}", err=True)
        if error.hint:
            click.echo(f"  {error.hint}", err=True)
        return error.exit_code
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception:
        click.echo(f"error: this is a bug in qwenagent; please report {_write_bug(args)}", err=True)
        return BUG


def _write_bug(args: Sequence[str]) -> Path:
    """Write what a report needs to a file and return its path."""
    from qwenagent.transcript import state_dir

    path = state_dir() / "bug.log"
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [
        f"qwenagent {__version__}, Python {platform.python_version()}, {platform.platform()}",
        f"command: {list(args)}",
        f"transcripts: {state_dir() / 'runs'}",
        traceback.format_exc(),
    ]
    path.write_text("\n".join(lines), encoding="utf-8")
    return path
