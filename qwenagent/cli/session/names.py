"""What the prompt completes: files, symbols, and the arguments of commands. Reads, never waits.

Called in the prompt's own thread, so nothing here is shared with the work that goes on.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from qwenagent.errors import QwenAgentError
from qwenagent.ui.reading import COMMANDS, Named, Sources

if TYPE_CHECKING:
    from qwenagent.cli.session.chat import Chat
    from qwenagent.workspace import Workspace

_LOOK_EVERY_S = 1.0
_MAX_FILES = 2000
"""Files whose symbols are offered."""
_PARSE_S = 0.2
"""For symbols at a time: nobody waits longer for a menu; the rest comes with the next key."""


class Names:
    """Lists that stay the same object until something has changed."""

    def __init__(self, root: Path) -> None:
        self.session: Chat | None = None
        """Knows what is not in the repository; None until it is there."""
        self._root = root
        self._tree: Workspace | None = None
        self._looked = 0.0
        self._paths: tuple[str, ...] = ()
        self._symbols: tuple[Named, ...] = ()
        self._known: dict[str, tuple[object, tuple[Named, ...]]] = {}
        self._kept: dict[str, tuple[str, ...]] = {}

    @property
    def sources(self) -> Sources:
        """Return them as the reader takes them."""
        return Sources(
            paths=self.paths,
            symbols=self.symbols,
            arguments={
                "add": self.paths,
                "diff": self.paths,
                "run": self.plans,
                "drop": self.on_shelf,
                "help": lambda: self._same("help", tuple(c.name for c in COMMANDS)),
                "model": self.models,
                "resume": self.sessions,
                "config": self.settings,
            },
        )

    def paths(self) -> tuple[str, ...]:
        """Return the files of the repository."""
        now = time.monotonic()
        if now - self._looked >= _LOOK_EVERY_S or not self._paths:
            try:
                found = tuple(self._workspace().files())
            except (QwenAgentError, OSError):  # the session itself tells what is wrong
                return self._paths
            self._looked = time.monotonic()
            self._paths = self._paths if found == self._paths else found
        return self._paths

    def symbols(self) -> tuple[Named, ...]:
        """Return what the source files define, as far as they were looked through."""
        from qwenagent.syntax import is_known

        found: list[Named] = []
        limit = time.monotonic() + _PARSE_S
        for path in filter(is_known, self.paths()[:_MAX_FILES]):
            state = self._state(path)
            known = self._known.get(path)
            if (known is None or known[0] != state) and time.monotonic() < limit:
                known = self._known[path] = (state, self._defined(path))
            found += known[1] if known else ()
        names = tuple(found)
        self._symbols = self._symbols if names == self._symbols else names
        return self._symbols

    def plans(self) -> tuple[str, ...]:
        """Return the files that may be plans."""
        return self._same("plans", tuple(p for p in self.paths() if p.endswith(".md")))

    def on_shelf(self) -> tuple[str, ...]:
        """Return the files that are before the model."""
        return self._same("drop", self.session.shelved if self.session else ())

    def models(self) -> tuple[str, ...]:
        """Return the models that are installed."""
        from qwenagent.registry import installed, load_cards

        found = tuple(card.name for card in load_cards().values() if installed(card))
        return self._same("model", found)

    def sessions(self) -> tuple[str, ...]:
        """Return the ids of the newest sessions here."""
        from qwenagent.cli.session.earlier import newest_sessions

        present = self.session.recording.run if self.session else ""
        others = newest_sessions(str(self._root.resolve()), present)
        found = tuple(run.run_id for run in others)
        return self._same("resume", found)

    def settings(self) -> tuple[str, ...]:
        """Return the names of settings."""
        from qwenagent.config import DERIVED, setting_paths

        found = tuple(path for path in setting_paths() if path not in DERIVED)
        return self._same("config", found)

    def _same(self, key: str, found: tuple[str, ...]) -> tuple[str, ...]:
        if self._kept.get(key) != found:
            self._kept[key] = found
        return self._kept[key]

    def _workspace(self) -> Workspace:
        if self._tree is None:
            from qwenagent.workspace import Repository, Workspace

            self._tree = Workspace(Repository.open(self._root))
        return self._tree

    def _state(self, path: str) -> object:
        try:
            status = (self._root / path).stat()
        except OSError:
            return None
        return status.st_mtime_ns, status.st_size

    def _defined(self, path: str) -> tuple[Named, ...]:
        from qwenagent.syntax import symbols

        text = self._workspace().text(path) or ""
        return tuple(Named(symbol.name, path) for symbol in symbols(path, text))
