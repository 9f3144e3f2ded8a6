"""What goes wrong with a server: what may pass, what it refuses, and who gives up when."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

from qwenagent.engine.remote.endpoint import Endpoint
from qwenagent.errors import EngineError
from qwenagent.protocol.messages import Cancel

if TYPE_CHECKING:
    import httpx2

_PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})
_POLL_S = 0.05


class Passing(Exception):
    """Something that another try may cure."""

    def __init__(self, message: str, *, loading: bool = False, begun: bool = False) -> None:
        """`loading`: the server is not ready yet. `begun`: an answer broke off."""
        super().__init__(message)
        self.loading = loading
        self.begun = begun


class Refused(Exception):
    """The server understood and will not: its HTTP status, the kind of error, its words."""

    def __init__(self, status: int, kind: str, words: str) -> None:
        super().__init__(words or f"HTTP {status}")
        self.status = status
        self.kind = kind


class Cancelled(Exception):
    """The caller does not want the answer any more."""


def check_status(response: httpx2.Response, body: bytes, endpoint: Endpoint) -> None:
    """Tell what may pass from what is final.

    Raises:
        Passing, Refused: see there.
        EngineError: a redirect, or the key is missing or wrong.
    """
    status, host = response.status_code, endpoint.host
    if status < 300:
        return
    if status < 400:
        raise EngineError(
            f"{host} redirects to {response.headers.get('Location', '?')[:200]}, and redirects are "
            "not followed",
            hint="give the address of the server itself as --endpoint",
        )
    if status in (401, 403):
        raise EngineError(f"{host} refuses with HTTP {status}", hint=_about_key(endpoint))
    raise told_error(_read(body), status)


def told_error(error: object, status: int = 500) -> Passing | Refused:
    """Return what an error means that a server tells as JSON, in a stream too."""
    fields = error if isinstance(error, dict) else {}
    status = fields["code"] if isinstance(fields.get("code"), int) else status
    kind, words = str(fields.get("type", "")), str(fields.get("message", ""))[:500]
    if status in _PASSING:
        loading = status == 503 and "loading" in words.lower()
        return Passing(f"HTTP {status}{': ' if words else ''}{words}", loading=loading)
    return Refused(status, kind, words)


def _read(body: bytes) -> object:
    try:
        answer = json.loads(body)
    except ValueError:
        return {}
    return answer.get("error", answer) if isinstance(answer, dict) else {}


def _about_key(endpoint: Endpoint) -> str:
    if endpoint.key:
        return f"the key in the environment variable {endpoint.key_variable} is not the server's"
    return f"put the server's key into the environment variable {endpoint.key_variable}"


class Patience:
    """Pauses between tries, longer each time, up to a limit."""

    def __init__(self, endpoint: Endpoint, cancel: Cancel | None = None) -> None:
        self._endpoint = endpoint
        self._cancel = cancel
        self._start = time.monotonic()
        self._pauses = iter(endpoint.pauses_s)
        self._n_tries = 0

    def wait(self, error: Passing) -> None:
        """Pause before another try.

        Raises:
            EngineError: it was the last one.
            Cancelled: the caller has given up.
        """
        self._n_tries += 1
        waited_s = time.monotonic() - self._start
        if error.loading:
            poll_s = self._endpoint.loading_poll_s
            pause = poll_s if waited_s < self._endpoint.loading_s else None
        else:
            pause = next(self._pauses, None)
        if pause is None:
            raise EngineError(
                f"{self._endpoint.host} does not answer: {self._n_tries} tries in "
                f"{waited_s:.0f} s, the last one: {error}",
                hint='is the server running there? `qwenagent doctor` asks it; --endpoint "" uses '
                "the model on this machine",
            ) from error
        self._sleep(pause)

    def _sleep(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if self._cancel and self._cancel.is_set():
                raise Cancelled
            time.sleep(min(_POLL_S, left))
