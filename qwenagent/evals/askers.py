"""Forms of answer that this program does not use, so that what it uses can be compared with them.

They work over the same prompts and with the same checks and tests after: free text that is read
generously, one JSON object with the code in a string, a body without the call before it, a call
that may name anything, and a gap that is filled in.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from dataclasses import replace

from qwenagent import assets
from qwenagent.evals.arms.plain import written_files
from qwenagent.grammar import Grammar, Offer, OneOf, accepts, call_grammar
from qwenagent.grammar.terms import Alt, Chars, Lit, Ref, Repeat, Rules, render, sequence
from qwenagent.grammar.written import encode
from qwenagent.loop import Action, Asker, Overruled, Question
from qwenagent.protocol.events import TurnEnded, TurnStarted
from qwenagent.protocol.messages import Completion, Gap, Message, Prompt, Usage
from qwenagent.protocol.tools import ToolCall
from qwenagent.syntax import symbols

_OPENING = '{"name": "'


class _WholeFileAsker(Asker, ABC):
    """Asks in a form of its own for the whole of one file, and as the agent does for all else."""

    def ask(self, question: Question) -> Action:
        """See `Asker.ask`."""
        call = _whole_file(question)
        if call is None:
            return super().ask(question)
        self._turn += 1
        self._events.emit(TurnStarted(self._turn, question.phase))
        prompt, grammar = self._asked(question, call)
        done = self._complete(prompt, grammar, question.sampling)
        self._events.emit(TurnEnded(self._turn, done.stop, done.usage))
        return self._answered(call, done)

    @abstractmethod
    def _asked(self, question: Question, call: ToolCall) -> tuple[Prompt, Grammar | None]:
        """Return the prompt for the body of `call`, and what may be written."""

    @abstractmethod
    def _answered(self, call: ToolCall, done: Completion) -> Action:
        """Return `call` with the body that was written, or none if that is no file."""


class TextAsker(_WholeFileAsker):
    """No grammar and no forced beginning; the longest fence is the file."""

    def _asked(self, question: Question, call: ToolCall) -> tuple[Prompt, None]:
        return Prompt(question.asking_for_body(call)), None

    def _answered(self, call: ToolCall, done: Completion) -> Action:
        path = str(call.arguments["path"])
        files = written_files(done.text, (path,))
        if not files:
            return Action(None, done.text, done.stop)
        return Action(replace(call, body=files[path]), done.text, "stop")


class BodyAsker(Asker):
    """As the agent's own, but a call that can be no other one is left out: the body alone."""

    shows_forced_header = False


class FreeNamesAsker(Asker):
    """A call as its schema has it: what it names may be no file, symbol or line that there is.

    What could not be carried out is no call.
    """

    def _header(self, question: Question) -> tuple[ToolCall | None, str, Overruled | None]:
        free = [Offer(offer.spec) for offer in question.offers]
        call, line, _ = super()._header(replace(question, offers=free))
        legal = call_grammar(question.offers, "the legal calls")
        return (call if accepts(legal.text, line.removeprefix(_OPENING)) else None), line, None


class GapAsker(Asker):
    """The model's own fill-in-the-middle: the symbol is chosen by a call, its inside is a gap.

    There is no place for a conversation in such a prompt: the step stands in a comment before it.
    """

    def ask(self, question: Question) -> Action:
        """See `Asker.ask`."""
        self._turn += 1
        self._events.emit(TurnStarted(self._turn, question.phase))
        call, line, overruled = self._header(question)
        if call is None or call.name != "replace_symbol":
            self._events.emit(TurnEnded(self._turn, "length", Usage()))
            return Action(None, line, "length")
        head, gap = _gap_of(call, question)
        done = self._complete(Prompt((), gap=gap), None, question.sampling)
        self._events.emit(TurnEnded(self._turn, done.stop, done.usage))
        if done.stop != "stop":
            return Action(None, line, done.stop, overruled)
        return Action(replace(call, body=head + done.text), line, "stop", overruled)


def _gap_of(call: ToolCall, question: Question) -> tuple[str, Gap]:
    """Return the first lines of a symbol, up to the one with its name, and the gap behind them."""
    path, name = str(call.arguments["path"]), str(call.arguments["symbol"])
    text = question.texts[path]
    found = next(symbol for symbol in symbols(path, text) if symbol.name == name)
    lines = text.split("\n")
    own = lines[found.first_line - 1 : found.last_line]
    n_head = next(i for i, row in enumerate(own, 1) if row.strip() == found.signature)
    head = "\n".join(own[:n_head]) + "\n"
    sign = "#" if path.endswith((".py", ".rb")) else "//"
    told = "".join(f"{sign} {row}\n" for row in question.step.strip().split("\n"))
    before = "\n".join([*lines[: found.first_line - 1], ""]) + told + head
    return head, Gap(before, "\n" + "\n".join(lines[found.last_line :]))


class JsonAsker(_WholeFileAsker):
    """The whole call under a grammar, the code in a JSON string of it."""

    def _asked(self, question: Question, call: ToolCall) -> tuple[Prompt, Grammar]:
        _, *messages = question.asking_for_body(call)
        system = Message("system", assets.read("prompts", "json-system.md").strip())
        return Prompt((system, *messages), _OPENING), _json_call(call)

    def _answered(self, call: ToolCall, done: Completion) -> Action:
        text = _OPENING + done.text
        if done.stop != "stop":
            return Action(None, text, done.stop)
        content = str(json.loads(text)["arguments"]["content"])
        return Action(replace(call, body=content), text, "stop")


def _whole_file(question: Question) -> ToolCall | None:
    """Return the call if it is about the whole of one file, without its body."""
    if len(question.offers) != 1:
        return None
    [offer] = question.offers
    path = offer.choices.get("path")
    if offer.spec.name not in ("rewrite_file", "write_file") or not isinstance(path, OneOf):
        return None
    return ToolCall(offer.spec.name, {"path": path.values[0]}) if len(path.values) == 1 else None


def _json_call(call: ToolCall) -> Grammar:
    """Return the grammar of a call with a `content` of any length, from after its opening."""
    rules = Rules()
    plain = Chars('[^"\\\\\\x00-\\x1F\\x7F]')
    rules.terms["char"] = Alt((plain, sequence(Lit("\\"), Chars('["\\\\bfnrt]'))))
    path = encode(str(call.arguments["path"]))
    begin = f'{call.name}", "arguments": {{"path": {path}, "content": "'
    rules.terms["root"] = sequence(Lit(begin), Repeat(Ref("char"), 0, None), Lit('"}}'))
    return Grammar(render(rules.terms), f"a call of {call.name} in JSON")


ASKERS: dict[str, type[Asker]] = {
    "text": TextAsker,
    "json": JsonAsker,
    "body": BodyAsker,
    "free": FreeNamesAsker,
    "gap": GapAsker,
}
"""By the name of their arm."""
