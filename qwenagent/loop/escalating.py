"""The loop's side of asking a model elsewhere: what is told of a step, and what its answers are.

Knows neither providers nor prices; what may go is decided behind `Frontier`.
"""

from __future__ import annotations

import re
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from qwenagent.checks import reduce_output
from qwenagent.checks.testfiles import is_test_file
from qwenagent.escalate import FilePatch, FileText, Material, Subject
from qwenagent.loop.editing.targets import Targets, identifiers
from qwenagent.loop.evidence.suspects import Spectrum, suspicion
from qwenagent.loop.evidence.testsource import MAX_SHOWN, files_to_show
from qwenagent.loop.ports import Frontier, Ports
from qwenagent.plan import Step
from qwenagent.protocol.checks import TestRun
from qwenagent.protocol.tools import ToolCall
from qwenagent.sandbox import clean_output
from qwenagent.syntax import symbols
from qwenagent.tools import cut_lines
from qwenagent.workspace import Workspace, unified_diff

OUTPUT_CHARS = 6000
PLAN_LINES, PLAN_CHARS = 40, 3000
WHOLE_FILE_CHARS = 20_000
"""A longer file is sent in parts: what the step names, and what failures point to."""
MAX_FILES = 12
MAX_PARTS = 8
_MAX_HOME_CHARS = 4_000_000
"""Of files that stay, whose lines are looked for in what goes; with more, no test output goes."""
_TOO_MUCH = "(what it prints stays here: it cannot be told from files that do)"
_MAX_NAMED = 40
_NAMED_FILE = re.compile(r"[^\s\"'`()\[\]{},;:<>|]{1,300}\.[A-Za-z0-9_]{1,12}")
_MAX_NAMED_BYTES = 256_000


@dataclass(frozen=True, slots=True)
class Situation:
    """How far a step has come."""

    failing: TestRun | None
    """What is shown to the local model too."""
    tried: Sequence[str] = ()
    """A sentence for each attempt."""


Help = str | tuple[FilePatch, ...]
"""Advice, or a patch."""


class Escalating:
    """Asks for help with one step: advice, then a patch, of one provider after the other."""

    def __init__(
        self, ports: Ports, step: Step, targets: Targets, plan_text: str, test_command: str
    ) -> None:
        """`test_command` is empty if no test speaks for the step."""
        self._frontier: Frontier | None = ports.frontier
        self._stop = ports.stop
        self._tree: Workspace = ports.workspace
        self._step = step
        self._targets = targets
        self._plan_text = plan_text
        self._test_command = test_command
        self._asked: set[tuple[str, str]] = set()

    def up_front(self, situation: Situation) -> Help:
        """Return what the user, or with the user's yes the plan, wants asked before anything."""
        frontier = self._frontier
        if frontier is None:
            return ""
        kind = frontier.up_front or self._step.escalate or ""
        wish = not frontier.up_front
        why = "the plan asks for it" if wish else "asked for up front"
        subject = Subject(self._step.digest, f"{why}, before the step is tried here", wish)
        for name in frontier.willing(self._step.digest) if kind else ():
            found = self._one(name, kind, subject, situation)
            if found:
                return found
        return ""

    def ladder(self, reason: str, now: Callable[[], Situation]) -> Iterator[Help]:
        """Yield one help after the other, each about the step as it stands by then."""
        if self._frontier is None:
            return
        subject = Subject(self._step.digest, reason)
        for name in self._frontier.willing(subject.step):
            for kind in ("advice", "patch"):
                # Somebody may have said no meanwhile, or a cap was reached.
                if name not in self._frontier.willing(subject.step):
                    break
                if found := self._one(name, kind, subject, now()):
                    yield found

    def _one(self, name: str, kind: str, subject: Subject, situation: Situation) -> Help:
        frontier = self._frontier
        if frontier is None or (name, kind) in self._asked:
            return ""
        self._stop.check()
        self._asked.add((name, kind))
        material = self.material(situation)
        ask = frontier.advice if kind == "advice" else frontier.patch
        found = ask(name, subject, material, self._listed())
        self._stop.check()
        return found

    def _listed(self) -> frozenset[str]:
        return frozenset((*self._tree.files(), *self._targets.create))

    # -- what is told -------------------------------------------------------------------------

    def material(self, situation: Situation) -> Material:
        """Return everything that could be sent, as the tree is now."""
        failing = situation.failing
        output = self._output(failing)
        at_home = tuple(self._at_home(output))
        is_too_much = sum(map(len, at_home)) > _MAX_HOME_CHARS
        may_change = _may_change(self._targets) if self._targets.named else ()
        return Material(
            step=self._step_text(),
            test_command=self._test_command,
            output=_TOO_MUCH if is_too_much else output,
            files=tuple(self._files(failing)),
            diffs=tuple(self._diffs()),
            # They quote what tests print.
            tried=() if is_too_much else tuple(map(clean_output, situation.tried)),
            at_home=() if is_too_much else at_home,
            only=may_change[0] if len(may_change) == 1 else "",
        )

    def _step_text(self) -> str:
        parts = [clean_output(self._step.text.strip())]
        if self._targets.named:
            names = ", ".join(f"`{path}`" for path in _may_change(self._targets))
            parts.append(f"Only these files may change: {names}.")
        if self._plan_text.strip():
            text = cut_lines(clean_output(self._plan_text.strip()), PLAN_LINES, PLAN_CHARS)
            parts.append(f"It is part of this plan:\n\n{text}")
        return "\n\n".join(parts)

    def _output(self, failing: TestRun | None) -> str:
        if failing is None or failing.green:
            return "(no test is red; no change passed the checks so far)"
        return clean_output(reduce_output(failing, self._tree.root, OUTPUT_CHARS))

    def _files(self, failing: TestRun | None) -> Iterator[FileText]:
        failed = failing.failures if failing else {}
        tests = files_to_show(self._tree, self._step, self._test_command, failed)[:MAX_SHOWN]
        wanted = (*self._targets.change, *self._targets.create, *tests, *self._step.mentions)
        for path in list(dict.fromkeys(wanted))[:MAX_FILES]:
            text = self._tree.text(path)
            if text is not None and text.strip():
                yield from self._parts(path, text, failing)

    def _parts(self, path: str, text: str, failing: TestRun | None) -> Iterator[FileText]:
        if len(text) <= WHOLE_FILE_CHARS:
            yield FileText(path, text)
            return
        wanted = identifiers(self._step)
        named = [s for s in symbols(path, text) if s.name.rpartition(".")[2] in wanted]
        if failing:
            spectrum = Spectrum.of(failing, self._tree)
            named += suspicion(path, text, failing, spectrum, self._tree.files())
        lines = text.split("\n")
        for symbol in list(dict.fromkeys(named))[:MAX_PARTS]:
            code = symbol.code_in(lines)
            note = f"lines {symbol.first_line} to {symbol.last_line} of {len(lines)}"
            yield FileText(path, code, note)

    def _diffs(self) -> Iterator[FileText]:
        journal = self._tree.journal
        for path, image in journal.images.items():
            name = journal.root.relative(path)
            old = None if image.data is None else image.data.decode("utf-8", "replace")
            new = self._tree.text(name)
            if diff := unified_diff(name, old and old.replace("\r\n", "\n"), new):
                yield FileText(name, diff)

    def _at_home(self, output: str) -> Iterator[str]:
        """Yield the texts of files that stay, whose lines the step or the tests may repeat."""
        assert self._frontier is not None
        for path in self._frontier.stays(self._tree.files()):
            yield self._tree.text(path) or ""
        yield from self._named_elsewhere(output)

    def _named_elsewhere(self, output: str) -> Iterator[str]:
        """Yield the texts of files named in an output that are no files of the repository."""
        listed = set(self._tree.files())
        for name in list(dict.fromkeys(_NAMED_FILE.findall(output)))[:_MAX_NAMED]:
            path = self._tree.root / name
            inside = path.is_relative_to(self._tree.root)
            if not (inside and path.relative_to(self._tree.root).as_posix() in listed):
                yield _small_text(path)


def _small_text(path: Path) -> str:
    """Return a file's text; empty if it is large, or none that can be read."""
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode) or found.st_size > _MAX_NAMED_BYTES:
            return ""
        return path.read_bytes().decode("utf-8", "replace")
    except (OSError, ValueError):
        return ""


# -- what comes back ----------------------------------------------------------------------------


def why_not_taken(patch: Sequence[FilePatch], targets: Targets, tree: Workspace) -> str:
    """Return why a patch is not even tried: it may change what the step may, and no more."""
    allowed = _may_change(targets)
    for file in patch:
        if targets.named and file.path not in allowed:
            return f"it changes {file.path}, which is not among the files of the step"
        if is_test_file(file.path) and tree.exists(file.path) and file.path not in allowed:
            return f"it changes the test {file.path}"
    return ""


def _may_change(targets: Targets) -> tuple[str, ...]:
    return (*targets.all, *(new for _, new in targets.rename))


def calls_of(patch: Sequence[FilePatch], tree: Workspace) -> list[ToolCall]:
    """Return the edit calls that a patch is, those that make files first: others may need them."""
    calls = [_call(file, tree.text(file.path)) for file in patch]
    return sorted(calls, key=lambda call: call.name != "write_file")


def _call(file: FilePatch, old: str | None) -> ToolCall:
    if file.whole is not None:
        name = "write_file" if old is None else "rewrite_file"
        return ToolCall(name, {"path": file.path}, file.whole)
    return ToolCall("search_replace", {"path": file.path}, file.body_for(old or ""))
