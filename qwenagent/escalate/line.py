"""The line to a provider: one connection, what may be sent over it, and how it is hung up.

Knows no protocol. The SDKs read custom headers, organisations and proxies from the environment and
tell about the machine; what leaves here is what the tables below allow. The key is put on here, so
that no SDK ever has it.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from qwenagent.errors import CannotConnect
from qwenagent.escalate.keys import Key
from qwenagent.escalate.providers import Provider

if TYPE_CHECKING:
    import httpx2

SENT = frozenset(
    {
        *("host", "connection", "accept", "content-type", "content-length", "transfer-encoding"),
        "anthropic-version",
    }
)
"""Headers of an SDK that go out; all others are dropped."""

_SLACK_S = 5.0
"""More than whoever waits has patience, who knows better what to say."""
_LONGEST_ID = 200


class HungUp(Exception):
    """Ends a request whose asker left before it was connected."""


class Line:
    """A connection for one request. `hang_up` may be called by any thread, `close` by its user."""

    def __init__(self, provider: Provider, key: Key) -> None:
        self._provider = provider
        self._key = key
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._hung_up = False
        self.n_bytes = 0
        """Of the answer's body, so far; keep-alive of a provider counts."""
        self.opened_at: float | None = None
        """`time.monotonic` at the beginning, and again when the request goes out; None before."""
        self.heard_at = 0.0
        """When something came last, or the request went out."""
        self.sent = False
        """Whether the request, or a part of it, has left: from then on it may cost."""
        self.begun = False
        """Whether a part of the answer has been understood."""
        self.content_type = ""
        self.request_id = ""

    def client(self) -> httpx2.Client:
        """Return a fresh client, which the caller closes.

        Raises:
            CannotConnect: proxy or certificates that the environment names cannot be used.
        """
        import httpx2

        provider = self._provider
        is_plain = provider.is_loopback and provider.base_url.startswith("http:")
        read_s = max(provider.first_s, provider.between_s) + _SLACK_S
        try:
            client = httpx2.Client(
                verify=not is_plain,  # reading certificates takes longer than most questions
                trust_env=provider.use_environment and not provider.is_loopback,
                follow_redirects=False,  # a key must not reach another host
                timeout=httpx2.Timeout(read_s, connect=provider.connect_s),
                event_hooks={"request": [self._prepare], "response": [self._listen]},
            )
        except (ImportError, ValueError, OSError, httpx2.InvalidURL) as error:
            raise CannotConnect(f"proxy or certificate settings cannot be used: {error}") from error
        self.opened_at = time.monotonic()
        return client

    def hang_up(self) -> None:
        """End the connection now: the provider sees it, and whoever reads gets an error."""
        with self._lock:
            self._hung_up = True
            if self._socket:
                # Not the method of a TLS socket, which would take away what the reader stands on.
                with suppress(OSError):
                    socket.socket.shutdown(self._socket, socket.SHUT_RDWR)

    def _prepare(self, request: httpx2.Request) -> None:
        for name in set(request.headers) - SENT:
            del request.headers[name]
        request.headers["User-Agent"] = "qwenagent"
        request.headers["Accept-Encoding"] = "identity"
        if secret := self._key.reveal():
            request.headers["Authorization"] = f"Bearer {secret}"
        request.extensions["trace"] = self._watch

    def _watch(self, what: str, info: dict[str, Any]) -> None:
        """Note the socket as soon as there is one, and when the request leaves through it."""
        if what.endswith("send_request_headers.started"):
            self.opened_at = self.heard_at = time.monotonic()
            self.sent = True
        if not what.endswith(("connect_tcp.complete", "start_tls.complete")):
            return
        with self._lock:
            self._socket = info["return_value"].get_extra_info("socket")
            if self._hung_up:
                raise HungUp

    def _listen(self, response: httpx2.Response) -> None:
        self.content_type = response.headers.get("content-type", "").partition(";")[0].lower()
        headers = (response.headers.get(name, "") for name in ("request-id", "x-request-id"))
        self.request_id = next(filter(None, headers), "")[:_LONGEST_ID]
        response.stream = _heard(response.stream, self)

    def note(self, chunk: bytes) -> None:
        """Note what has come."""
        self.n_bytes += len(chunk)
        self.heard_at = time.monotonic()


def _heard(stream: Any, line: Line) -> httpx2.SyncByteStream:
    import httpx2

    class Heard(httpx2.SyncByteStream):
        """Passes on what comes, and says so."""

        def __iter__(self) -> Iterator[bytes]:
            for chunk in stream:
                line.note(chunk)
                yield chunk

        def close(self) -> None:
            stream.close()

    return Heard()
