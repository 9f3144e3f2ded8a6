"""Asks the model for one action: the JSON line under a grammar, then the raw body."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from qwenagent.engine import Engine
from qwenagent.errors import EngineCrashed
from qwenagent.grammar import (
    Grammar,
    Offer,
    body_grammar,
    call_grammar,
    fence_for,
    forced_call,
)
from qwenagent.grammar.calls import OPENING
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
from qwenagent.protocol.messages import Completion, Message, Prompt, Sampling, StopReason, Usage
from qwenagent.protocol.tools import ToolCall
from qwenagent.syntax import fence_info, header

HEADER_TOKENS = 256
RESTARTS = 2
"""How often a question is put again after the engine died over it."""
SHOW_PREFILL_TOKENS = 256


@dataclass(frozen=True, slots=True)
class Question:
    """What the model is asked in one turn."""

    messages: tuple[Message, ...]
    offers: Sequence[Offer]
    phase: Phase
    sampling: Sampling
    step: str = ""
    """The step's text, whose fences a body in Markdown must be able to hold."""
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


class Asker:
    """Puts questions to an engine and keeps the bill."""

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
        self._turn += 1
        self._events.emit(TurnStarted(self._turn, question.phase))
        before = self.usage
        call, line = self._header(question)
        action = Action(call, line, "stop" if call else "length")
        if call and question_takes_body(question, call):
            action = self._body(question, call, line)
        spent = Usage(*(getattr(self.usage, f) - getattr(before, f) for f in Usage.__slots__))
        self._events.emit(TurnEnded(self._turn, action.stop, spent))
        return action

    def think(self, messages: tuple[Message, ...], phase: Phase, sampling: Sampling) -> str:
        """Return a short free answer, cut after its last whole sentence if it was too long.

        Raises: see `ask`.
        """
        self._turn += 1
        self._events.emit(TurnStarted(self._turn, phase))
        done = self._complete(Prompt(messages), None, sampling)
        self._events.emit(TurnEnded(self._turn, done.stop, done.usage))
        text = done.text.split("```")[0].strip()
        if done.stop == "length" and ". " in text:
            text = text[: text.rindex(". ") + 1]
        return text or "The code has to change as the step says."

    def _header(self, question: Question) -> tuple[ToolCall | None, str]:
        """Return the call and its line; no call if the line is longer than HEADER_TOKENS."""
        if call := forced_call(question.offers):
            line = header_text(call)
            self._events.emit(TokenDelta(line))
            return call, line
        names = ", ".join(offer.spec.name for offer in question.offers)
        grammar = call_grammar(question.offers, f"a call of {names}")
        sampling = replace(question.sampling, max_tokens=HEADER_TOKENS)
        self._events.emit(TokenDelta(OPENING))
        done = self._complete(Prompt(question.messages, OPENING), grammar, sampling)
        line = OPENING + done.text
        if done.stop == "length":
            return None, line
        raw = json.loads(line)
        return ToolCall(raw["name"], raw["arguments"]), line

    def _body(self, question: Question, call: ToolCall, line: str) -> Action:
        path = str(call.arguments["path"])
        markdown = path.endswith((".md", ".markdown"))
        # Not the step's own fences, but for Markdown: with four backticks the 1.5B never closes.
        fence = fence_for(
            question.texts.get(path, ""), question.step if markdown else "", markdown=markdown
        )
        # A rewrite is made to begin as the file does: that keeps the licence and the docstring,
        # and puts the model on the track of the right file.
        text = question.texts.get(path, "")
        begin = header(path, text) if call.name == "rewrite_file" else ""
        opening = f"{line}\n{fence}{fence_info(path)}\n{begin}"
        self._events.emit(TokenDelta(opening[len(line) :]))
        prompt = Prompt(question.asking_for_body(call), opening)
        grammar = body_grammar(fence, may_be_empty=call.name == "replace_lines")
        done = self._complete(prompt, grammar, question.sampling)
        body = done.text.rstrip("\n")
        if done.stop != "stop":
            return Action(None, opening + body, done.stop)
        written = begin + body.removesuffix(fence)
        return Action(replace(call, body=written), opening + body, "stop")

    def _complete(self, prompt: Prompt, grammar: Grammar | None, sampling: Sampling) -> Completion:
        for restart in range(RESTARTS + 1):
            try:
                [done] = self._engine.complete(
                    prompt,
                    sampling=sampling,
                    grammar=grammar,
                    cancel=self._stop,
                    on_text=lambda _, text: self._events.emit(TokenDelta(text)),
                    on_prefill=self._prefill,
                )
            except EngineCrashed as error:
                if restart == RESTARTS:
                    raise
                self._events.emit(Warned(f"{error.message}; starting it again", error.hint))
                continue
            self.usage += done.usage
            if done.stop == "cancelled":
                self._stop.check()
                raise Stopped(self._stop.reason)
            return done
        raise AssertionError("unreachable")

    def _prefill(self, done: int, total: int) -> None:
        if total >= SHOW_PREFILL_TOKENS:
            self._events.emit(Progress("reading the prompt", done, total, "tokens"))


def header_text(call: ToolCall) -> str:
    """Return the one way in which the grammar writes a call's line."""
    return json.dumps({"name": call.name, "arguments": call.arguments}, ensure_ascii=False)


def question_takes_body(question: Question, call: ToolCall) -> bool:
    """Return whether the called tool is followed by a block."""
    return any(o.spec.name == call.name and o.spec.body == "code" for o in question.offers)
