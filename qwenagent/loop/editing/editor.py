"""The model's part of a step: what it is shown and asked, what it writes, what is refused.

Knows nothing of what tests say of it: who tests decides what is shown and where it goes on.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import replace

from qwenagent.checks.testfiles import is_test_file
from qwenagent.errors import EditRefused, PathEscapes
from qwenagent.grammar import Offer
from qwenagent.loop.attempts import Turns
from qwenagent.loop.editing import calling
from qwenagent.loop.editing.asker import Action, Asker, Overruled, Question
from qwenagent.loop.editing.context import (
    Background,
    Brief,
    build,
    build_focused,
    files_shown_whole,
    prompt_tokens,
    shown_tests,
    symbols_shown,
    system_message,
)
from qwenagent.loop.editing.draws import Draws
from qwenagent.loop.editing.edited import edit_applied, edit_kind
from qwenagent.loop.editing.importing import Imports
from qwenagent.loop.editing.orders import body_order, call_order, gather_order, prompt, think_order
from qwenagent.loop.editing.phases import (
    EditState,
    Seen,
    gather_offers,
    legal_edits,
    legal_paths,
    nearest,
)
from qwenagent.loop.editing.places import Places
from qwenagent.loop.editing.refusing import Refusals
from qwenagent.loop.editing.targets import Targets
from qwenagent.loop.evidence.progress import tells_of_missing
from qwenagent.loop.evidence.suspects import NO_SPECTRUM, Spectrum
from qwenagent.loop.ports import Ports
from qwenagent.plan import Step
from qwenagent.protocol.checks import TestRun
from qwenagent.protocol.events import Phase, ToolEnded, ToolStarted
from qwenagent.protocol.messages import Message, Sampling
from qwenagent.protocol.tools import ToolCall, ToolResult
from qwenagent.syntax import is_known
from qwenagent.tools import (
    GATHER_TOOLS,
    make_edit,
    run_gather,
    with_forgotten_imports,
    with_the_rest,
    without_copies,
)
from qwenagent.workspace import Edit

THOUGHT_TOKENS = 100
MAX_SOURCES = 1000
"""Files that are looked through for a name that an edit uses and does not import."""
MAX_EDITS = 6
"""Edits of one attempt at a step that names many files."""


class Editor:
    """Has the model edit the tree for one step, attempt by attempt."""

    def __init__(
        self,
        ports: Ports,
        asker: Asker,
        step: Step,
        targets: Targets,
        *,
        imports: Imports,
        test_command: str,
        background: Background,
        speaks: bool,
        seeks_fault: bool = False,
        coming: tuple[str, ...] = (),
    ) -> None:
        """`test_command` is what the model is told of the tests, empty if there are none.

        `speaks`: whether one of them speaks for the step. `seeks_fault`: whether it is to turn red
        tests green. `coming` are files that will be there later, and may be imported now.
        """
        self._ports = ports
        self.asker = asker
        self._step = step
        self._targets = targets
        self._refusals = Refusals(
            ports, step, targets, imports, background.plan_text, speaks=speaks
        )
        self._test_command = test_command
        self._background = background
        self._tree = ports.workspace
        self._emit = ports.events.emit
        self._called = calling.CalledCommands(ports)
        self.talk = Turns()
        self.refusal = ""
        """Why the last edit was not written, for people."""
        self.draws = Draws(ports, step.number)
        self._advice = ""
        self._coming = coming
        self._seeks_fault = seeks_fault
        self._places = Places(ports.workspace)
        self._found: dict[str, str] = {}
        """By path, the files to work on as the step found them."""
        self._told = ""
        """What became of the last edit, as the model is told."""
        self._mind = ""
        """Why the last edit was not written, for the next attempt to mind."""
        self._stuck: set[str] = set()
        """Files that were written again as they were."""
        self._shown_whole: frozenset[str] = frozenset()
        self._shown_symbols: frozenset[tuple[str, str]] = frozenset()
        self._opened_texts: dict[str, str] = {}
        """By path, the files to work on as they were when the conversation began."""
        self._shown_texts: dict[str, str] = {}
        """The same, and those that were read or written since."""

    def open(
        self, phase: Phase, failing: TestRun | None, *, think: bool, answers: bool = True
    ) -> None:
        """Begin the conversation anew from the tree as it is; `answers`: a whole one is wanted.

        A small model that is shown its own failed answer writes it again, so no attempt sees the
        one before. From the second on it first says in words what has to change.
        """
        self.talk = Turns()
        self.draws.open(answers=answers)
        self._brief = self._brief_of(failing)
        self._places.forget()
        if self._seeks_fault or (phase == "repair" and not tells_of_missing(failing)):
            named = self._present_targets().change
            self._places.look(named or legal_paths(self.offers(phase)), self._brief)
        offers = self.offers(phase)
        look = not (self._targets.named or think) and self._ports.profile.gather_turns > 0
        if look:
            offers = self._looking()
        order = gather_order(offers) if look else call_order(offers)
        if think:
            order = think_order(self._targets.all)
        self.talk.messages, event = build(self._brief, self._tree, self._ports.engine, order)
        self._shown_whole = files_shown_whole(event)
        self._shown_symbols = symbols_shown(event)
        shown = {*self._shown_whole, *self._brief.targets.change}
        self._shown_texts = self._texts_of(shown)
        self._emit(event)
        if look:
            self._gather()
        if think:
            thought = self.asker.think(self.talk.messages, phase, self.sampling(THOUGHT_TOKENS))
            mind = f"{prompt('mind.md', reason=self._mind)}\n" if self._mind else ""
            self.talk.add(thought, f"{mind}{call_order(offers)}")
        self._opened_texts = dict(self._shown_texts)

    def _brief_of(self, failing: TestRun | None) -> Brief:
        targets = self._present_targets()
        self._found = self._texts_of(targets.change) | self._found
        return Brief(
            step=self._step,
            targets=targets,
            background=self._background,
            test_command=self._test_command,
            failing=failing,
            whole_file_lines=self._ports.profile.whole_file_lines,
            budget_tokens=prompt_tokens(self._ports),
            form=self._ports.settings.loop.form or None,
            spectrum=Spectrum.of(failing, self._tree) if failing else NO_SPECTRUM,
            advice=self._advice,
            found=self._found,
        )

    def advise(self, advice: str) -> None:
        """Show a larger model's advice from now on; the next answer is a plain one again."""
        self._advice = advice
        self.draws.begin_anew()

    @property
    def is_advised(self) -> bool:
        """Whether the next answers follow a larger model's advice."""
        return bool(self._advice)

    def take_over(self, calls: Sequence[ToolCall], failing: TestRun | None) -> str:
        """Carry out edits that somebody else wrote for the files as they are, all or none.

        They pass the same checks as the model's. Return why not, empty if they are written; the
        tree then may hold a part of them.
        """
        self.talk = Turns()
        self._brief = self._brief_of(failing)
        paths = [str(call.arguments["path"]) for call in calls]
        self._shown_texts = self._texts_of(paths)
        self._coming = tuple(path for path in paths if not self._tree.exists(path))
        try:
            refused = (self.apply(Action(call, "", "stop")) for call in calls)
            return next(filter(None, refused), "")
        finally:
            self._coming = ()

    def back(self, messages: tuple[Message, ...], *, is_changed: bool = False) -> None:
        """Begin an attempt anew from what a round had opened with.

        `is_changed`: the tree is not as it was then; what its files hold now is the model's own.
        """
        self.talk = Turns(messages)
        self._shown_texts = dict(self._opened_texts)
        if is_changed:
            own = self._present_targets().change
            self._shown_texts |= self._texts_of({*self._shown_texts, *own})

    def _texts_of(self, paths: Iterable[str]) -> dict[str, str]:
        texts = {path: self._tree.text(path) for path in paths}
        return {path: text for path, text in texts.items() if text is not None}

    @property
    def is_one_place(self) -> bool:
        """Whether there is one file, and not several functions to choose among."""
        return self._targets.single and not self._places.are_several

    def changeable(self) -> dict[str, str]:
        """Return by path the files that the step may change and that are known to the model."""
        paths = self._present_targets().change
        texts = self._texts_of(path for path in paths if is_known(path))
        return {path: text for path, text in texts.items() if text == self._shown_texts.get(path)}

    def _present_targets(self) -> Targets:
        """The step's files; those that an earlier attempt created are there to be changed."""
        made = [p for p in self._targets.create if self._tree.exists(p)]
        left = [p for p in self._targets.create if p not in made]
        return replace(self._targets, create=tuple(left), change=(*self._targets.change, *made))

    def _gather(self) -> None:
        """Let the model look around until it wants to edit or has looked enough."""
        order = call_order(self.offers("edit"))
        looked: tuple[ToolCall, ...] = ()
        for left in reversed(range(self._ports.profile.gather_turns)):
            action = self._ask(self._looking(looked), "gather")
            if action.call is None or action.call.name not in (*GATHER_TOOLS, calling.NAME):
                self.talk.add(action.text, order)
                return
            seen = self._look(action.call)
            looked += (action.call,)
            self.talk.add(action.text, seen if left else f"{seen}\n\n{order}")

    def _looking(self, looked: tuple[ToolCall, ...] = ()) -> list[Offer]:
        seen = Seen(self._shown_whole, looked)
        offers = gather_offers(self._tree, may_give_up=False, seen=seen)
        return [*offers, *self._called.offers()]

    def _look(self, call: ToolCall) -> str:
        """Carry out a read-only call or a command and return what the model is told."""
        self._emit(ToolStarted(call))
        start = time.monotonic()
        is_command = call.name == calling.NAME
        result = self._called.run(call) if is_command else run_gather(self._tree, call)
        self._emit(ToolEnded(call, result, time.monotonic() - start))
        if call.name == "read_file" and not result.is_error:
            self._shown_texts |= self._texts_of([str(call.arguments["path"])])
        return result.content

    def edit(self, phase: Phase) -> str:
        """Let the model edit until an attempt is complete; return why it gave up, if it did."""
        reminded = False
        for _ in range(MAX_EDITS):
            offers = self.offers(phase)
            if [offer.spec.name for offer in offers] == ["done"]:
                break
            if not offers:
                names = ", ".join(self._targets.all)
                self.refusal = f"{names} can be changed in no way that is known here"
            action = self._ask(offers, phase) if offers else None
            if action is None or action.call is None or action.call.name == "done":
                break
            if action.call.name == "give_up":
                return f"the model gave up: {action.call.arguments['reason']}"
            if self.apply(action):
                goes_on = self.talk.touched or (self._stuck and self._pending())
                if reminded or not goes_on:
                    break
                # Other files are written already, or wait: one more try, told what was wrong.
                reminded = True
                self.talk.remind(prompt("mind.md", reason=self._mind))
                continue
            if self._attempt_complete():
                break
            order = call_order(self.offers(phase))
            self.talk.add(action.text, prompt("next.md", done=self._told, order=order))
        return ""

    def _attempt_complete(self) -> bool:
        """With tests, run them once all files that must be written are; else ask for done.

        What was only moved may have to be changed, too.
        """
        if self._to_create() or not self.talk.touched:
            return False
        if not self._test_command:
            return not self._open_targets()
        return not self._pending()

    def _pending(self) -> list[str]:
        """What has to change and did not; what the model would leave as it is may stay so."""
        done = {*self.talk.touched, *self._tree.changed(), *self._stuck}
        return [p for p in self._targets.must_change if p not in done]

    def _to_create(self) -> list[str]:
        return [p for p in self._targets.create if not self._tree.exists(p)]

    def _open_targets(self) -> list[str]:
        return [p for p in self._targets.change if p not in self.talk.touched]

    def offers(self, phase: Phase) -> list[Offer]:
        """Return the calls that are legal now."""
        state = EditState(
            targets=self._targets,
            phase=phase,
            touched=tuple(self.talk.touched),
            has_moved=self.talk.has_moved,
            changed=tuple(self._tree.changed()),
            stuck=frozenset(self._stuck),
            adding=frozenset(self._refusals.adding),
            suspects=self._places.next(),
            may_be_done=not self._test_command,
            form=self._ports.settings.loop.form or None,
            request=self._step.text,
        )
        return legal_edits(self._tree, state, self._ports.profile)

    # -- asking -------------------------------------------------------------------------------

    def _ask(self, offers: list[Offer], phase: Phase) -> Action:
        most = self._ports.profile.max_body_tokens
        if self.draws.number:
            most = self.draws.most_tokens(self.shown(offers))
        action = self.asker.ask(self.question(offers, phase, self.sampling(most)))
        if action.call:
            self.draws.note(action.call.body or "")
        return action

    def question(self, offers: list[Offer], phase: Phase, sampling: Sampling) -> Question:
        """Return what asks for one of `offers`, as the conversation stands."""
        texts = {path: self._tree.text(path) or "" for path in self.paths_in(offers)}
        return Question(
            messages=self.talk.messages,
            offers=offers,
            phase=phase,
            sampling=sampling,
            step=self._step.text,
            is_alone=self._targets.single,
            texts=texts,
            order=call_order(offers),
            body_order=self._body_order,
        )

    def focused(self, question: Question, path: str, code: str, failing: TestRun) -> Question:
        """Return a question with nothing before its order but the code of a file and what fails."""
        brief = self._brief_of(failing)
        shown = build_focused(brief, self._tree, self._ports.engine, path, code)
        text = prompt("mend.md", shown=shown, order=question.order)
        return replace(question, messages=(system_message(), Message("user", text)))

    def _body_order(self, call: ToolCall) -> str:
        """Return what asks for the block of a call, with the code that it is to replace.

        Unless that stands in the prompt already.
        """
        place = (str(call.arguments["path"]), str(call.arguments.get("symbol", "")))
        if call.name != "replace_symbol" or place in self._shown_symbols:
            return body_order(call)
        text = "" if place[0] in self._shown_whole else self._tree.text(place[0]) or ""
        return body_order(call, text, self._ports.profile.whole_file_lines)

    def paths_in(self, offers: list[Offer]) -> list[str]:
        """Return the existing files that an edit among `offers` could change."""
        named = self._targets.all or tuple(legal_paths(offers))
        return [path for path in named if self._tree.exists(path)]

    def shown(self, offers: list[Offer]) -> list[str]:
        """Return the texts that an edit among `offers` could change, as the model knows them."""
        return [self._shown_texts.get(path, "") for path in self.paths_in(offers)]

    def sampling(self, max_tokens: int) -> Sampling:
        """Return how the next answer is drawn; see `Draws.sampling`."""
        return self.draws.sampling(self.talk.messages, max_tokens)

    # -- carrying out -------------------------------------------------------------------------

    def apply(self, action: Action) -> str:
        """Make the edit, check it, write it; return why it was refused, if it was."""
        call, overruled = action.call, action.overruled
        assert call is not None
        if self._places.next():
            overruled = None  # what else the model wanted is not to be had on purpose
        self._places.note(call)
        self._emit(ToolStarted(call, overruled.doubt.cut if overruled else 0.0))
        start = time.monotonic()
        edit, reason = self._write(call, overruled)
        self._mind = reason
        self.refusal = f"no edit passed the checks; the last: {reason}" if reason else ""
        path = edit.to or edit.path if edit else str(call.arguments["path"])
        if reason and edit is not None and edit.new == edit.old:
            self._stuck.add(path)
        self._told = f"not written: {reason}" if reason or not edit else f"{path} is {_done(edit)}"
        result = ToolResult(self._told, is_error=bool(reason), details={"path": path})
        self._emit(ToolEnded(call, result, time.monotonic() - start))
        if edit and not reason:
            self.tell(edit)
        return reason

    def try_edit(self, call: ToolCall) -> tuple[Edit | None, str]:
        """Make an edit that the model did not write as such; return it, and why it was refused.

        It is not told, and what is refused of it is nothing that the model has to know.
        """
        return self._write(call, None)

    def _write(self, call: ToolCall, overruled: Overruled | None) -> tuple[Edit | None, str]:
        """Return the edit, if there is one, and why it was not written."""
        edit: Edit | None = None
        try:
            edit = make_edit(self._tree, call, self._shown_texts)
            if _is_text(edit):
                edit = without_copies(edit, shown_tests(self._brief, self._tree))
                if call.name == "rewrite_file":
                    edit = with_the_rest(edit, self._refusals.request)
                edit = with_forgotten_imports(edit, self._sources)
            if reason := self._refusals.why(edit, overruled, self._coming):
                return edit, reason
            self.write(edit)
        except (EditRefused, PathEscapes) as error:
            return edit, error.message
        return edit, ""

    def write(self, edit: Edit) -> None:
        """Write an edit that was not refused, maybe once more: it is not told.

        Raises:
            EditRefused, PathEscapes: see `Workspace.apply`.
        """
        self._tree.apply(edit)
        path = edit.to or edit.path
        if edit.new is not None:
            # The model knows nothing of what somebody else has changed beside it.
            self._shown_texts[path] = edit.new if edit.meant is None else edit.meant
        if edit_kind(edit) in ("deleted", "renamed"):
            self.talk.has_moved = True
        else:
            self.talk.touched.append(path)
        self._refusals.adding.discard(path)

    def _sources(self) -> dict[str, str]:
        """The Python files that are no tests, by path; those nearest to the top."""
        paths = [
            p for p in nearest(self._tree.files()) if p.endswith(".py") and not is_test_file(p)
        ]
        return self._texts_of(paths[:MAX_SOURCES])

    def tell(self, edit: Edit) -> None:
        """Tell of an edit that was written."""
        self._emit(edit_applied(edit))


def _is_text(edit: Edit) -> bool:
    """Whether an edit gives its file a new text: it neither deletes nor renames."""
    return edit.new is not None and not edit.to


def _done(edit: Edit) -> str:
    """Return in a word what was done to the file."""
    kind = edit_kind(edit)
    return kind if kind in ("deleted", "renamed") else "written"
