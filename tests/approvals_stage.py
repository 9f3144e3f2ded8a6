"""For tests of approvals: a small repository, and the place of what is remembered.

The fixtures are for those who give them a name: `store = approvals_stage.store`.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.loop_stage import make_repository


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "state" / "approvals.json"


@pytest.fixture
def small(tmp_path: Path) -> Path:
    return make_repository(tmp_path / "small repo", {"a.py": "A = 1\n", "b.py": "B = 1\n"})
