"""The baseline: one call of the model a try, whole files in fences, no grammar, no loop, no tests.

What anybody gets who asks the model and copies its answer into the files.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from qwenagent import assets
from qwenagent.engine import Engine
from qwenagent.errors import ContextOverflow, EngineCrashed
from qwenagent.evals.arms.arm import Attempt, Effort
from qwenagent.evals.deadline import Deadline
from qwenagent.evals.grading import write_files
from qwenagent.protocol.messages import Completion, Message, Prompt, Sampling

SYSTEM = "You are Qwen, created by Alibaba Cloud. You are a helpful assistant."
"""What the model's own template says where nobody says anything else."""
_FENCED = re.compile(r"^(?P<ticks>`{3,})[^\n]*\n(?P<body>.*?)^(?P=ticks)\s*$", re.M | re.S)


@dataclass(frozen=True, slots=True)
class PlainArm:
    """Asks an engine that is made anew for every try, so that no try depends on another."""

    make_engine: Callable[[], Engine]
    max_tokens: int
    name: str = "plain"

    def attempt(self, attempt: Attempt) -> Effort:
        """See `Arm.attempt`."""
        engine = self.make_engine()
        try:
            engine.describe()  # loads the model, which is not timed: the agent keeps it
            return self._ask(engine, attempt)
        finally:
            engine.close()

    def _ask(self, engine: Engine, attempt: Attempt) -> Effort:
        start = time.monotonic()
        deadline = Deadline(attempt.time_limit_s, attempt.cancel)
        sampling = Sampling(seed=attempt.seed, max_tokens=self.max_tokens)
        try:
            [done] = engine.complete(_prompt(attempt), sampling=sampling, cancel=deadline)
        except (ContextOverflow, EngineCrashed) as error:
            return Effort(seconds=round(time.monotonic() - start, 2), calls=1, note=error.message)
        files = written_files(done.text, attempt.task.files)
        write_files(attempt.repository, files)
        return effort_of(done, time.monotonic() - start, deadline.is_over, len(files))


def written_files(answer: str, names: tuple[str, ...]) -> dict[str, str]:
    """Return the files that an answer holds; a fence that is not closed is none.

    With one name it is the longest fence. With several, the last one under a line with the name.
    """
    blocks = list(_FENCED.finditer(answer))
    if len(names) == 1:
        bodies = [block["body"] for block in blocks]
        return {names[0]: max(bodies, key=len)} if bodies else {}
    found: dict[str, str] = {}
    for block in blocks:
        above = answer[: block.start()].rstrip().rsplit("\n", 1)[-1]
        named = [name for name in names if name in above]
        if named:
            found[max(named, key=len)] = block["body"]
    return found


def _prompt(attempt: Attempt) -> Prompt:
    names = attempt.task.files
    shown = _shown({name: attempt.repository / name for name in names})
    quoted = ", ".join(f"`{name}`" for name in names)
    form = "plain.md" if len(names) == 1 else "plain-several.md"
    template = assets.read("prompts", form)
    text = assets.fill(template, task=attempt.prompt.strip(), files=shown, names=quoted)
    return Prompt((Message("system", SYSTEM), Message("user", text)))


def _shown(paths: Mapping[str, Path]) -> str:
    parts = []
    for name, path in paths.items():
        if path.is_file():
            text = path.read_text(encoding="utf-8", errors="replace").rstrip("\n")
            parts.append(f"{name} is now:\n\n```\n{text}\n```\n")
        else:
            parts.append(f"{name} does not exist yet.\n")
    return "\n".join(parts)


def effort_of(done: Completion, seconds: float, is_late: bool, n_files: int) -> Effort:
    """Return what one call took; an answer without a file is told as that."""
    note = "" if n_files else f"no file in the answer, which ended by {done.stop}"
    return Effort(
        seconds=round(seconds, 2),
        prompt_tokens=done.usage.prompt_tokens,
        cached_tokens=done.usage.cached_tokens,
        completion_tokens=done.usage.completion_tokens,
        calls=1,
        late=is_late,
        note=note,
    )
