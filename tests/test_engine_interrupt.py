"""Cancels, kills and stops: what is interrupted costs one answer, and the next one is right."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from qwenagent.engine import EmbeddedEngine, LoadSettings
from qwenagent.engine.requests import CompleteRequest, CountRequest
from qwenagent.engine.worker import serve
from qwenagent.errors import ChecksError, EngineCrashed, InvalidGrammar
from qwenagent.grammar import Grammar
from qwenagent.protocol.messages import Completion, Message, Prompt, Sampling

pytestmark = pytest.mark.model

SHORT = Sampling(max_tokens=12)
LONG = Sampling(temperature=1.0, max_tokens=600)
SOON_S = 0.5
"""A cancel is seen within 0.1 s on an idle machine: the best of several tries has to be."""
BUSY_S = 5.0
"""What any try may take, on a machine that has other things to do."""


def count_from(first: int, table: str = "") -> Prompt:
    """A question whose answer no machine is in doubt about."""
    known = ", ".join(str(first + i) for i in range(5))
    return Prompt(
        (
            Message("system", f"You count.{table}"),
            Message("user", f"Count from {first} to {first + 50}, with commas."),
        ),
        f"{known},",
    )


def counted(first: int) -> str:
    """What comes behind the opening of `count_from`."""
    return " " + ", ".join(str(first + i) for i in range(5, 51))


def assert_right(done: Completion, first: int) -> None:
    assert counted(first).startswith(done.text)
    assert done.usage.completion_tokens == SHORT.max_tokens


def table(name: str) -> str:
    """A table that begins with its name and makes a prompt of more than one batch."""
    return f" {name}\n" + "".join(f"{i}: the value of {i} is {i * i}\n" for i in range(50))


@pytest.fixture(autouse=True)
def hears_ctrl_c() -> Iterator[None]:
    """Undo what tests that run in the background inherit: there nobody hears a Ctrl-C."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="module")
def settings(test_gguf: Path, n_threads: int, cache: Path) -> LoadSettings:
    return LoadSettings(test_gguf, n_ctx=2048, n_threads=n_threads, cache=cache)


@pytest.fixture(scope="module")
def engine(settings: LoadSettings) -> Iterator[EmbeddedEngine]:
    engine = EmbeddedEngine("test", settings)
    yield engine
    engine.close()


def pid_of(engine: EmbeddedEngine) -> int:
    assert engine.worker_pid
    return engine.worker_pid


class Timed:
    """A cancel that knows when it was set."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._at = 0.0

    def set(self) -> None:
        if not self._event.is_set():
            self._at = time.monotonic()
            self._event.set()

    def is_set(self) -> bool:
        return self._event.is_set()

    def waited_s(self) -> float:
        assert self._event.is_set()
        return time.monotonic() - self._at


# -- cancels -----------------------------------------------------------------------------------


def test_a_cancel_in_the_prompt_is_quick_and_keeps_the_batches_before_it(engine):
    waited = []
    for name in ("A", "B"):
        cancel = Timed()
        prompt = count_from(30, table(name))
        [done] = engine.complete(
            prompt, sampling=LONG, cancel=cancel, on_prefill=lambda *_, c=cancel: c.set()
        )
        waited.append(cancel.waited_s())
        assert (done.stop, done.text) == ("cancelled", "")
        assert done.usage.prompt_tokens > 700
    assert max(waited) < BUSY_S
    assert min(waited) < SOON_S
    [again] = engine.complete(prompt, sampling=SHORT)
    assert again.usage.cached_tokens >= 512
    assert_right(again, 30)


def test_a_cancel_in_the_answer_is_quick_and_the_next_answer_is_right(engine):
    waited = []
    for _ in range(3):
        cancel = Timed()
        parts: list[str] = []

        def hear(_: int, text: str, cancel: Timed = cancel, parts: list[str] = parts) -> None:
            parts.append(text)
            cancel.set()

        [done] = engine.complete(count_from(40), sampling=LONG, cancel=cancel, on_text=hear)
        waited.append(cancel.waited_s())
        assert (done.stop, done.text) == ("cancelled", "".join(parts))
    assert max(waited) < BUSY_S
    assert min(waited) < SOON_S
    longer = replace(SHORT, max_tokens=48)
    [again] = engine.complete(count_from(60), sampling=longer)
    assert again.usage.cached_tokens > 0
    engine.close()
    [fresh] = engine.complete(count_from(60), sampling=longer)
    assert fresh.usage.cached_tokens == 0
    assert again.text == fresh.text
    assert counted(60).startswith(fresh.text)


def test_a_cancel_of_several_answers_is_quick_and_the_next_answer_is_right(engine):
    waited = []
    for _ in range(2):
        cancel = Timed()
        done = engine.complete(
            count_from(40),
            sampling=replace(LONG, max_tokens=400),
            n=4,
            cancel=cancel,
            on_text=lambda *_, c=cancel: c.set(),
        )
        waited.append(cancel.waited_s())
        assert [c.stop for c in done] == ["cancelled"]
    assert max(waited) < BUSY_S
    assert min(waited) < SOON_S
    [again] = engine.complete(count_from(40), sampling=SHORT)
    assert_right(again, 40)
    assert again.usage.cached_tokens == again.usage.prompt_tokens - 1
    two = engine.complete(count_from(60), sampling=SHORT, n=2)
    assert len(two) == 1  # greedy twice
    assert_right(two[0], 60)


def test_a_call_that_is_cancelled_before_it_begins_ends_at_once(engine):
    cancel = threading.Event()
    cancel.set()
    for n in (1, 3):
        [done] = engine.complete(count_from(70), sampling=LONG, n=n, cancel=cancel)
        assert done.stop == "cancelled"
        assert counted(70).startswith(done.text)
    [again] = engine.complete(count_from(80), sampling=SHORT)
    assert_right(again, 80)


@pytest.mark.slow
def test_cancels_at_random_moments_never_reach_another_answer(engine):
    """Forty short calls: each is either whole, or the beginning of its own answer."""
    dice = random.Random(4)
    stops = []
    for i in range(40):
        first = dice.randrange(10, 90)
        cancel = threading.Event()
        parts: list[str] = []
        timer = threading.Timer(dice.uniform(0, 0.3), cancel.set)
        if i % 4:
            timer.start()
        [done] = engine.complete(
            count_from(first),
            sampling=SHORT,
            cancel=cancel,
            on_text=lambda _, text, parts=parts: parts.append(text),
        )
        timer.cancel()
        assert counted(first).startswith(done.text)
        assert "".join(parts) == done.text
        stops.append(done.stop)
        if not i % 4:
            assert_right(done, first)
    assert set(stops) <= {"length", "cancelled"}
    assert engine.count("one two three") == 3


# -- the worker itself -------------------------------------------------------------------------


@contextmanager
def worker(settings: LoadSettings) -> Iterator[Connection]:
    """A worker process without an engine around it, and its pipe."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=serve, args=(theirs, settings), daemon=True)
    process.start()
    theirs.close()
    try:
        assert ours.recv()[0] == "ready"
        yield ours
    finally:
        ours.close()
        process.join(BUSY_S)
        code = process.exitcode
        process.kill()
        process.join()
    assert code == 0, "the worker ends by itself when its pipe closes"


def done_of(pipe: Connection) -> Completion:
    while (message := pipe.recv())[0] != "done":
        assert message[0] in ("text", "prefill"), message
    [completion] = message[1]
    assert isinstance(completion, Completion)
    return completion


def test_a_worker_hears_cancels_early_late_twice_and_of_another_request(settings):
    with worker(settings) as pipe:

        def ask(number: int, sampling: Sampling) -> None:
            pipe.send(CompleteRequest(number, count_from(number), None, (sampling,)))

        pipe.send(("cancel", 10))
        pipe.send(("cancel", 10))
        ask(10, LONG)
        early = done_of(pipe)
        assert (early.stop, early.text) == ("cancelled", "")
        pipe.send(("cancel", 10))  # its answer is over
        ask(20, SHORT)
        assert_right(done_of(pipe), 20)
        ask(30, LONG)
        assert pipe.recv()[0] == "prefill"
        pipe.send(("cancel", 20))  # not this one
        for _ in range(3):
            assert pipe.recv()[0] == "text"
        pipe.send(("cancel", 30))
        pipe.send(("cancel", 20))
        pipe.send(("cancel", 30))
        assert done_of(pipe).stop == "cancelled"
        pipe.send(("cancel", 40))
        pipe.send(("cancel", 20))  # late, of an earlier one: it does not take that one back
        ask(40, LONG)
        assert done_of(pipe).text == ""
        ask(50, SHORT)
        assert_right(done_of(pipe), 50)
        pipe.send(("more",))  # an answer that nobody asked for
        pipe.send(CountRequest("one two three"))
        assert pipe.recv() == ("count", 3)


def test_a_worker_whose_program_is_gone_ends_in_the_middle_of_an_answer(settings):
    with worker(settings) as pipe:
        pipe.send(CompleteRequest(1, count_from(10, table("C")), None, (LONG,)))
        pipe.send(CompleteRequest(2, count_from(10), None, (LONG,)))


# -- kills -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "moment", ["prompt", "text", pytest.param("candidate", marks=pytest.mark.slow), "cancel"]
)
def test_a_worker_that_is_killed_costs_one_answer(engine, moment):
    engine.start()
    cancel = threading.Event()

    def kill(*_: object) -> bool:
        if engine.worker_pid:
            os.kill(engine.worker_pid, signal.SIGKILL)
            while engine.worker_pid:
                time.sleep(0.01)
        return False

    def kill_and_cancel(*_: object) -> None:
        kill()
        cancel.set()

    with pytest.raises(EngineCrashed, match="SIGKILL") as caught:
        engine.complete(
            count_from(20),
            sampling=replace(SHORT, temperature=1.0),
            n=2,
            accept=kill if moment == "candidate" else None,
            on_prefill=kill if moment == "prompt" else None,
            on_text={"text": kill, "cancel": kill_and_cancel}.get(moment),
            cancel=cancel,
        )
    assert "None" not in str(caught.value)
    [again] = engine.complete(count_from(20), sampling=SHORT)
    assert_right(again, 20)


def test_a_worker_that_is_killed_between_two_answers_costs_nothing(engine):
    engine.start()
    os.kill(pid_of(engine), signal.SIGKILL)
    while engine.worker_pid:
        time.sleep(0.01)
    assert engine.count("one two three") == 3
    [again] = engine.complete(count_from(20), sampling=SHORT)
    assert_right(again, 20)


@pytest.mark.slow
def test_errors_of_the_callers_own_do_not_leave_an_answer_behind(engine):
    """A check that fails to run raises out of `accept`: nobody reads what is written then."""

    def fail(*_: object) -> bool:
        raise ChecksError("no test runner")

    for callbacks in ({"accept": fail}, {"on_text": fail}, {"on_prefill": fail}):
        with pytest.raises(ChecksError, match="no test runner"):
            engine.complete(count_from(20), sampling=SHORT, n=2, **callbacks)
        assert engine.count("one two three") == 3
        [again] = engine.complete(count_from(30), sampling=SHORT)
        assert_right(again, 30)


def test_the_workers_own_errors_do_not_cost_the_worker(engine):
    engine.start()
    before = engine.worker_pid
    with pytest.raises(InvalidGrammar):
        engine.complete(count_from(20), sampling=SHORT, grammar=Grammar("root ::= gone", "test"))
    [again] = engine.complete(count_from(30), sampling=SHORT)
    assert_right(again, 30)
    assert engine.worker_pid == before


def children() -> set[int]:
    return {child.pid for child in multiprocessing.active_children() if child.pid}


def suspend_and_interrupt(others: set[int]) -> None:
    """Ctrl-C while the engine waits for a worker that cannot answer."""
    while not (workers := children() - others):
        time.sleep(0.001)
    os.kill(workers.pop(), signal.SIGSTOP)
    time.sleep(0.2)
    os.kill(os.getpid(), signal.SIGINT)


@pytest.mark.parametrize(
    "call", [EmbeddedEngine.start, lambda e: e.count("one")], ids=["start", "count"]
)
def test_ctrl_c_leaves_no_answer_to_the_next_question(
    settings: LoadSettings, call: Callable[[EmbeddedEngine], object]
) -> None:
    others = children()
    engine = EmbeddedEngine("test", settings)
    thread = threading.Thread(target=suspend_and_interrupt, args=[others])
    try:
        if call is not EmbeddedEngine.start:
            engine.start()
        thread.start()
        with pytest.raises(KeyboardInterrupt):
            call(engine)
        thread.join()
        assert engine.worker_pid is None
        assert engine.count("one two three") == 3
        assert engine.describe().n_ctx == 2048
    finally:
        engine.close()


# -- stops -------------------------------------------------------------------------------------


def continue_after(pid: int, seconds: float) -> threading.Timer:
    os.kill(pid, signal.SIGSTOP)
    timer = threading.Timer(seconds, os.kill, (pid, signal.SIGCONT))
    timer.start()
    return timer


def test_a_worker_that_was_suspended_goes_on_as_if_nothing_had_been(engine):
    engine.start()
    timers: list[threading.Timer] = []

    def suspend(*_: object) -> None:
        if not timers:
            timers.append(continue_after(pid_of(engine), 2.0))

    start = time.monotonic()
    [done] = engine.complete(count_from(20), sampling=SHORT, on_text=suspend)
    assert time.monotonic() - start > 2.0
    assert_right(done, 20)
    timers[0].join()


def test_a_cancel_of_a_suspended_worker_is_heard_when_it_goes_on(engine):
    engine.start()
    cancel = threading.Event()
    timers: list[threading.Timer] = []

    def suspend(*_: object) -> None:
        if not timers:
            timers.append(continue_after(pid_of(engine), 1.0))
            cancel.set()

    [done] = engine.complete(count_from(20), sampling=LONG, cancel=cancel, on_text=suspend)
    assert done.stop == "cancelled"
    [again] = engine.complete(count_from(30), sampling=SHORT)
    assert_right(again, 30)
    timers[0].join()


# -- memory ------------------------------------------------------------------------------------

TOO_SMALL = """
import resource, sys
from pathlib import Path
from qwenagent.engine import EmbeddedEngine, LoadSettings
from qwenagent.errors import QwenAgentError
from tests.test_engine_interrupt import SHORT, count_from

if __name__ == "__main__":
    gguf, n_threads, cache = sys.argv[1:]
    settings = LoadSettings(Path(gguf), 1024, int(n_threads), cache=Path(cache))
    engine = EmbeddedEngine("test", settings)
    for megabytes in (64, 450):
        before = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (megabytes << 20, before[1]))
        try:
            engine.start()
        except QwenAgentError as error:
            print(type(error).__name__, "|", error.message)
        finally:
            resource.setrlimit(resource.RLIMIT_AS, before)
    print(engine.complete(count_from(20), sampling=SHORT)[0].text)
    engine.close()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere RLIMIT_AS limits nothing")
def test_too_little_memory_is_an_error_and_the_next_call_works(settings, tmp_path):
    """With 64 MB not even Python starts, with 450 MB the weights do not fit."""
    script = tmp_path / "too_small.py"
    script.write_text(TOO_SMALL, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, script, settings.path, str(settings.n_threads), settings.cache],
        capture_output=True,
        text=True,
        timeout=600,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    *errors, text = done.stdout.splitlines()
    assert [error.split(" | ")[0] for error in errors] == ["EngineCrashed", "ModelLoadFailed"]
    assert "the engine worker died" in errors[0]
    assert settings.path.name in errors[1]
    assert counted(20).startswith(text)
