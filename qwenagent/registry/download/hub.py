"""The Hugging Face hub as a source: resumable, verified, and careful with the token.

The hub answers HEAD on a file with its size and SHA-256 (`X-Linked-Size`, `X-Linked-Etag`) and GET
with a redirect to storage on another host, which must not see the token.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from qwenagent.errors import DownloadFailed
from qwenagent.registry.cards import Card
from qwenagent.registry.download.answers import (
    Interrupted,
    check_offer,
    check_size,
    raise_for_status,
    refuse_page,
)
from qwenagent.registry.download.job import Job
from qwenagent.registry.download.partfile import PartFile
from qwenagent.registry.download.proxy import through
from qwenagent.registry.store import part_of

if TYPE_CHECKING:
    import httpx2

_DOING = "downloading from the hub"
_CHUNK = 1 << 16
_MAX_REDIRECTS = 5

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Hub:
    """Which hub, and how patiently. The defaults fall through quickly on a closed network."""

    endpoint: str = "https://huggingface.co"
    token: str = field(default="", repr=False)
    connect_s: float = 5.0
    read_s: float = 10.0
    """Longest silence; a cancelled download notices after at most this long."""
    pauses_s: tuple[float, ...] = (1.0, 2.0, 4.0)
    """Before each further try; the count starts again whenever bytes have arrived."""

    @classmethod
    def from_env(cls) -> Hub:
        """Honour HF_ENDPOINT and HF_TOKEN."""
        endpoint = os.environ.get("HF_ENDPOINT", "").strip().rstrip("/")
        token = os.environ.get("HF_TOKEN", "").strip()
        return cls(endpoint=endpoint or cls().endpoint, token=token)

    def url(self, card: Card) -> str:
        """Return the address of the card's file."""
        return f"{self.endpoint}/{card.repository}/resolve/{card.revision}/{card.file}"


def fetch(job: Job, hub: Hub) -> Path:
    """Bring the file from the hub and return the path of the verified part file.

    Raises:
        DownloadFailed: the hub is out of reach or refuses; what has arrived is kept.
        ChecksumMismatch: it offers or sent other bytes than the official ones.
        PullCancelled: the user stopped it; what has arrived is kept.
    """
    with _client(hub) as client:
        job.progress("asking the hub", 0)
        check_offer(_head(client, hub, job), job.card)
        with PartFile(part_of(job.path), job) as part:
            job.require_space(job.card.size_bytes - part.size)
            _download(client, hub, job, part)
            return part.finish()


def reachable(card: Card, hub: Hub) -> bool:
    """Ask once, without retrying, whether the hub has the file."""
    try:
        with _client(hub) as client:
            response = _ask(client, hub, card)
            refuse_page(response)
            return response.status_code < 400
    except (DownloadFailed, Interrupted):
        return False


def _client(hub: Hub) -> httpx2.Client:
    import httpx2

    timeout = httpx2.Timeout(hub.read_s, connect=hub.connect_s)
    headers = {"User-Agent": "qwenagent", "Accept-Encoding": "identity"}
    try:
        return httpx2.Client(timeout=timeout, follow_redirects=False, headers=headers)
    except (ImportError, ValueError, OSError, httpx2.InvalidURL) as error:
        # Raised for a SOCKS proxy, a proxy of unknown kind, or a certificate file that is missing.
        raise DownloadFailed(f"proxy or certificate settings cannot be used: {error}") from error


def _head(client: httpx2.Client, hub: Hub, job: Job) -> httpx2.Response:
    def ask() -> httpx2.Response:
        response = _ask(client, hub, job.card)
        raise_for_status(response, of_hub=_is_hub(response.url, hub))
        refuse_page(response)
        return response

    return _persistently(ask, hub, job)


def _ask(client: httpx2.Client, hub: Hub, card: Card) -> httpx2.Response:
    """HEAD, following redirects only within the hub (a renamed repository), never to storage."""
    url = _parse(hub.url(card))
    for _ in range(_MAX_REDIRECTS):
        with _mapping_errors(hub):
            response = client.head(url, headers=_credentials(url, hub))
            target = _target(response)
        if target is None or "X-Linked-Etag" in response.headers or not _is_hub(target, hub):
            return response
        url = target
    raise DownloadFailed(f"{_host(hub)} redirects more than {_MAX_REDIRECTS} times")


def _download(client: httpx2.Client, hub: Hub, job: Job, part: PartFile) -> None:
    pauses = iter(hub.pauses_s)
    while part.size < job.card.size_bytes:
        before = part.size
        try:
            _stream(client, hub, job, part)
        except Interrupted as error:
            if part.size > before:
                pauses = iter(hub.pauses_s)
            _pause_or_fail(next(pauses, None), error, job, part.size)


def _persistently(attempt: Callable[[], T], hub: Hub, job: Job) -> T:
    pauses = iter(hub.pauses_s)
    while True:
        try:
            return attempt()
        except Interrupted as error:
            _pause_or_fail(next(pauses, None), error, job, 0)


def _pause_or_fail(seconds: float | None, error: Interrupted, job: Job, n_bytes: int) -> None:
    if seconds is None:
        raise DownloadFailed(f"{error}, every time") from error
    job.pause(max(seconds, error.wait_s), f"{error}, trying again", n_bytes)


def _stream(client: httpx2.Client, hub: Hub, job: Job, part: PartFile) -> None:
    with _mapping_errors(hub), _get(client, hub, job.card, part.size) as response:
        if response.status_code == 416:
            part.restart()
            raise Interrupted(f"{response.url.host} does not go on where the file ended")
        refuse_page(response)
        check_size(response, job.card)
        _seek(response, part)
        for chunk in response.iter_raw(_CHUNK):
            part.append(chunk)
            job.progress(_DOING, part.size)
    if part.size < job.card.size_bytes:
        raise Interrupted(f"the connection ended at {part.size} of {job.card.size_bytes} bytes")


@contextmanager
def _get(client: httpx2.Client, hub: Hub, card: Card, offset: int) -> Iterator[httpx2.Response]:
    """GET from `offset` on, through redirects; only the hub itself sees the token."""
    url = _parse(hub.url(card))
    for _ in range(_MAX_REDIRECTS + 1):
        headers = _credentials(url, hub) | ({"Range": f"bytes={offset}-"} if offset else {})
        with client.stream("GET", url, headers=headers) as response:
            target = _target(response)
            if target is None:
                raise_for_status(response, of_hub=_is_hub(response.url, hub))
                yield response
                return
            url = target
    raise DownloadFailed(f"{_host(hub)} redirects more than {_MAX_REDIRECTS} times")


def _seek(response: httpx2.Response, part: PartFile) -> None:
    """Make the part end where the answer begins."""
    if response.status_code == 206:
        start = re.match(r"bytes (\d+)-", response.headers.get("Content-Range", ""))
        if start and int(start[1]) == part.size:
            return
        raise Interrupted("the answer is another range than the one asked for")
    if part.size:
        part.restart()


def _target(response: httpx2.Response) -> httpx2.URL | None:
    location = response.headers.get("Location", "")
    return response.url.join(location) if 300 <= response.status_code < 400 and location else None


def _credentials(url: httpx2.URL, hub: Hub) -> dict[str, str]:
    return {"Authorization": f"Bearer {hub.token}"} if hub.token and _is_hub(url, hub) else {}


def _is_hub(url: httpx2.URL, hub: Hub) -> bool:
    own = _parse(hub.endpoint)
    return (url.scheme, url.host, url.port) == (own.scheme, own.host, own.port)


def _host(hub: Hub) -> str:
    """For messages: an endpoint may have a password in it."""
    return _parse(hub.endpoint).host


def _parse(url: str) -> httpx2.URL:
    import httpx2

    try:
        return httpx2.URL(url)
    except httpx2.InvalidURL as error:
        raise DownloadFailed(f"HF_ENDPOINT does not make an address ({error})") from error


@contextmanager
def _mapping_errors(hub: Hub) -> Iterator[None]:
    """What may pass is worth another try; a network that is closed is not."""
    import httpx2

    try:
        yield
    except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.ProxyError) as error:
        raise DownloadFailed(
            f"cannot connect to {_host(hub)}{through(hub.endpoint)} ({_reason(error)})",
            hint=_clock_hint(error),
        ) from error
    except (httpx2.UnsupportedProtocol, httpx2.LocalProtocolError, httpx2.InvalidURL) as error:
        raise DownloadFailed(f"cannot use {_host(hub)} ({_reason(error)})") from error
    except httpx2.TransportError as error:
        raise Interrupted(f"the connection broke ({_reason(error)})") from error


def _clock_hint(error: Exception) -> str:
    told = str(error)
    if "certificate has expired" not in told and "certificate is not yet valid" not in told:
        return ""
    now = datetime.now(UTC)
    return f"this machine's clock says {now:%Y-%m-%d %H:%M} UTC; set it if that is wrong"


def _reason(error: Exception) -> str:
    return str(error) or type(error).__name__
