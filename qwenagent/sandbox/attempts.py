"""What a hostile test would try, harmlessly, for the probes: run as a program of its own.

Prints one JSON object: attempt -> what came of it. Imports nothing of this program, so that any
Python can run it confined.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import socket
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

_TIMEOUT_S = 0.5


@contextlib.contextmanager
def _at_once(family: int) -> Iterator[socket.socket]:
    with socket.socket(family, socket.SOCK_STREAM) as client:
        client.settimeout(_TIMEOUT_S)
        yield client


def _write(path: str) -> str:
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text("written from inside", encoding="utf-8")
    return "written"


def _connect(port: int) -> str:
    with _at_once(socket.AF_INET) as client:
        client.connect(("127.0.0.1", port))
    return "connected"


def _talk(path: str) -> str:
    with _at_once(socket.AF_UNIX) as client:
        client.connect(path.replace("@", "\0", 1) if path.startswith("@") else path)
    return "connected"


def _outlive(lock: str) -> str:
    """Leave a process behind, out of the group and the session, that holds a lock."""
    ready, tell = os.pipe()
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            _hold(lock, tell)
        os._exit(0)
    os.wait()
    os.close(tell)
    return "left behind" if os.read(ready, 1) else "no lock"


def _hold(lock: str, tell: int) -> None:
    os.environ.clear()
    null = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(null, number)
    held = os.open(lock, os.O_RDWR | os.O_CREAT)
    fcntl.flock(held, fcntl.LOCK_EX)
    os.write(tell, b"x")
    time.sleep(30)


def _fork(number: int) -> str:
    started = 0
    for _ in range(number):
        if os.fork() == 0:
            time.sleep(10)
            os._exit(0)
        started += 1
    time.sleep(2)
    return f"started {started}"


def _tried(attempt: Callable[[], str]) -> str:
    try:
        return attempt()
    except OSError as error:
        return f"failed: {error.strerror or error}"


def main(given: dict[str, str]) -> dict[str, str]:
    """Make the attempts whose targets are given; `fork` last, since it may be the end."""
    attempts: dict[str, Callable[[str], str]] = {
        "outside": _write,
        "git": _write,
        "github": _write,
        "home": lambda path: Path(path).read_text(encoding="utf-8"),
        "connect": lambda port: _connect(int(port)),
        "socket": _talk,
        "abstract": _talk,
        "outlive": _outlive,
        "fork": lambda number: _fork(int(number)),
    }
    return {
        name: _tried(partial(attempt, given[name]))
        for name, attempt in attempts.items()
        if name in given
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(json.loads(sys.argv[1]))))
