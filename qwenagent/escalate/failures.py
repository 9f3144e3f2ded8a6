"""Tables of what goes wrong with a provider: which error it is, and what is asked again how often.

Knows no SDK and no words for people.
"""

from __future__ import annotations

import email.utils
import re
import time
from collections.abc import Mapping
from types import MappingProxyType

from qwenagent.errors import (
    AccessDenied,
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
)
from qwenagent.escalate.sdk import word_of

ErrorKind = type[EscalationError]

RETRIES: Mapping[ErrorKind, int] = MappingProxyType(
    {RateLimited: 4, ProviderDown: 3, CannotConnect: 2}
)
"""How often each is asked again; what is not here, never. What may have cost is not either: one
request was paid for, or reserved, and a second one is its asker's to decide."""

PAUSES_S = (1.0, 4.0, 12.0, 30.0)
"""Before each further try, where the provider does not say how long."""
LONGEST_PAUSE_S = 60.0
"""Where it says so, more is not waited for."""

BY_STATUS: Mapping[int, ErrorKind] = MappingProxyType(
    {
        401: KeyRefused,
        402: PaymentNeeded,
        403: AccessDenied,
        404: NoSuchModel,
        408: ProviderDown,
        413: RequestTooLong,
        429: RateLimited,
    }
)
"""HTTP status; 500 and more is `ProviderDown`, the rest `RequestRefused`."""

BY_WORD: Mapping[str, ErrorKind] = MappingProxyType(
    {
        "authentication_error": KeyRefused,
        "invalid_api_key": KeyRefused,
        "permission_error": AccessDenied,
        "billing_error": PaymentNeeded,
        "insufficient_quota": PaymentNeeded,
        "not_found_error": NoSuchModel,
        "model_not_found": NoSuchModel,
        "request_too_large": RequestTooLong,
        "context_length_exceeded": RequestTooLong,
        "exceed_context_size_error": RequestTooLong,
        "rate_limit_error": RateLimited,
        "rate_limit_exceeded": RateLimited,
        "overloaded_error": ProviderDown,
        "api_error": ProviderDown,
        "server_error": ProviderDown,
        "timeout_error": ProviderDown,
        "content_filter": AnswerRefused,
        "content_policy_violation": AnswerRefused,
    }
)
"""`type` or `code` of an error in either protocol, for statuses that say less than it."""

BY_TEXT: tuple[tuple[re.Pattern[str], ErrorKind], ...] = (
    (re.compile(r"context (length|size|window|limit)|prompt is too long|too many tokens", re.I),
     RequestTooLong),
    (re.compile(r"(credit|account) balance|insufficient (balance|credits?|funds)", re.I),
     PaymentNeeded),
    (re.compile(r"model\b.{0,80}\b(not found|not exist|not a valid|unknown)"
                r"|not a valid model|(unknown|invalid) model", re.I),
     NoSuchModel),
)  # fmt: skip
"""Where type and code say only that the request was wrong."""

_VAGUE = frozenset({200, 400, 422, 429})
MAY_HAVE_COST = frozenset({504, 524})
"""A gateway gave up; what is behind it may still be writing."""


class Failed(Exception):
    """One try failed. It is asked again if that costs nothing and `RETRIES` says so."""

    def __init__(
        self, error: EscalationError, *, free: bool = False, after_s: float | None = None
    ) -> None:
        """`free`: nothing can have been billed. `after_s`: the pause the provider asks for."""
        super().__init__(error.message)
        self.error = error
        self.free = free
        self.after_s = after_s


def asked_pause_s(headers: Mapping[str, str]) -> float | None:
    """Return how many seconds a provider asks to wait, if it says."""
    if (ms := _number(headers.get("retry-after-ms"))) is not None:
        return ms / 1000
    text = headers.get("retry-after")
    if (seconds := _number(text)) is not None:
        return seconds
    try:
        return max(email.utils.parsedate_to_datetime(text or "").timestamp() - time.time(), 0.0)
    except (ValueError, OverflowError):
        return None


def _number(text: str | None) -> float | None:
    match = re.fullmatch(r"\s*(\d{1,9}(\.\d{1,9})?)\s*", text or "", re.ASCII)
    return float(match[1]) if match else None


def meaning(status: int, body: object) -> tuple[ErrorKind, str]:
    """Return the kind of an error, and the provider's words for it."""
    fields = body if isinstance(body, dict) else {}
    inner = fields.get("error", fields)
    if isinstance(inner, str):
        inner = {"message": inner}
    fields = inner if isinstance(inner, dict) else {}
    words = word_of(fields, "message")
    code = fields.get("code")
    if status == 200 and isinstance(code, int) and 400 <= code < 600:
        status = code
    told = {str(fields.get("type")), str(code)}
    return _kind(status, told, words), words


def _kind(status: int, told: set[str], words: str) -> ErrorKind:
    if status in _VAGUE:
        # A code says more than a type that stands for all wrong requests.
        for word, kind in BY_WORD.items():
            if word in told:
                return kind
        for pattern, kind in BY_TEXT:
            # "Too many tokens" of a rate limit are those of a minute.
            if pattern.search(words) and (status != 429 or kind is PaymentNeeded):
                return kind
    if status >= 500 or status == 200:
        return ProviderDown
    return BY_STATUS.get(status, RequestRefused)
