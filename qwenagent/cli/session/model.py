"""The model of a session: it loads behind the prompt, and can be changed for another."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from qwenagent.cli import wiring
from qwenagent.errors import QwenAgentError
from qwenagent.loop.stop import Stop

if TYPE_CHECKING:
    from qwenagent.config import Settings
    from qwenagent.engine import Engine
    from qwenagent.protocol.messages import EngineInfo
    from qwenagent.registry import Card

_POLL_S = 0.05
_PATIENCE_S = 0.2
"""With a model that still loads when nobody wants it any more; then its process is ended."""
_END_S = 5.0
"""For the thread to notice that."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """A model that can be asked."""

    card: Card
    engine: Engine
    info: EngineInfo


class _Load:
    """One model on its way. What it has by the time that nobody wants it any more is freed."""

    def __init__(self, settings: Settings, changed: Callable[[], None]) -> None:
        """`changed` is called, in its thread, once it is there or cannot be had."""
        self.loaded: Loaded | None = None
        self.error: BaseException | None = None
        self.done = threading.Event()
        """Set once one of them is there."""
        self._settings = settings
        self._changed = changed
        self._lock = threading.Lock()
        self._engine: Engine | None = None
        self._unwanted = False
        self._thread = threading.Thread(target=self._run, name="model", daemon=True)

    def begin(self) -> None:
        """Start; to be called once."""
        self._thread.start()

    def give_up(self) -> None:
        """Free everything; nothing of it is told or shown after this."""
        with self._lock:
            self._unwanted, self.loaded = True, None
            engine = self._engine
        if engine is None:  # the thread starts none any more
            return
        self._thread.join(_PATIENCE_S)
        engine.close()
        self._thread.join(_END_S)

    def _run(self) -> None:
        engine = None
        try:
            card, make_engine = wiring.model_of(self._settings)
            engine = make_engine()
            if self._takes(engine):
                found = Loaded(card, engine, engine.describe())  # which starts it
                import qwenagent.loop.agent  # noqa: F401  # a task needs it, and it takes a while

                self._publish(found)
        except BaseException as error:  # raised where somebody waits for the model
            self.error = error
        finally:
            if engine is not None and self.loaded is None:
                with suppress(QwenAgentError, OSError):
                    engine.close()
            self.done.set()
            if not self._unwanted:
                self._changed()

    def _takes(self, engine: Engine) -> bool:
        """Whether an engine is still wanted; then whoever gives up closes it."""
        with self._lock:
            if not self._unwanted:
                self._engine = engine
            return not self._unwanted

    def _publish(self, found: Loaded) -> None:
        with self._lock:
            if not self._unwanted:
                self.loaded = found


class Model:
    """Loads in a thread of its own; whoever needs it waits. One that failed is tried again."""

    def __init__(self, settings: Settings, changed: Callable[[], None]) -> None:
        """`changed` is called, in some thread, once the model is there or cannot be had."""
        self.settings = settings
        self._changed = changed
        self._load: _Load | None = None

    @property
    def loaded(self) -> Loaded | None:
        """The model, None while it is not there."""
        return self._load.loaded if self._load else None

    @property
    def is_loading(self) -> bool:
        """Whether it is on its way."""
        return self._load is not None and not self._load.done.is_set()

    @property
    def name(self) -> str:
        """What it is called, as far as that is known."""
        loaded = self.loaded
        return loaded.card.title if loaded else self.settings.model.name

    def begin(self) -> None:
        """Load, if that is not done and not under way."""
        if self.loaded is None and not self.is_loading:
            self._load = _Load(self.settings, self._changed)
            self._load.begin()

    def wait(self, stop: Stop) -> Loaded:
        """Return the model once it is there.

        Raises:
            Stopped: the user does not want to wait.
            ModelError, EngineError: it cannot be had; the next call tries again.
        """
        self.begin()
        load = self._load
        assert load is not None
        while not load.done.is_set():
            stop.check()
            load.done.wait(_POLL_S)
        if load.loaded is None:
            assert load.error is not None
            raise load.error
        return load.loaded

    def change(self, settings: Settings) -> None:
        """Free the model and load the one that the settings name."""
        self.close()
        self.settings = settings
        self.begin()

    def close(self) -> None:
        """Free everything, also what is still being loaded."""
        load, self._load = self._load, None
        if load is not None:
            load.give_up()
