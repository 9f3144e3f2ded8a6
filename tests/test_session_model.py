"""The model of a session: how it loads, is waited for, and gives way to another in any moment."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest

from qwenagent.cli import wiring
from qwenagent.cli.session.model import Model
from qwenagent.config import ModelSettings, Settings
from qwenagent.engine import ScriptedEngine
from qwenagent.errors import ModelLoadFailed
from qwenagent.loop.stop import Stop, Stopped
from qwenagent.protocol.messages import EngineInfo
from qwenagent.registry import Card, load_cards

LIMIT_S = 60.0
CARD = load_cards()["0.5b"]


class GatedEngine(ScriptedEngine):
    """Loads until its gate opens, or until it is closed if `heeds`; closed before, it fails."""

    def __init__(self, name: str, gate: threading.Event, *, heeds: bool) -> None:
        super().__init__([])
        self.name = name
        self.gate = gate
        self.heeds = heeds
        self.n_closed = 0
        self.began = threading.Event()
        self.closed = threading.Event()

    def describe(self) -> EngineInfo:
        self.began.set()
        assert self.gate.wait(LIMIT_S)
        if self.heeds and self.closed.is_set():
            raise ModelLoadFailed(f"{self.name} was ended")
        return EngineInfo(self.name, "none", self.n_ctx, 1, "none")

    def close(self) -> None:
        self.n_closed += 1
        self.closed.set()
        if self.heeds:
            self.gate.set()


@dataclass
class Shop:
    """Where the models come from."""

    heeds: bool = True
    found: dict[str, threading.Event] = field(default_factory=dict)
    """When a name has been found, that is, its engine can be made."""
    gates: dict[str, threading.Event] = field(default_factory=dict)
    engines: dict[str, GatedEngine] = field(default_factory=dict)
    searched: threading.Event = field(default_factory=threading.Event)
    made: threading.Event = field(default_factory=threading.Event)
    n_broken: int = 0
    """How many engines fail to load, the first ones."""

    def model_of(self, settings: Settings) -> tuple[Card, Callable[[], GatedEngine]]:
        name = settings.model.name
        self.searched.set()
        assert self.event(self.found, name).wait(LIMIT_S)
        return replace(CARD, title=name), lambda: self._made(name)

    def event(self, of: dict[str, threading.Event], name: str) -> threading.Event:
        return of.setdefault(name, threading.Event())

    def has(self, name: str) -> None:
        """Let a model be found and loaded at once."""
        self.event(self.found, name).set()
        self.event(self.gates, name).set()

    def _made(self, name: str) -> GatedEngine:
        made = GatedEngine(name, self.event(self.gates, name), heeds=self.heeds)
        if self.n_broken:
            self.n_broken -= 1
            made.closed.set()
        self.engines[name] = made
        self.made.set()
        return made


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Shop:
    shop = Shop()
    monkeypatch.setattr(wiring, "model_of", shop.model_of)
    return shop


def named(name: str) -> Settings:
    return Settings(model=ModelSettings(name=name))


def all_ended() -> None:
    """Wait until no thread is left that loads."""
    for thread in [t for t in threading.enumerate() if t.name == "model"]:
        thread.join(LIMIT_S)
        assert not thread.is_alive()


def test_a_model_is_loaded_and_told_once_and_freed(shop):
    told: list[str] = []
    model = Model(named("a"), lambda: told.append(model.loaded.info.model if model.loaded else ""))
    shop.has("a")
    model.begin()
    model.begin()
    loaded = model.wait(Stop())
    assert (loaded.info.model, model.name, model.is_loading) == ("a", "a", False)
    all_ended()
    assert told == ["a"]
    model.close()
    assert shop.engines["a"].closed.is_set()
    assert model.loaded is None


def test_another_is_wanted_before_the_first_is_found(shop):
    told: list[str] = []
    model = Model(named("a"), lambda: told.append(model.name))
    model.begin()
    assert shop.searched.wait(LIMIT_S)
    shop.has("b")
    model.change(named("b"))
    assert model.wait(Stop()).info.model == "b"
    shop.has("a")
    all_ended()
    assert shop.engines["a"].closed.is_set()
    assert not shop.engines["a"].began.is_set()
    assert not shop.engines["b"].closed.is_set()
    assert (model.name, told) == ("b", ["b"])


def test_another_is_wanted_while_the_first_loads(shop):
    told: list[str] = []
    model = Model(named("a"), lambda: told.append(model.name))
    shop.event(shop.found, "a").set()
    model.begin()
    assert shop.made.wait(LIMIT_S)
    assert shop.engines["a"].began.wait(LIMIT_S)
    shop.has("b")
    model.change(named("b"))
    assert model.wait(Stop()).info.model == "b"
    all_ended()
    assert shop.engines["a"].closed.is_set()
    assert (model.name, told) == ("b", ["b"])


def test_a_load_that_does_not_end_when_closed_keeps_nobody_waiting(shop, monkeypatch):
    monkeypatch.setattr("qwenagent.cli.session.model._END_S", 0.05)
    shop.heeds = False
    shop.event(shop.found, "a").set()
    model = Model(named("a"), lambda: None)
    model.begin()
    assert shop.made.wait(LIMIT_S)
    assert shop.engines["a"].began.wait(LIMIT_S)
    shop.has("b")
    model.change(named("b"))
    assert model.wait(Stop()).info.model == "b"
    assert shop.engines["a"].n_closed == 1
    shop.engines["a"].gate.set()
    all_ended()
    assert shop.engines["a"].n_closed == 2  # what was there after all is freed
    assert model.loaded is not None
    assert model.loaded.info.model == "b"


def test_one_that_failed_is_closed_and_tried_again(shop):
    shop.has("a")
    shop.n_broken = 1
    model = Model(named("a"), lambda: None)
    with pytest.raises(ModelLoadFailed, match="a was ended"):
        model.wait(Stop())
    assert shop.engines["a"].n_closed == 1
    assert model.wait(Stop()).info.model == "a"
    assert shop.engines["a"].n_closed == 0


def test_who_does_not_want_to_wait_need_not(shop):
    model = Model(named("a"), lambda: None)
    stop = Stop()
    stop.set("interrupted")
    with pytest.raises(Stopped):
        model.wait(stop)
    assert model.is_loading
    model.close()
    shop.has("a")
    all_ended()
    assert shop.engines["a"].closed.is_set()
