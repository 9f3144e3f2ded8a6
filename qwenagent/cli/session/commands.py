"""What the slash commands of a session do. What a subcommand does as well is left to that."""

from __future__ import annotations

import os
import shlex
import time
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from qwenagent.cli.boundary import guarded, told
from qwenagent.cli.codes import INTERRUPTED, NOT_DONE
from qwenagent.cli.session.earlier import meant_session, newest_sessions
from qwenagent.cli.session.showing import Showing
from qwenagent.errors import UsageError
from qwenagent.loop.stop import Stop, Stopped
from qwenagent.protocol.events import CommandRan, MessageSent
from qwenagent.ui import print_rows
from qwenagent.ui.printable import revealed
from qwenagent.ui.reading import COMMANDS, Called, command_lines, key_lines
from qwenagent.ui.words import plural

if TYPE_CHECKING:
    from qwenagent.cli.session.chat import Chat

Work = Callable[[str, Stop], int]

_OF_WORK = ("plan", "run", "test", "undo", "redo", "commit", "escalate")
"""Commands that begin a transcript."""
_QUIETLY = ("quit", "resume")
"""Commands that do not belong into one."""
_MAX_UNDONE = 100
_HELP_WIDTH = 76


class Commands:
    """Runs one command after the other for a session."""

    def __init__(self, chat: Chat) -> None:
        self._chat = chat
        self._showing = Showing(chat)
        self._plan = ""
        """The plan that was written last."""
        self._work: dict[str, Work] = {
            "help": self._help,
            "plan": self._write_plan,
            "run": self._run_plan,
            "test": self._test,
            "diff": self._showing.diff,
            "undo": self._undo,
            "redo": self._redo,
            "commit": self._commit,
            "files": self._showing.files,
            "add": self._add,
            "drop": self._drop,
            "model": self._model,
            "context": self._showing.context,
            "stats": lambda rest, _: guarded(["stats", *shlex.split(rest)]),
            "escalate": self._escalate,
            "approve": self._showing.approvals,
            "config": self._config,
            "log": lambda rest, _: guarded(["log", "-n", "10", *shlex.split(rest)]),
            "resume": self._resume,
            "clear": self._clear,
            "quit": self._quit,
        }

    def run(self, called: Called, line: str) -> None:
        """Run a command; an error is told and ends nothing."""
        chat, name = self._chat, called.command.name
        if name in _OF_WORK:
            chat.begin(line)

        def stoppable() -> int:
            try:
                return self._work[name](called.rest, stop)
            except Stopped:
                click.echo(f"stopped: {stop.reason}")
                return INTERRUPTED
            except ValueError as error:  # of shlex: a quote that is not closed
                raise UsageError(f"/{name} {called.rest}: {error}") from error

        with chat.stage.working(f"/{name}") as stop, chat.stage.listening() as tee:
            code = told(stoppable, [line])
        if name not in _QUIETLY:
            chat.recording.note(CommandRan(line, tee.said, code))

    # -- about the session --------------------------------------------------------------------

    def _help(self, rest: str, _: Stop) -> int:
        name = rest.lstrip("/").lower()
        if not name:
            click.echo("\n".join(["Commands", *command_lines(_HELP_WIDTH)]))
            click.echo("\n".join(["Keys", *key_lines(_HELP_WIDTH)]))
            return 0
        for command in COMMANDS:
            if command.name == name:
                click.echo(f"{command.usage}: {command.help}")
                return 0
        raise UsageError(f"there is no command /{name}", hint="/help lists them")

    def _quit(self, _: str, __: Stop) -> int:
        self._chat.leave()
        return 0

    def _clear(self, _: str, __: Stop) -> int:
        n = len(self._chat.conversation.exchanges)
        self._chat.conversation.clear()
        click.echo(f"the context is empty: {plural(n, 'exchange')} forgotten, the tree as it is")
        return 0

    def _resume(self, rest: str, _: Stop) -> int:
        chat = self._chat
        here, present = str(chat.repository.root), chat.recording.run
        if rest:
            past = meant_session(rest, here, present)
            n = chat.take_up(past)
            title = past.started.title if past.started else ""
            click.echo(f"{plural(n, 'exchange')} taken up: {title!r} ({past.run_id})")
            return 0
        found = newest_sessions(here, present)
        if not found:
            click.echo("there are no earlier sessions of this repository")
            return 0
        rows = [
            (str(n), time.strftime("%Y-%m-%d %H:%M", time.localtime(run.start)), run.started.title)
            for n, run in enumerate(found, 1)
            if run.started
        ]
        print_rows("", ("", "when", "began with"), rows)
        click.echo("/resume N goes on with one of them")
        return 0

    def _model(self, rest: str, stop: Stop) -> int:
        chat = self._chat
        if not rest:
            click.echo(f"this session runs {chat.model.name or 'the default model'}")
            return guarded(["models", "list"])
        from qwenagent.cli.models import find_model
        from qwenagent.cli.wiring import build_settings

        flags = {**chat.flags, "model": rest, "endpoint": ""}
        settings = build_settings(chat.repository.root, flags)
        card, _ = find_model(settings)
        click.echo(self._showing.cost_of_change(card, stop))
        chat.flags, chat.settings = flags, settings
        chat.model.change(settings)
        click.echo(f"{card.title} loads now")
        return 0

    def _config(self, rest: str, _: Stop) -> int:
        name, value = [*rest.split(maxsplit=1), "", ""][:2]
        if not value:
            return guarded(["config", *([name] if name else [])])
        from qwenagent.cli.wiring import build_settings
        from qwenagent.config import write_user_setting

        file = write_user_setting(name, _read_value(value))
        chat = self._chat
        chat.settings = build_settings(chat.repository.root, chat.flags)
        when = "from the next session on" if name.startswith(("model.", "ui.")) else "from now on"
        click.echo(f"{file}: {name} = {value}, {when}")
        return 0

    # -- what is before the model -------------------------------------------------------------

    def _add(self, rest: str, stop: Stop) -> int:
        paths = shlex.split(rest)
        if not paths:
            raise UsageError("/add needs a path", hint="/files lists what is in the context")
        chat = self._chat
        tree, shelf = chat.conversation.tree, chat.conversation.shelf
        code = 0
        for name in map(self._inside, paths):
            wanted = [name]
            if name == "." or tree.is_folder(name):
                prefix = "" if name == "." else f"{name}/"
                wanted = [path for path in tree.files() if path.startswith(prefix)]
            fresh = shelf.put(wanted, "added")
            if fresh:
                click.echo(f"added {', '.join(fresh[:_SHOWN])}{_more(len(fresh))}")
            elif set(wanted) & set(shelf.paths):
                click.echo(f"{name} is in the context already")
            else:
                click.echo(f"error: {name} is no text file of this repository", err=True)
                code = UsageError.exit_code
        return code

    def _drop(self, rest: str, _: Stop) -> int:
        paths = shlex.split(rest)
        if not paths:
            raise UsageError("/drop needs a path", hint="/files lists what is in the context")
        paths = [self._inside(path) for path in paths]
        gone = [path for path in paths if self._chat.conversation.shelf.drop(path)]
        if gone:
            click.echo(f"dropped {', '.join(gone)}")
        for path in (path for path in paths if path not in gone):
            click.echo(f"error: {path} is not in the context", err=True)
        return 0 if len(gone) == len(paths) else UsageError.exit_code

    def _inside(self, name: str) -> str:
        """Return what somebody typed as a path in the repository, "." for all of it.

        It is looked for from the repository's folder, then from the one the session was opened in.
        """
        root = self._chat.repository.root
        name = name.removeprefix("@")
        places = (Path(root, name), Path.cwd() / name)
        place = next((one for one in places if os.path.lexists(one)), places[0])
        return Path(os.path.relpath(os.path.normpath(place), root)).as_posix()

    def _file(self, name: str) -> Path:
        """Return a file that somebody typed, seen from here or from the repository's folder."""
        here = Path(name.removeprefix("@"))
        return here if here.exists() else self._chat.repository.root / self._inside(name)

    # -- work ---------------------------------------------------------------------------------

    def _write_plan(self, rest: str, stop: Stop) -> int:
        from qwenagent.checks import detect
        from qwenagent.cli.desk import write_new_plan
        from qwenagent.loop.writing import Desk, write_plan

        if not rest:
            raise UsageError("/plan needs a task", hint="/plan what is to be done")
        chat = self._chat
        tree = chat.conversation.tree
        suite = detect(tree.root, tree.root, tree.files())
        test = chat.settings.tests.command or (suite.shown if suite else "")
        loaded = chat.loaded(stop)
        desk = Desk(loaded.engine, chat.recording.events, stop, chat.settings.loop.seed)
        text = write_plan(desk, tree, rest, test)
        path = write_new_plan(Path.cwd(), text)
        self._plan = path.name
        click.echo(revealed(text).rstrip("\n"))
        click.echo(f"\nthe plan is in {path.name}; /run {path.name} carries it out")
        return 0

    def _run_plan(self, rest: str, stop: Stop) -> int:
        from qwenagent.cli.flags import standing_in
        from qwenagent.loop import RunOptions, require_clean
        from qwenagent.plan import read_plan

        chat = self._chat
        names = shlex.split(rest) or [self._plan or "plan.md"]
        paths = [self._file(name) for name in names]
        plans = [read_plan(path) for path in paths]
        root = chat.repository.root.resolve()
        inside = [p.resolve() for p in paths if p.resolve().is_relative_to(root)]
        ignored = [path.relative_to(root).as_posix() for path in inside]
        require_clean(chat.repository, plans, ignored, commit=True)
        loaded = chat.loaded(stop)
        options = RunOptions(folder=standing_in(chat.repository))
        return chat.carry_out(plans, "plan", options, loaded, stop)

    def _test(self, rest: str, stop: Stop) -> int:
        from qwenagent.cli.flags import standing_in
        from qwenagent.loop.tryout import run_tests

        chat = self._chat
        ports = chat.ports(chat.loaded(stop), stop)
        run = run_tests(ports, rest, standing_in(chat.repository))
        return 0 if run.green else NOT_DONE

    def _undo(self, rest: str, _: Stop) -> int:
        return self._turn("undo", rest)

    def _redo(self, rest: str, _: Stop) -> int:
        return self._turn("redo", rest)

    def _turn(self, command: str, rest: str) -> int:
        if rest and not (rest.isdecimal() and 0 < int(rest) <= _MAX_UNDONE):
            raise UsageError(f"/{command} {rest}: how many is a number from 1 to {_MAX_UNDONE}")
        try:
            for _ in range(int(rest or 1)):
                self._chat.changes().require_own(back=command == "undo")
                if code := guarded([command]):
                    return code
            return 0
        finally:
            self._chat.conversation.look_again()

    def _commit(self, rest: str, stop: Stop) -> int:
        from qwenagent.cli.wiring import box_for

        chat = self._chat
        box_for(chat.repository, chat.settings, chat.flags)
        commit, paths = chat.changes().commit(rest)
        branch = chat.repository.branch()
        names = f"{', '.join(paths[:_SHOWN])}{_more(len(paths))}"
        click.echo(f"committed {commit[:12]} on {branch}: {names}")
        return 0

    def _escalate(self, rest: str, stop: Stop) -> int:
        from qwenagent.cli.frontier import frontier_rules, make_frontier
        from qwenagent.escalate import FileText, Material, Subject, rules_of

        chat = self._chat
        rules = frontier_rules(chat.settings, chat.flags)
        if rules is None:
            shut = rules_of(chat.settings.escalate, offline=bool(chat.flags["offline"])).shut
            raise UsageError(f"nobody is asked: {shut}", hint="/config escalate shows what is set")
        if not rest:
            return guarded(["config", "escalate"])
        events, tree = chat.recording.events, chat.conversation.tree
        events.emit(MessageSent(rest))
        frontier = make_frontier(
            rules, chat.repository.root, events, chat.approver(stop), stop, chat.flags
        )
        listed = tree.files()
        stays = set(frontier.stays(listed))
        shown = [path for path in chat.shelved if path not in stays]
        files = tuple(FileText(path, tree.text(path) or "") for path in shown)
        subject = Subject("", "asked for by /escalate", needs_yes=False)
        answer = frontier.text("advice", subject, Material(rest, "", "", files), listed, str)
        stop.check()
        if not answer:
            return NOT_DONE
        chat.conversation.note(rest, answer)
        return 0


_SHOWN = 8


def _more(n: int) -> str:
    return f" and {n - _SHOWN} more" if n > _SHOWN else ""


def _read_value(text: str) -> Any:
    """Return a value as TOML has it; words are texts without quotes, too."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text
