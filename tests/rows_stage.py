"""Rows of results and small tasks, made up, for tests of what is done with them."""

from __future__ import annotations

from typing import Any

from qwenagent.evals import Check, Machine, Row, Setup, Task

MACHINE = Machine("Linux x86_64", "A processor", 2, 8_000_000_000)
SETUP = Setup(
    arm="agent",
    seed=1,
    model="Model 1B",
    model_file="model.gguf",
    model_sha256="cafe" * 16,
    version="0.1.0",
    code="c0de",
    commit="abc123",
    libraries={"python": "3.11.9"},
    sandbox="namespaces",
)
_NUMBERS = {
    "level": 0, "score": 0.0, "tests_passed": 1, "tests_failed": 0, "tries": 1, "seconds": 6.0,
    "test_seconds": 0.5, "prompt_tokens": 1000, "cached_tokens": 0, "completion_tokens": 100,
    "calls": 1, "interventions": 0, "exit_code": 0, "added": 1, "removed": 0,
}  # fmt: skip
_TEXTS = {
    "suite": "small", "kind": "edit", "digest": "d1", "language": "python", "note": "",
    "transcript": "", "started": "2026-01-01T00:00:00Z",
}  # fmt: skip


def row(task: str = "one", passed: bool = True, **changes: Any) -> Row:
    """Make a row; what is not given is the same in all."""
    said = {
        **_NUMBERS,
        **_TEXTS,
        "visible": False,
        "passed_first": passed,
        "score": float(passed),
        "checks": {"tests": passed},
        "late": False,
        "changed": ["one.py"],
        "changed_tests": [],
        "setup": SETUP,
        "machine": MACHINE,
        **changes,
    }
    return Row(task=task, passed=passed, **said)


TEST = (
    "import unittest\n\nfrom one import number\n\n\nclass One(unittest.TestCase):\n"
    "    def test_number(self):\n        self.assertEqual(number(), 1)\n"
)


def small_task(name: str, prompt: str = "Let `number` return 1.", **changes: Any) -> Task:
    """Make a task that is solved by one line, and judged within tenths of a second."""
    said = {
        "suite": "small",
        "kind": "edit",
        "language": "python",
        "level": 1,
        "base": {"one.py": "def number():\n    return 0\n"},
        "tests": {"test_one.py": TEST},
        "checks": (Check("tests", ("python", "-m", "unittest", "-v", "test_one")),),
        "files": ("one.py",),
        "visible": False,
        **changes,
    }
    return Task(id=name, prompt=prompt, **said)
