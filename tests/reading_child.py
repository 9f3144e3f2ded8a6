"""A session that understands a few words; the tests of the prompt drive it through a terminal.

work       work until stopped, or (unless "slow") a message waits; print lines at the end
ask        ask something of whoever has the terminal
down       wait for a hang-up that is ignored
SOMETHING  print what arrived
"""

from __future__ import annotations

import json
import signal
import sys
import threading
import time
from pathlib import Path

from qwenagent.protocol.events import ApprovalAsked
from qwenagent.ui import TerminalApprover, console
from qwenagent.ui.below import Below
from qwenagent.ui.reading import (
    Line,
    Named,
    Reader,
    ReaderOptions,
    Sources,
    Status,
    make_reader,
)
from qwenagent.ui.symbols import symbols_for

PATHS = ("README.md", "src/store.py", "src/store_test.py", "docs/my notes.md")
SYMBOLS = (Named("Store.save", "src/store.py"), Named("Store.load", "src/store.py"))
STATUS = Status("qwen2.5-coder-1.5b", "cpu", 26.2, 3912, 8192, 3480, "main", 0.04)


def main(folder: Path, *flags: str) -> None:
    options = ReaderOptions(
        history=folder / "history.jsonl",
        keys="vi" if "vi" in flags else "emacs",
        sources=Sources(
            late if "late" in flags else lambda: PATHS,
            lambda: SYMBOLS,
            {"model": lambda: ("0.5b", "1.5b")},
        ),
    )
    with make_reader(options, plain="plain" in flags) as reader:
        if "bare" not in flags:
            reader.show(STATUS)
        while isinstance(answer := reader.read(), Line):
            respond(reader, answer)
        print(f"over: {type(answer).__name__}", file=reader.out)


def late() -> tuple[str, ...]:
    """Find the paths of a repository on a disk that hardly answers."""
    time.sleep(600)
    return PATHS


def respond(reader: Reader, line: Line) -> None:
    if line.text == "work":
        work(reader, waits_for_stop="slow" in sys.argv)
    elif line.text == "ask":
        with reader.released():
            request = ApprovalAsked("commands", "Run these?", ("make",), "sha256:1")
            answer = TerminalApprover().ask(request)
        print(f"granted: {answer.granted}", file=reader.out)
    elif line.text == "down":
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        print("ready", file=reader.out)
    else:
        queued = " (queued)" if line.queued else ""
        print(f"got {json.dumps(line.text)[:300]}{queued}", file=reader.out)


def work(reader: Reader, waits_for_stop: bool) -> None:
    stop = threading.Event()
    screen = console(reader.out)
    below = Below(screen, symbols_for(screen.encoding), clock=lambda: 0.0)
    below.show("reading the repository")

    def activity(width: int) -> str:
        with screen.capture() as capture:
            screen.print(below.rendered(), width=width)
        return capture.get()

    plain = "plain" in sys.argv
    with reader.working(stop.set, activity):
        print("begun", file=reader.out)
        while not stop.is_set() and (waits_for_stop or not reader.queued):
            time.sleep(0.02)
        for n in range(1, 4):
            screen.print(f"[{n}] printed while work goes on", style="" if plain else "green")
    print("stopped" if stop.is_set() else "done", file=reader.out)


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
