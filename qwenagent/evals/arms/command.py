"""Arms that are programs: this one, and any other agent by its command line."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from qwenagent.errors import UsageError
from qwenagent.evals.arms.arm import Attempt, Effort
from qwenagent.evals.process import run_program
from qwenagent.sandbox import Ran

_GRACE_S = 20.0
"""What the agent has to end in good order after its own time limit."""
_ENVIRONMENT, _USAGE, _BUG = 4, 2, 3
_MOST = 10**15
"""Of anything that a file of metrics counts; above it the file is odd."""
_HOLES = ("dir", "prompt_file", "tests_cmd", "files", "metrics_file", "try")


@dataclass(frozen=True, slots=True)
class AgentArm:
    """`qwenagent` itself, as a user starts it."""

    environ: Mapping[str, str]
    """With the settings, as variables."""
    flags: tuple[str, ...]
    """For every run: --model, say."""
    name: str = "agent"

    def attempt(self, attempt: Attempt) -> Effort:
        """See `Arm.attempt`."""
        metrics = attempt.scratch / "metrics.json"
        metrics.unlink(missing_ok=True)
        words = [sys.executable, "-P", "-m", "qwenagent", *self._task(attempt)]
        words += ["--yes", "--json", "--metrics", str(metrics), "--seed", str(attempt.seed)]
        words += ["--time-limit", f"{attempt.time_limit_s:g}", *self.flags]
        limit_s = attempt.time_limit_s + _GRACE_S
        ran = run_program(words, attempt, self.environ, limit_s)
        effort = _effort(ran, metrics)
        over = ran.seconds >= attempt.time_limit_s
        return replace(effort, late=effort.late or over, note=effort.note or _own_error(ran))

    def _task(self, attempt: Attempt) -> Sequence[str]:
        tests = ["--test-cmd", attempt.test_command] if attempt.test_command else []
        if attempt.task.kind == "plan" and attempt.number == 1:
            return ["run", "plan.md", *tests]
        prompt = attempt.scratch / "prompt.md"
        prompt.write_text(attempt.prompt, encoding="utf-8")
        files = [name for file in attempt.task.files for name in ("--files", file)]
        return ["do", "--prompt-file", str(prompt), *files, *tests]


@dataclass(frozen=True, slots=True)
class CommandArm:
    """Another agent: a line for bash, run in the repository.

    Holes, filled as one quoted word each: {dir}, {prompt_file}, {tests_cmd} (`true` if the tests
    are hidden), {metrics_file} (where the agent may write a JSON object with `prompt_tokens`,
    `completion_tokens`, `llm_calls`), {try}; and {files}, a word for each.
    """

    template: str
    environ: Mapping[str, str]
    name: str = "command"

    def __post_init__(self) -> None:
        """Raises UsageError if the template never says what the task is."""
        if "{prompt_file}" not in self.template and "{dir}" not in self.template:
            raise UsageError(
                f"--command {self.template!r} has neither {{prompt_file}} nor {{dir}} in it",
                hint="for example: --command 'other-agent --message-file {prompt_file} {files}'",
            )

    def attempt(self, attempt: Attempt) -> Effort:
        """See `Arm.attempt`."""
        metrics, prompt = attempt.scratch / "metrics.json", attempt.scratch / "prompt.md"
        metrics.unlink(missing_ok=True)
        prompt.write_text(attempt.prompt, encoding="utf-8")
        filled = {
            "dir": shlex.quote(str(attempt.repository)),
            "prompt_file": shlex.quote(str(prompt)),
            "tests_cmd": shlex.quote(attempt.test_command or "true"),
            "metrics_file": shlex.quote(str(metrics)),
            "try": str(attempt.number),
            "files": shlex.join(attempt.task.files),
        }
        line = self.template
        for hole in _HOLES:
            line = line.replace(f"{{{hole}}}", filled[hole])
        ran = run_program(["bash", "-c", line], attempt, self.environ, attempt.time_limit_s)
        return _effort(ran, metrics)


def _effort(ran: Ran, metrics: Path) -> Effort:
    return replace(
        effort_in(metrics),
        seconds=round(ran.seconds, 2),
        exit_code=ran.exit_code,
        late=ran.timed_out,
        note="; ".join(ran.broke),
    )


def effort_in(metrics: Path) -> Effort:
    """Return what a file of metrics says; what is missing or odd counts as nothing."""
    told = _read(metrics)
    return Effort(
        prompt_tokens=_number(told, "prompt_tokens"),
        cached_tokens=_number(told, "cached_tokens"),
        completion_tokens=_number(told, "completion_tokens"),
        calls=_number(told, "llm_calls"),
        interventions=_number(told, "approvals") + _number(_table(told, "steps"), "for_you"),
        transcript=str(told.get("run", "")).encode(errors="replace").decode(),
        applied=_number(_table(told, "edits"), "applied"),
        refused=_number(_table(told, "edits"), "refused"),
        overruled=_number(_table(told, "edits"), "overruled"),
    )


def _read(metrics: Path) -> dict[str, Any]:
    try:
        told = json.loads(metrics.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return told if isinstance(told, dict) else {}


def _number(told: dict[str, Any], key: str) -> int:
    value = told.get(key, 0)
    return int(value) if isinstance(value, int | float) and 0 <= value <= _MOST else 0


def _table(told: dict[str, Any], key: str) -> dict[str, Any]:
    value = told.get(key)
    return value if isinstance(value, dict) else {}


def _own_error(ran: Ran) -> str:
    """Return the last words of a run of this program that failed for reasons of its own."""
    if ran.exit_code not in (_USAGE, _BUG, _ENVIRONMENT):
        return ""
    lines = [line for line in ran.output.splitlines() if line and not line.startswith("{")]
    return f"exit code {ran.exit_code}: {' '.join(lines[-3:])[:400]}"
