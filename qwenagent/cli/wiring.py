"""The parts of a run: builds settings, engine and ports, hands them over, takes them down."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from qwenagent.cli.confining import make_box
from qwenagent.cli.endpoint import remote_engine
from qwenagent.cli.frontier import frontier_rules, is_attended, make_frontier
from qwenagent.cli.models import find_model, require_room
from qwenagent.cli.offline import connections, offline_settings
from qwenagent.ui.printable import revealed

if TYPE_CHECKING:
    from qwenagent.config import Settings
    from qwenagent.engine import Engine, LoadSettings
    from qwenagent.loop import Ports, RunOptions, Stop
    from qwenagent.plan import Plan
    from qwenagent.protocol.approval import Approver
    from qwenagent.protocol.events import EventStream, RunKind
    from qwenagent.registry import Card
    from qwenagent.sandbox import Box
    from qwenagent.workspace import Repository

_ENDING_SIGNALS = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
]


def run_agent(
    repository: Repository,
    plans: list[Plan],
    kind: RunKind,
    options: RunOptions,
    flags: dict[str, Any],
) -> int:
    """Build everything a run works with, carry it out, and take everything down again."""
    from qwenagent.awake import awake
    from qwenagent.loop import Agent, Stop
    from qwenagent.protocol.events import EventStream, Sink
    from qwenagent.transcript import TranscriptWriter, new_run_id, run_path
    from qwenagent.ui import MetricsSink, make_view

    settings = build_settings(repository.root, flags)
    stop = Stop(flags["time_limit"])
    with ExitStack() as stack:
        stack.enter_context(connections(offline=flags["offline"]))
        rules = frontier_rules(settings, flags)
        card, make_engine = model_of(settings)
        run_id = new_run_id()
        transcript = stack.enter_context(TranscriptWriter(run_path(run_id)))
        wanted = [Path(flags["metrics"])] if flags["metrics"] else []
        metrics = [stack.enter_context(MetricsSink(file)) for file in wanted]
        engine = make_engine()
        stack.callback(engine.close)
        view = make_view("json" if flags["as_json"] else "auto", sys.stdout)
        # The metrics last: a file that cannot be written must not cost the closing report.
        sinks: list[Sink] = [transcript, stack.enter_context(view), *metrics]
        stack.enter_context(interruptible(stop))
        stack.enter_context(awake(f"carrying out {plans[0].title}"))
        events = EventStream(run_id, tuple(sinks))
        approver = make_approver(flags, stop)
        ports = make_ports(repository, engine, events, card, settings, stop, approver, flags)
        if rules:
            frontier = make_frontier(rules, repository.root, events, approver, stop, flags)
            ports = replace(ports, frontier=frontier)
        return Agent(ports).run(plans, kind, options)


def make_ports(
    repository: Repository,
    engine: Engine,
    events: EventStream,
    card: Card,
    settings: Settings,
    stop: Stop,
    approver: Approver,
    flags: dict[str, Any],
) -> Ports:
    """Return everything that a run works with, but for models elsewhere."""
    from qwenagent.checks import TestRunner
    from qwenagent.loop import Ports
    from qwenagent.workspace import Workspace

    box = box_for(repository, settings, flags)
    return Ports(
        engine=engine,
        workspace=Workspace(repository),
        runner=TestRunner(repository.root, os.environ, stop, box),
        events=events,
        approver=approver,
        profile=card.profile,
        settings=settings,
        stop=stop,
        sampling=card.sampling,
    )


def box_for(repository: Repository, settings: Settings, flags: dict[str, Any]) -> Box:
    """Return the box for commands, and have the repository commit as the settings say."""
    from qwenagent.loop import commit_rules

    box = make_box(repository.root, settings, flags)
    repository.rules = commit_rules(settings.git, os.environ, box)
    return box


def make_approver(flags: dict[str, Any], stop: Stop, inner: Approver | None = None) -> Approver:
    """Return who says yes: a flag to commands, else the user, whose earlier answers count.

    `inner` is who asks the user, if not the terminal itself.
    """
    from qwenagent.ui import FlagApprover, NobodyApprover, RememberingApprover, TerminalApprover

    inner = inner or (TerminalApprover(cancel=stop) if is_attended(flags) else NobodyApprover())
    if flags["yes"]:
        return FlagApprover(inner)
    return RememberingApprover(inner, approvals_file())


def approvals_file() -> Path:
    """Return where it is kept what the user has approved."""
    from qwenagent.transcript import state_dir

    return state_dir() / "approvals.json"


def model_of(settings: Settings) -> tuple[Card, Callable[[], Engine]]:
    """Return the card of the model that is to run, and what makes its engine."""
    if settings.model.endpoint:
        engine, card = remote_engine(settings)
        return card, lambda: engine
    card, path = find_model(settings)
    return card, lambda: _engine(card, path, settings)


def _engine(card: Card, path: Path, settings: Settings) -> Engine:
    from qwenagent.engine import EmbeddedEngine

    return EmbeddedEngine(card.title, load_settings_of(card, path, settings))


def load_settings_of(card: Card, path: Path, settings: Settings) -> LoadSettings:
    """Return what the engine is to load, and how; say so where memory allows less than usual.

    Raises:
        ModelLoadFailed: memory cannot hold the model.
    """
    from qwenagent.engine import LoadSettings, default_threads
    from qwenagent.registry import home
    from qwenagent.transcript import state_dir

    model, fit = settings.model, require_room(card, settings)
    if fit.notice:
        click.echo(f"warning: {fit.notice}", err=True)
    cache_bytes = model.prompt_cache_mb * 1_000_000
    log = state_dir() / "engine.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    return LoadSettings(
        path=path,
        n_ctx=fit.need.n_ctx,
        n_threads=model.n_threads or default_threads(),
        n_gpu_layers=model.n_gpu_layers,
        kv_type=fit.need.kv_type,
        log=log,
        cache=home() / "engine",
        cache_bytes=cache_bytes,
    )


def build_settings(root: Path | None, flags: dict[str, Any]) -> Settings:
    """Read the settings of the repository at `root`, or of none; flags count most."""
    from qwenagent.config import load_settings

    chosen = {
        "model.name": flags.get("model"),
        "model.endpoint": flags.get("endpoint"),
        "loop.seed": flags.get("seed"),
        "loop.write_tests": flags.get("write_tests"),
        "tests.command": flags.get("test_cmd"),
        "escalate.up_front": flags.get("up_front"),
        **dict([flags["budget"]] if flags.get("budget") else []),
    }
    settings = load_settings(
        root, os.environ, chosen, lambda why: click.echo(f"warning: {revealed(why)}", err=True)
    )
    return offline_settings(settings) if flags.get("offline") else settings


@contextmanager
def open_repository(what: str = "") -> Iterator[Repository]:
    """Open the repository around the current folder, which must have a commit; close it.

    No other agent works on it meanwhile; `what` is what that one is told. What a process that was
    killed has left half done is put back, or carried to its end, first.
    """
    from qwenagent.loop import finish_killed, recover_killed
    from qwenagent.ui import revealed
    from qwenagent.workspace import Repository, tree_lock

    repository = Repository.open(Path.cwd())
    try:
        repository.head()
        with tree_lock(repository.private_folder(), what):
            for told in filter(None, (recover_killed(repository), finish_killed(repository))):
                hint = f"\n  {told.hint}" if told.hint else ""
                click.echo(f"warning: {revealed(told.message + hint)}", err=True)
            yield repository
    finally:
        repository.close()


@contextmanager
def interruptible(stop: Stop) -> Iterator[None]:
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
