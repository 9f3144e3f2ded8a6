"""Two tiers, both real: steps that the small model cannot do, and a larger one behind a server.

    python -m tests.benchmarks.two_tiers [--local 0.5b] [--frontier 1.5b]

Makes a repository with a plan, starts llama-cpp-python's own server on loopback with the larger
model, and runs the plan with the smaller one, which has one attempt a step. Between the two a relay
notes the usage that the server tells; the ledger has to have the same, request by request. With
`--frontier-url` a server that runs already takes the place of the one that is started.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from qwenagent.errors import QwenAgentError
from qwenagent.registry import find_card, installed, models_dir
from tests.loop_stage import make_repository

N_CTX = 16_384
_START_S = 600.0
_REQUEST_S = 3_600.0
_SERVER = {
    "uvicorn": "llama-cpp-python[server]",
    "fastapi": "llama-cpp-python[server]",
    "sse_starlette": "llama-cpp-python[server]",
    "starlette_context": "llama-cpp-python[server]",
    "pydantic_settings": "llama-cpp-python[server]",
}
_INHERITED = ("PATH", "HOME", "LANG", "TMPDIR", "LD_LIBRARY_PATH")
"""Of the environment for the server, which takes PORT, HOST, API_KEY and others for settings."""


@dataclass(frozen=True, slots=True)
class Task:
    """A module to be written, and the test that tells whether it was."""

    name: str
    function: str
    says: str
    test: str

    @property
    def files(self) -> dict[str, str]:
        """Texts by path, before the step."""
        arguments = self.function.partition("(")[0]
        stub = f'def {self.function}:\n    """{self.says}"""\n    raise NotImplementedError\n'
        cases = "".join(f"        {line}\n" for line in self.test.splitlines())
        test = (
            f"import unittest\n\nfrom {self.name} import {arguments}\n\n\n"
            f"class Cases(unittest.TestCase):\n    def test_cases(self):\n{cases}"
        )
        return {f"{self.name}.py": stub, f"test_{self.name}.py": test}

    @property
    def step(self) -> str:
        """The step of the plan."""
        return (
            f"- [ ] Write `{self.function}` in `{self.name}.py`\n"
            f"  Files: `{self.name}.py`\n"
            f"  Test: `python3 -m unittest test_{self.name}`\n"
        )


TASKS = (
    Task(
        "values",
        "value(text)",
        "Return the number that a Roman numeral stands for.",
        'for text, n in (("IV", 4), ("XLIX", 49), ("MCMXC", 1990), ("III", 3)):\n'
        "    self.assertEqual(value(text), n)",
    ),
    Task(
        "brackets",
        "balanced(text)",
        "Say whether all of ()[]{} in a text are closed in order; all else does not matter.",
        'for good in ("", "([]{})", "f(a[1])"):\n'
        "    self.assertTrue(balanced(good), good)\n"
        'for bad in ("(", ")(", "([)]", "a]"):\n'
        "    self.assertFalse(balanced(bad), bad)",
    ),
    Task(
        "luhn",
        "is_valid(number)",
        "Say whether a text of digits and blanks passes the Luhn check; one digit never does.",
        'for good in ("059", "59", "055 444 285", "4539 3195 0343 6467"):\n'
        "    self.assertTrue(is_valid(good), good)\n"
        'for bad in ("0", "055 444 286", "8273 1232 7352 0569", "059a", ""):\n'
        "    self.assertFalse(is_valid(bad), bad)",
    ),
    Task(
        "roman",
        "roman(n)",
        "Return a number from 1 to 3999 as a Roman numeral.",
        'for n, text in ((4, "IV"), (49, "XLIX"), (1990, "MCMXC"), (3999, "MMMCMXCIX")):\n'
        "    self.assertEqual(roman(n), text)",
    ),
    Task(
        "runs",
        "encode(text)",
        'Return a text with its runs counted: "WWWBAA" is "3WB2A"; a run of one has no number.',
        'self.assertEqual(encode("WWWBAA"), "3WB2A")\n'
        'self.assertEqual(encode("XYZ"), "XYZ")\n'
        'self.assertEqual(encode("a" * 12), "12a")\n'
        'self.assertEqual(encode(""), "")',
    ),
    Task(
        "merging",
        "merged(intervals)",
        "Return (start, end) pairs in order, with those that overlap or touch made one.",
        "self.assertEqual(merged([(5, 8), (1, 3), (2, 4)]), [(1, 4), (5, 8)])\n"
        "self.assertEqual(merged([(1, 9), (2, 3), (9, 10)]), [(1, 10)])\n"
        "self.assertEqual(merged([]), [])",
    ),
)


def main(args: Sequence[str] | None = None) -> int:
    """Run, print what happened; return 0 if a step was helped and the ledger is the servers'."""
    options = _options(args)
    if missing := _missing(is_started=not options.frontier_url):
        print("missing:", *missing, sep="\n  ", file=sys.stderr)
        return 4
    with ExitStack() as stack:
        folder = options.keep or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        try:
            url = options.frontier_url or stack.enter_context(
                server(_path(options.frontier), folder)
            )
        except QwenAgentError as error:
            print(f"{error.message}\n  {error.hint}", file=sys.stderr)
            return 4
        relay = stack.enter_context(relaying(url))
        tasks = [task for task in TASKS if options.only in (None, task.name)]
        ran = run(folder, options.local, relay.port, tasks)
    return report(ran, relay)


def _options(args: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--local", default="0.5b", help="name of a model, or a GGUF file")
    parser.add_argument("--frontier", default="1.5b", help="the same, for the server")
    parser.add_argument("--frontier-url", metavar="URL", help="a server that runs already")
    parser.add_argument("--only", metavar="NAME", help=f"one of {', '.join(t.name for t in TASKS)}")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="make it, leave all there")
    options = parser.parse_args(args)
    if options.keep and options.keep.exists():
        parser.error(f"{options.keep} is there already")
    return options


def _missing(*, is_started: bool) -> list[str]:
    wanted = {"openai": "qwenagent[frontier]"} | (_SERVER if is_started else {})
    names = {extra for package, extra in wanted.items() if find_spec(package) is None}
    return [f"pip install '{name}'" for name in sorted(names)]


def _path(model: str) -> Path:
    """Return a model's file.

    Raises:
        QwenAgentError: it is not here.
    """
    if model.endswith(".gguf"):
        return Path(model).resolve()
    found = installed(find_card(model))
    if found is None:
        raise QwenAgentError(f"{model} is not here", hint=f"qwenagent models pull {model}")
    return found


# -- the server, and the relay before it ---------------------------------------------------------


@contextmanager
def server(model: Path, folder: Path) -> Iterator[str]:
    """Run llama-cpp-python's server; yield its address once it answers."""
    folder.mkdir(parents=True, exist_ok=True)
    port = _free_port()
    words = ["--model", str(model), "--host", "127.0.0.1", "--port", str(port)]
    words += ["--n_ctx", str(N_CTX), "--n_threads", str(os.cpu_count() or 1)]
    environ = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "llama_cpp.server", *words],
            cwd=folder,
            env=environ,
            stdout=log,
            stderr=log,
        )
        try:
            _wait(process, port, folder / "server.log")
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait()


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + _START_S
    while process.poll() is None and time.monotonic() < deadline:
        line = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        try:
            line.request("GET", "/v1/models")
            if line.getresponse().status == 200:
                return
        except OSError:
            time.sleep(0.2)
        finally:
            line.close()
    raise QwenAgentError(
        f"the server does not answer: exit code {process.poll()}",
        hint=log.read_text(encoding="utf-8", errors="replace")[-2000:],
    )


def _free_port() -> int:
    with ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as probe:
        return probe.server_port


@dataclass(slots=True)
class Relay:
    """What went through: for each answer with a usage its tokens read and written."""

    upstream: str
    port: int = 0
    counted: list[tuple[int, int]] = field(default_factory=list)
    uncounted: int = 0
    """Answers without one: errors, and streams of servers that do not count in them."""


@contextmanager
def relaying(url: str) -> Iterator[Relay]:
    """Pass requests on to a server, and note what it says that they took."""
    relay = Relay(urlsplit(url).netloc)

    class Handler(_Passing):
        noted = relay

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listener:
        relay.port = listener.server_port
        thread = threading.Thread(target=listener.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield relay
        finally:
            listener.shutdown()
            thread.join()


class _Passing(BaseHTTPRequestHandler):
    noted: Relay

    def do_POST(self) -> None:
        """Ask upstream, whole, and answer with its very bytes."""
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        line = http.client.HTTPConnection(self.noted.upstream, timeout=_REQUEST_S)
        try:
            line.request("POST", self.path, body, {"Content-Type": "application/json"})
            answer = line.getresponse()
            data = answer.read()
        finally:
            line.close()
        usage = usage_of(data)
        if usage:
            self.noted.counted.append(usage)
        else:
            self.noted.uncounted += 1
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.getheader("Content-Type", "application/json"))
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        pass


def usage_of(answer: bytes) -> tuple[int, int] | None:
    """Return the tokens read and written that an answer tells, whole or in events."""
    lines = answer.decode("utf-8", "replace").splitlines()
    events = [line.removeprefix("data: ") for line in lines if line.startswith("data: {")]
    for text in reversed(events or ["\n".join(lines)]):
        try:
            usage = json.loads(text).get("usage")
        except ValueError:
            continue
        if usage:
            return usage["prompt_tokens"], usage["completion_tokens"]
    return None


# -- the run -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Ran:
    """What the program told: events of the run, and its own statistics."""

    events: list[dict[str, Any]]
    stats: dict[str, Any]


def run(folder: Path, model: str, port: int, tasks: Sequence[Task]) -> Ran:
    """Carry out the plan in a fresh repository, with settings and a ledger of its own."""
    files = {name: text for task in tasks for name, text in task.files.items()}
    root = make_repository(folder / "sample", files)
    plan = folder / "plan.md"
    plan.write_text("# Small modules\n\n" + "\n".join(t.step for t in tasks), encoding="utf-8")
    environ = _environ(folder / "home", port)
    told = _qwenagent(root, environ, "run", str(plan), "--model", model, "--yes", "--json")
    events = [json.loads(line) for line in told.splitlines()]
    return Ran(events, json.loads(_qwenagent(root, environ, "stats", "--json")))


def _environ(home: Path, port: int) -> dict[str, str]:
    home.mkdir(parents=True)
    if models_dir().is_dir():
        (home / "models").symlink_to(models_dir().resolve())
    (home / "config.toml").write_text(
        '[escalate]\npolicy = "auto"\norder = ["local"]\n\n'
        # In one piece: this server does not count what it streams.
        f'[escalate.providers.local]\nbase_url = "http://127.0.0.1:{port}/v1"\nstream = false\n'
        f"first_s = {_REQUEST_S}\nanswer_s = {_REQUEST_S}\n\n"
        f"[escalate.providers.local.models.local]\ncontext_tokens = {N_CTX}\n"
        'price = { fresh = 0, cached = 0, out = 0, as_of = "2026-11-22" }\n',
        encoding="utf-8",
    )
    own = {"QWENAGENT_HOME": str(home), "QWENAGENT_LOOP_CANDIDATES": "1"}
    own |= {f"QWENAGENT_LOOP_{name}": "0" for name in ("REPAIRS", "RESAMPLES", "DOUBTS")}
    return os.environ | own


def _qwenagent(root: Path, environ: dict[str, str], *args: str) -> str:
    command = [sys.executable, "-P", "-m", "qwenagent", *args]
    done = subprocess.run(
        command, cwd=root, env=environ, stdout=subprocess.PIPE, encoding="utf-8", check=False
    )
    if done.returncode not in (0, 1):
        raise SystemExit(f"qwenagent {args[0]} ended with {done.returncode}")
    return done.stdout


# -- what happened -------------------------------------------------------------------------------


def report(ran: Ran, relay: Relay) -> int:
    """Print it; return 0 if a step was solved with help and all counts are the same."""
    steps = [event for event in ran.events if event["type"] == "step_ended"]
    n_helped = sum(_told(step, ran.events) for step in steps)
    booked = [
        (entry["fresh"] + entry["cached"], entry["out"])
        for entry in ran.stats["ledger"]
        if entry["state"] == "settled"
    ]
    is_exact = all(entry["exact"] for entry in ran.stats["ledger"])
    total = (ran.stats["fresh_tokens"] + ran.stats["cached_tokens"], ran.stats["out_tokens"])
    print(f"\nserver: {len(relay.counted)} answers, {_sum(relay.counted)}")
    print(f"ledger: {len(booked)} requests, {_sum(booked)}")
    if relay.uncounted:
        print(f"{relay.uncounted} answers of the server had no usage")
    is_equal = is_exact and booked == relay.counted and total == _totals(relay.counted)
    print("equal, request by request" if is_equal else f"NOT EQUAL: {relay.counted} and {booked}")
    print(f"{n_helped} of {len(steps)} steps solved with help")
    return 0 if is_equal and n_helped else 1


def _told(ended: dict[str, Any], events: list[dict[str, Any]]) -> bool:
    """Print how a step ended; return whether it was solved with help."""
    line = ended["line"]
    asked = [e for e in events if e["type"] == "escalated" and e["step"] == ended["step"]]
    answered = [event["kind"] for event in asked if event["outcome"] == "answered"]
    by = f" by {answered[-1]}" if answered and line["state"] == "solved" else ""
    print(f"step {line['number']}, {line['title']}: {line['state']}{by}: {line['reason']}")
    for event in asked:
        counts = f"{event['fresh'] + event['cached']:,} read, {event['out']:,} written"
        print(f"  {event['kind']}: {event['outcome']}, {counts} {event['sentence']}".rstrip())
    return bool(by)


def _totals(counted: list[tuple[int, int]]) -> tuple[int, int]:
    return sum(read for read, _ in counted), sum(wrote for _, wrote in counted)


def _sum(counted: list[tuple[int, int]]) -> str:
    read, wrote = _totals(counted)
    return f"{read:,} tokens read, {wrote:,} written"


if __name__ == "__main__":
    sys.exit(main())
