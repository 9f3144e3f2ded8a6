"""Opens a session and takes it down: the prompt first, everything else behind it."""

from __future__ import annotations

import hashlib
import os
import sys
from contextlib import ExitStack, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qwenagent.cli.codes import ENVIRONMENT
from qwenagent.cli.confining import consent_by
from qwenagent.cli.frontier import is_attended
from qwenagent.cli.offline import connections
from qwenagent.cli.session.names import Names
from qwenagent.cli.wiring import build_settings
from qwenagent.errors import NotARepository, UsageError
from qwenagent.ui.reading import ReaderOptions, make_reader

if TYPE_CHECKING:
    from qwenagent.cli.session.stage import Stage
    from qwenagent.config import Settings


def open_session(flags: dict[str, Any], resume: str, *, plain: bool) -> int:
    """Carry out a session; return its exit code.

    Raises:
        UsageError: there is no terminal.
        NotARepository: there is no repository with a commit around the current folder.
    """
    if not is_attended(flags):
        raise UsageError(
            "a session needs a terminal", hint='without one: qwenagent "TASK", or run plan.md'
        )
    root = _root_around(Path.cwd())
    settings = build_settings(root, flags)
    if not _has_model(settings):
        from qwenagent.cli.setup import guide

        if not guide():
            return ENVIRONMENT
        settings = build_settings(root, flags)
    names = Names(root)
    options = ReaderOptions(_history(root), settings.ui.keys, names.sources)
    with ExitStack() as stack:
        stack.enter_context(connections(offline=flags["offline"]))
        reader = stack.enter_context(make_reader(options, plain=plain))
        if reader.out is not sys.stdout:
            stack.enter_context(redirect_stdout(reader.out))
            stack.enter_context(redirect_stderr(reader.out))
        # Imported only now: the prompt is on the screen, and these take as long as all before.
        from qwenagent.cli.session.stage import Stage

        stage = Stage(reader, plain=plain)
        stack.enter_context(consent_by(stage.confirm))
        stack.enter_context(stage.ending_by_signals())
        return _session(stage, names, settings, flags, resume, stack)


def _has_model(settings: Settings) -> bool:
    """Whether something is named or installed: the first start of all has to fetch a model."""
    from qwenagent.registry import installed, load_cards

    is_named = bool(settings.model.endpoint or settings.model.name)
    return is_named or any(installed(card) for card in load_cards().values())


def _session(
    stage: Stage,
    names: Names,
    settings: Settings,
    flags: dict[str, Any],
    resume: str,
    stack: ExitStack,
) -> int:
    from qwenagent.cli.session.chat import Chat
    from qwenagent.cli.session.repository import opened

    repository = stack.enter_context(opened())
    chat = Chat(stage, repository, settings, flags)
    names.session = chat
    stack.callback(chat.model.close)
    stack.push(chat.close)
    return chat.run(resume)


def _root_around(folder: Path) -> Path:
    """Return what is probably the repository's folder, for git is asked only later.

    Raises:
        NotARepository: no folder above is one.
    """
    for place in (folder, *folder.parents):
        if (place / ".git").exists():
            return place
    if "GIT_DIR" in os.environ:
        return folder
    raise NotARepository(
        f"{folder} is not in a git repository",
        hint="`git init`, then commit once; `qwenagent --help` lists the commands",
    )


def _history(root: Path) -> Path:
    from qwenagent.transcript import state_dir

    name = hashlib.sha256(os.fsencode(root.resolve())).hexdigest()[:16]
    return state_dir() / "history" / f"{name}.jsonl"
