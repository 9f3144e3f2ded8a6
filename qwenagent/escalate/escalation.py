"""The way to a model elsewhere and back: reserve, show, send, settle, tell.

Everything that goes up goes through here. Knows values and ports; not what is done with answers.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

from qwenagent.errors import (
    AccessDenied,
    EscalationError,
    FrontierMissing,
    KeyMissing,
    KeyRefused,
    NoSuchModel,
    PatchMalformed,
    PaymentNeeded,
    WorkspaceError,
)
from qwenagent.escalate import policy, wording
from qwenagent.escalate.answer import Answer, Kind, Request, Subject, Tokens, most
from qwenagent.escalate.caps import reserve
from qwenagent.escalate.client import ask
from qwenagent.escalate.failures import PAUSES_S
from qwenagent.escalate.known import collect
from qwenagent.escalate.ledger import Errand, Ledger, Reservation
from qwenagent.escalate.local_only import Judgement, judge
from qwenagent.escalate.patch import FilePatch, parse_patch
from qwenagent.escalate.payload import Material, NotSent, Payload, build, paths_of
from qwenagent.escalate.placeholders import Placeholders
from qwenagent.escalate.policy import Rules
from qwenagent.escalate.providers import Provider
from qwenagent.escalate.secrets import Known
from qwenagent.escalate.standing import EVERY_STEP, Standing
from qwenagent.protocol.approval import Approver
from qwenagent.protocol.events import (
    EscalatedOutcome,
    EventStream,
    Progress,
    TokenDelta,
    Warned,
)
from qwenagent.protocol.messages import Cancel, Message

T = TypeVar("T")

_HOPELESS = (KeyMissing, KeyRefused, AccessDenied, PaymentNeeded, NoSuchModel, FrontierMissing)
"""What the next step would only meet again."""


@dataclass(frozen=True, slots=True)
class Around:
    """Where a run takes place, and who is told and asked."""

    root: Path
    """Of the repository."""
    events: EventStream
    approver: Approver
    can_ask: bool
    """Whether there is somebody who can say yes."""
    cancel: Cancel | None = None
    environ: Mapping[str, str] = field(default_factory=lambda: dict(os.environ), repr=False)
    home: Path | None = None
    """The user's home folder, whose files of credentials are looked at for their values."""
    pauses_s: Sequence[float] = PAUSES_S


@dataclass(frozen=True, slots=True)
class _Asked:
    """One request that is reserved."""

    provider: Provider
    subject: Subject
    payload: Payload
    request: Request
    held: Reservation
    errand: Errand


class Escalation:
    """Asks the providers of one run. Whoever says no, or reaches a cap, is not asked on."""

    def __init__(self, rules: Rules, ledger: Ledger, around: Around) -> None:
        self._rules = rules
        self._ledger = ledger
        self._around = around
        self._emit = around.events.emit
        self._placeholders: Placeholders | None = None
        self._standing = Standing(tuple(provider.name for provider in rules.providers))

    @property
    def up_front(self) -> policy.UpFront:
        """What the user wants asked before a step is tried here."""
        return self._rules.up_front

    def willing(self, step: str) -> tuple[str, ...]:
        """Return the names of those who may be asked about a step now, in order."""
        names = self._standing.willing(step)
        if names and self._rules.policy == "ask" and not self._around.can_ask:
            self._shut("there is no terminal to ask on, so nothing is sent to another model",
                       'escalate.policy = "auto" sends without asking')  # fmt: skip
            return ()
        return names

    def stays(self, paths: Iterable[str]) -> tuple[str, ...]:
        """Return those of the repository's files that are not sent, whoever is asked."""
        names = list(paths)
        try:
            judged = self._judged(names, names)
        except WorkspaceError:
            return tuple(names)
        return tuple(name for name in names if judged.why_home(name))

    def advice(
        self, name: str, subject: Subject, material: Material, listed: Collection[str]
    ) -> str:
        """Return what a provider advises, empty if there is no advice."""
        return self._asked(name, "advice", subject, material, listed, self._restored) or ""

    def patch(
        self, name: str, subject: Subject, material: Material, listed: Collection[str]
    ) -> tuple[FilePatch, ...]:
        """Return a provider's patch, empty if there is none."""

        def parsed(text: str) -> tuple[FilePatch, ...]:
            return parse_patch(self._restored(text), material.only)

        return self._asked(name, "patch", subject, material, listed, parsed) or ()

    def text(
        self,
        kind: Kind,
        subject: Subject,
        material: Material,
        listed: Collection[str],
        read: Callable[[str], T],
    ) -> T | None:
        """Return what `read` makes of the first usable answer of all who are willing.

        `read` raises EscalationError for one that it cannot use.
        """

        def use(text: str) -> T:
            return read(self._restored(text))

        for name in self.willing(subject.step):
            if found := self._asked(name, kind, subject, material, listed, use):
                return found
        return None

    # -- before it is sent --------------------------------------------------------------------

    def _asked(
        self,
        name: str,
        kind: Kind,
        subject: Subject,
        material: Material,
        listed: Collection[str],
        use: Callable[[str], T],
    ) -> T | None:
        if name not in self.willing(subject.step):  # a no, or a cap, since that was asked
            return None
        provider = next(p for p in self._rules.providers if p.name == name)
        payload = self._payload(provider, kind, subject, material, listed)
        if payload is None:
            return None
        # What tests print is part of the reason, and that is kept: in the ledger, in transcripts.
        reason = self._secrets().redact(subject.reason).text
        asked = self._reserved(provider, kind, replace(subject, reason=reason), payload)
        if asked is None:
            return None
        try:
            return self._exchanged(asked, use)
        except BaseException:
            # Whatever was under way may have been sent; only what is known to be free is not this.
            self._settle_if_open(asked)
            raise

    def _payload(
        self,
        provider: Provider,
        kind: Kind,
        subject: Subject,
        material: Material,
        listed: Collection[str],
    ) -> Payload | None:
        room = policy.room_of(self._rules, provider, kind)
        try:
            judged = self._judged(paths_of(material), listed)
            payload = build(kind, material, judged, self._secrets(), room)
        except WorkspaceError as error:
            self._end(subject, f"nothing is sent: {error.message}", error.hint)
            return None
        if isinstance(payload, NotSent):
            self._standing.leave_out(provider.name, subject.step)  # another one may read more
            self._emit(Warned(payload.sentence))
            return None
        return payload

    def _judged(self, paths: Iterable[str], listed: Collection[str]) -> Judgement:
        return judge(self._around.root, self._rules.home, paths, listed)

    def _secrets(self) -> Placeholders:
        """Return the run's placeholders; what is secret here is looked for once."""
        if self._placeholders is None:
            self._placeholders = Placeholders(self._known())
        return self._placeholders

    def _known(self) -> Known:
        from qwenagent.workspace.git import Git  # GitPython takes 140 ms to import

        around = self._around
        variables = (provider.key.variable for provider in self._rules.providers)
        return collect(
            environ=around.environ,
            root=around.root,
            git_config=Git(around.root).ask("config", "--list", ok=(0, 1)),
            home=around.home,
            given=[value for name in variables if (value := around.environ.get(name, ""))],
        )

    def _reserved(
        self, provider: Provider, kind: Kind, subject: Subject, payload: Payload
    ) -> _Asked | None:
        around = self._around
        n_out = policy.answer_tokens(provider, kind)
        request = Request("", (Message("user", payload.text),), n_out, kind)
        errand = Errand(
            run=around.events.run,
            repository=str(around.root),
            step=subject.step,
            provider=provider.name,
            model=provider.model.name,
            kind=kind,
            reason=subject.reason,
        )
        amount = policy.amount_of(provider, most(request))
        try:
            held = reserve(self._ledger, self._rules.caps, errand, amount)
        except EscalationError as error:
            self._shut(error.message, error.hint)
            return None
        if isinstance(held, Reservation):
            return _Asked(provider, subject, payload, request, held, errand)
        self._emit(wording.told_of(provider, subject, payload, "capped", held.sentence))
        self._standing.note_cap(held, provider.name, subject.step)
        return None

    def _shut(self, sentence: str, hint: str = "") -> None:
        self._standing.shut()
        self._emit(Warned(sentence, hint))

    def _end(self, subject: Subject, sentence: str, hint: str = "") -> None:
        self._standing.end(subject.step)
        self._emit(Warned(sentence, hint))

    # -- the request --------------------------------------------------------------------------

    def _exchanged(self, asked: _Asked, use: Callable[[str], T]) -> T | None:
        if not self._agreed_or_freed(asked):
            self._ledger.release(asked.held.id, "declined")
            self._standing.end(asked.subject.step)
            self._tell(asked, "declined", sentence="it was declined, nothing was sent")
            return None
        self._emit(Progress(wording.under_way(asked.provider, asked.payload.kind), 0, 0, "tokens"))
        try:
            answer = self._answer(asked)
        except EscalationError as error:
            self._failed(asked, error)
            return None
        if answer.stop == "cancelled":
            self._settle(asked, answer.usage, "cancelled", answer.request_id)
            self._tell(asked, "cancelled", tokens=answer.usage, model=answer.model)
            return None
        outcome = "cut at its length" if answer.stop == "length" else "answered"
        self._settle(asked, answer.usage, outcome, answer.request_id)
        return self._used(asked, answer, use)

    def _agreed_or_freed(self, asked: _Asked) -> bool:
        try:
            return self._agreed(asked)
        except BaseException:  # Ctrl-C at the question: nothing was sent
            self._ledger.release(asked.held.id, "interrupted")
            raise

    def _agreed(self, asked: _Asked) -> bool:
        """Show all of a request and ask, unless it may go unasked."""
        if self._rules.policy == "auto" and not asked.subject.needs_yes:
            return True
        if not self._around.can_ask:
            return False
        question = wording.question_of(asked.provider, asked.payload, self._facts(asked))
        self._emit(question)
        answer = self._around.approver.ask(question)
        self._emit(answer)
        return answer.granted and answer.digest == question.digest

    def _facts(self, asked: _Asked) -> tuple[str, ...]:
        left = policy.left_of(self._rules.caps, self._ledger.spending(asked.errand))
        return (
            f"why: {asked.subject.reason}",
            *wording.facts_of(asked.payload, asked.request, asked.held.most.micro),
            wording.left_of_caps(left),
        )

    def _answer(self, asked: _Asked) -> Answer:
        around = self._around
        return ask(
            asked.provider,
            asked.request,
            cancel=around.cancel,
            on_text=lambda text: self._emit(TokenDelta(text)),
            on_wait=lambda s, why: self._emit(Warned(f"{why}; waiting {s:.0f} s")),
            environ=around.environ,
            pauses_s=around.pauses_s,
        )

    def _failed(self, asked: _Asked, error: EscalationError) -> None:
        spent = Tokens(*error.spent, exact=False)
        self._settle(asked, spent, type(error).__name__)
        step = EVERY_STEP if isinstance(error, _HOPELESS) else asked.subject.step
        self._standing.leave_out(asked.provider.name, step)
        self._tell(asked, "failed", sentence=wording.with_hint(error), tokens=spent)

    def _used(self, asked: _Asked, answer: Answer, use: Callable[[str], T]) -> T | None:
        try:
            found = use(answer.text)
        except EscalationError as error:
            self._tell(
                asked, "unusable", sentence=error.message, tokens=answer.usage, model=answer.model
            )
            return None
        # As it came: secrets are put back in what the loop gets, and in no record.
        text = answer.text if asked.payload.kind == "advice" else ""
        self._tell(asked, "answered", tokens=answer.usage, model=answer.model, text=text)
        return found

    def _restored(self, text: str) -> str:
        """Put secrets back.

        Raises:
            PatchMalformed: it has placeholders that nobody gave out.
        """
        restored = self._secrets().restore(text)
        if restored.unknown:
            raise PatchMalformed(
                f"the answer changes a placeholder of a secret: {restored.unknown[0][:80]}"
            )
        return restored.text

    # -- the bill -----------------------------------------------------------------------------

    def _settle(self, asked: _Asked, tokens: Tokens, outcome: str, request_id: str = "") -> None:
        if tokens == replace(Tokens(), exact=tokens.exact):
            self._ledger.release(asked.held.id, outcome)
            return
        cost = policy.amount_of(asked.provider, tokens).micro
        self._ledger.settle(asked.held.id, tokens, cost, outcome, request_id=request_id)

    def _settle_if_open(self, asked: _Asked) -> None:
        try:
            self._ledger.settle_at_most(asked.held.id, "broken off")
        except EscalationError:  # it was settled, or stays reserved until the process ends
            return

    def _tell(
        self,
        asked: _Asked,
        outcome: EscalatedOutcome,
        *,
        sentence: str = "",
        tokens: Tokens | None = None,
        model: str = "",
        text: str = "",
    ) -> None:
        event = wording.told_of(asked.provider, asked.subject, asked.payload, outcome, sentence)
        tokens = tokens or Tokens()
        self._emit(
            replace(
                event,
                model=model or event.model,
                fresh=tokens.fresh,
                cached=tokens.cached,
                out=tokens.out,
                exact=tokens.exact,
                micro_dollars=policy.amount_of(asked.provider, tokens).micro,
                request=asked.held.id,
                text=text,
            )
        )
