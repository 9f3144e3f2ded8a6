"""Runs the literal examples of a plan's step against the project, as one more test run.

The calls are evaluated by small programs (`probe`) outside of the repository, in the
project's own interpreter, or built by its compiler, and confined like its tests. Python,
JavaScript, Go and Rust; examples in other languages stay text for the model. Knows no model and
no loop.
"""

from __future__ import annotations

import json
import re
import secrets
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from qwenagent.checks.examples.compiled import (
    COMPILED,
    blamed,
    go_program,
    is_there,
    package_of,
    rust_program,
)
from qwenagent.checks.examples.defining import runnable
from qwenagent.checks.examples.program import Job, Program, Verdict
from qwenagent.checks.examples.scripts import javascript_program, python_program
from qwenagent.checks.failures import localise, shorten
from qwenagent.checks.reports.places import Places
from qwenagent.checks.reports.stacks import reduce_stack
from qwenagent.checks.reports.tracebacks import reduce_traceback
from qwenagent.checks.runner import TestRunner
from qwenagent.plan.examples.literals import Language
from qwenagent.plan.values import Example
from qwenagent.protocol.checks import TestRun, TestStatus
from qwenagent.protocol.messages import Cancel
from qwenagent.sandbox import Ran

SHOWN = "examples of the step"
"""What stands for the command in the run."""

_CALL_S = 5.0
_IMPORT_S = 30.0
_CANCELLED = 130
_MAX_FAILURE_CHARS = 1000
_ERROR = re.compile(r"[\w.]*(?:Error|Exception)\b")
_MAX_OUTPUT_CHARS = 20_000
_PROGRAMS: dict[Language, Callable[[Job], Program | None]] = {
    "python": python_program,
    "javascript": javascript_program,
    "go": go_program,
    "rust": rust_program,
}


@dataclass(slots=True)
class _Session:
    """Where and how the probes of one check are run, and what they told so far."""

    root: Path
    runner: TestRunner
    deadline: float
    cancel: Cancel | None
    places: Mapping[str, str]
    verdicts: dict[Example, Verdict] = field(default_factory=dict)
    output: str = ""
    timed_out: bool = False

    @property
    def left_s(self) -> float:
        """Seconds until the deadline."""
        return self.deadline - time.monotonic()

    def tell(self, job: Job, verdicts: Mapping[str, Verdict]) -> None:
        """Keep the first verdict on each example."""
        for example_id, verdict in verdicts.items():
            if example := job.calls.get(example_id):
                self.verdicts.setdefault(example, verdict)

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
        packages: dict[str, list[Example]] = {}
        for example in group:
            if (package := package_of(example, where, language)) is not None:
                packages.setdefault(package, []).append(example)
        for package, pending in packages.items():
            _run_group(session, language, session.root / package, pending)
    return _test_run(session, time.monotonic() - started)


def _run_group(session: _Session, language: Language, folder: Path, pending: list[Example]) -> None:
    """Run examples in one process, and in another one what a crash left over."""
    while pending and session.left_s > 0 and not session.cancelled:
        with tempfile.TemporaryDirectory(prefix="qwenagent-examples-") as scratch:
            job = _job(session, folder, Path(scratch).resolve(), pending)
            session.tell(job, _missing(job, language) or _run_job(session, job, language))
        pending = [example for example in pending if example not in session.verdicts]
        session.timed_out = session.timed_out or session.left_s <= 0
    for example in pending:
        session.verdicts[example] = Verdict(False, "was not reached in time")


def _job(session: _Session, folder: Path, scratch: Path, pending: Sequence[Example]) -> Job:
    results = scratch / "results"
    results.touch()
    return Job(
        {secrets.token_hex(16): example for example in pending},
        session.places,
        session.root,
        folder,
        scratch,
        results,
        session.runner.tools(),
        # So that one call without an end leaves time for the others.
        min(_CALL_S, session.left_s / (len(pending) + 1)),
        min(_IMPORT_S, session.left_s),
    )


def _missing(job: Job, language: Language) -> dict[str, Verdict]:
    """Return verdicts on examples whose files are not there; an interpreter sees that by itself."""
    if language not in COMPILED:
        return {}
    told = {example_id: is_there(it, job, language) for example_id, it in job.calls.items()}
    return {example_id: verdict for example_id, verdict in told.items() if verdict}


def _run_job(session: _Session, job: Job, language: Language) -> dict[str, Verdict]:
    """Return a verdict for some of the examples by id, at least for one unless it was stopped."""
    program = _PROGRAMS[language](job)
    if program is None:
        return dict.fromkeys(job.calls, Verdict(None, "is of no library"))
    if program.build:
        built = _run(session, job, program, program.build, session.left_s)
        if built.exit_code:
            return {} if built.cancelled else blamed(program, built.output)
    limit = job.import_seconds + len(job.calls) * job.seconds
    ran = _run(session, job, program, program.run, limit)
    told = dict(_read(job.results))
    ended = next((it for it in job.calls if it not in told), None)
    if ended and session.left_s > 0 and not ran.cancelled:
        said = f"ended the program with exit code {ran.exit_code}"
        told[ended] = Verdict(False, "did not end in time" if ran.timed_out else said)
    return told


def _run(session: _Session, job: Job, program: Program, argv: Sequence[str], limit_s: float) -> Ran:
    ran = session.runner.box.run(
        argv,
        cwd=job.folder,
        env={**job.tools.env, **program.env},
        timeout_s=max(0.1, min(session.left_s, limit_s)),
        cancel=session.cancel,
        writable=[job.scratch],
    )
    session.output += ran.output
    return ran


def _read(results: Path) -> Iterator[tuple[str, Verdict]]:
    """Read what a probe wrote; a line that was cut off, or is none of ours, is no result."""
    for line in results.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            item = json.loads(line)
            passed = None if item["passed"] is None else item["passed"] is True
            verdict = Verdict(passed, str(item["said"]), str(item["trace"]))
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


def _failure(example: Example, verdict: Verdict, root: Path) -> str:
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
