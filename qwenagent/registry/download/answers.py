"""What an answer to a download means: try again, give up, or read on. Asks nobody anything."""

from __future__ import annotations

import re
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from qwenagent.errors import ChecksumMismatch, DownloadFailed
from qwenagent.registry.cards import Card
from qwenagent.registry.download.proxy import through

if TYPE_CHECKING:
    import httpx2

_MAX_WAIT_S = 60.0
_RETRYABLE = frozenset({408, 425, 429, 500, 502, 503, 504})


class Interrupted(Exception):
    """The connection or the server gave up in a way that may pass, after `wait_s` perhaps."""

    def __init__(self, message: str, wait_s: float = 0.0) -> None:
        super().__init__(message)
        self.wait_s = wait_s


def check_offer(response: httpx2.Response, card: Card) -> None:
    """Find a replaced file before its gigabytes travel; mirrors may not send these headers."""
    digest = response.headers.get("X-Linked-Etag", "").removeprefix("W/").strip('"').lower()
    if re.fullmatch(r"[0-9a-f]{64}", digest) and digest != card.sha256:
        raise ChecksumMismatch(
            f"the hub offers {card.file} with SHA-256 {digest}, not {card.sha256}"
        )
    size = response.headers.get("X-Linked-Size", "")
    if size.isdigit() and int(size) != card.size_bytes:
        raise ChecksumMismatch(
            f"the hub offers {card.file} with {size} bytes, not {card.size_bytes}"
        )


def check_size(response: httpx2.Response, card: Card) -> None:
    """Find another file before its bytes are mixed with ours."""
    total = response.headers.get("Content-Range", "").rpartition("/")[2]
    if response.status_code == 200:
        total = response.headers.get("Content-Length", "")
    if total.isdigit() and int(total) != card.size_bytes:
        raise ChecksumMismatch(
            f"not the official {card.file}: {response.url.host} sends {total} bytes, not "
            f"{card.size_bytes}"
        )


def refuse_page(response: httpx2.Response) -> None:
    """A network that wants a login first answers everything with its own page."""
    kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    url = response.url
    if response.status_code == 200 and kind in ("text/html", "application/xhtml+xml"):
        raise DownloadFailed(
            f"{url.host} answers with a web page instead of the file; does this network "
            f"want a login?",
            hint=f"open {url.scheme}://{url.host} in a browser, log in, then try again",
        )


def raise_for_status(response: httpx2.Response, *, of_hub: bool) -> None:
    """Tell what may pass from what is final. 416 is left to whoever asked for a range.

    Raises:
        Interrupted: another try may help.
        DownloadFailed: none will; `of_hub` decides what a refusal probably means.
    """
    status, host = response.status_code, response.url.host
    if status in _RETRYABLE:
        raise Interrupted(f"{host} answers HTTP {status}", _retry_after(response))
    if status in (401, 403) and of_hub:
        raise DownloadFailed(f"{host} refuses with HTTP {status}; HF_TOKEN may be missing or wrong")
    if status in (401, 403):
        raise DownloadFailed(f"{host} refuses with HTTP {status}; a proxy or firewall, perhaps")
    if status == 404:
        raise DownloadFailed(f"{host} has no such file (HTTP 404 for {response.url.path})")
    if status == 407:
        raise DownloadFailed(f"the proxy wants a login (HTTP 407){through(str(response.url))}")
    if status >= 400 and status != 416:
        raise DownloadFailed(f"{host} answers HTTP {status}")


def _retry_after(response: httpx2.Response) -> float:
    """Return the seconds a server asks for, a minute at most; by its own clock, not by ours."""
    value = response.headers.get("Retry-After", "").strip()
    if value.isdigit():
        return min(float(value), _MAX_WAIT_S)
    try:
        then, now = (parsedate_to_datetime(d) for d in (value, response.headers.get("Date", "")))
        return min(max((then - now).total_seconds(), 0.0), _MAX_WAIT_S)
    except (ValueError, TypeError):
        return 0.0
