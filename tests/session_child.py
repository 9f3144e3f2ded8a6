"""`qwenagent` with an engine that answers from a file; the tests of the session drive it.

    python -m tests.session_child REPLIES [ARGUMENTS]

REPLIES is a JSON list. A text is an answer; {"slow": TEXT} comes word by word, {"read": true} is
read for as long as nobody stops it, {"load": FILE} has the model loaded once that file is there.
With SESSION_CHILD_SANDBOX=none in the environment the machine has no sandbox.
"""

from __future__ import annotations

import json
import os
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from qwenagent.cli import main, wiring
from qwenagent.cli.confining import make_box
from qwenagent.engine import ScriptedEngine
from qwenagent.protocol.messages import Completion, EngineInfo, Prompt, Usage
from qwenagent.sandbox import Sandbox

_WORD_S = 0.05
_LONG_S = 60.0


class PacedEngine(ScriptedEngine):
    """Takes its time where its script says so."""

    loads_until: Path | None = None

    def complete(self, prompt: Prompt, **how: Any) -> list[Completion]:
        reply: Any = next(iter(self.replies), None)
        match reply:
            case {"read": True}:
                return [self._read(self.count(prompt), **how)]
            case {"slow": str(text)}:
                return [self._write(self.count(prompt), text, **how)]
            case str():
                return ScriptedEngine([reply], self.n_ctx).complete(prompt, **how)
        return ScriptedEngine([], self.n_ctx).complete(prompt, **how)

    def describe(self) -> EngineInfo:
        limit = time.monotonic() + _LONG_S
        while self.loads_until and not self.loads_until.exists() and time.monotonic() < limit:
            time.sleep(0.01)
        return EngineInfo("scripted", "none", self.n_ctx, 1, "none")

    def _read(self, n_tokens: int, **how: Any) -> Completion:
        limit = time.monotonic() + _LONG_S
        how["on_prefill"](128, n_tokens)
        while not how["cancel"].is_set() and time.monotonic() < limit:
            time.sleep(0.01)
        return Completion("", "cancelled", Usage(n_tokens, calls=1))

    def _write(self, n_tokens: int, text: str, **how: Any) -> Completion:
        written = ""
        for word in text.split(" "):
            written += f"{word} "
            how["on_text"](0, f"{word} ")
            time.sleep(_WORD_S)
            if how["cancel"].is_set():
                return Completion(written, "cancelled", Usage(n_tokens, calls=1))
        return Completion(written, "stop", Usage(n_tokens, calls=1))


def engine(replies: list[Any]) -> PacedEngine:
    """Return the engine of a script."""
    waits = [reply["load"] for reply in replies if isinstance(reply, dict) and "load" in reply]
    made = PacedEngine(reply for reply in replies if isinstance(reply, str) or "load" not in reply)
    made.loads_until = Path(waits[0]) if waits else None
    return made


if __name__ == "__main__":
    script = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    made = engine(script)
    patch = pytest.MonkeyPatch()
    patch.setattr(wiring, "_engine", lambda *_: made)
    if os.environ.get("SESSION_CHILD_SANDBOX") == "none":
        boxed = partial(make_box, sandbox=Sandbox.off("there is no bubblewrap"))
        patch.setattr(wiring, "make_box", boxed)
    main(sys.argv[2:])
