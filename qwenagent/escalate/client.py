"""Asks a provider: waits with patience, and stops when told to. One try is an exchange."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from qwenagent.errors import EscalationError, RequestTooLong
from qwenagent.escalate.answer import Answer, Request, Tokens, count_tokens
from qwenagent.escalate.exchange import Exchange, OnText
from qwenagent.escalate.failures import LONGEST_PAUSE_S, PAUSES_S, RETRIES, ErrorKind, Failed
from qwenagent.escalate.keys import read_key
from qwenagent.escalate.providers import Provider
from qwenagent.protocol.messages import Cancel

OnWait = Callable[[float, str], None]
"""Called before a pause, with its seconds and a sentence why, in the caller's thread."""

_POLL_S = 0.05
"""How long a cancel may go unseen."""


def ask(
    provider: Provider,
    request: Request,
    *,
    cancel: Cancel | None = None,
    on_text: OnText | None = None,
    on_wait: OnWait | None = None,
    environ: Mapping[str, str] | None = None,
    pauses_s: Sequence[float] = PAUSES_S,
) -> Answer:
    """Return the provider's answer to a request, or what there was of it when `cancel` was set.

    What `failures.RETRIES` names is asked again after a pause, at no further cost. `environ` is
    where the key's variable is looked up, the process's own if it is None; `pauses_s` is how long
    is waited where the provider does not say.

    Raises:
        EscalationError: there is no answer; the subclass says why, and `spent` what it may have
            cost.
    """
    _check(provider, request)
    key = read_key(provider.name, provider.key, os.environ if environ is None else environ, cancel)
    patience = _Patience(cancel, on_wait, pauses_s)
    while not patience.cancelled():
        try:
            return Exchange(provider, request, key).follow(cancel, on_text)
        except Failed as failed:
            patience.wait(failed)
    return Answer("", Tokens(), "cancelled", provider.model.name, "")


def _check(provider: Provider, request: Request) -> None:
    longest = provider.model.output_tokens
    if longest is not None and request.max_tokens > longest:
        raise RequestTooLong(
            f"{provider.model.name} of {provider.name} writes up to {longest:,} tokens, and "
            f"{request.max_tokens:,} are asked for",
            hint="ask for a shorter answer",
        )
    price = provider.model.price
    if price and price.up_to is not None and (bound := count_tokens(request)) > price.up_to:
        raise RequestTooLong(
            f"the request can be {bound:,} tokens, and the price of {provider.model.name} is known "
            f"up to {price.up_to:,}",
            hint="fewer or smaller files",
        )


class _Patience:
    """Pauses between tries, up to the limits of `failures`."""

    def __init__(
        self, cancel: Cancel | None, on_wait: OnWait | None, pauses_s: Sequence[float]
    ) -> None:
        self._pauses_s = pauses_s
        self._cancel = cancel
        self._on_wait = on_wait
        self._tries: Counter[ErrorKind] = Counter()
        self._waited_s = 0.0

    def cancelled(self) -> bool:
        """Return whether the caller has given up."""
        return self._cancel is not None and self._cancel.is_set()

    def wait(self, failed: Failed) -> None:
        """Pause before another try.

        Raises:
            EscalationError: there is none.
        """
        error, kind = failed.error, type(failed.error)
        n_tries = self._tries[kind]
        self._tries[kind] += 1
        if not failed.free or n_tries >= RETRIES.get(kind, 0):
            raise self._last(error)
        pause_s = self._pauses_s[min(n_tries, len(self._pauses_s) - 1)]
        if failed.after_s is not None:
            pause_s = failed.after_s
        if pause_s > LONGEST_PAUSE_S:
            raise kind(
                f"{error.message}; it asks to wait {pause_s:,.0f} s, and up to "
                f"{LONGEST_PAUSE_S:g} s are waited",
                hint=error.hint,
            ) from error
        if self._on_wait:
            self._on_wait(pause_s, error.message)
        self._sleep(pause_s)

    def _last(self, error: EscalationError) -> EscalationError:
        n_tries = self._tries.total()
        if n_tries > 1:
            tries = f"{error.message}; the last of {n_tries} tries, {self._waited_s:.0f} s waited"
            return type(error)(tries, hint=error.hint, spent=error.spent)
        return error

    def _sleep(self, seconds: float) -> None:
        self._waited_s += seconds
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0 and not self.cancelled():
            time.sleep(min(_POLL_S, left))
