"""Starts the programs that evaluate examples in Python and JavaScript: `probe.py`, `probe.mjs`."""

from __future__ import annotations

import json
from pathlib import Path

from qwenagent.checks.examples.program import Job, Program
from qwenagent.checks.interpreter import ProjectTools
from qwenagent.checks.invocation import not_found
from qwenagent.plan.examples.literals import Language, called_names
from qwenagent.sandbox import find_program


def python_program(job: Job) -> Program:
    """Write what evaluates calls in the project's own interpreter.

    Raises:
        ChecksError: there is none.
    """
    return _script(job, _python(job.tools), "probe.py", "python")


def javascript_program(job: Job) -> Program:
    """Write what evaluates calls in node.

    Raises:
        ChecksError: node is not there.
    """
    node = find_program("node", cwd=job.root, env=job.tools.env)
    if node is None:
        raise not_found("node", job.tools)
    return _script(job, (node,), "probe.mjs", "javascript")


def _python(tools: ProjectTools) -> tuple[str, ...]:
    if tools.runner:
        return (*tools.runner, "python")
    if tools.python:
        return (tools.python,)
    raise not_found("python", tools)


def _script(job: Job, interpreter: tuple[str, ...], name: str, language: Language) -> Program:
    calls = [
        {
            "id": example_id,
            "call": it.call,
            "expected": it.expected,
            "raises": it.raises,
            "files": {
                name: job.where[name]
                for name in called_names(it.call, language)
                if name in job.where
            },
        }
        for example_id, it in job.calls.items()
    ]
    limits = {"seconds": job.seconds, "import_seconds": job.import_seconds}
    task, probe = job.scratch / "task", job.scratch / name
    text = json.dumps({"root": str(job.root), **limits, "calls": calls})
    task.write_text(text, encoding="utf-8")
    source = Path(__file__).with_name(name).read_text(encoding="utf-8")
    probe.write_text(source, encoding="utf-8")
    return Program((*interpreter, str(probe), str(task), str(job.results)))
