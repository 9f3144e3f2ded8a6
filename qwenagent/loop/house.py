"""The project's own formatters and linters, on the files that a step has changed.

A file that was not laid out by them before the step stays as the step left it, so that a small
edit stays a small diff. Knows nothing of models and commits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from qwenagent.checks.house import (
    Complaint,
    HouseTool,
    assigned,
    find_tools,
    has_failed,
    new_ones,
    read_complaints,
)
from qwenagent.checks.judge import ending
from qwenagent.errors import ChecksError
from qwenagent.loop.approving import Approvals
from qwenagent.loop.carrier import Carrier
from qwenagent.loop.editing.edited import edit_applied
from qwenagent.loop.evidence.judging import compare_suites
from qwenagent.loop.evidence.testing import Tests, summary
from qwenagent.loop.ports import Ports
from qwenagent.loop.step import StepResult
from qwenagent.loop.stop import Stopped
from qwenagent.protocol.checks import TestCommand, TestRun
from qwenagent.protocol.events import Warned
from qwenagent.workspace import Edit
from qwenagent.workspace.journal import PreImage

TIMEOUT_S = 60.0
"""For a few files; a tool that has to start a compiler first takes some seconds."""
MAX_SHOWN = 5
"""Complaints in one warning."""

State = Mapping[str, PreImage]


@dataclass(frozen=True, slots=True)
class _Applied:
    """What one tool did to the tree as it was found."""

    after: State
    """Of the files that it was given."""
    complaints: list[Complaint]


class House:
    """Lays out and checks what steps of one run have changed, as far as the user allows it."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports
        self._tree = ports.workspace
        self._emit = ports.events.emit
        self._carrier = Carrier(ports)
        self._tools: list[HouseTool] = []
        self._told: set[str] = set()

    def ask(self) -> None:
        """Find what the project has, and ask whether it may run; a no is told, and ends nothing."""
        if not self._ports.settings.loop.format:
            return
        runner, tree = self._ports.runner, self._tree
        found = find_tools(tree.root, tree.files(), runner.has_program)
        if not found:
            return
        approvals = Approvals(tree.root, self._ports.events, self._ports.approver)
        if approvals.grants_house([tool.command for tool in found]):
            self._tools = list(found)
            return
        names = ", ".join(dict.fromkeys(f"`{tool.command.shown}`" for tool in found))
        self._warn(
            f"{names}: not approved, so nothing is formatted in this run",
            "loop.format = false asks no more",
        )

    def tidy(self, result: StepResult, tests: Tests, command: TestCommand | None) -> None:
        """Lay out and check what a step that is done has changed; `command` is its own test.

        What was green stays so: else the files are left as the step wrote them.
        """
        files = self._files() if self._tools and result.state != "blocked" else []
        if not files:
            return
        before = self._tree.state()
        complaints: list[Complaint] = []
        try:
            for tool, own in assigned(self._tools, files):
                complaints += self._apply(tool, own)
            self._keep_if_green(before, result, tests, command)
        except Stopped:  # by the user or a limit: the step itself is done
            self._tree.restore(before)
        self._tell(complaints)

    def _files(self) -> list[str]:
        """Return the files that the step wrote, without those that it only moved."""
        images = {path: self._image(path) for path in self._tree.changed()}
        state = self._tree.state()
        gone = [old.data for path, old in images.items() if state[path].data is None]
        return [
            path
            for path, old in images.items()
            if (now := state[path].data) is not None
            and not (old.data is None and any(_is_much_of(now, data or b"") for data in gone))
        ]

    def _image(self, path: str) -> PreImage:
        """The file before the step."""
        return self._tree.journal.images[self._tree.root / path]

    # -- one tool -----------------------------------------------------------------------------

    def _apply(self, tool: HouseTool, files: Sequence[str]) -> list[Complaint]:
        """Keep what a tool makes of files that were as it wants them; return new complaints."""
        start = self._tree.state()
        applied = self._run(tool, files)
        if applied is None:
            self._tree.restore(start)
            return []
        changed = {path for path in files if applied.after[path].data != start[path].data}
        complained = {complaint.path for complaint in applied.complaints}
        old = [p for p in files if p in changed | complained and self._image(p).data is not None]
        earlier, known = self._at_start(tool, old)
        kept = {
            path: replace(start[path], data=now.data)
            for path, now in applied.after.items()
            if path in changed - earlier and now.data not in (None, self._image(path).data)
        }
        self._tree.restore({**start, **kept})
        return new_ones(known, [c for c in applied.complaints if c.path in files])

    def _at_start(
        self, tool: HouseTool, files: Sequence[str]
    ) -> tuple[set[str], Sequence[Complaint]]:
        """Return what a tool would have changed and complained of before the step.

        The tree is left as it was then, or as the tool made it.
        """
        if not files:
            return set(), ()
        self._tree.restore({})
        applied = self._run(tool, files)
        if applied is None:
            return set(files), ()
        differ = {path for path in files if applied.after[path].data != self._image(path).data}
        return differ, applied.complaints

    def _run(self, tool: HouseTool, files: Sequence[str]) -> _Applied | None:
        """Run a tool on the tree as it is; None if it failed, which is told.

        Raises:
            Stopped: the run was stopped meanwhile.
        """
        command = tool.on(files, self._tree.root)
        runner = self._ports.runner
        try:
            run, changes = self._carrier.carry_out(
                command, lambda: runner.run(command, timeout_s=TIMEOUT_S)
            )
        except ChecksError as error:
            self._give_up(tool, error.message)
            return None
        self._ports.stop.check()
        for path, why in changes.refused.items():
            self._warn(f"`{tool.command.shown}` changed {path}, which is left as it is: {why}")
        if has_failed(tool, run):
            self._tell_failure(tool, run)
            return None
        # These it was to change, so what they hold now is no user's work that has to be kept.
        self._tree.claim(files)
        state = self._tree.state()
        complaints = read_complaints(tool, run.output, self._tree.root)
        return _Applied({path: state[path] for path in files}, complaints)

    def _tell_failure(self, tool: HouseTool, run: TestRun) -> None:
        if run.timed_out:
            self._give_up(tool, ending(run))
            return
        lines = [line.strip() for line in run.output.split("\n") if line.strip()]
        said = f": {lines[0][:200]}" if lines else ""
        self._warn(
            f"`{tool.command.shown}` {ending(run)}{said}; its files stay as they are",
            run.withheld[0] if run.withheld else "",
        )

    def _give_up(self, tool: HouseTool, why: str) -> None:
        self._tools.remove(tool)
        self._warn(f"`{tool.command.shown}` is left out from here on: {why}")

    # -- all of them --------------------------------------------------------------------------

    def _keep_if_green(
        self, before: State, result: StepResult, tests: Tests, command: TestCommand | None
    ) -> None:
        after = self._tree.state()
        formatted = [path for path, image in before.items() if after[path] != image]
        if not formatted:
            return
        if broken := _broken(result, tests, command, self._tree.changed()):
            self._tree.restore(before)
            self._warn(f"formatting {', '.join(formatted)} is taken back: {broken}")
            return
        for path in formatted:
            old, new = (
                (state[path].data or b"").decode(errors="replace") for state in (before, after)
            )
            self._emit(edit_applied(Edit(path, old, new)))

    def _tell(self, complaints: Sequence[Complaint]) -> None:
        if not complaints:
            return
        shown = "; ".join(complaint.shown for complaint in complaints[:MAX_SHOWN])
        more = f"; and {len(complaints) - MAX_SHOWN} more" if len(complaints) > MAX_SHOWN else ""
        self._emit(Warned(f"{len(complaints)} new complaint(s) of the linter: {shown}{more}"))

    def _warn(self, message: str, hint: str = "") -> None:
        """Say something once."""
        if message not in self._told:
            self._told.add(message)
            self._emit(Warned(message, hint))


def _broken(
    result: StepResult, tests: Tests, command: TestCommand | None, written: Sequence[str]
) -> str:
    """Return what turned red since the step ended, empty if nothing; its own test counts first."""
    if command is None:
        suite = tests.run_suite("regression", written)
        return compare_suites(tests, suite) if suite else ""
    run = tests.settled(command, None, "regression")
    if run is None or run.green or summary(run) == result.tests_after:
        return ""
    return f"`{command.shown}` {ending(run)}"


def _is_much_of(now: bytes, gone: bytes) -> bool:
    """True if most lines of a new file come from one that is gone."""
    lines, old = _lines(now), set(_lines(gone))
    return 2 * sum(line in old for line in lines) > len(lines)


def _lines(data: bytes) -> list[bytes]:
    return [line for line in map(bytes.strip, data.split(b"\n")) if line]


def _text(image: PreImage) -> str:
    return (image.data or b"").decode(errors="replace")
