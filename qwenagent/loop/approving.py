"""Has everything approved that was not typed by the user, before it runs.

What a plan or a repository makes run is asked for all at once, before the first of it; what the
model calls for, each time. Knows neither terminals nor what was approved before.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from qwenagent.checks import (
    cautions,
    definitions,
    parse_command,
    programs,
    script_notes,
    typed,
)
from qwenagent.checks.command import is_shell
from qwenagent.config import REPOSITORY_FILE
from qwenagent.errors import ApprovalNeeded, ChecksError
from qwenagent.plan import Plan, Step
from qwenagent.protocol.approval import Approver, Origin, Permission, exact
from qwenagent.protocol.checks import TestCommand
from qwenagent.protocol.events import ApprovalAsked, EventStream
from qwenagent.workspace.history import History

_QUESTION = "May these commands run in this repository?"
_HOUSE = "May the project's own formatters and linters run on the files that steps change?"
_SHOWN_CHARS = 300
"""Of the commands in an error message; the question shows them whole."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a plan makes run, as far as it is still to be done."""

    plan: Plan
    suite: TestCommand | None
    steps: Sequence[Step]


@dataclass(frozen=True, slots=True)
class _Item:
    """One line of the question."""

    shown: str
    permission: Permission
    notes: tuple[str, ...] = ()
    is_lasting: bool = True


class Approvals:
    """Asks for what is to run in one repository."""

    def __init__(self, root: Path, events: EventStream, approver: Approver) -> None:
        self._root = root
        self._events = events
        self._approver = approver
        self._first_commit = History(root).first()

    def require(self, wanted: Iterable[Wanted]) -> None:
        """Ask for what the user did not type: commands, given tests, examples.

        Raises:
            ApprovalNeeded: the answer was no, or there is nobody to ask.
        """
        items = [item for of_plan in wanted for item in self._items(of_plan)]
        if not items or self._ask(_QUESTION, items):
            return
        shown = dict.fromkeys(item.shown for item in items)
        names = exact("; ".join(shown))
        if len(names) > _SHOWN_CHARS:
            names = f"{names[:_SHOWN_CHARS]} ..."
        raise ApprovalNeeded(
            f"{len(shown)} command(s) were not approved: {names}",
            hint="read them, then answer yes in a terminal, or pass --yes",
        )

    def grants_house(self, commands: Sequence[TestCommand]) -> bool:
        """Ask for formatters and linters, which get the files that steps have changed."""
        return self._ask(_HOUSE, [self._command(c, Origin("detected")) for c in commands])

    def grants_call(self, command: TestCommand) -> bool:
        """Ask for a command that the model wants to run. A yes holds this once."""
        item = self._command(command, Origin("model"), is_lasting=False)
        return self._ask("The model wants to run this command. May it?", [item])

    def _ask(self, question: str, items: Sequence[_Item]) -> bool:
        found = {item.permission.digest: item for item in items}
        rows = dict.fromkeys((item.shown, "\n".join(item.notes)) for item in found.values())
        asked = ApprovalAsked(
            kind="commands",
            question=question,
            items=tuple(shown for shown, _ in rows),
            digest=hashlib.sha256("\0".join(found).encode()).hexdigest(),
            notes=tuple(notes for _, notes in rows),
            digests=tuple(digest if item.is_lasting else "" for digest, item in found.items()),
        )
        self._events.emit(asked)
        answer = self._approver.ask(asked)
        self._events.emit(answer)
        return answer.granted and answer.digest == asked.digest

    def _items(self, wanted: Wanted) -> Iterator[_Item]:
        plan = wanted.plan
        path = str(Path(plan.path).resolve()) if plan.path else ""
        origin = Origin("plan", path, plan.digest)
        suite = wanted.suite
        if suite and suite.origin != "flag":
            yield self._command(suite, self._origin_of(suite, origin))
        for step in wanted.steps:
            for text in (step.test, step.command):
                if text:
                    yield self._written(text, origin)
            yield from self._code(step, origin)

    def _origin_of(self, suite: TestCommand, plan: Origin) -> Origin:
        match suite.origin:
            case "repository":
                # It was read a moment ago; whoever changed it since then is asked about it.
                text = (self._root / REPOSITORY_FILE).read_bytes()
                return Origin("repository", REPOSITORY_FILE, hashlib.sha256(text).hexdigest())
            case "detected":
                return Origin("detected")
            case _:
                return plan

    def _written(self, text: str, origin: Origin) -> _Item:
        """Return a command of the plan; one that cannot be read is shown and not remembered."""
        try:
            command = parse_command(text, "step")
        except ChecksError as error:
            shown = text if len(text) <= _SHOWN_CHARS else f"{text[:_SHOWN_CHARS]} ..."
            permission = Permission(str(self._root), self._first_commit, (text,), ".", origin)
            return _Item(shown, permission, (f"will not run: {error.message}",), is_lasting=False)
        return self._command(command, origin)

    def _command(self, command: TestCommand, origin: Origin, *, is_lasting: bool = True) -> _Item:
        found = definitions(command, self._root)
        permission = Permission(
            root=str(self._root),
            first_commit=self._first_commit,
            argv=command.argv,
            cwd=command.cwd,
            origin=origin,
            programs=programs(command),
            definitions=found,
        )
        special = [*cautions(command)]
        special += [f"{file.path} cannot be read whole" for file in found if not file.digest]
        shown = command.shown if is_shell(command.argv) else typed(command.argv)
        return _Item(
            shown=shown,
            permission=permission,
            notes=(*_where(command), *script_notes(command, self._root), *special),
            is_lasting=is_lasting and not special,
        )

    def _code(self, step: Step, origin: Origin) -> Iterator[_Item]:
        if step.test_code:
            n = len(step.test_code.splitlines())
            shown = f"the test in step {step.number} ({n} lines of {step.test_lang or 'code'})"
            yield self._given(shown, (step.test_code,), origin)
        if step.examples:
            shown = f"the {len(step.examples)} example(s) in step {step.number}"
            yield self._given(shown, tuple(example.call for example in step.examples), origin)

    def _given(self, shown: str, code: tuple[str, ...], origin: Origin) -> _Item:
        place = (str(self._root), self._first_commit)
        return _Item(shown, Permission(*place, (), ".", origin, code=(shown, *code)))


def _where(command: TestCommand) -> tuple[str, ...]:
    told = () if command.cwd == "." else (f"runs in {command.cwd}",)
    if command.origin == "repository":
        return (f"proposed by the repository's {REPOSITORY_FILE}", *told)
    return told
