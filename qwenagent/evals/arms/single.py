"""One call with the protocol by which models of this family are measured on HumanEval.

A short order, the problem in a fence, and an answer whose beginning is given, up to its fence:
what EvalPlus does, whose figures the model's report has.
"""

from __future__ import annotations

import ast
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from qwenagent import assets
from qwenagent.engine import Engine
from qwenagent.evals.arms.arm import Attempt, Effort
from qwenagent.evals.arms.plain import SYSTEM, effort_of
from qwenagent.evals.deadline import Deadline
from qwenagent.evals.grading import write_files
from qwenagent.grammar import body_grammar
from qwenagent.protocol.messages import Message, Prompt, Sampling

_FENCE = "```"
_KEPT = (
    ast.FunctionDef,
    ast.AsyncFunctionDef,
    ast.ClassDef,
    ast.Import,
    ast.ImportFrom,
    ast.Assign,
    ast.AnnAssign,
)
_OPENING = (
    "Below is a Python script with a self-contained function that solves the problem and passes "
    f"corresponding tests:\n{_FENCE}python\n"
)


@dataclass(frozen=True, slots=True)
class CallArm:
    """Implements `Arm` for tasks of single calls; greedy."""

    make_engine: Callable[[], Engine]
    max_tokens: int
    name: str = "call"

    def attempt(self, attempt: Attempt) -> Effort:
        """See `Arm.attempt`."""
        engine = self.make_engine()
        try:
            engine.describe()
            start = time.monotonic()
            deadline = Deadline(attempt.time_limit_s, attempt.cancel)
            sampling = Sampling(seed=attempt.seed, max_tokens=self.max_tokens)
            # The grammar takes any text; it only ends the answer where its fence is closed.
            [done] = engine.complete(
                _prompt(attempt.prompt),
                sampling=sampling,
                grammar=body_grammar(_FENCE),
                cancel=deadline,
            )
        finally:
            engine.close()
        code = definitions(done.text.partition(f"\n{_FENCE}")[0] + "\n")
        write_files(attempt.repository, dict.fromkeys(attempt.task.files, code))
        return effort_of(done, time.monotonic() - start, deadline.is_over, 1)


def definitions(code: str) -> str:
    """Return what a module defines and imports, without what it does besides.

    A small model likes to end with examples that its own function need not meet. EvalPlus takes
    them away before it judges, and as there the longest beginning counts that is Python.
    """
    lines = code.splitlines(keepends=True)
    for end in range(len(lines), 0, -1):
        with suppress(SyntaxError, ValueError):
            body = ast.parse("".join(lines[:end])).body
            return "".join(f"{ast.unparse(node)}\n" for node in body if isinstance(node, _KEPT))
    return code


def _prompt(problem: str) -> Prompt:
    text = assets.fill(assets.read("prompts", "call.md"), problem=problem.strip())
    return Prompt((Message("system", SYSTEM), Message("user", text)), _OPENING)
