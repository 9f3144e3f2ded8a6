"""The flag that ends a run."""

from __future__ import annotations

import threading

import pytest

from qwenagent.loop import Stop
from qwenagent.loop.stop import Stopped
from qwenagent.protocol.messages import Cancel


def test_a_new_flag_is_not_set():
    stop = Stop()
    stop.check()
    assert (stop.is_set(), stop.interrupted, stop.reason) == (False, False, "")
    assert isinstance(stop, Cancel)


def test_the_first_reason_stays():
    stop = Stop()
    stop.set("interrupted")
    stop.set("later")
    assert (stop.is_set(), stop.interrupted, stop.reason) == (True, True, "interrupted")
    with pytest.raises(Stopped, match=r"^interrupted$"):
        stop.check()


def test_a_deadline_is_no_interruption():
    now = [0.0]
    stop = Stop(2.5, clock=lambda: now[0])
    now[0] = 2.5
    stop.check()
    now[0] = 2.6
    with pytest.raises(Stopped, match=r"^the time limit of 2\.5 s was reached$"):
        stop.check()
    stop.set("interrupted")
    assert (stop.interrupted, stop.reason) == (False, "the time limit of 2.5 s was reached")


def test_without_a_limit_the_clock_does_not_matter():
    ticks = iter([0.0, 1e9, 1e9])
    assert not Stop(None, clock=lambda: next(ticks)).is_set()


def test_any_thread_may_set_it():
    stop = Stop()
    thread = threading.Thread(target=stop.set, args=("interrupted",))
    thread.start()
    thread.join()
    assert stop.interrupted
