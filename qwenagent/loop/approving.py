"""Has everything approved that was not typed by the user, before it runs.

What a plan or a repository makes run is asked for all at once, before the first of it; what the
model calls for, each time. The command for the tests and the model's may be changed by who is
asked; a changed one is read, hashed and asked about like the first. Knows neither terminals nor
what was approved before.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
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
from qwenagent.errors import ApprovalNeeded, ChecksError, QwenAgentError, WorkspaceError
from qwenagent.plan import Plan, Step
from qwenagent.protocol.approval import Approver, Origin, Permission, exact
from qwenagent.protocol.checks import TestCommand
from qwenagent.protocol.events import ApprovalAnswered, ApprovalAsked, EventStream
from qwenagent.workspace.history import History

_QUESTION = "May these commands run in this repository?"
_HOUSE = "May the project's own formatters and linters run on the files that steps change?"
_CALL = "The model wants to run this command. May it?"
_PASSING = {
    "model": "what the model calls for is asked about each time",
    "edited": "what you change here is for this once",
}
_SHOWN_CHARS = 300
"""Of the commands in an error message; the question shows them whole."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a plan makes run, as far as it is still to be done."""

    plan: Plan
    suite: TestCommand | None
    steps: Sequence[Step]
    is_edited: bool = False
    """Whether the suite is as the user changed it when asked."""


@dataclass(frozen=True, slots=True)
class _Item:
    """One line of the question."""

    shown: str
    permission: Permission
    notes: tuple[str, ...] = ()
    passing: str = ""
    """Why it is asked about each time; empty if a yes can be for good."""


class Approvals:
    """Asks for what is to run in one repository."""

    def __init__(self, root: Path, events: EventStream, approver: Approver) -> None:
        self._root = root
        self._events = events
        self._approver = approver
        self._first_commit = History(root).first()

    def require(self, wanted: Iterable[Wanted]) -> list[Wanted]:
        """Ask for what the user did not type: commands, given tests, examples.

        Returns the same, with the suite that the user has put in the place of the one asked about.

        Raises:
            ApprovalNeeded: the answer was no, or there is nobody to ask.
        """
        those = list(wanted)
        suite = _suite_of(those)
        draft, told = _editable(suite), ""
        while items := [item for of_plan in those for item in self._items(of_plan)]:
            answer = self._ask(told + _QUESTION, items, draft)
            if not answer.edited or suite is None:
                break
            draft = answer.edited
            try:
                those, told = _with_suite(those, _reread(draft, suite)), ""
            except ChecksError as error:
                told = _not_taken(error)
        if not items or answer.granted:
            return those
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
        items = [self._command(c, Origin("detected")) for c in commands]
        return self._ask(_HOUSE, items).granted

    def granted_call(
        self, command: TestCommand, read: Callable[[str], TestCommand]
    ) -> TestCommand | None:
        """Ask for a command that the model wants to run. A yes holds this once.

        Returns what may run: the command, or what the user wrote in its place, as `read` makes it
        of the text. None if nothing may.
        """
        origin, draft, told = Origin("model"), _editable(command), ""
        while (answer := self._ask(told + _CALL, [self._command(command, origin)], draft)).edited:
            draft = answer.edited
            try:
                command, origin, told = read(draft), Origin("edited"), ""
            except (ChecksError, WorkspaceError) as error:
                told = _not_taken(error)
        return command if answer.granted else None

    def _ask(self, question: str, items: Sequence[_Item], edit: str = "") -> ApprovalAnswered:
        """Put the question; what comes back is a yes or an edit only if it is of this question."""
        found = {item.permission.digest: item for item in items}
        rows = dict.fromkeys((item.shown, "\n".join(item.notes)) for item in found.values())
        asked = ApprovalAsked(
            kind="commands",
            question=question,
            items=tuple(shown for shown, _ in rows),
            digest=hashlib.sha256("\0".join(found).encode()).hexdigest(),
            notes=tuple(notes for _, notes in rows),
            digests=tuple("" if item.passing else digest for digest, item in found.items()),
            passing=next((item.passing for item in found.values() if item.passing), ""),
            edit=edit,
        )
        self._events.emit(asked)
        answer = self._approver.ask(asked)
        if answer.digest != asked.digest:
            answer = ApprovalAnswered(False, answer.by, asked.digest)
        elif answer.edited:
            answer = replace(answer, granted=False)
        self._events.emit(answer)
        return answer

    def _items(self, wanted: Wanted) -> Iterator[_Item]:
        plan = wanted.plan
        path = str(Path(plan.path).resolve()) if plan.path else ""
        origin = Origin("plan", path, plan.digest)
        suite = wanted.suite
        if suite and suite.origin != "flag":
            edited = Origin("edited") if wanted.is_edited else None
            yield self._command(suite, edited or self._origin_of(suite, origin))
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
            return _Item(shown, permission, (f"will not run: {error.message}",), error.message)
        return self._command(command, origin)

    def _command(self, command: TestCommand, origin: Origin) -> _Item:
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
        return _Item(
            shown=_shown(command),
            permission=permission,
            notes=(*_where(command, origin), *script_notes(command, self._root), *special),
            passing=_PASSING.get(origin.kind, "") or next(iter(special), ""),
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


def _suite_of(those: Sequence[Wanted]) -> TestCommand | None:
    """Return the one suite that is asked about; None if there is none, or several."""
    suites = {(one.argv, one.cwd): one for of in those if (one := of.suite) and _is_asked(one)}
    return next(iter(suites.values())) if len(suites) == 1 else None


def _is_asked(suite: TestCommand) -> bool:
    return suite.origin != "flag"


def _with_suite(those: Sequence[Wanted], suite: TestCommand) -> list[Wanted]:
    return [
        replace(of, suite=replace(suite, origin=of.suite.origin), is_edited=True)
        if of.suite and _is_asked(of.suite)
        else of
        for of in those
    ]


def _reread(text: str, suite: TestCommand) -> TestCommand:
    return replace(parse_command(text, "detected"), cwd=suite.cwd)


def _editable(command: TestCommand | None) -> str:
    """Return the text that may be changed; none of one in which something could hide."""
    text = _shown(command) if command else ""
    return text if exact(text) == text else ""


def _shown(command: TestCommand) -> str:
    return command.shown if is_shell(command.argv) else typed(command.argv)


def _not_taken(error: QwenAgentError) -> str:
    return f"Your change is not taken: {error.message}. "


def _where(command: TestCommand, origin: Origin) -> tuple[str, ...]:
    told = () if command.cwd == "." else (f"runs in {command.cwd}",)
    if origin.kind == "edited":
        return ("as you changed it", *told)
    if command.origin == "repository":
        return (f"proposed by the repository's {REPOSITORY_FILE}", *told)
    return told
