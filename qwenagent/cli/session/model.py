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


class Model:
    """Loads in a thread of its own; whoever needs it waits. One that failed is tried again."""

    def __init__(self, settings: Settings, changed: Callable[[], None]) -> None:
        """`changed` is called, in some thread, once the model is there or cannot be had."""
        self.settings = settings
        self._changed = changed
        self._thread: threading.Thread | None = None
        self._done = threading.Event()
        self._engine: Engine | None = None
        """While it loads, and after."""
        self._loaded: Loaded | None = None
        self._error: BaseException | None = None

    @property
    def loaded(self) -> Loaded | None:
        """The model, None while it is not there."""
        return self._loaded

    @property
    def is_loading(self) -> bool:
        """Whether it is on its way."""
        return self._thread is not None and not self._done.is_set()

    @property
    def name(self) -> str:
        """What it is called, as far as that is known."""
        return self._loaded.card.title if self._loaded else self.settings.model.name

    def begin(self) -> None:
        """Load, if that is not done and not under way."""
        if self._loaded is None and not self.is_loading:
            self._error = None
            self._done.clear()
            self._thread = threading.Thread(target=self._load, name="model", daemon=True)
            self._thread.start()

    def wait(self, stop: Stop) -> Loaded:
        """Return the model once it is there.

        Raises:
            Stopped: the user does not want to wait.
            ModelError, EngineError: it cannot be had; the next call tries again.
        """
        self.begin()
        while self.is_loading:
            stop.check()
            self._done.wait(_POLL_S)
        if self._loaded is None:
            assert self._error is not None
            raise self._error
        return self._loaded

    def change(self, settings: Settings) -> None:
        """Free the model and load the one that the settings name."""
        self.close()
        self.settings, self._error = settings, None
        self.begin()

    def close(self) -> None:
        """Free everything, also what is still being loaded."""
        if self._thread is not None:
            self._thread.join(_PATIENCE_S)
        if self._engine is not None:
            self._engine.close()
        if self._thread is not None:
            self._thread.join(_END_S)
        self._engine = self._loaded = None

    def _load(self) -> None:
        engine = None
        try:
            card, make_engine = wiring.model_of(self.settings)
            engine = self._engine = make_engine()
            found = Loaded(card, engine, engine.describe())  # which starts it
            import qwenagent.loop.agent  # noqa: F401  # a task needs it, and it takes a while

            self._loaded = found
        except BaseException as error:  # raised where somebody waits for the model
            self._error = error
            if engine is not None:
                with suppress(QwenAgentError, OSError):
                    engine.close()
        finally:
            self._done.set()
            self._changed()
