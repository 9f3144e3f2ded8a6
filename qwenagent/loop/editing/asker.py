"""Asks the model for one action: the JSON line under a grammar, then the raw body."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar

from qwenagent.engine import Accept, Engine, Take, worst_doubt
from qwenagent.errors import EngineCrashed
from qwenagent.grammar import (
    Grammar,
    Offer,
    body_grammar,
    call_grammar,
    fence_for,
    forced_call,
    search_body,
)
from qwenagent.grammar.calls import OPENING
from qwenagent.loop.editing.beginnings import added_beginning, file_beginning, symbol_beginning
from qwenagent.loop.editing.doubtful import Passage
from qwenagent.loop.editing.partings import Parting
from qwenagent.loop.editing.targets import is_prose
from qwenagent.loop.stop import Stop, Stopped
from qwenagent.protocol.events import (
    EventStream,
    Phase,
    Progress,
    TokenDelta,
    TurnEnded,
    TurnStarted,
    Warned,
)
from qwenagent.protocol.messages import (
    Alternative,
    Alternatives,
    Completion,
    Doubt,
    Message,
    Prompt,
    Reading,
    Sampling,
    StopReason,
    Usage,
)
from qwenagent.protocol.tools import ToolCall
from qwenagent.syntax import fence_info

HEADER_TOKENS = 256
RESTARTS = 2
"""How often a question is put again after the engine died over it."""
SHOW_PREFILL_TOKENS = 256
LEAST_BRANCH_TOKENS = 64
"""For the rest of a branch that parts at the end of a long text; there is room for a header."""
FREE_ARGUMENTS = ("summary", "reason", "text", "argv")
"""Arguments that are the model's own words."""


@dataclass(frozen=True, slots=True)
class Question:
    """What the model is asked in one turn."""

    messages: tuple[Message, ...]
    offers: Sequence[Offer]
    phase: Phase
    sampling: Sampling
    step: str = ""
    """The step's text, whose fences a body in Markdown must be able to hold."""
    is_alone: bool = False
    """Whether the step is about one file."""
    texts: Mapping[str, str] = field(default_factory=dict)
    """By path, the files that may change; the fence outgrows the backticks in them."""
    body_order: Callable[[ToolCall], str] = field(default=lambda _: "")
    """The sentence that asks for the body of a call, in place of `order`."""
    order: str = ""
    """What the last message ends with if it asks for a choice between calls."""

    def asking_for_body(self, call: ToolCall) -> tuple[Message, ...]:
        """Return the messages with the order for this call's body at their end.

        A model that still reads a list of calls when it writes the body writes code that makes
        those calls.
        """
        *before, last = self.messages
        wanted = self.body_order(call)
        if not (self.order and wanted and last.text.endswith(self.order)):
            return self.messages
        text = last.text.removesuffix(self.order) + wanted
        return (*before, Message(last.role, text))


@dataclass(frozen=True, slots=True)
class Action:
    """An answer: the call, and the assistant's turn as it stands in the conversation.

    `call` is None if the line or the body did not come to an end; `stop` tells how.
    """

    call: ToolCall | None
    text: str
    stop: StopReason
    overruled: Overruled | None = None
    """Where the grammar refused most of what the model wanted for an argument, if it was asked."""


@dataclass(frozen=True, slots=True)
class Overruled:
    """The argument of a call for which the grammar refused most of what the model wanted."""

    argument: str
    doubt: Doubt


@dataclass(frozen=True, slots=True)
class _Blank:
    """A call whose body is still to be written."""

    prompt: Prompt
    grammar: Grammar
    call: ToolCall
    begin: str
    """How the body begins, in any case."""
    fence: str

    def filled(self, done: Completion) -> Action:
        """Return the action, without a call if the body did not come to its end."""
        body = done.text.rstrip("\n")
        text = self.prompt.opening + body
        if done.stop != "stop":
            return Action(None, text, done.stop)
        written = self.begin + body.removesuffix(self.fence)
        return Action(replace(self.call, body=written), text, "stop")


class Asker:
    """Puts questions to an engine and keeps the bill."""

    shows_forced_header: ClassVar[bool] = True
    """Whether a call that could be no other one stands before its body, for the model to read."""

    def __init__(self, engine: Engine, events: EventStream, stop: Stop) -> None:
        self.usage = Usage()
        self._engine = engine
        self._events = events
        self._stop = stop
        self._turn = 0

    def new_step(self) -> None:
        """Count turns and tokens from zero again."""
        self._turn = 0
        self.usage = Usage()

    def ask(self, question: Question) -> Action:
        """Return one action.

        Raises:
            Stopped: the run was stopped meanwhile.
            ContextOverflow, EngineCrashed: see `Engine.complete`.
        """
        before = self._begin_turn(question.phase)
        call, line, overruled = self._header(question)
        action = Action(call, line, "stop" if call else "length")
        if call and takes_body(question.offers, call):
            action = self._body(question, call, line)
        action = replace(action, overruled=overruled)
        self._end_turn(action.stop, before)
        return action

    def think(self, messages: tuple[Message, ...], phase: Phase, sampling: Sampling) -> str:
        """Return a short free answer, cut after its last whole sentence if it was too long.

        Raises: see `ask`.
        """
        before = self._begin_turn(phase)
        done = self._complete(Prompt(messages), None, sampling)
        self._end_turn(done.stop, before)
        text = done.text.split("```")[0].strip()
        if done.stop == "length" and ". " in text:
            text = text[: text.rindex(". ") + 1]
        return text or "The code has to change as the step says."

    def _header(self, question: Question) -> tuple[ToolCall | None, str, Overruled | None]:
        """Return the call and its line; no call if the line is longer than HEADER_TOKENS."""
        if call := forced_call(question.offers):
            line = header_text(call)
            self._events.emit(TokenDelta(line))
            return call, line, None
        names = ", ".join(offer.spec.name for offer in question.offers)
        grammar = call_grammar(question.offers, f"a call of {names}")
        sampling = replace(question.sampling, max_tokens=HEADER_TOKENS)
        self._events.emit(TokenDelta(OPENING))
        prompt = Prompt(question.messages, OPENING)
        done = self._complete(prompt, grammar, sampling, doubts=True)
        line = OPENING + done.text
        if done.stop == "length":
            return None, line, None
        raw = json.loads(line)
        call = ToolCall(raw["name"], raw["arguments"])
        return call, line, _overruled(call, line, done.doubts)

    def _body(self, question: Question, call: ToolCall, line: str) -> Action:
        blank = self._blank(question, call, line)
        self._events.emit(TokenDelta(blank.prompt.opening.removeprefix(line)))
        return blank.filled(self._complete(blank.prompt, blank.grammar, question.sampling))

    def _blank(self, question: Question, call: ToolCall, line: str) -> _Blank:
        path = str(call.arguments["path"])
        text = question.texts.get(path, "")
        markdown = is_prose(path)
        # Not the step's own fences, but for Markdown: with four backticks the 1.5B never closes.
        fence = fence_for(text, question.step if markdown else "", markdown=markdown)
        begin = file_beginning(path, text, question.step) if call.name == "rewrite_file" else ""
        is_shown = self.shows_forced_header or forced_call(question.offers) is None
        head = f"{line}\n" if is_shown else ""
        opening = f"{head}{fence}{fence_info(path)}\n{begin}"
        if call.name == "search_replace":
            grammar = search_body(text, fence)
        elif call.name == "replace_symbol":
            name = str(call.arguments["symbol"])
            code = symbol_beginning(path, text, name, question.step)
            grammar = body_grammar(fence, begin=code.text, may_have_more=code.may_have_more)
        elif call.name == "insert_symbol":
            after = str(call.arguments["after"])
            code = added_beginning(path, text, after, question.step, is_alone=question.is_alone)
            grammar = body_grammar(fence, begin=code.text, may_have_more=code.may_have_more)
        else:
            grammar = body_grammar(fence, may_be_empty=call.name == "replace_lines")
        return _Blank(Prompt(question.asking_for_body(call), opening), grammar, call, begin, fence)

    def ask_for_bodies(self, question: Question, n: int, take: Callable[[Action], bool]) -> None:
        """Have `n` bodies written side by side for the one call that is legal.

        `take` gets each as it comes to its end, while nothing is written; true ends the others.

        Raises: see `ask`.
        """
        call = forced_call(question.offers)
        assert call is not None, "a choice between calls is no body"
        before = self._begin_turn(question.phase)
        blank = self._blank(question, call, header_text(call))
        self._complete_all(
            blank.prompt,
            blank.grammar,
            question.sampling,
            n=n,
            accept=lambda done: take(blank.filled(done)),
        )
        self._end_turn("stop", before)

    def alternatives(self, question: Question, passage: Passage, n: int, take: Take) -> bool:
        """Have up to `n` ends of lines found that the model would have written in a passage.

        `take` gets each, the likeliest first, while nothing is computed; true ends the search.
        Returns whether it did.

        Raises: see `ask`.
        """
        before = self._begin_turn(question.phase)
        blank = self._blank(question, passage.call, header_text(passage.call))
        is_taken = self._alternatives(blank, passage, n, take)
        self._end_turn("stop", before)
        self._stop.check()
        return is_taken

    def branches(
        self, question: Question, partings: Iterable[Parting], take: Callable[[Action], bool]
    ) -> None:
        """Have a body written for each parting, which goes on to its end from there by itself.

        `take` gets each as it comes; true ends it.

        Raises: see `ask`.
        """
        before = self._begin_turn(question.phase)
        any(take(self._branch(question, parting)) for parting in partings)
        self._end_turn("stop", before)

    def _branch(self, question: Question, parting: Parting) -> Action:
        passage, other = parting.passage, parting.other
        blank = self._blank(question, passage.call, header_text(passage.call))
        written = f"{passage.text[: other.start]}{other.text}\n"
        other_blank = replace(
            blank,
            prompt=replace(blank.prompt, opening=blank.prompt.opening + written),
            grammar=body_grammar(blank.fence, may_be_empty=True),
            begin=blank.begin + written,
        )
        # What does not end twice as long as the code that it takes the place of never does.
        usual = 2 * self._engine.count(passage.text) + LEAST_BRANCH_TOKENS
        most = min(question.sampling.max_tokens, usual) - self._engine.count(written)
        left = max(most, LEAST_BRANCH_TOKENS)
        sampling = replace(question.sampling, max_tokens=left)
        return other_blank.filled(self._complete(other_blank.prompt, other_blank.grammar, sampling))

    def _alternatives(self, blank: _Blank, passage: Passage, n: int, take: Take) -> bool:
        is_taken = False

        def note(found: Alternative) -> bool:
            nonlocal is_taken
            is_taken = take(found)
            return is_taken

        try:
            found = self._engine.alternatives(
                Reading(blank.prompt, passage.text, passage.spans, n),
                take=note,
                cancel=self._stop,
                on_prefill=self._tell_prefill,
            )
        except EngineCrashed as error:  # a help, no more: other attempts go on without it
            self._tell_crash(error)
            found = Alternatives((), Usage(calls=1))
        self.usage += found.usage
        return is_taken

    def _begin_turn(self, phase: Phase) -> Usage:
        """Tell that the model is asked; return the bill until now."""
        self._turn += 1
        self._events.emit(TurnStarted(self._turn, phase))
        return self.usage

    def _end_turn(self, stop: StopReason, before: Usage) -> None:
        self._events.emit(TurnEnded(self._turn, stop, self.usage - before))

    def _complete(
        self, prompt: Prompt, grammar: Grammar | None, sampling: Sampling, *, doubts: bool = False
    ) -> Completion:
        [done] = self._complete_all(prompt, grammar, sampling, doubts=doubts)
        return done

    def _complete_all(
        self,
        prompt: Prompt,
        grammar: Grammar | None,
        sampling: Sampling,
        *,
        n: int = 1,
        accept: Accept | None = None,
        doubts: bool = False,
    ) -> list[Completion]:
        for restart in range(RESTARTS + 1):
            try:
                answers = self._engine.complete(
                    prompt,
                    sampling=sampling,
                    grammar=grammar,
                    n=n,
                    accept=accept,
                    cancel=self._stop,
                    on_text=self._tell_text,
                    on_prefill=self._tell_prefill,
                    doubts=doubts,
                )
            except EngineCrashed as error:
                if restart == RESTARTS:
                    raise
                self._tell_crash(error)
                continue
            self.usage += sum((done.usage for done in answers), Usage())
            if any(done.stop == "cancelled" for done in answers):
                self._stop.check()
                raise Stopped(self._stop.reason)
            return answers
        raise AssertionError("unreachable")

    def _tell_crash(self, error: EngineCrashed) -> None:
        self._events.emit(Warned(f"{error.message}; starting it again", error.hint))

    def _tell_text(self, candidate: int, text: str) -> None:
        self._events.emit(TokenDelta(text, candidate))

    def _tell_prefill(self, done: int, total: int) -> None:
        if total >= SHOW_PREFILL_TOKENS:
            self._events.emit(Progress("reading the prompt", done, total, "tokens"))


def _overruled(call: ToolCall, line: str, doubts: Sequence[Doubt]) -> Overruled | None:
    """Return the argument with the largest doubt; a free text is no choice among what exists."""
    found: list[Overruled] = []
    end = 0
    for name, value in call.arguments.items():
        start = line.index(f'"{name}": ', end) + len(f'"{name}": ')
        end = start + len(json.dumps(value, ensure_ascii=False))
        worst = worst_doubt(doubts, start - len(OPENING), end - len(OPENING))
        if worst and name not in FREE_ARGUMENTS and not _is_meant(value, worst):
            found.append(Overruled(name, worst))
    return max(found, key=lambda one: one.doubt.cut, default=None)


def _is_meant(value: object, doubt: Doubt) -> bool:
    """Return whether the model wanted a symbol by the end of its name: `save` of `Store.save`."""
    wanted = doubt.wanted.strip()
    return bool(wanted) and any(part.startswith(wanted) for part in str(value).split(".")[1:])


def header_text(call: ToolCall) -> str:
    """Return the one way in which the grammar writes a call's line."""
    return json.dumps({"name": call.name, "arguments": call.arguments}, ensure_ascii=False)


def takes_body(offers: Sequence[Offer], call: ToolCall) -> bool:
    """Return whether the called tool is followed by a block."""
    return any(o.spec.name == call.name and o.spec.body == "code" for o in offers)
