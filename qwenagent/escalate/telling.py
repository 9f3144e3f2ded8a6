"""What a provider's failure is called and how it is said, whatever an SDK raised for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType, ModuleType
from typing import Any

from qwenagent.errors import (
    AccessDenied,
    AnswerCut,
    AnswerMalformed,
    AnswerRefused,
    CannotConnect,
    EscalationError,
    KeyRefused,
    NoSuchModel,
    PaymentNeeded,
    ProviderDown,
    RateLimited,
    RequestRefused,
    RequestTooLong,
    TimedOut,
)
from qwenagent.escalate.failures import (
    MAY_HAVE_COST,
    ErrorKind,
    Failed,
    asked_pause_s,
    meaning,
)
from qwenagent.escalate.keys import Key
from qwenagent.escalate.line import Line
from qwenagent.escalate.providers import Provider

COUNTED = "it may have cost all the same, which is counted; asking again would cost again"
"""Hint of errors behind which an answer may have been written, and billed."""
_LONGEST_WORDS = 300

_SAYS: Mapping[ErrorKind, tuple[str, str]] = MappingProxyType(
    {
        KeyRefused: ("{name} does not know the key from {origin}", "is it whole, and {host}'s?"),
        PaymentNeeded: ("{name} wants to be paid first", "look at the account at {host}"),
        AccessDenied: (
            "{name} does not let this key use {model}",
            "the account at {host} says what it may",
        ),
        NoSuchModel: (
            "{name} has no model {model} at {url}",
            "look at model and base_url in [escalate.providers.{name}]",
        ),
        RequestTooLong: (
            "the request is too long for {model} of {name}",
            "fewer or smaller files, or a model with a larger context",
        ),
        RateLimited: ("{name} takes no more requests for now", "try again later"),
        ProviderDown: ("{name} fails or is overloaded", "try again later, or another provider"),
        AnswerRefused: ("{model} of {name} declines to answer", "another provider may not"),
        RequestRefused: ("{name} refuses the request", ""),
    }
)


@contextmanager
def mapping_errors(
    sdk: ModuleType, provider: Provider, key: Key, line: Line, *, silence_s: float
) -> Iterator[None]:
    """Turn what an SDK raises into `Failed`. No chain: its errors hold the whole request."""
    import httpx2

    told = _Teller(provider, key, line)
    try:
        yield
    except sdk.APIStatusError as error:
        raise told.status(error) from None
    except sdk.APIConnectionError as error:
        raise told.connection(error.__cause__ or error, silence_s) from None
    except sdk.APIResponseValidationError as error:
        raise told.malformed(str(error)) from None
    except sdk.APIError as error:
        raise told.in_stream(error.body, error.message) from None
    except (httpx2.TransportError, httpx2.InvalidURL) as error:
        raise told.connection(error, silence_s) from None
    except ValueError as error:  # no JSON, no UTF-8, not the types of the SDK
        raise told.malformed(f"{type(error).__name__}: {error}") from None


class _Teller:
    """Words for what went wrong with one request."""

    def __init__(self, provider: Provider, key: Key, line: Line) -> None:
        self._provider = provider
        self._key = key
        self._line = line

    def status(self, error: Any) -> Failed:
        """Return what an SDK's error with a status means; 200 is one in a stream."""
        status = int(error.response.status_code)
        if status < 300:
            return self.in_stream(error.body, error.message)
        if 300 <= status < 400:
            where = error.response.headers.get("location", "?")
            return Failed(
                RequestRefused(
                    f"{self._provider.host} redirects to {self._clean(where)}, and redirects are "
                    "not followed",
                    hint=f"set base_url in [escalate.providers.{self._provider.name}]",
                ),
                free=True,
            )
        kind, words = meaning(status, error.body)
        return Failed(
            self._error(kind, words, f" (HTTP {status})"),
            free=status not in MAY_HAVE_COST,
            after_s=asked_pause_s(error.response.headers),
        )

    def in_stream(self, body: object, words: str) -> Failed:
        """Return what an error means that came in the place of an answer, or in the middle."""
        kind, told = meaning(200, body)
        begun = " in the middle of its answer" if self._line.begun else ""
        return Failed(self._error(kind, told or words, begun), free=not self._line.begun)

    def connection(self, error: BaseException, silence_s: float) -> Failed:
        """Return what it means that the connection did not come about, or did not last."""
        import httpx2

        host, said = self._provider.host, self._clean(str(error)) or type(error).__name__
        if isinstance(error, httpx2.UnsupportedProtocol | httpx2.LocalProtocolError):
            return Failed(RequestRefused(f"{host} cannot be asked: {said}"), free=True)
        if isinstance(error, httpx2.InvalidURL):
            return Failed(RequestRefused(f"{host} cannot be asked: {said}"), free=True)
        if isinstance(error, httpx2.ReadTimeout | httpx2.WriteTimeout) and self._line.sent:
            return Failed(timed_out(self._provider, silence_s))
        if self._line.sent:
            return Failed(AnswerCut(f"the connection to {host} broke: {said}", hint=COUNTED))
        return Failed(
            CannotConnect(
                f"no connection to {host}: {said}",
                hint="is it running, and is the network there? Work goes on locally",
            ),
            free=True,
        )

    def malformed(self, words: str) -> Failed:
        """Return what it means that something came, and not in the form of the protocol."""
        return Failed(malformed(self._provider, self._clean(words)))

    def _error(self, kind: ErrorKind, words: str, how: str) -> EscalationError:
        sentence, hint = _SAYS[kind]
        provider = self._provider
        names = {
            "name": provider.name,
            "host": provider.host,
            "url": provider.base_url,
            "model": provider.model.name,
            "origin": self._key.origin,
        }
        said = f": {clean}" if (clean := self._clean(words)) else ""
        return kind(sentence.format(**names) + how + said, hint=hint.format(**names))

    def _clean(self, words: str) -> str:
        """Words of others for the screen: one line, no control characters, no key, not endless."""
        text = self._key.scrubbed(words)[: 4 * _LONGEST_WORDS]
        text = " ".join("".join(c if c.isprintable() else " " for c in text).split())
        return text if len(text) <= _LONGEST_WORDS else text[:_LONGEST_WORDS] + " ..."


def timed_out(provider: Provider, silence_s: float) -> TimedOut:
    """Return the error for a provider that said nothing for `silence_s`, or did not end in it."""
    return TimedOut(
        f"{provider.name} says nothing for {silence_s:g} s",
        hint=f"first_s and between_s in [escalate.providers.{provider.name}] wait longer; "
        + COUNTED,
    )


def malformed(provider: Provider, words: str) -> AnswerMalformed:
    """Return the error for what is no answer in the provider's protocol."""
    return AnswerMalformed(
        f"{provider.host} does not answer in the form of its protocol: {words}",
        hint=f"look at protocol, base_url and stream in [escalate.providers.{provider.name}]",
    )
