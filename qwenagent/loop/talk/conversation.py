"""A conversation about a repository: what was said, what is seen, what the model is asked.

Answers questions and makes tasks of wishes. Knows neither terminals nor how a task is carried out.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from qwenagent import assets
from qwenagent.engine import Engine
from qwenagent.errors import EngineCrashed
from qwenagent.grammar import Grammar
from qwenagent.grammar.terms import Alt, Lit, render
from qwenagent.loop.editing.context import Section
from qwenagent.loop.editing.houserules import RULES_TOKENS, read_rules
from qwenagent.loop.editing.repomap import MAP_TOKENS, repository_map
from qwenagent.loop.stop import Stop
from qwenagent.loop.talk.framing import (
    Frame,
    file_section,
    framed,
    map_section,
    rules_section,
    symbol_section,
)
from qwenagent.loop.talk.history import Exchange, changed_in, report_of
from qwenagent.loop.talk.intent import Intent, intent_of, refers_back
from qwenagent.loop.talk.shelf import Shelf, defining, named_files, named_symbols, small_files
from qwenagent.plan import Plan, task_plan
from qwenagent.protocol.events import (
    Answered,
    ContextBuilt,
    ContextItem,
    EventStream,
    Finished,
    Progress,
    TokenDelta,
    TurnEnded,
    TurnStarted,
    Warned,
)
from qwenagent.protocol.messages import Completion, Prompt, Sampling, Usage
from qwenagent.registry import Profile
from qwenagent.syntax import Symbol
from qwenagent.tools import cut_lines
from qwenagent.workspace import Workspace

ANSWER_TOKENS = 1024
"""Of an answer in words; at thirty a second nobody waits for more."""
_CHOICE_TOKENS = 8
_BEFORE_LINES, _BEFORE_CHARS = 14, 700
"""Of the question, and of the answer, that stand before a task which goes on with them."""
_RESTARTS = 1
_CHOICE = Grammar(render({"root": Alt((Lit("answer"), Lit("edit")))}), "a question or a change")
_MAPPED = task_plan("the repository as it is")
"""The map is the same in every turn, whatever the turn names."""


@dataclass(frozen=True, slots=True)
class Partner:
    """The model that is talked with, and who is told of it."""

    engine: Engine
    profile: Profile
    events: EventStream
    stop: Stop

    @property
    def answer_tokens(self) -> int:
        """The longest answer."""
        return min(ANSWER_TOKENS, self.engine.describe().n_ctx // 4)

    @property
    def budget_tokens(self) -> int:
        """The longest prompt."""
        room = self.engine.describe().n_ctx - self.answer_tokens
        return min(self.profile.context_tokens, room)


@dataclass(frozen=True, slots=True)
class Task:
    """A wish as something to carry out."""

    plan: Plan
    files: tuple[str, ...]
    """To work on, besides those that its text names."""


class Conversation:
    """One conversation; the models may change in the course of it."""

    def __init__(self, tree: Workspace) -> None:
        self.tree = tree
        self.shelf = Shelf(tree)
        self.exchanges: list[Exchange] = []
        self.usage = Usage()
        """Of everything that was asked here."""
        self._seen: tuple[str, str] | None = None
        self._symbols: tuple[tuple[str, Symbol], ...] = ()

    # -- what is in it ------------------------------------------------------------------------

    def notice(self, text: str, mentions: Iterable[str] = ()) -> list[str]:
        """Put what a message names before the model; return the mentions that name nothing.

        `mentions` are paths and symbols that the user has marked as such.
        """
        unknown = []
        step = task_plan(text).steps[0]
        symbols: list[tuple[str, Symbol]] = []
        for name in mentions:
            if self.tree.is_file(name):
                self.shelf.put([name], "mentioned")
            elif found := list(defining(name, self.tree)):
                symbols += found[:1]
            else:
                unknown.append(name)
        self.shelf.put(named_files(step, self.tree), "named")
        self._symbols = tuple(dict.fromkeys([*symbols, *named_symbols(step, self.tree)]))
        return unknown

    def look_again(self) -> None:
        """Have the map drawn anew: files have changed."""
        self._seen = None

    def clear(self) -> None:
        """Begin anew, with nothing said and no file put in."""
        self.exchanges.clear()
        self.shelf.clear()
        self._symbols = ()
        self.look_again()

    # -- a message ----------------------------------------------------------------------------

    def intent(self, partner: Partner, text: str) -> Intent:
        """Return what a message asks for; the model says where its words do not.

        Raises:
            ContextOverflow: the message is too long.
            EngineCrashed: the engine died over it, again and again.
        """
        if known := intent_of(text):
            return known
        order = assets.read("prompts", "talk-choose.md").strip()
        prompt, _ = self.prompt(partner, assets.fill(order, message=text))
        done = self._complete(partner, prompt, Sampling(max_tokens=_CHOICE_TOKENS), _CHOICE)
        partner.stop.check()
        return "edit" if done.text == "edit" else "answer"

    def answer(self, partner: Partner, text: str) -> Answered:
        """Have a question answered; a stopped answer is kept as far as it came.

        Raises: see `intent`.
        """
        emit = partner.events.emit
        prompt, built = self.prompt(partner, text)
        emit(TurnStarted(len(self.exchanges) + 1, "answer"))
        emit(built)
        done = self._complete(partner, prompt, Sampling(max_tokens=partner.answer_tokens))
        emit(TurnEnded(len(self.exchanges) + 1, done.stop, done.usage))
        answered = Answered(done.text.strip(), done.stop)
        emit(answered)
        self._keep(text, answered.text, is_cut=done.stop == "cancelled")
        return answered

    def task(self, text: str) -> Task:
        """Return a wish as a task, with what was said before if it goes on with that."""
        plan = task_plan(text)
        step = plan.steps[0]
        named = (*named_files(step, self.tree), *(path for path, _ in self._symbols))
        files = tuple(dict.fromkeys(path for path, _ in self._symbols))
        if not self.exchanges or not refers_back(text, names_something=bool(named)):
            return Task(plan, files if named else self.shelf.added)
        last = self.exchanges[-1]
        before = assets.read("prompts", "talk-before.md").strip()
        told = assets.fill(before, asked=_short(last.asked), answer=_short(last.answer))
        there = tuple(path for path in last.files if self.tree.is_file(path))
        return Task(replace(plan, preamble=told), files if named else there or self.shelf.added)

    def note_task(self, text: str, finished: Finished) -> None:
        """Remember a task that was carried out, or was not."""
        self.exchanges.append(Exchange(text, report_of(finished), changed_in(finished)))
        self.look_again()

    def note(self, text: str, answer: str) -> None:
        """Remember an answer that somebody else has given."""
        self._keep(text, answer)

    def _keep(self, text: str, answer: str, *, is_cut: bool = False) -> None:
        about = [*named_files(task_plan(text).steps[0], self.tree)]
        about += [path for path, _ in self._symbols]
        self.exchanges.append(Exchange(text, answer, tuple(dict.fromkeys(about)), is_cut))

    # -- the prompt ---------------------------------------------------------------------------

    def prompt(self, partner: Partner, message: str) -> tuple[Prompt, ContextBuilt]:
        """Return the prompt for a message, and what is in it.

        Raises:
            ContextOverflow: the message is too long.
        """
        count, budget = partner.engine.count, partner.budget_tokens
        seen, left_out = self._background(partner), list[ContextItem]()
        for path in self.shelf.paths:
            found = file_section(path, self.tree.text(path) or "", count, budget // 2)
            if isinstance(found, Section):
                seen.append(found)
            else:
                left_out.append(found)
        whole = {section.what for section in seen if section.how == "whole"}
        excerpts = tuple(
            symbol_section(path, self.tree.text(path) or "", symbol)
            for path, symbol in self._symbols
            if f"file {path}" not in whole
        )
        frame = Frame(tuple(seen), tuple(self.exchanges), excerpts, tuple(left_out))
        return framed(frame, message, count, budget)

    def _background(self, partner: Partner) -> list[Section]:
        """Return map and rules, as they were when they were looked at last."""
        count = partner.engine.count
        if self._seen is None:
            text = repository_map(_MAPPED, self.tree, count)
            if not text:
                self.shelf.put(small_files(self.tree, count, MAP_TOKENS), "small repository")
            rules = read_rules(self.tree, RULES_TOKENS[partner.profile.name], count)
            self._seen = text, rules.text
        text, rules_text = self._seen
        seen = [rules_section(rules_text)] if rules_text else []
        return [*seen, *([map_section(text)] if text else [])]

    def _complete(
        self, partner: Partner, prompt: Prompt, sampling: Sampling, grammar: Grammar | None = None
    ) -> Completion:
        """Ask the model; an engine that died is asked once more."""
        emit, written = partner.events.emit, []

        def on_text(number: int, text: str) -> None:
            written.append(text)
            if grammar is None:
                emit(TokenDelta(text, number))

        for restart in range(_RESTARTS + 1):
            written.clear()
            try:
                [done] = partner.engine.complete(
                    prompt,
                    sampling=sampling,
                    grammar=grammar,
                    cancel=partner.stop,
                    on_text=on_text,
                    on_prefill=lambda n, total: emit(Progress("reading", n, total, "tokens")),
                )
            except EngineCrashed as error:
                if restart == _RESTARTS:
                    raise
                emit(Warned(f"{error.message}; starting it again", error.hint))
                continue
            self.usage += done.usage
            return done if done.text else replace(done, text="".join(written))
        raise AssertionError("unreachable")


def _short(text: str) -> str:
    return cut_lines(text.strip(), _BEFORE_LINES, _BEFORE_CHARS)
