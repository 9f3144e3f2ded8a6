"""A real HTTP server that speaks the few routes of a model server; bytes are its tokens."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from qwenagent.engine import family

MARKS = {"<|im_start|>": [family.IM_START], "<|im_end|>": [family.IM_END]}
BOTH_MARKS = "".join(MARKS)


@dataclass(slots=True)
class Asked:
    method: str
    path: str
    body: dict[str, Any]
    headers: dict[str, str]


Reply = Callable[["Handler"], None]


@dataclass(slots=True)
class Standin:
    """What it says, and what it was asked. `replies` are used up by completions, in turn."""

    kind: str = "llama.cpp"
    n_ctx: int = 1000
    n_slots: int = 1
    model: str = "/models/qwen2.5-coder-7b-instruct-q4_k_m.gguf"
    n_params: int = 7_615_616_512
    ids_of_marks: tuple[int, ...] = (family.IM_START, family.IM_END)
    failures: list[Reply] = field(default_factory=list)
    """Answers to the first questions, whatever they are."""
    replies: list[Reply] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    hung_up: threading.Event = field(default_factory=threading.Event)
    """Set once a client has left in the middle of an answer."""
    url: str = ""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def completions(self) -> list[dict[str, Any]]:
        return [a.body for a in self.asked if a.path.endswith(("/completion", "/completions"))]

    def tokenize(self, text: str, *, marks: bool) -> list[int]:
        if marks and text == BOTH_MARKS:
            return list(self.ids_of_marks)
        return [MARKS[text][0]] if marks and text in MARKS else list(text.encode())


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server
    body: dict[str, Any]

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def log_message(self, *_: object) -> None:
        pass

    def _serve(self) -> None:
        standin = self.server.standin
        length = int(self.headers.get("Content-Length", 0))
        self.body = json.loads(self.rfile.read(length) or b"{}")
        with standin.lock:
            standin.asked.append(Asked(self.command, self.path, self.body, dict(self.headers)))
            reply = standin.failures.pop(0) if standin.failures else None
            if reply is None and self.path.endswith(("/completion", "/completions")):
                reply = standin.replies.pop(0)
        try:
            (reply or _route)(self)
        except (BrokenPipeError, ConnectionResetError):
            standin.hung_up.set()

    def json(self, value: object, status: int = 200, **headers: str) -> None:
        data = json.dumps(value).encode()
        self.send_response(status)
        for name, text in headers.items():
            self.send_header(name, text)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def begin_stream(self) -> None:
        self.close_connection = True
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()

    def event(self, value: object) -> None:
        data = f"data: {json.dumps(value, ensure_ascii=False)}\n\n".encode()
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))

    def end_stream(self) -> None:
        self.wfile.write(b"0\r\n\r\n")


class _Server(ThreadingHTTPServer):
    standin: Standin
    daemon_threads = True


def _route(handler: Handler) -> None:
    standin, body = handler.server.standin, handler.body
    match (standin.kind, handler.path):
        case ("llama.cpp", "/props"):
            handler.json(
                {
                    "default_generation_settings": {"n_ctx": standin.n_ctx},
                    "total_slots": standin.n_slots,
                    "model_alias": standin.model,
                    "model_path": standin.model,
                    "build_info": "b1-test",
                }
            )
        case ("llama.cpp", "/v1/models"):
            handler.json({"data": [{"id": "x", "meta": {"n_params": standin.n_params}}]})
        case ("vllm", "/v1/models"):
            handler.json({"data": [{"id": standin.model, "max_model_len": standin.n_ctx}]})
        case ("llama.cpp", "/tokenize"):
            marks = body["parse_special"]
            handler.json({"tokens": standin.tokenize(body["content"], marks=marks)})
        case ("vllm", "/tokenize"):
            handler.json({"tokens": _hugging_tokens(standin, body["prompt"])})
        case _:
            handler.json({"error": {"code": 404, "message": "File Not Found"}}, 404)


def _hugging_tokens(standin: Standin, text: str) -> list[int]:
    """Marks are read in every text."""
    if text == BOTH_MARKS:
        return list(standin.ids_of_marks)
    ids: list[int] = []
    while text:
        mark = next((m for m in MARKS if text.startswith(m)), text[0])
        ids += MARKS.get(mark, list(mark.encode()))
        text = text[len(mark) :]
    return ids


def writing(*parts: str, stop_type: str = "eos", ids: int | None = 65) -> Reply:
    """Reply with these parts of an answer, after one event about the prompt.

    Their token is `ids`, or another for each.
    """

    def reply(handler: Handler) -> None:
        handler.begin_stream()
        handler.event(progress(0, 10))
        handler.event(progress(10, 10))
        for n, part in enumerate(parts, 1):
            handler.event(part_event(part, n, n if ids is None else ids))
        handler.event(
            {
                "content": "",
                "tokens": [],
                "stop": True,
                "stop_type": stop_type,
                "tokens_predicted": len(parts),
                "timings": {"cache_n": 4, "prompt_ms": 20.0, "predicted_ms": 30.0},
            }
        )
        handler.end_stream()

    return reply


def progress(processed: int, total: int, cache: int = 4) -> dict[str, Any]:
    event = {"total": total, "cache": cache, "processed": processed, "time_ms": 1}
    return {"content": "", "tokens": [0], "stop": False, "prompt_progress": event}


def part_event(text: str, n: int, token: int = 65) -> dict[str, Any]:
    timings = {"cache_n": 4, "prompt_ms": 20.0, "predicted_ms": float(n)}
    return {
        "content": text,
        "tokens": [token],
        "stop": False,
        "tokens_predicted": n,
        "timings": timings,
    }


def failing(status: int, message: str = "", kind: str = "", **headers: str) -> Reply:
    """Reply with an error."""
    error = {"code": status, "message": message, "type": kind}
    return lambda handler: handler.json({"error": error}, status, **headers)


def endless(text: str = "x") -> Reply:
    """Write until the client leaves."""

    def reply(handler: Handler) -> None:
        handler.begin_stream()
        for n in range(10_000):
            handler.event(part_event(text, n, n))
            if handler.server.standin.hung_up.wait(0.01):
                return

    return reply


def silent(handler: Handler) -> None:
    """Say nothing at all until the client leaves."""
    handler.close_connection = True
    if handler.connection.recv(1) == b"":
        handler.server.standin.hung_up.set()


def cut(*parts: str) -> Reply:
    """Break off behind these parts."""

    def reply(handler: Handler) -> None:
        handler.begin_stream()
        for n, part in enumerate(parts, 1):
            handler.event(part_event(part, n))
        handler.wfile.flush()

    return reply


@contextmanager
def serving(standin: Standin, port: int = 0) -> Iterator[Standin]:
    """Serve on loopback."""
    with _Server(("127.0.0.1", port), Handler) as server:
        server.standin = standin
        standin.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield standin
        finally:
            standin.hung_up.set()
            server.shutdown()
            thread.join()
