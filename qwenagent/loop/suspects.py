"""Which functions of a file failing tests point to."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from qwenagent.plan import Step
from qwenagent.protocol.checks import TestRun
from qwenagent.syntax import Symbol, symbols


def suspects(path: str, text: str, failing: TestRun, step: Step) -> list[Symbol]:
    """Return the functions of a file that failures point to: by a frame, else by their name.

    Those that hold the innermost frames come first, then what failing tests or the step name.
    """
    found = [s for s in symbols(path, text) if s.kind == "function"]
    told = "\n".join([*failing.failures.values(), failing.output])
    rows = _frames(path, told)
    by_frame = [s for row in rows for s in found if s.first_line <= row <= s.last_line]
    words = set(re.findall(r"\w+", f"{told}\n{step.text}"))
    by_name = [s for s in found if s.name.rpartition(".")[2].split("#")[0] in words]
    return list(dict.fromkeys([*by_frame, *by_name]))


def _frames(path: str, told: str) -> list[int]:
    """Return the lines of a file that a failure names, the last one first."""
    name = re.escape(PurePosixPath(path).name)
    rows = re.findall(rf"{name}[\"']?(?::|, line |\()(\d+)", told)
    return [int(row) for row in reversed(rows)]
