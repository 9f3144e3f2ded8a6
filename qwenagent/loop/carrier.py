"""Runs a command that may change files, so that what it changes can be undone like an edit.

Knows neither steps nor who wanted the command.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from qwenagent.errors import PathEscapes, WorkspaceError, reason
from qwenagent.loop.ports import Ports
from qwenagent.protocol.checks import TestCommand, TestRun
from qwenagent.workspace.history import History

_FILES = frozenset({"", "100644", "100755"})
"""Git's modes of what can be written back: no links, no submodules."""


@dataclass(slots=True)
class Changes:
    """What a command has changed, seen from the snapshot before it."""

    before: str
    theirs: frozenset[str]
    """What the user had changed or made before and not committed."""
    refused: dict[str, str] = field(default_factory=dict)
    """Paths that cannot be put back, and why."""


class Carrier:
    """Compares the tree before and after a command and enters the difference into the journal."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports
        self._tree = ports.workspace
        self._repository = ports.workspace.repository
        self._history = History(self._repository.root)

    def carry_out(
        self, command: TestCommand, start: Callable[[], TestRun]
    ) -> tuple[TestRun, Changes]:
        """Run a command through `start` and enter what it changes into the journal.

        Raises:
            ChecksError: it cannot be started.
            WorkspaceError: it cannot be kept what the tree was like before.
        """
        before = self._snapshot("before")
        ours = {path for paths in self._tree.written() for path in paths}
        theirs = frozenset(self._history.changed("HEAD", before)) - ours
        changes = Changes(before, theirs)
        try:
            self._tree.command_begins(command.shown, before)
        except OSError as error:
            raise WorkspaceError(
                f"it cannot be kept what the tree was like before `{command.shown}`: "
                f"{reason(error)}",
                hint="make git's folder writable, or free some disk space",
            ) from error
        try:
            run = start()
        finally:
            self._adopt(changes)
            self._tree.command_ended()
        return run, changes

    def _snapshot(self, when: str) -> str:
        ref = f"refs/qwenagent/{self._ports.events.run}-command"
        return self._repository.snapshot(ref, f"{when} a command")

    def _adopt(self, changes: Changes) -> None:
        """Enter what the command changed into the journal, as if it had been written here."""
        after = self._snapshot("after")
        for path in self._history.changed(changes.before, after):
            mode = self._history.mode(changes.before, path)
            if not _FILES.issuperset((mode, self._history.mode(after, path))):
                changes.refused[path] = f"{path} is a link or a submodule"
                continue
            content = self._history.content(changes.before, path)
            try:
                self._tree.adopt(path, content, executable=mode == "100755")
            except PathEscapes as error:
                changes.refused[path] = error.message
            except OSError as error:
                changes.refused[path] = f"{path} cannot be kept: {reason(error)}"
