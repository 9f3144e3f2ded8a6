"""A repository, a home and a scripted engine for sessions in a real pseudo-terminal."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from qwenagent.sandbox import Level, Sandbox
from tests.conftest import GIT_ENVIRONMENT
from tests.loop_stage import FIXED, MODULE, TEST, body, make_repository
from tests.registry_standins import PAYLOAD, ship_tiny_card
from tests.terminal_stage import CHECKOUT, Terminal, terminal_env

IDLE = "> a task, a question, or /help"
ANSWER = "`add` returns the **difference**.\n\n```python\nreturn a - b\n```"
FIX = body(FIXED)
MODEL_FILE = "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf"
FILES = {"calc.py": MODULE, "test_calc.py": TEST, ".gitignore": "__pycache__/\n"}
SETTINGS = {"LOOP_CANDIDATES": "1", "LOOP_DOUBTS": "0", "LOOP_FORMAT": "false"}
"""A script has one answer for each question."""


@dataclass
class Stage:
    """Where sessions play, one after the other."""

    folder: Path
    root: Path
    env: dict[str, str] = field(default_factory=dict)
    n_scripts: int = 0

    def terminal(
        self, replies: list[Any], *args: str, columns: int = 80, rows: int = 24, **env: str
    ) -> Terminal:
        """Start a session whose engine gives these replies."""
        self.n_scripts += 1
        script = self.folder / f"replies-{self.n_scripts}.json"
        script.write_text(json.dumps(replies), encoding="utf-8")
        argv = [sys.executable, "-m", "tests.session_child", str(script), "--model", "0.5b", *args]
        return Terminal(argv, columns=columns, rows=rows, cwd=self.root, env={**self.env, **env})


def make_stage(folder: Path, files: dict[str, str] | None = None) -> Stage:
    """Return a stage in an empty folder."""
    ship_tiny_card(folder / "assets")
    home = folder / "home"
    model = home / "models" / MODEL_FILE
    root = make_repository(folder / "repo", files or FILES)
    env = terminal_env(
        PYTHONPATH=str(CHECKOUT),
        QWENAGENT_HOME=str(home),
        QWENAGENT_ASSETS=str(folder / "assets"),
        **{f"QWENAGENT_{name}": value for name, value in SETTINGS.items()},
        **GIT_ENVIRONMENT,
    )
    if Sandbox.find(os.environ).level is Level.NONE:  # a container without user namespaces
        env["QWENAGENT_SANDBOX_OFF"] = "true"
    model.parent.mkdir(parents=True, exist_ok=True)
    model.write_bytes(PAYLOAD)
    return Stage(folder, root, env)
