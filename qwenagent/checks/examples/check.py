"""Runs the literal examples of a plan's step against the project, as one more test run.

The calls are evaluated by small programs (`probe`) outside of the repository, in the
project's own interpreter and confined like its tests. Python and JavaScript; examples in other
languages stay text for the model. Knows no model and no loop.
"""

from __future__ import annotations

import json
import re
import secrets
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from qwenagent.checks.examples.defining import runnable
from qwenagent.checks.failures import localise, shorten
from qwenagent.checks.invocation import not_found
from qwenagent.checks.reports.places import Places
from qwenagent.checks.reports.stacks import reduce_stack
from qwenagent.checks.reports.tracebacks import reduce_traceback
from qwenagent.checks.runner import TestRunner
from qwenagent.plan.examples.literals import Language, called_names
from qwenagent.plan.values import Example
from qwenagent.protocol.checks import TestRun, TestStatus
from qwenagent.protocol.messages import Cancel
from qwenagent.sandbox import Ran, find_program

SHOWN = "examples of the step"
"""What stands for the command in the run."""

_CALL_S = 5.0
_IMPORT_S = 30.0
_CANCELLED = 130
_MAX_FAILURE_CHARS = 1000
_ERROR = re.compile(r"[\w.]*(?:Error|Exception)\b")
_MAX_OUTPUT_CHARS = 20_000
_PROBES: dict[Language, str] = {"python": "probe.py", "javascript": "probe.mjs"}


@dataclass(frozen=True, slots=True)
class _Verdict:
    """What a probe wrote of one call."""

    passed: bool | None
    """None where it cannot be judged: the name stands for a method."""
    said: str
    trace: str = ""


@dataclass(slots=True)
class _Session:
    """Where and how the probes of one check are run, and what they told so far."""

    root: Path
    runner: TestRunner
    deadline: float
    cancel: Cancel | None
    places: Mapping[str, str]
    verdicts: dict[Example, _Verdict] = field(default_factory=dict)
    output: str = ""
    timed_out: bool = False

    @property
    def left_s(self) -> float:
        """Seconds until the deadline."""
        return self.deadline - time.monotonic()

    @property
    def cancelled(self) -> bool:
        """Whether somebody wants this to end."""
        return self.cancel is not None and self.cancel.is_set()


def example_check(
    examples: Sequence[Example],
    where: Mapping[str, str],
    runner: TestRunner,
    root: Path,
    *,
    timeout_s: float,
    cancel: Cancel | None = None,
) -> TestRun | None:
    """Evaluate examples in order and return what became of them; None if none can be run.

    `where` comes from `places`. A test id is an example's text. What is missing, or cannot be
    imported, makes its examples fail; calls of what is a method there are left out. Nothing is
    written into the repository but by the code.

    Raises:
        ChecksError: the project has no interpreter to run them.
    """
    groups = runnable(examples, where)
    if not groups:
        return None
    started = time.monotonic()
    session = _Session(root.resolve(), runner, started + timeout_s, cancel, where)
    for language, group in groups.items():
        _run_group(session, language, list(group))
    return _test_run(session, time.monotonic() - started)


def _run_group(session: _Session, language: Language, pending: list[Example]) -> None:
    """Run examples in one process, and in another one what a crash left over."""
    while pending and session.left_s > 0 and not session.cancelled:
        ran = _run_probe(session, language, pending)
        session.output += ran.output
        pending = [example for example in pending if example not in session.verdicts]
        session.timed_out = session.timed_out or session.left_s <= 0
        if pending and session.left_s > 0 and not ran.cancelled:
            said = f"ended the program with exit code {ran.exit_code}"
            said = "did not end in time" if ran.timed_out else said
            session.verdicts[pending.pop(0)] = _Verdict(False, said)
    for example in pending:
        session.verdicts[example] = _Verdict(False, "was not reached in time")


def _run_probe(session: _Session, language: Language, pending: list[Example]) -> Ran:
    with tempfile.TemporaryDirectory(prefix="qwenagent-examples-") as scratch:
        folder = Path(scratch).resolve()
        task, results, probe = (folder / it for it in ("task", "results", _PROBES[language]))
        source = Path(__file__).with_name(probe.name).read_text(encoding="utf-8")
        probe.write_text(source, encoding="utf-8")
        results.touch()
        by_id = {secrets.token_hex(16): example for example in pending}
        # So that one call without an end leaves time for the others.
        seconds = min(_CALL_S, session.left_s / (len(pending) + 1))
        task.write_text(_task(session, by_id, seconds, language), encoding="utf-8")
        ran = session.runner.box.run(
            [*_interpreter(session, language), str(probe), str(task), str(results)],
            cwd=session.root,
            env=session.runner.tools().env,
            timeout_s=min(session.left_s, _IMPORT_S + len(pending) * seconds),
            cancel=session.cancel,
            writable=[folder],
        )
        for example_id, verdict in _read(results):
            if example := by_id.get(example_id):
                session.verdicts.setdefault(example, verdict)
    return ran


def _task(
    session: _Session, by_id: Mapping[str, Example], seconds: float, language: Language
) -> str:
    calls = [
        {
            "id": example_id,
            "call": it.call,
            "expected": it.expected,
            "raises": it.raises,
            "files": {
                name: session.places[name]
                for name in called_names(it.call, language)
                if name in session.places
            },
        }
        for example_id, it in by_id.items()
    ]
    limits = {"seconds": seconds, "import_seconds": min(_IMPORT_S, session.left_s)}
    return json.dumps({"root": str(session.root), **limits, "calls": calls})


def _interpreter(session: _Session, language: Language) -> tuple[str, ...]:
    tools = session.runner.tools()
    if language == "python":
        if tools.runner:
            return (*tools.runner, "python")
        if tools.python:
            return (tools.python,)
        raise not_found("python", tools)
    node = find_program("node", cwd=session.root, env=tools.env)
    if node is None:
        raise not_found("node", tools)
    return (node,)


def _read(results: Path) -> Iterator[tuple[str, _Verdict]]:
    """Read what a probe wrote; a line that was cut off, or is none of ours, is no result."""
    for line in results.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            item = json.loads(line)
            passed = None if item["passed"] is None else item["passed"] is True
            verdict = _Verdict(passed, str(item["said"]), str(item["trace"]))
            yield item["id"], verdict
        except (ValueError, LookupError, TypeError, RecursionError):
            continue


def _test_run(session: _Session, seconds: float) -> TestRun:
    told = [(example, it) for example, it in session.verdicts.items() if it.passed is not None]
    statuses: dict[str, TestStatus] = {
        example.text: "passed" if verdict.passed else "failed" for example, verdict in told
    }
    failures = {
        example.text: _failure(example, verdict, session.root)
        for example, verdict in told
        if not verdict.passed
    }
    shown = "\n".join(failures.values())
    return TestRun(
        command=SHOWN,
        exit_code=_CANCELLED if session.cancelled else int(bool(failures)),
        seconds=seconds,
        output=shorten(f"{session.output}{shown}", _MAX_OUTPUT_CHARS),
        statuses=statuses,
        failures=failures,
        timed_out=session.timed_out,
        collected=bool(statuses),
    )


def _failure(example: Example, verdict: _Verdict, root: Path) -> str:
    wanted = f"an exception {example.expected}" if example.raises else example.expected
    head = f"{example.call} {localise(verdict.said, root)}, expected {wanted}"
    places = Places(root, root)
    text = reduce_traceback(verdict.trace, places) or reduce_stack(
        _from_error(verdict.trace), places
    )
    return shorten(f"{head}\n{text}".rstrip(), _MAX_FAILURE_CHARS)


def _from_error(trace: str) -> str:
    """Leave out the source line, with a caret below it, that node may put before the message."""
    lines = trace.splitlines()
    start = next((i for i, line in enumerate(lines) if _ERROR.match(line)), 0)
    return "\n".join(lines[start:])
