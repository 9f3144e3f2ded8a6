"""For tests of approvals: repositories, the place of what is remembered, and who answers.

The fixtures are for those who give them a name: `store = approvals_stage.store`.
"""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from qwenagent.checks import parse_command
from qwenagent.errors import ApprovalNeeded
from qwenagent.loop.approving import Approvals, Wanted
from qwenagent.plan import parse_plan
from qwenagent.protocol.approval import Approver
from qwenagent.protocol.checks import TestCommand
from qwenagent.protocol.events import ApprovalAnswered, ApprovalAsked, EventStream
from tests.conftest import GIT_ENVIRONMENT
from tests.loop_stage import Yes, make_repository

PLAN = """# Work

Test: `python3 -m unittest`

- [ ] Change `a.py`.
      Test: `make check`
- [ ] Change `b.py` as well.
"""
MAKEFILE = "check:\n\ttrue\n"
PACKAGE = '{"scripts": {"test": "node --test", "build": "true"}, "version": "1"}'
FILES = {
    "package.json": PACKAGE,
    "tox.ini": "[testenv]\ncommands = pytest\n",
    "noxfile.py": "x = 1\n",
    "justfile": "check:\n  true\n",
    "run.sh": "#!/bin/sh\ntrue\n",
    "sub/Makefile": MAKEFILE,
    "other.mk": MAKEFILE,
    "tests/check.py": "pass\n",
}


class Always(Yes):
    """Approves everything for good."""

    def ask(self, request: ApprovalAsked) -> ApprovalAnswered:
        return replace(super().ask(request), for_good=True)


@dataclass(slots=True)
class Editing:
    """Has these commands instead, one question after the other, and approves what comes then."""

    texts: list[str]
    granted: bool = True
    asked: list[ApprovalAsked] = field(default_factory=list)

    def ask(self, request: ApprovalAsked) -> ApprovalAnswered:
        self.asked.append(request)
        if self.texts:
            text = self.texts.pop(0)
            # An edit is no yes, whatever else the answer says.
            return ApprovalAnswered(True, "user", request.digest, for_good=True, edited=text)
        return ApprovalAnswered(self.granted, "user", request.digest, for_good=True)


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "state" / "approvals.json"


@pytest.fixture
def small(tmp_path: Path) -> Path:
    return make_repository(tmp_path / "small repo", {"a.py": "A = 1\n", "b.py": "B = 1\n"})


@pytest.fixture(scope="module")
def still(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository that no test changes."""
    files = {"a.py": "A = 1\n", "b.py": "B = 1\n", "Makefile": MAKEFILE}
    with pytest.MonkeyPatch.context() as patch:  # before `isolation`, which is of each test
        for name in [name for name in os.environ if name.startswith("GIT_")]:
            patch.delenv(name)
        for name, value in GIT_ENVIRONMENT.items():
            patch.setenv(name, value)
        return make_repository(tmp_path_factory.mktemp("still") / "a repo", files | FILES)


@pytest.fixture
def root(tmp_path: Path, still: Path) -> Path:
    """A repository of one's own."""
    return shutil.copytree(still, tmp_path / "a repo")


def answered(
    root: Path, approver: Approver, plan: str = "", suite: TestCommand | None = None
) -> str:
    """How what a plan makes run was answered: "user", "remembered", "nobody", or "" unasked."""
    told: list[Any] = []
    approvals = Approvals(root, EventStream("run", (lambda r: told.append(r.event),)), approver)
    parsed = parse_plan(plan or "- [ ] Change `a.py`.\n", "plan.md")
    steps = [step for step in parsed.steps if not step.checked]
    own = parse_command(parsed.test, "plan") if parsed.test else None
    with suppress(ApprovalNeeded):
        approvals.require([Wanted(parsed, suite or own, steps)])
    answers = [event.by for event in told if isinstance(event, ApprovalAnswered)]
    return answers[0] if answers else ""


def asked(root: Path, text: str) -> ApprovalAsked:
    """The question for one command of a plan."""
    yes = Yes()
    answered(root, yes, suite=parse_command(text, "plan"))
    [request] = yes.asked
    return request
