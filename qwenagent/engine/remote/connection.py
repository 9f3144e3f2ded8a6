"""HTTP to one endpoint: short questions with their retries, and streams of events.

Knows no routes and no tokens. Redirects are not followed: a key must not reach another host.
"""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from qwenagent.engine.remote.endpoint import Endpoint
from qwenagent.engine.remote.failures import Passing, Patience, Refused, check_status, told_error
from qwenagent.errors import EngineError, QwenAgentError
from qwenagent.protocol.messages import Cancel

if TYPE_CHECKING:
    import ssl

    import httpx2

Put = Callable[[object], None]
"""Takes what a stream brings: an event as a dict, `ENDED`, or the exception that ended it."""

ENDED = object()
_MOST_OF_AN_ERROR = 100_000


class Connection:
    """Talks to one endpoint. `close` frees its sockets."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self._client: httpx2.Client | None = None
        self._certificates: ssl.SSLContext | None = None

    def ask(
        self, method: str, path: str, body: object = None, cancel: Cancel | None = None
    ) -> dict[str, Any]:
        """Return the JSON object that answers a short question.

        Raises:
            Refused, Cancelled: see there.
            EngineError: every try failed, or the answer is no JSON object.
        """
        patience = Patience(self.endpoint, cancel)
        while True:
            try:
                return self._ask_once(method, path, body)
            except Passing as error:
                patience.wait(error)

    def stream(self, path: str, body: object, put: Put) -> Stream:
        """Ask for an answer in events, and begin to read it."""
        return Stream(self.client(self.endpoint.silence_s), self.endpoint, path, body, put)

    def client(self, silence_s: float) -> httpx2.Client:
        """Return a fresh client, which the caller closes.

        Raises:
            EngineError: the settings of the proxy or the certificates cannot be used.
        """
        import httpx2

        endpoint = self.endpoint
        headers = {"User-Agent": "qwenagent", "Accept-Encoding": "identity"}
        if endpoint.key:
            headers["Authorization"] = f"Bearer {endpoint.key}"
        try:
            return httpx2.Client(
                timeout=httpx2.Timeout(silence_s, connect=endpoint.connect_s),
                follow_redirects=False,
                headers=headers,
                verify=self._verification(),
                trust_env=not endpoint.is_loopback,  # no proxy leads to this machine itself
            )
        except (ImportError, ValueError, OSError, httpx2.InvalidURL) as error:
            raise EngineError(f"proxy or certificate settings cannot be used: {error}") from error

    def close(self) -> None:
        """Free the sockets; the next question opens new ones."""
        if self._client:
            self._client.close()
        self._client = None

    def _verification(self) -> ssl.SSLContext | bool:
        """Return the certificates to trust, read once: that takes longer than most questions."""
        import httpx2

        if self.endpoint.is_loopback and self.endpoint.url.startswith("http:"):
            return False  # nothing is encrypted, and no proxy is between
        self._certificates = self._certificates or httpx2.create_ssl_context()
        return self._certificates

    def _ask_once(self, method: str, path: str, body: object) -> dict[str, Any]:
        self._client = self._client or self.client(self.endpoint.quick_s)
        with _mapping_errors(self.endpoint):
            response = self._client.request(
                method,
                self.endpoint.url + path,
                content=None if body is None else _encoded(body),
                headers=_JSON,
            )
        check_status(response, response.content, self.endpoint)
        try:
            answer = json.loads(response.content)
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            raise EngineError(
                f"{self.endpoint.host}{path} answers with {response.content[:60]!r}, not with a "
                "JSON object",
                hint="is this the address of llama.cpp's server?",
            )
        return answer


class Stream:
    """One answer on its way: a thread reads it, and whoever asked may hang up at any time."""

    def __init__(
        self, client: httpx2.Client, endpoint: Endpoint, path: str, body: object, put: Put
    ) -> None:
        """Takes over the client: of its own, so that its socket is known before the answer is."""
        self._client = client
        self._endpoint = endpoint
        self._path = path
        self._content = _encoded(body)
        self._put = put
        self._socket: socket.socket | None = None
        self._hung_up = False
        self._lock = threading.Lock()
        threading.Thread(target=self._run, daemon=True, name="qwenagent-stream").start()

    def hang_up(self) -> None:
        """End the connection now: the server sees it and stops. Nothing is put after this."""
        with self._lock:
            self._hung_up = True
            if self._socket:
                # Not the method of a TLS socket, which would take away what the reader stands on.
                with suppress(OSError):
                    socket.socket.shutdown(self._socket, socket.SHUT_RDWR)

    def _run(self) -> None:
        last: object = ENDED
        try:
            with self._client, _mapping_errors(self._endpoint), _mapping_silence(self._endpoint):
                self._read()
        except (Passing, Refused, QwenAgentError, _HungUp) as error:
            last = error
        finally:
            self._tell(last)

    def _tell(self, item: object) -> None:
        with self._lock:
            if not self._hung_up:
                self._put(item)

    def _read(self) -> None:
        with self._client.stream(
            "POST",
            self._endpoint.url + self._path,
            content=self._content,
            headers=_JSON,
            extensions={"trace": self._watch},
        ) as response:
            if response.status_code != 200:
                check_status(response, _beginning(response), self._endpoint)
            for event in _events(response.iter_bytes()):
                if "error" in event:
                    raise told_error(event["error"])
                self._tell(event)

    def _watch(self, what: str, info: dict[str, Any]) -> None:
        """Note the socket as soon as there is one."""
        if not what.endswith(("connect_tcp.complete", "start_tls.complete")):
            return
        with self._lock:
            self._socket = info["return_value"].get_extra_info("socket")
            if self._hung_up:
                raise _HungUp


class _HungUp(Exception):
    """Ends a stream whose owner hung up before it was connected."""


_JSON = {"Content-Type": "application/json"}


def _encoded(body: object) -> bytes:
    return json.dumps(body).encode("ascii")


def _beginning(response: httpx2.Response) -> bytes:
    found = b""
    for chunk in response.iter_bytes():
        found += chunk
        if len(found) > _MOST_OF_AN_ERROR:
            break
    return found


def _events(chunks: Iterator[bytes]) -> Iterator[dict[str, Any]]:
    """Yield the objects of a stream of server-sent events, one in a line.

    Lines end with a newline only: a line separator may stand inside the JSON.
    """
    rest = b""
    for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            data = line.removeprefix(b"data:").strip()
            if not line.startswith(b"data:") or data == b"[DONE]":
                continue
            try:
                event = json.loads(data)
            except ValueError as error:
                raise Passing(f"an event that is no JSON: {data[:60]!r}", begun=True) from error
            if isinstance(event, dict):
                yield event


@contextmanager
def _mapping_errors(endpoint: Endpoint) -> Iterator[None]:
    import httpx2

    try:
        yield
    except (httpx2.UnsupportedProtocol, httpx2.LocalProtocolError, httpx2.InvalidURL) as error:
        raise EngineError(f"cannot use the endpoint {endpoint.host}: {error}") from error
    except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.ProxyError) as error:
        raise Passing(f"cannot connect: {str(error) or type(error).__name__}") from error
    except httpx2.TransportError as error:
        what = f"the connection broke ({str(error) or type(error).__name__})"
        raise Passing(what, begun=True) from error


@contextmanager
def _mapping_silence(endpoint: Endpoint) -> Iterator[None]:
    """An answer that was waited for so long is not asked for again."""
    import httpx2

    try:
        yield
    except httpx2.ReadTimeout as error:
        raise EngineError(
            f"{endpoint.host} says nothing for {endpoint.silence_s:g} s",
            hint="it may be busy with the work of others; model.endpoint_timeout_s waits longer",
        ) from error
