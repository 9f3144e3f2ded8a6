"""One step: look, edit, check, test, repair at most twice, keep the best.

Works on the tree as it is and leaves either the best attempt in it or, if that is not good
enough, the tree as it was. Knows nothing of commits and of other steps.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from qwenagent import assets
from qwenagent.checks import reduce_output
from qwenagent.errors import (
    ChecksError,
    ContextOverflow,
    EditRefused,
    EngineCrashed,
    EngineError,
    PathEscapes,
)
from qwenagent.grammar import Offer
from qwenagent.loop.asker import HEADER_TOKENS, Action, Asker, Question
from qwenagent.loop.context import FAILURE_CHARS, Brief, build, fenced
from qwenagent.loop.judging import Judge, Judged
from qwenagent.loop.phases import (
    create_offers,
    edit_offers,
    gather_offers,
    nearest,
    new_file_offer,
)
from qwenagent.loop.ports import Ports
from qwenagent.loop.targets import Targets, find_targets, is_test_file
from qwenagent.loop.testing import Tests, summary
from qwenagent.plan import Step
from qwenagent.protocol.checks import TestCommand, TestRun
from qwenagent.protocol.events import (
    CandidateScored,
    CheckpointMade,
    EditApplied,
    Phase,
    StepState,
    ToolEnded,
    ToolStarted,
)
from qwenagent.protocol.messages import Message, Prompt, Sampling
from qwenagent.protocol.tools import ToolCall, ToolResult
from qwenagent.syntax import is_known
from qwenagent.tools import EDIT_TOOLS, GATHER_TOOLS, SPECS, make_edit, refusal, run_gather
from qwenagent.workspace import Edit, unified_diff

LEAST_BODY_TOKENS = 256
"""With less room than this for an answer the conversation starts anew."""
MAX_EDITS = 6
"""Edits of one attempt at a step that names many files."""


@dataclass(frozen=True, slots=True)
class StepResult:
    """How a step ended. `patch` is the best attempt where the step is blocked."""

    state: StepState
    reason: str
    tests_before: str = ""
    tests_after: str = ""
    changed: tuple[str, ...] = ()
    patch: str = ""


@dataclass(slots=True)
class _Best:
    """The best attempt so far."""

    judged: Judged
    files: dict[str, bytes | None]
    patch: str


@dataclass(slots=True)
class _Conversation:
    """What is said in this step. Append-only until it no longer fits."""

    messages: tuple[Message, ...] = ()
    answers: int = 0
    """Answers so far: the first is greedy."""
    touched: list[str] = field(default_factory=list)
    """Files written in the present attempt."""
    last: Action | None = None
    """The latest answer that was written to the tree, if nothing was said since."""

    def add(self, action: Action, observation: str) -> None:
        self.messages += (Message("assistant", action.text), Message("user", observation))


class StepRunner:
    """Carries out steps, one after the other."""

    def __init__(self, ports: Ports, tests: Tests, asker: Asker, plan_text: str) -> None:
        self._ports = ports
        self._tests = tests
        self._asker = asker
        self._plan_text = plan_text
        self._tree = ports.workspace
        self._emit = ports.events.emit
        self._talk = _Conversation()

    def run(
        self, step: Step, command: TestCommand | None, extra_files: tuple[str, ...] = ()
    ) -> StepResult:
        """Carry out one step.

        Raises:
            Stopped: the run was stopped; the tree is as the interrupted attempt left it.
        """
        self._step = step
        self._talk = _Conversation()
        self._best: _Best | None = None
        self._targets = find_targets(step, self._tree, extra_files)
        try:
            self._judge = Judge(step, command, self._tests, self._tree)
            return self._solve()
        except (ChecksError, ContextOverflow, EngineCrashed, EngineError) as error:
            return self._blocked(error.message)

    # -- the order of things ------------------------------------------------------------------

    def _solve(self) -> StepResult:
        self._open("gather" if self._must_look() else "edit")
        if self._must_look():
            self._gather()
        reason = "no edit passed the checks"
        for attempt in range(1 + self._ports.settings.loop.repairs):
            gave_up = self._edit("repair" if attempt else "edit")
            if not self._tree.changed():
                return self._blocked(gave_up or reason)
            judged = self._judge.judge(self._tree.changed())
            better = self._score(attempt, judged)
            if judged.state != "red":
                return self._finished(judged)
            reason = judged.reason
            if gave_up:
                return self._blocked(gave_up)
            self._prepare_repair(judged, better)
        return self._blocked(reason)

    def _must_look(self) -> bool:
        return not self._targets.named and self._ports.profile.gather_turns > 0

    def _gather(self) -> None:
        """Let the model look around until it wants to edit or has looked enough."""
        for _ in range(self._ports.profile.gather_turns):
            action = self._ask(gather_offers(self._tree, may_give_up=False), "gather")
            if action.call is None or action.call.name not in GATHER_TOOLS:
                return
            self._observe(action, action.call)

    def _observe(self, action: Action, call: ToolCall) -> None:
        """Carry out a read-only call and tell the model what came of it."""
        self._emit(ToolStarted(call))
        start = time.monotonic()
        result = run_gather(self._tree, call)
        self._emit(ToolEnded(call, result, time.monotonic() - start))
        self._talk.add(action, result.content)

    def _edit(self, phase: Phase) -> str:
        """Let the model edit until an attempt is complete; return why it gave up, if it did."""
        self._talk.touched = []
        self._talk.last = None
        for _ in range(MAX_EDITS):
            offers = self._offers(phase)
            if not offers:
                break
            action = self._applied(offers, phase)
            if action is None or action.call is None:
                break
            if action.call.name == "give_up":
                return f"the model gave up: {action.call.arguments['reason']}"
            if action.call.name == "done":
                break
            if self._attempt_complete():
                self._talk.last = action
                break
            self._talk.add(action, self._go_on(str(action.call.arguments["path"])))
        return ""

    def _attempt_complete(self) -> bool:
        """With tests, run them as soon as everything that must exist does; else ask for done."""
        if self._to_create():
            return False
        return bool(self._judge.shown_command) or not self._open_targets()

    def _to_create(self) -> list[str]:
        return [p for p in self._targets.create if not self._tree.exists(p)]

    def _open_targets(self) -> list[str]:
        return [p for p in self._targets.change if p not in self._talk.touched]

    def _go_on(self, path: str) -> str:
        if missing := self._to_create():
            return _prompt("create_more.md", path=path, next=missing[0])
        return _prompt("edit_more.md", path=path)

    # -- what is legal ------------------------------------------------------------------------

    def _offers(self, phase: Phase) -> list[Offer]:
        if missing := self._to_create():
            return create_offers(missing[:1])
        paths = self._paths(phase)
        offers = edit_offers(self._tree, paths, self._ports.profile.whole_file_lines)
        if not self._targets.named:
            offers.append(new_file_offer(self._tree))
        if phase == "repair" and self._ports.profile.name == "large":
            offers.append(Offer(SPECS["give_up"]))
        if self._talk.touched and not self._judge.shown_command:
            offers.append(Offer(SPECS["done"]))
        return offers

    def _paths(self, phase: Phase) -> list[str]:
        """The files that may change now."""
        if self._targets.named:
            created = [p for p in self._targets.create if self._tree.exists(p)]
            if phase == "repair":
                return [*self._targets.change, *created]
            return self._open_targets()
        code = [p for p in nearest(self._tree.files()) if is_known(p) and not is_test_file(p)]
        return code[:50] if phase == "repair" else [p for p in code[:50] if p not in self._talk.touched]

    # -- asking -------------------------------------------------------------------------------

    def _applied(self, offers: list[Offer], phase: Phase) -> Action | None:
        """Ask until an edit passes the checks; None if none did."""
        for _ in range(1 + self._ports.settings.loop.resamples):
            action = self._ask(offers, phase)
            if action.call is None:
                continue  # ended by length or in a loop: nothing of it is used
            if action.call.name not in EDIT_TOOLS:
                return action
            reason = self._apply(action.call)
            if not reason:
                return action
            self._refuse(action, reason)
        return None

    def _refuse(self, action: Action, reason: str) -> None:
        before = self._talk.messages
        self._talk.add(action, _prompt("refused.md", reason=reason))
        if not self._fits():
            self._talk.messages = (
                *before[:-1],
                Message("user", f"{before[-1].text}\n\n{_prompt('refused.md', reason=reason)}"),
            )

    def _ask(self, offers: list[Offer], phase: Phase) -> Action:
        sampling = self._sampling()
        self._talk.answers += 1
        fenced_texts = [self._tree.text(p) or "" for p in self._targets.change]
        question = Question(
            self._talk.messages, offers, phase, sampling, (self._step.text, *fenced_texts)
        )
        return self._asker.ask(question)

    def _sampling(self) -> Sampling:
        loop = self._ports.settings.loop
        room = min(self._ports.profile.max_body_tokens, self._room())
        if self._talk.answers == 0:
            return Sampling(max_tokens=room)
        seed = loop.seed * 10_007 + self._step.number * 101 + self._talk.answers
        return Sampling(temperature=loop.temperature, seed=seed, max_tokens=room)

    def _room(self) -> int:
        """Tokens left for an answer after the conversation and the answer's first line."""
        engine = self._ports.engine
        used = engine.count(Prompt(self._talk.messages)) + HEADER_TOKENS
        room = engine.describe().n_ctx - used
        if room < LEAST_BODY_TOKENS:
            raise ContextOverflow(
                f"the step's prompt takes {used} of n_ctx {engine.describe().n_ctx} tokens",
                hint="raise model.n_ctx, or name fewer or smaller files in the step",
            )
        return room

    def _fits(self) -> bool:
        """Whether the conversation leaves room for a whole body."""
        used = self._ports.engine.count(Prompt(self._talk.messages)) + HEADER_TOKENS
        left = self._ports.engine.describe().n_ctx - used
        return left >= self._ports.profile.max_body_tokens // 2

    # -- carrying out -------------------------------------------------------------------------

    def _apply(self, call: ToolCall) -> str:
        """Make the edit, check it, write it; return why it was refused, if it was."""
        self._emit(ToolStarted(call))
        start = time.monotonic()
        try:
            edit = make_edit(self._tree, call)
            reason = refusal(edit, f"{self._step.text}\n{self._plan_text}")
            if not reason:
                self._tree.apply(edit)
        except (EditRefused, PathEscapes) as error:
            reason = error.message
        path = str(call.arguments["path"])
        content = f"not written: {reason}" if reason else f"{path} is written"
        result = ToolResult(content, is_error=bool(reason), details={"path": path})
        self._emit(ToolEnded(call, result, time.monotonic() - start))
        if not reason:
            self._tell_edit(edit)
            self._talk.touched.append(path)
        return reason

    def _tell_edit(self, edit: Edit) -> None:
        diff = unified_diff(edit.path, edit.old, edit.new)
        rows = diff.split("\n")
        added = sum(row.startswith("+") and not row.startswith("+++") for row in rows)
        removed = sum(row.startswith("-") and not row.startswith("---") for row in rows)
        self._emit(
            EditApplied(
                path=edit.path,
                kind="created" if edit.old is None else "changed",
                diff=diff,
                added=added,
                removed=removed,
            )
        )

    def _open(self, phase: Phase, note: str = "") -> None:
        """Begin the conversation, or begin it anew from the tree as it is."""
        targets = self._targets
        if note:  # files that the step created are there by now
            made = [p for p in targets.create if self._tree.exists(p)]
            left = [p for p in targets.create if p not in made]
            targets = Targets(tuple(left), (*targets.change, *made), targets.named)
        brief = Brief(
            step=self._step,
            targets=targets,
            plan_text=self._plan_text,
            test_command=self._judge.shown_command,
            failing=self._failing(),
            whole_file_lines=self._ports.profile.whole_file_lines,
            budget_tokens=self._ports.profile.context_tokens,
            note=note,
        )
        order = _prompt("gather.md" if phase == "gather" else "edit.md")
        self._talk.messages, event = build(brief, self._tree, self._ports.engine, order)
        self._emit(event)

    def _failing(self) -> TestRun | None:
        return self._best.judged.shown if self._best else self._judge.failing

    # -- after the tests ----------------------------------------------------------------------

    def _score(self, attempt: int, judged: Judged) -> bool:
        """Keep the attempt if it is the best so far, else go back to that one."""
        better = self._best is None or judged.rank > self._best.judged.rank
        shown = judged.shown
        self._emit(
            CandidateScored(
                candidate=attempt,
                passed=shown.n_passed if shown else 0,
                failed=shown.n_failed if shown else 0,
                newly_passed=len(judged.newly_passed),
                newly_failed=len(judged.newly_failed),
                rank=judged.rank,
                best=better,
            )
        )
        if better:
            self._best = _Best(judged, self._tree.state(), self._tree.patch())
        else:
            assert self._best is not None
            self._tree.restore(self._best.files)
            self._emit(CheckpointMade("rollback", "best attempt", "the last attempt was worse"))
        return better

    def _prepare_repair(self, judged: Judged, better: bool) -> None:
        """Tell the model what is red; start the conversation anew where that is clearer."""
        if better and judged.shown and self._talk.last:
            failures = reduce_output(judged.shown, self._tree.root, FAILURE_CHARS)
            text = _prompt(
                "repair.md", headline=f"{judged.reason[:300]}.", failures=fenced(failures, "")
            )
            self._talk.add(self._talk.last, text)
            if self._fits():
                return
        self._open("edit", note=_prompt("restored.md") if not better else _prompt("repair_anew.md"))

    # -- endings ------------------------------------------------------------------------------

    def _finished(self, judged: Judged) -> StepResult:
        if judged.suite:
            self._tests.baseline = judged.suite
        return StepResult(
            state="solved" if judged.state == "solved" else "unverified",
            reason=judged.reason,
            tests_before=summary(self._judge.before),
            tests_after=summary(judged.shown),
            changed=tuple(self._tree.changed()),
        )

    def _blocked(self, reason: str) -> StepResult:
        best = self._best
        patch = best.patch if best else self._tree.patch()
        judge = getattr(self, "_judge", None)
        if self._tree.changed():
            self._tree.rollback()
            self._emit(CheckpointMade("rollback", "start of the step", "the tree is as it was"))
        return StepResult(
            state="blocked",
            reason=reason,
            tests_before=summary(judge.before) if judge else "",
            tests_after=summary(best.judged.shown) if best else "",
            patch=patch,
        )


def _prompt(name: str, **values: str) -> str:
    return assets.fill(assets.read("prompts", name), **values).strip()
