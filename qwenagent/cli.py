"""The command line: builds one engine, one workspace, one view, and hands them over. No logic."""

from __future__ import annotations

import difflib
import errno
import os
import platform
import signal
import sys
import threading
import traceback
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, chdir, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from qwenagent import __version__
from qwenagent.errors import ChecksError, QwenAgentError, UsageError

if TYPE_CHECKING:
    from qwenagent.config import Settings
    from qwenagent.engine import EmbeddedEngine
    from qwenagent.loop import Ports, RunOptions, Stop
    from qwenagent.plan import Plan
    from qwenagent.protocol.approval import Approver
    from qwenagent.protocol.events import RunKind
    from qwenagent.registry import Card
    from qwenagent.workspace import Repository

NOT_DONE = 1
BUG = 3
ENVIRONMENT = 4
INTERRUPTED = 130


_ENDING_SIGNALS = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
]
_ENVIRONMENT_ERRNOS = frozenset(
    {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM}
)


class _TaskGroup(click.Group):
    """`qwenagent "do this"` is `qwenagent do "do this"`, and flags may precede the command."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        return super().parse_args(ctx, self._with_command(args))

    def _with_command(self, args: list[str]) -> list[str]:
        if not args or args[0] in ("--help", "-h", "--version"):
            return args
        at = self._first_word(args)
        if at is None:
            return ["do", *args]
        word, others = args[at], [*args[:at], *args[at + 1 :]]
        if word in self.commands:
            return [word, *others]
        # "runn plan.md" is a slip and no task; a sentence is never near a command's name.
        if near := difflib.get_close_matches(word, self.commands, n=1, cutoff=0.75):
            raise UsageError(
                f"there is no command {word!r}; did you mean {near[0]}?",
                hint=f"if it is a task: qwenagent do {word}",
            )
        return ["do", *args]

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


def _spread_files(args: Sequence[str]) -> list[str]:
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
    return not any(c.isspace() for c in word) or Path(*folder, word).exists()


def _enter(ctx: click.Context, _: click.Parameter, folder: str | None) -> None:
    """Make the folder after -C the current one for as long as the command runs."""
    if folder is not None:
        ctx.with_resource(chdir(folder))


def _in_folder(command: Any) -> Any:
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


def _run_flags(command: Any) -> Any:
    """Add the flags that every run of the model has."""
    options = [
        click.option("--model", help="Model: a name of `models list`, or a GGUF file."),
        click.option("--test-cmd", help="Command that runs the project's tests."),
        click.option("--files", multiple=True, metavar="FILE...", help="Files to work on."),
        click.option("--yes", is_flag=True, help="Approve the test commands without asking."),
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
        _in_folder,
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
@click.argument("task", nargs=-1, metavar="[TASK]")
@click.option("--prompt-file", type=click.Path(), metavar="FILE", help="Read the task from a file.")
@click.option("--commit", is_flag=True, help="Commit the change instead of leaving it in the tree.")
@_run_flags
def do(task: tuple[str, ...], prompt_file: str | None, commit: bool, **flags: Any) -> int:
    """Carry out one task on the tree as it is. `qwenagent "TASK"` is short for it."""
    from qwenagent.loop import RunOptions
    from qwenagent.plan import task_plan

    text = _task_text(task, prompt_file, flags)
    _check_flags(flags)
    with _repository() as repository:
        options = RunOptions(files=_relative(repository, flags), branch=False, commit=commit)
        return _run(repository, task_plan(text), "task", options, flags)


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

    if here and no_commit:
        raise UsageError("--here and --no-commit exclude each other")
    _check_flags(flags)
    path = Path(plan)
    if check:
        return _check_plan(read_plan(path), as_json=flags["as_json"])
    with _repository() as repository:
        files = _relative(repository, flags)
        parsed = read_plan(path)
        repository.require_clean(_inside(repository, path))
        options = RunOptions(files=files, branch=not here, commit=not no_commit)
        return _run(repository, parsed, "plan", options, flags)


@cli.command()
@click.option(
    "--keep", type=click.Path(), metavar="DIR", help="Put the sample here instead of a new folder."
)
@_run_flags
def demo(keep: str | None, **flags: Any) -> int:
    """Copy a small sample project and carry out its plan of three steps."""
    import tempfile

    from qwenagent.demo import copy_sample, require_empty
    from qwenagent.loop import RunOptions
    from qwenagent.plan import read_plan
    from qwenagent.workspace import Repository

    _check_flags(flags)
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
        return _run(repository, read_plan(folder / "plan.md"), "plan", RunOptions(), flags)
    finally:
        repository.close()


def _demo_model(flags: dict[str, Any]) -> str:
    """Return the model for the demo: the one that was asked for, else one that is fetched now."""
    settings = _settings(None, flags)
    if settings.model.name:
        _model(settings)
        return settings.model.name
    return _obtain_default(quiet=flags["as_json"]).name


@cli.command()
@_in_folder
def doctor() -> int:
    """Check what qwenagent needs on this machine and say what is missing."""
    from qwenagent.doctor import examine
    from qwenagent.ui import check_line

    ok = True
    for finding in examine(Path.cwd()):
        check_line(finding.ok, finding.name, finding.detail, finding.hint)
        ok = ok and finding.ok is not False
    return 0 if ok else ENVIRONMENT


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
    if _is_path(name):
        file = Path(name).expanduser().absolute()
        return local_file(file), file
    if name:
        card = find_card(name)
    else:
        cards = load_cards()
        here = [card.name for card in cards.values() if installed(card)]
        usable = frozenset(name for name in here if cards[name].default)
        if not usable:
            others = f"; {', '.join(here)} is never picked by itself" if here else ""
            hint = "`qwenagent models pull` fetches one"
            if here:
                hint += f", `--model {here[0]}` uses what is here"
            raise ModelNotFound(f"no model is installed{others}", hint=hint)
        card = pick(cards.values(), probe_machine(_gpu_bytes()), usable).card
    path = installed(card)
    if path is None:
        raise ModelNotFound(
            f"{card.title} is not on this machine",
            hint=f"`qwenagent models pull {card.name}` fetches it",
        )
    return card, path


def _is_path(model: str) -> bool:
    """Tell a GGUF file from the name of a model, which may be the file name on the hub."""
    return os.sep in model or (model.endswith(".gguf") and Path(model).exists())


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
    asked = False

    def handle(*_: object) -> None:
        nonlocal asked
        if asked:
            raise KeyboardInterrupt
        asked = True
        stop.set("interrupted")

    # What the caller has switched off stays off: nohup, and jobs of a script in the background.
    wanted = [n for n in _ENDING_SIGNALS if signal.getsignal(n) is not signal.SIG_IGN]
    previous = [(n, signal.signal(n, handle)) for n in wanted]
    try:
        yield
    finally:
        for number, handler in previous:
            signal.signal(number, handler)


def _check_flags(flags: dict[str, Any]) -> None:
    """Refuse what a look at the flags alone shows to be wrong.

    Raises:
        UnknownModel, UsageError: there is no such model, or the test command cannot be read.
    """
    from qwenagent.checks import parse_command
    from qwenagent.registry import find_card

    if flags["model"] and not _is_path(flags["model"]):
        find_card(flags["model"])
    if flags["test_cmd"] is not None:
        try:
            parse_command(flags["test_cmd"], "flag")
        except ChecksError as error:
            raise UsageError(f"--test-cmd: {error.message}", hint=error.hint) from error


@contextmanager
def _repository() -> Iterator[Repository]:
    from qwenagent.workspace import Repository

    repository = Repository.open(Path.cwd())
    try:
        repository.head()
        yield repository
    finally:
        repository.close()


def _inside(repository: Repository, path: Path) -> list[str]:
    resolved = path.resolve()
    root = repository.root.resolve()
    return [resolved.relative_to(root).as_posix()] if resolved.is_relative_to(root) else []


def _relative(repository: Repository, flags: dict[str, Any]) -> tuple[str, ...]:
    """Return the paths after --files as repository paths."""
    root = repository.root.resolve()
    paths = [Path(name).resolve() for name in flags["files"]]
    if outside := [p for p in paths if not p.is_relative_to(root)]:
        raise UsageError(f"--files: {outside[0]} is not inside the repository {root}")
    return tuple(path.relative_to(root).as_posix() for path in paths)


def _read_prompt(name: str) -> str:
    try:
        return Path(name).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"the task cannot be read from {name}: {error}") from error


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
    sys.exit(_guarded(sys.argv[1:] if args is None else args))


def _guarded(args: Sequence[str]) -> int:
    """Run a command; every error ends here as one message and an exit code."""
    try:
        code = cli.main(_spread_files(args), prog_name="qwenagent", standalone_mode=False)
        sys.stdout.flush()
        return int(code or 0)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        return 0
    except click.ClickException as error:
        error.show()
        return UsageError.exit_code
    except (KeyboardInterrupt, click.Abort):
        click.echo("interrupted", err=True)
        return INTERRUPTED
    except QwenAgentError as error:
        _say_error(error.message, error.hint)
        return error.exit_code
    except BrokenPipeError:
        # Nobody reads on; Python would complain when it flushes at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return NOT_DONE
    except Exception as error:
        if isinstance(error, OSError) and error.errno in _ENVIRONMENT_ERRNOS:
            _say_error(str(error), "")
            return ENVIRONMENT
        _say_error(
            f"this is a bug in qwenagent ({type(error).__name__})",
            f"please report {_write_bug(args)}",
        )
        return BUG


def _say_error(message: str, hint: str) -> None:
    click.echo(f"error: {message}", err=True)
    if hint:
        click.echo(f"  {hint}", err=True)


def _write_bug(args: Sequence[str]) -> str:
    """Write what a report needs to a file and return its path, or all of it if that fails."""
    from importlib import metadata

    from qwenagent.transcript import state_dir

    try:
        binding = metadata.version("llama-cpp-python")
    except metadata.PackageNotFoundError:
        binding = "missing"
    system = f"Python {platform.python_version()}, {platform.platform()}"
    lines = [
        f"qwenagent {__version__}, llama-cpp-python {binding}, {system}",
        f"command: {list(args)}",
        f"transcripts: {state_dir() / 'runs'}",
        traceback.format_exc(),
    ]
    text = "\n".join(lines)
    path = state_dir() / "bug.log"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", errors="backslashreplace")
    except OSError:
        return f"this:\n{text}"
    return str(path)
