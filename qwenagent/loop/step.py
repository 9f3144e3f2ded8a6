"""One step: look, edit, check, test, repair at most twice, keep the best.

Works on the tree as it is and leaves either the best attempt in it or, if that is not good
enough, the tree as it was. Knows nothing of commits and of other steps.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace

from qwenagent.errors import (
    ChecksError,
    ContextOverflow,
    EditRefused,
    EngineError,
    PathEscapes,
)
from qwenagent.grammar import Offer
from qwenagent.loop import calling
from qwenagent.loop.asker import HEADER_TOKENS, Action, Asker, Question
from qwenagent.loop.context import Brief, build, shown_tests
from qwenagent.loop.judging import Judge, Judged
from qwenagent.loop.orders import body_order, call_order, gather_order, prompt, think_order
from qwenagent.loop.phases import EditState, gather_offers, legal_edits, legal_paths
from qwenagent.loop.ports import Ports
from qwenagent.loop.targets import Targets, find_targets, is_infrastructure
from qwenagent.loop.testing import Tests, summary
from qwenagent.plan import Step
from qwenagent.protocol.checks import TestCommand
from qwenagent.protocol.events import (
    CandidateScored,
    CheckpointMade,
    EditApplied,
    Phase,
    StepState,
    ToolEnded,
    ToolStarted,
    Warned,
)
from qwenagent.protocol.messages import Message, Prompt, Sampling
from qwenagent.protocol.tools import ToolCall, ToolResult
from qwenagent.tools import GATHER_TOOLS, make_edit, refusal, run_gather, without_copies
from qwenagent.workspace import Edit, unified_diff

LEAST_BODY_TOKENS = 256
"""With less room than this for an answer the conversation starts anew."""
THOUGHT_TOKENS = 100
GREEDY_ATTEMPTS = 2
"""The plain one, and the one that thinks first; the same again would come out the same."""
BYTES_PER_TOKEN = 3
"""Of code; a file that has more than a prompt can hold cannot be changed as a whole."""
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
    """What is said in one attempt. Append-only."""

    messages: tuple[Message, ...] = ()
    touched: list[str] = field(default_factory=list)
    """Files written in this attempt."""

    def add(self, answer: str, observation: str) -> None:
        self.messages += (Message("assistant", answer), Message("user", observation))

    def remind(self, sentence: str) -> None:
        """Put a sentence before what was asked last."""
        *before, last = self.messages
        self.messages = (*before, Message(last.role, f"{sentence}\n{last.text}"))


class StepRunner:
    """Carries out steps, one after the other."""

    def __init__(
        self, ports: Ports, tests: Tests, asker: Asker, plan_text: str, map_text: str
    ) -> None:
        self._ports = ports
        self._tests = tests
        self._asker = asker
        self._plan_text = plan_text
        self._map_text = map_text
        self._tree = ports.workspace
        self._emit = ports.events.emit
        self._talk = _Conversation()
        self._called = calling.CalledCommands(ports)

    def run(
        self,
        step: Step,
        command: TestCommand | None,
        extra_files: tuple[str, ...] = (),
        given: str = "",
    ) -> StepResult:
        """Carry out one step. `given` is the file of a test that the plan gave for it.

        Raises:
            Stopped: the run was stopped; the tree is as the interrupted attempt left it.
        """
        self._step = step
        self._talk = _Conversation()
        self._best: _Best | None = None
        self._base: _Best | None = None
        self._kept: _Best | None = None
        self._refusal = self._mind = ""
        self._seen: set[Edit] = set()
        self._stuck: set[str] = set()
        self._n_opened = self._n_asked = 0
        self._tree.refresh()
        window_bytes = self._prompt_tokens() * BYTES_PER_TOKEN
        self._targets = find_targets(step, self._tree, extra_files, window_bytes)
        if self._targets.refused and not self._targets.named:
            return StepResult("blocked", "; ".join(self._targets.refused))
        for sentence in self._targets.refused:
            self._emit(Warned(sentence))
        try:
            self._judge = Judge(step, command, self._tests, self._tree, self._targets.all)
        except ChecksError as error:
            return StepResult("blocked", error.message)
        if given and self._judge.before and self._judge.before.green:
            self._emit(
                Warned(f"{given} passes before anything is done, so it is no evidence for the step")
            )
        try:
            return self._solve()
        except (ChecksError, EngineError) as error:
            return self._blocked(error.message)

    # -- the order of things ------------------------------------------------------------------

    def _solve(self) -> StepResult:
        """Try, each time from the best state so far, until the tests are content."""
        loop = self._ports.settings.loop
        reason = "no answer came to its end"
        n_tested = n_refused = 0
        while n_tested <= loop.repairs and n_refused <= loop.resamples:
            phase: Phase = "repair" if n_tested else "edit"
            self._open(phase, think=n_tested + n_refused > 0)
            if gave_up := self._edit(phase):
                return self._blocked(gave_up)
            if not self._talk.touched:
                n_refused += 1
                reason = self._refusal or reason
                continue
            judged = self._judge.judge(self._tree.changed())
            self._score(n_tested, judged)
            if judged.state != "red":
                return self._finished(judged)
            reason = judged.reason
            n_tested += 1
        return self._good_enough() or self._blocked(reason)

    def _open(self, phase: Phase, *, think: bool) -> None:
        """Begin the conversation anew from the tree as it is.

        A small model that is shown its own failed answer writes it again, so no attempt sees the
        one before. From the second on it first says in words what has to change.
        """
        self._talk = _Conversation()
        self._n_opened += 1
        offers = self._offers(phase)
        look = not (self._targets.named or think) and self._ports.profile.gather_turns > 0
        if look:
            offers = self._looking()
        order = gather_order(offers) if look else call_order(offers)
        if think:
            order = think_order(self._targets.all)
        self._brief = Brief(
            step=self._step,
            targets=self._present_targets(),
            plan_text=self._plan_text,
            map_text=self._map_text,
            test_command=self._judge.shown_command,
            failing=self._base.judged.shown if self._base else self._judge.failing,
            whole_file_lines=self._ports.profile.whole_file_lines,
            budget_tokens=self._prompt_tokens(),
        )
        self._talk.messages, event = build(self._brief, self._tree, self._ports.engine, order)
        self._emit(event)
        if look:
            self._gather()
        if think:
            thought = self._asker.think(self._talk.messages, phase, self._sampling(THOUGHT_TOKENS))
            mind = f"{prompt('mind.md', reason=self._mind)}\n" if self._mind else ""
            self._talk.add(thought, f"{mind}{call_order(offers)}")

    def _prompt_tokens(self) -> int:
        """Tokens for a prompt: the profile's, fewer where n_ctx leaves no room for an answer."""
        profile, n_ctx = self._ports.profile, self._ports.engine.describe().n_ctx
        return min(profile.context_tokens, max(n_ctx - profile.max_body_tokens, n_ctx // 2))

    def _present_targets(self) -> Targets:
        """The step's files; those that an earlier attempt created are there to be changed."""
        made = [p for p in self._targets.create if self._tree.exists(p)]
        left = [p for p in self._targets.create if p not in made]
        return replace(self._targets, create=tuple(left), change=(*self._targets.change, *made))

    def _gather(self) -> None:
        """Let the model look around until it wants to edit or has looked enough."""
        order = call_order(self._offers("edit"))
        for left in reversed(range(self._ports.profile.gather_turns)):
            action = self._ask(self._looking(), "gather")
            if action.call is None or action.call.name not in (*GATHER_TOOLS, calling.NAME):
                self._talk.add(action.text, order)
                return
            seen = self._look(action.call)
            self._talk.add(action.text, seen if left else f"{seen}\n\n{order}")

    def _looking(self) -> list[Offer]:
        return [*gather_offers(self._tree, may_give_up=False), *self._called.offers()]

    def _look(self, call: ToolCall) -> str:
        """Carry out a read-only call or a command and return what the model is told."""
        self._emit(ToolStarted(call))
        start = time.monotonic()
        is_command = call.name == calling.NAME
        result = self._called.run(call) if is_command else run_gather(self._tree, call)
        self._emit(ToolEnded(call, result, time.monotonic() - start))
        return result.content

    def _edit(self, phase: Phase) -> str:
        """Let the model edit until an attempt is complete; return why it gave up, if it did."""
        reminded = False
        for _ in range(MAX_EDITS):
            offers = self._offers(phase)
            if not offers:
                names = ", ".join(self._targets.all)
                self._refusal = f"{names} can be changed in no way that is known here"
            action = self._ask(offers, phase) if offers else None
            if action is None or action.call is None or action.call.name == "done":
                break
            if action.call.name == "give_up":
                return f"the model gave up: {action.call.arguments['reason']}"
            path = str(action.call.arguments["path"])
            if self._apply(action.call):
                if reminded or not self._talk.touched:
                    break
                # Other files are written already: one more try, told what was wrong.
                reminded = True
                self._talk.remind(prompt("mind.md", reason=self._mind))
                continue
            if self._attempt_complete():
                break
            order = call_order(self._offers(phase))
            self._talk.add(action.text, prompt("next.md", path=path, order=order))
        return ""

    def _attempt_complete(self) -> bool:
        """With tests, run them once all files that must be written are; else ask for done."""
        if self._to_create():
            return False
        if not self._judge.shown_command:
            return not self._open_targets()
        return not [p for p in self._targets.must_change if p not in self._talk.touched]

    def _to_create(self) -> list[str]:
        return [p for p in self._targets.create if not self._tree.exists(p)]

    def _open_targets(self) -> list[str]:
        return [p for p in self._targets.change if p not in self._talk.touched]

    def _offers(self, phase: Phase) -> list[Offer]:
        state = EditState(
            targets=self._targets,
            phase=phase,
            touched=tuple(self._talk.touched),
            changed=tuple(self._tree.changed()),
            stuck=frozenset(self._stuck),
            may_be_done=not self._judge.shown_command,
        )
        return legal_edits(self._tree, state, self._ports.profile)

    # -- asking -------------------------------------------------------------------------------

    def _ask(self, offers: list[Offer], phase: Phase) -> Action:
        sampling = self._sampling(self._ports.profile.max_body_tokens)
        texts = {path: self._tree.text(path) or "" for path in self._paths_in(offers)}
        question = Question(
            messages=self._talk.messages,
            offers=offers,
            phase=phase,
            sampling=sampling,
            step=self._step.text,
            texts=texts,
            order=call_order(offers),
            body_order=body_order,
        )
        return self._asker.ask(question)

    def _paths_in(self, offers: list[Offer]) -> list[str]:
        """The existing files that an edit among `offers` could change."""
        named = self._targets.all or tuple(legal_paths(offers))
        return [path for path in named if self._tree.exists(path)]

    def _sampling(self, max_tokens: int) -> Sampling:
        """Greedy in the first two attempts, then drawn, each time with another seed and bolder."""
        self._n_asked += 1
        max_tokens = min(max_tokens, self._room())
        if self._n_opened <= GREEDY_ATTEMPTS:
            return Sampling(max_tokens=max_tokens)
        loop, usual = self._ports.settings.loop, self._ports.sampling
        base = loop.temperature or usual.temperature
        return replace(
            usual,
            temperature=min(base + 0.1 * (self._n_opened - GREEDY_ATTEMPTS - 1), 1.0),
            seed=loop.seed * 10_007 + self._step.number * 101 + self._n_asked,
            max_tokens=max_tokens,
        )

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

    # -- carrying out -------------------------------------------------------------------------

    def _apply(self, call: ToolCall) -> str:
        """Make the edit, check it, write it; return why it was refused, if it was."""
        self._emit(ToolStarted(call))
        start = time.monotonic()
        edit: Edit | None = None
        try:
            edit = make_edit(self._tree, call)
            edit = without_copies(edit, shown_tests(self._brief, self._tree))
            reason = refusal(edit, f"{self._step.text}\n{self._plan_text}")
            if edit in self._seen and self._targets.single:
                reason = "the same change was tried before"
            if is_infrastructure(edit.path) and edit.path not in self._targets.all:
                reason = f"{edit.path} decides how tests run and is not part of the step"
            self._seen.add(edit)
            if not reason:
                self._tree.apply(edit)
        except (EditRefused, PathEscapes) as error:
            reason = error.message
        self._mind = reason
        self._refusal = f"no edit passed the checks; the last: {reason}" if reason else ""
        path = str(call.arguments["path"])
        if reason and edit is not None and edit.new == edit.old:
            self._stuck.add(path)
        content = f"not written: {reason}" if reason else f"{path} is written"
        result = ToolResult(content, is_error=bool(reason), details={"path": path})
        self._emit(ToolEnded(call, result, time.monotonic() - start))
        if edit and not reason:
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

    # -- after the tests ----------------------------------------------------------------------

    def _score(self, attempt: int, judged: Judged) -> None:
        """Decide from which state the next attempt starts.

        From this one if the tests say that it is a gain. The first attempt is built upon also if
        it is neither gain nor loss: its error is the best hint there is. Else from the best state
        before, which is the start of the step if nothing was a gain.
        """
        gain = judged.rank > (self._best.judged.rank if self._best else self._judge.start_rank)
        shown = judged.shown
        self._emit(
            CandidateScored(
                candidate=attempt,
                passed=shown.n_passed if shown else 0,
                failed=shown.n_failed if shown else 0,
                newly_passed=len(judged.newly_passed),
                newly_failed=len(judged.newly_failed),
                rank=judged.rank,
                best=gain,
            )
        )
        here = _Best(judged, self._tree.state(), self._tree.patch())
        self._kept = here if gain or self._kept is None else self._kept
        if gain:
            self._best = here
        elif judged.state == "red":
            self._base = here if attempt == 0 and not judged.newly_failed else self._best
            if self._base is not here:
                self._tree.restore(self._best.files if self._best else {})
                self._emit(CheckpointMade("rollback", "best state so far", "it was no gain"))
            return
        self._base = here

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

    def _good_enough(self) -> StepResult | None:
        """Take the attempt that its tests are content with, if only examples are not.

        The examples were read out of prose, so a test that somebody wrote counts more.
        """
        kept = self._kept
        if kept is None or not kept.judged.tests_solved:
            return None
        self._tree.restore(kept.files)
        result = self._finished(kept.judged)
        return replace(result, state="unverified", reason=f"the tests pass; {result.reason}")

    def _blocked(self, reason: str) -> StepResult:
        best = self._kept
        if self._tree.changed():
            self._tree.rollback()
            self._emit(CheckpointMade("rollback", "start of the step", "the tree is as it was"))
        return StepResult(
            state="blocked",
            reason=reason,
            tests_before=summary(self._judge.before),
            tests_after=summary(best.judged.shown) if best else "",
            patch=best.patch if best else "",
        )
