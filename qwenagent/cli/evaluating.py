"""The parts of an eval: builds arm, grader and setup, hands them over, prints what came out."""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from qwenagent import __version__
from qwenagent.cli.codes import INTERRUPTED
from qwenagent.cli.confining import make_box
from qwenagent.cli.endpoint import remote_engine
from qwenagent.cli.models import find_model
from qwenagent.cli.wiring import interruptible, load_settings_of
from qwenagent.errors import ConfigError, UsageError

if TYPE_CHECKING:
    from qwenagent.config import Settings
    from qwenagent.engine import Engine
    from qwenagent.evals import Arm, Kind, Row, Setup, Task, Trial
    from qwenagent.loop import Stop
    from qwenagent.registry import Card
    from qwenagent.sandbox import Box

_TRIES = {"edit": 2}
"""By kind, where it is not one, with hidden tests; two are Aider's protocol."""
_CALL_TOKENS = 768
"""Longest answer to a single call, as in EvalPlus."""
_WITHOUT_MODEL = ("oracle", "idle")


@dataclass(frozen=True, slots=True)
class _Served:
    """The model of a run, and what makes an engine for it."""

    card: Card
    file: str
    sha256: str
    make_engine: Callable[[], Engine]


def run_suite(kind: Kind, tasks: Sequence[Task], flags: dict[str, Any]) -> int:
    """Try tasks, keep their rows, print the sums; return the exit code.

    It is 0 if every task has a row, however many were passed.
    """
    from qwenagent.evals import (
        TASK_COLUMNS,
        Progress,
        evaluate,
        one_at_a_time,
        require_writable,
        row_cells,
    )
    from qwenagent.loop import Stop
    from qwenagent.ui import LiveTable

    stop = Stop()
    trial = _trial(kind, flags, stop)
    out = _out(kind, tasks, trial.setup, flags)
    require_writable(out)
    progress = Progress()
    with (
        one_at_a_time(trial.work / "lock", _say_waiting),
        interruptible(stop),
        LiveTable(TASK_COLUMNS, progress.status) as table,
    ):
        if flags["again"]:
            _move_aside(out)
        progress.on_row = lambda row: table.add(row_cells(row))
        rows = evaluate(tasks, trial, out, progress)
    _print_sums(rows, out)
    if len(rows) < len(tasks):
        click.echo(f"{len(tasks) - len(rows)} tasks are left: the same command goes on with them")
        return INTERRUPTED
    return 0


def _trial(kind: Kind, flags: dict[str, Any], stop: Stop) -> Trial:
    from qwenagent.evals import Grader, Trial, machine
    from qwenagent.registry import home

    settings = _settings(flags)
    box_of = _boxes(settings, flags)
    arm, setup = _arm(kind, settings, flags, box_of)
    return Trial(
        arm=arm,
        grader=Grader(box_of, os.environ, flags["test_limit"], stop),
        setup=replace(setup, sandbox=box_of(Path.cwd()).sandbox.level.name.lower()),
        machine=machine(),
        work=home() / "evals",
        cancel=stop,
        keep=flags["keep"],
    )


def run_study(
    tasks: Sequence[Task], kind: Kind, wanted: Sequence[str], flags: dict[str, Any]
) -> int:
    """Try tasks in every form of answer, or in those with a wanted word; print the table."""
    from qwenagent.evals import FORMS, ONE_ANSWER, read_rows, require_writable, study_table
    from qwenagent.transcript import state_dir

    names = [form.name for form in FORMS]
    meant = {
        name for word in wanted for name in ([word] if word in names else names) if word in name
    }
    forms = [form for form in FORMS if not wanted or form.name in meant]
    if not forms:
        raise UsageError(
            f"no form has {' or '.join(wanted)} in its name", hint=f"forms: {'; '.join(names)}"
        )
    out = Path(flags["out"] or state_dir() / "evals" / "edits.jsonl")
    if flags["again"]:
        require_writable(out)
        _move_aside(out)
    for form in forms:
        click.echo(f"{form.name}:")
        chosen = (*flags["chosen"], *ONE_ANSWER, f"loop.form={form.form}")
        own = {"arm": form.arm, "chosen": chosen, "out": str(out), "again": False}
        if run_suite(kind, tasks, {**flags, **_ONE_TRY, **own}):
            return INTERRUPTED
    click.echo(study_table(read_rows(out)))
    return 0


_ONE_TRY = {"tries": 1, "command": "", "name": ""}


def _say_waiting() -> None:
    why = "two models at once are many times slower, and figures would mean nothing"
    click.echo(f"waiting for another eval to end: {why}", err=True)


def _settings(flags: dict[str, Any]) -> Settings:
    """Return the settings with those of --set.

    By default each task's prompt is read anew, and tests that do not end are ended for the agent
    as they are for the judge.
    """
    from qwenagent.config import load_settings

    limit_s = flags["test_limit"]
    chosen: dict[str, object] = {"model.prompt_cache_mb": 0, "tests.timeout_s": limit_s}
    for given in flags["chosen"]:
        name, equals, value = given.partition("=")
        if not equals:
            raise UsageError(f"--set {given} has no value", hint="--set loop.repairs=0")
        chosen[name.strip()] = value.strip()
    environ = {**os.environ, **_as_variables(chosen)}
    _refuse_unknown(chosen)
    flagged = {"model.name": flags["model"], "loop.seed": flags["seed"]}
    settings = load_settings(None, environ, flagged)
    if settings.tests.command:
        raise UsageError(
            f"tests.command is {settings.tests.command!r} in your settings, and would be run for "
            "every task",
            hint="take it out of config.toml or the environment for as long",
        )
    return settings


def _refuse_unknown(chosen: dict[str, object]) -> None:
    """The environment's form has no place for an error in a section's name."""
    from dataclasses import fields

    from qwenagent.config import Settings

    sections = [item.name for item in fields(Settings)]
    for name in chosen:
        if name.partition(".")[0] not in sections:
            raise ConfigError(
                f"--set {name}: there is no such setting",
                hint=f"the sections are {', '.join(sections)}",
            )


def _as_variables(settings: dict[str, object]) -> dict[str, str]:
    return {f"QWENAGENT_{n.upper().replace('.', '_', 1)}": str(v) for n, v in settings.items()}


def _boxes(settings: Settings, flags: dict[str, Any]) -> Callable[[Path], Box]:
    """Return what makes the box of a tree: as a run's, with one cache for the tools of all."""
    from qwenagent.registry import home

    first = make_box(Path.cwd(), settings, {**_NO_NETWORK, "no_sandbox": flags["no_sandbox"]})
    cache = home() / "evals" / "cache"
    cache.mkdir(parents=True, exist_ok=True, mode=0o700)
    kept = cache if first.policy.cache else None
    return lambda tree: replace(
        first, policy=replace(first.policy, tree=tree.resolve(), cache=kept)
    )


_NO_NETWORK = {"allow_network": False, "allow_loopback": False}


def _arm(
    kind: Kind, settings: Settings, flags: dict[str, Any], box_of: Callable[[Path], Box]
) -> tuple[Arm, Setup]:
    from qwenagent.evals import CommandArm, IdleArm, OracleArm

    setup = _setup(kind, settings, flags)
    if flags["command"]:
        command = CommandArm(flags["command"], os.environ, flags["name"])
        return command, replace(setup, arm=command.name, command=command.template)
    if flags["arm"] in _WITHOUT_MODEL:
        arm: Arm = OracleArm() if flags["arm"] == "oracle" else IdleArm()
        return arm, replace(setup, arm=arm.name)
    served = _served(settings)
    arm = _arm_with(served, kind, settings, flags, box_of)
    return arm, replace(
        setup,
        arm=arm.name,
        model=served.card.title,
        model_file=served.file,
        model_sha256=served.sha256,
        settings=_told(settings, served.card),
    )


def _arm_with(
    served: _Served,
    kind: Kind,
    settings: Settings,
    flags: dict[str, Any],
    box_of: Callable[[Path], Box],
) -> Arm:
    """Return the arm that a model of ours takes part in."""
    from qwenagent.evals import ASKERS, AgentArm, CallArm, InsideArm, PlainArm

    name, card = flags["arm"], served.card
    if kind == "call":
        return CallArm(served.make_engine, _CALL_TOKENS)
    if name == "plain":
        return PlainArm(served.make_engine, card.profile.max_body_tokens)
    if asker := ASKERS.get(name):
        return InsideArm(served.make_engine, card, settings, os.environ, box_of, asker, name)
    variables = _as_variables(_for_environment(_told(settings, card)))
    sandbox = ("--no-sandbox",) if flags["no_sandbox"] else ()
    model = settings.model.name or card.name
    return AgentArm({**os.environ, **variables}, ("--model", model, *sandbox))


def _told(settings: Settings, card: Card) -> dict[str, object]:
    """Return the settings that a row tells."""
    from qwenagent.evals import changed_settings

    return {**changed_settings(settings), "model.name": card.name}


def _for_environment(settings: dict[str, object]) -> dict[str, object]:
    """Leave out what is set by the user's file alone; the agent reads that itself."""
    return {name: value for name, value in settings.items() if not name.startswith("commands.")}


def _served(settings: Settings) -> _Served:
    from qwenagent.engine import EmbeddedEngine

    if settings.model.endpoint:
        engine, card = remote_engine(settings)
        engine.close()
        return _Served(card, settings.model.endpoint, "", lambda: remote_engine(settings)[0])
    card, path = find_model(settings)
    load = load_settings_of(card, path, settings)
    return _Served(card, card.file, card.sha256, lambda: EmbeddedEngine(card.title, load))


def _default_tries(kind: Kind, tests: str) -> int:
    """An agent that has the tests has seen their output already."""
    return _TRIES.get(kind, 1) if tests == "hidden" else 1


def _setup(kind: Kind, settings: Settings, flags: dict[str, Any]) -> Setup:
    from qwenagent.evals import Setup, checkout_commit, code_digest, libraries

    return Setup(
        arm=flags["arm"],
        tries=flags["tries"] or _default_tries(kind, flags["tests"]),
        tests=flags["tests"],
        time_limit_s=flags["time_limit"],
        test_limit_s=flags["test_limit"],
        seed=settings.loop.seed,
        version=__version__,
        code=code_digest(),
        commit=checkout_commit(),
        libraries=libraries(),
    )


def _out(kind: Kind, tasks: Sequence[Task], setup: Setup, flags: dict[str, Any]) -> Path:
    """Return the file for the rows."""
    from qwenagent.transcript import state_dir

    out = Path(flags["out"]) if flags["out"] else None
    if out is None:
        model = setup.settings.get("model.name", "")
        words = (tasks[0].suite, kind, setup.arm, str(model), setup.tests)
        name = re.sub(r"[^\w.]+", "-", "-".join(filter(None, words)))
        out = state_dir() / "evals" / f"{name}.jsonl"
    return out


def _move_aside(out: Path) -> None:
    """Give old results another name, under which nothing is yet."""
    if out.stat().st_size:
        names = (out.with_name(f"{out.name}.old{n or ''}") for n in itertools.count())
        old = next(path for path in names if not path.exists())
        out.replace(old)
        click.echo(f"the old results are in {old}", err=True)


def _print_sums(rows: Sequence[Row], out: Path) -> None:
    from qwenagent.evals import COLUMNS, grouped, summary_row
    from qwenagent.ui import print_rows

    if not rows:
        click.echo("no task was tried")
        return
    for group in grouped(rows):
        cells = dict(zip(COLUMNS, summary_row(group), strict=True))
        told = [(name, cell) for name, cell in cells.items() if cell]
        print_rows("", ("", ""), told)
    click.echo(f"results: {out}")
