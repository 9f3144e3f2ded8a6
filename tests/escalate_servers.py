"""Real HTTP servers that speak the protocols of providers, in events and whole, right and wrong."""

from __future__ import annotations

import json
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from qwenagent.escalate import Provider, Request, find_provider
from qwenagent.protocol.messages import Message
from tests.escalate_canaries import ENVIRONMENT, leaks

MODEL = "model-of-tests"
DATED = "model-of-tests-2026"
KEY_VARIABLE = "TEST_FRONTIER_KEY"
KEY = "sk-test-0123456789"
ENVIRON = ENVIRONMENT | {KEY_VARIABLE: KEY}
PATHS = {"messages": "/v1/messages", "chat": "/v1/chat/completions"}
STOPS = {
    "messages": {"stop": "end_turn", "length": "max_tokens", "refusal": "refusal"},
    "chat": {"stop": "stop", "length": "length", "refusal": "content_filter"},
}
FRESH, CACHED, OUT = 20, 5, 7
"""What an answer is said to have cost."""
FORMS = [("messages", True), ("messages", False), ("chat", True), ("chat", False)]
"""Protocol, and whether the answer comes in events."""
MAX_TOKENS = 100
REQUEST = Request(
    "Be short.",
    (Message("user", "hé?"), Message("assistant", "Yes?"), Message("user", "hé!")),
    MAX_TOKENS,
    "advice",
)


@dataclass(slots=True)
class Asked:
    path: str
    body: dict[str, Any]
    headers: dict[str, str]
    raw: bytes


Reply = Callable[["Handler"], None]


@dataclass(slots=True)
class Standin:
    """`replies` are used up in turn; the last one stays."""

    protocol: str
    stream: bool
    replies: list[Reply] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    hung_up: threading.Event = field(default_factory=threading.Event)
    """Set once a client has left in the middle of an answer."""
    ended: threading.Event = field(default_factory=threading.Event)
    port: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def provider(self, **own: Any) -> Provider:
        return provider_at(self.port, self.protocol, stream=self.stream, **own)


def provider_at(port: int, protocol: str, **own: Any) -> Provider:
    table = {
        "protocol": protocol,
        "base_url": f"http://127.0.0.1:{port}/v1",
        "model": MODEL,
        "key_variable": KEY_VARIABLE,
        "first_s": 30.0,
        "between_s": 30.0,
    }
    return find_provider("test", {"test": table | own})


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server
    body: dict[str, Any]

    @property
    def standin(self) -> Standin:
        return self.server.standin

    @property
    def is_stream(self) -> bool:
        return bool(self.body.get("stream"))

    def do_POST(self) -> None:
        standin = self.standin
        raw = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.body = json.loads(raw)
        with standin.lock:
            standin.asked.append(Asked(self.path, self.body, dict(self.headers), raw))
            reply = standin.replies.pop(0) if len(standin.replies) > 1 else standin.replies[0]
        if self.path != PATHS[standin.protocol]:
            reply = failing(404, "no such path")
        try:
            reply(self)
        except (BrokenPipeError, ConnectionResetError):
            standin.hung_up.set()

    def log_message(self, *_: object) -> None:
        pass

    def page(self, text: str, kind: str, status: int = 200, **headers: str) -> None:
        data = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def begin(self, *, chunked: bool = True) -> None:
        self.close_connection = True
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream; charset=utf-8")
        self.send_header("request-id", "req-1")
        if chunked:
            self.send_header("Transfer-Encoding", "chunked")
        else:
            self.send_header("Connection", "close")
        self.end_headers()
        self.chunked = chunked

    def write(self, data: bytes) -> None:
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data) if self.chunked else data)

    def event(self, value: object) -> None:
        name = value.get("type") if isinstance(value, dict) else None
        head = f"event: {name}\n" if name else ""
        self.write(f"{head}data: {json.dumps(value, ensure_ascii=False)}\n\n".encode())

    def end(self) -> None:
        if self.chunked:
            self.wfile.write(b"0\r\n\r\n")

    def wait_until_left(self) -> None:
        """Say nothing more until the client leaves, or the test ends."""
        self.close_connection = True
        self.connection.settimeout(0.05)
        while not self.standin.ended.is_set():
            try:
                if self.connection.recv(1) == b"":
                    self.standin.hung_up.set()
                    return
            except TimeoutError:
                continue


class _Server(ThreadingHTTPServer):
    standin: Standin
    daemon_threads = True


# -- what the protocols say -----------------------------------------------------------------------


def beginning(protocol: str) -> list[dict[str, Any]]:
    if protocol == "chat":
        return [_chunk({"role": "assistant", "content": ""})]
    usage = {
        "input_tokens": FRESH - 3,
        "cache_creation_input_tokens": 3,
        "cache_read_input_tokens": CACHED,
        "output_tokens": 1,
    }
    message: dict[str, Any] = {"id": "m1", "type": "message", "role": "assistant", "model": DATED}
    message |= {"content": [], "stop_reason": None, "stop_sequence": None, "usage": usage}
    block = {"type": "text", "text": ""}
    return [
        {"type": "message_start", "message": message},
        {"type": "content_block_start", "index": 0, "content_block": block},
        {"type": "ping"},
    ]


def part(protocol: str, text: str) -> dict[str, Any]:
    if protocol == "chat":
        return _chunk({"content": text})
    delta = {"type": "text_delta", "text": text}
    return {"type": "content_block_delta", "index": 0, "delta": delta}


def ending(protocol: str, stop: str, *, counts: bool = True) -> list[dict[str, Any]]:
    if protocol == "chat":
        usage = [_chunk(None) | {"choices": [], "usage": _chat_usage()}] if counts else []
        return [_chunk({}, stop), *usage]
    delta = {"type": "message_delta", "delta": {"stop_reason": stop, "stop_sequence": None}}
    delta |= {"usage": {"output_tokens": OUT}} if counts else {}
    return [{"type": "content_block_stop", "index": 0}, delta, {"type": "message_stop"}]


def _chunk(delta: dict[str, Any] | None, stop: str | None = None) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "finish_reason": stop}
    return {
        "id": "c1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": DATED,
        "choices": [choice],
    }


def _chat_usage() -> dict[str, Any]:
    return {
        "prompt_tokens": FRESH + CACHED,
        "completion_tokens": OUT,
        "total_tokens": FRESH + CACHED + OUT,
        "prompt_tokens_details": {"cached_tokens": CACHED},
    }


def whole(protocol: str, text: str, stop: str) -> dict[str, Any]:
    if protocol == "chat":
        message = {"role": "assistant", "content": text}
        choice = {"index": 0, "message": message, "finish_reason": stop}
        answer = {"id": "c1", "object": "chat.completion", "created": 1, "model": DATED}
        return answer | {"choices": [choice], "usage": _chat_usage()}
    message = beginning("messages")[0]["message"]
    content = [{"type": "thinking", "thinking": "hm", "signature": "s"}]
    content += [{"type": "text", "text": text}]
    usage = message["usage"] | {"output_tokens": OUT}
    return {**message, "content": content, "stop_reason": stop, "usage": usage}


def error_body(protocol: str, message: str, kind: str, code: object = None) -> dict[str, Any]:
    if protocol == "messages":
        return {"type": "error", "error": {"type": kind, "message": message}}
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


# -- replies --------------------------------------------------------------------------------------


def answering(*parts: str, stop: str = "stop", counts: bool = True) -> Reply:
    """Answer as it was asked: whole or in events, in the server's protocol."""

    def reply(handler: Handler) -> None:
        protocol = handler.standin.protocol
        word = STOPS[protocol].get(stop, stop)
        if not handler.is_stream:
            body = json.dumps(whole(protocol, "".join(parts), word))
            handler.page(body, "application/json", request_id="req-1")
            return
        handler.begin()
        for event in beginning(protocol):
            handler.event(event)
        for text in parts:
            handler.event(part(protocol, text))
        for event in ending(protocol, word, counts=counts):
            handler.event(event)
        if protocol == "chat":
            handler.write(b"data: [DONE]\n\n")
        handler.end()

    return reply


def failing(
    status: int, message: str = "no", kind: str = "error", code: object = None, **headers: str
) -> Reply:
    """Answer with an error."""

    def reply(handler: Handler) -> None:
        body = error_body(handler.standin.protocol, message, kind, code)
        handler.page(json.dumps(body), "application/json", status, **headers)

    return reply


def paging(text: str, kind: str = "text/html", status: int = 200, **headers: str) -> Reply:
    """Answer with a page that is none of the protocol's."""
    return lambda handler: handler.page(text, kind, status, **headers)


def silent(handler: Handler) -> None:
    """Say nothing at all."""
    handler.wait_until_left()


def stalling(*parts: str) -> Reply:
    """Begin an answer, and say nothing more."""

    def reply(handler: Handler) -> None:
        _begin(handler, *parts)
        handler.wait_until_left()

    return reply


def endless(handler: Handler) -> None:
    """Write until the client leaves."""
    handler.begin()
    for event in beginning(handler.standin.protocol):
        handler.event(event)
    while not handler.standin.ended.wait(0.005):
        handler.event(part(handler.standin.protocol, "word "))


def cut(*parts: str, chunked: bool = False, ended: bool = False, reset: bool = False) -> Reply:
    """Break off behind these parts: with the connection's end alone, or in a chunked body with or
    without its end, or with a reset.
    """

    def reply(handler: Handler) -> None:
        if handler.is_stream:
            _begin(handler, *parts, chunked=chunked)
            if ended:
                handler.end()
        else:
            half = json.dumps(whole(handler.standin.protocol, "".join(parts), "stop"))[:40]
            handler.close_connection = True
            handler.send_response(200)
            handler.send_header("Content-Type", "application/json")
            handler.send_header("Content-Length", "5000")
            handler.end_headers()
            handler.wfile.write(half.encode())
        if reset:
            linger = struct.pack("ii", 1, 0)
            handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)

    return reply


def failing_inside(*parts: str, message: str, kind: str, code: object = None) -> Reply:
    """Begin an answer with a 200, and tell an error behind these parts, or as the first thing."""

    def reply(handler: Handler) -> None:
        if parts:
            _begin(handler, *parts)
        else:
            handler.begin()
        handler.event(error_body(handler.standin.protocol, message, kind, code))
        handler.end()

    return reply


def garbled(*data: bytes) -> Reply:
    """Write these as the data of events."""

    def reply(handler: Handler) -> None:
        handler.begin()
        for item in data:
            handler.write(b"event: content_block_delta\ndata: " + item + b"\n\n")
        handler.end()

    return reply


def _begin(handler: Handler, *parts: str, chunked: bool = True) -> None:
    handler.begin(chunked=chunked)
    for event in beginning(handler.standin.protocol):
        handler.event(event)
    for text in parts:
        handler.event(part(handler.standin.protocol, text))


@contextmanager
def serving(standin: Standin) -> Iterator[Standin]:
    """Serve on loopback; look through all that was asked, once the test is through."""
    with _Server(("127.0.0.1", 0), Handler) as server:
        server.standin = standin
        standin.port = server.server_port
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield standin
        finally:
            standin.ended.set()
            server.shutdown()
            thread.join()
    found = leaks(asked.raw for asked in standin.asked)
    assert not found, f"secrets left with requests: {', '.join(found)}"


def free_port() -> int:
    """Return a port on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
