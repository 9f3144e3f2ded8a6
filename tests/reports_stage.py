"""Recorded reports of test runners, and files for them to speak of."""

from __future__ import annotations

from pathlib import Path

import pytest

RECORDED = Path(__file__).parent / "data" / "reports"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The folder of a project, with a space in its name."""
    folder = tmp_path / "my repo"
    folder.mkdir()
    return folder.resolve()


def recorded(name: str, root: Path) -> str:
    """Real output of a runner, with this root in the place of the one it was recorded in."""
    return (RECORDED / f"{name}.txt").read_text(encoding="utf-8").replace("/repo", str(root))


def as_file(name: str, root: Path) -> Path:
    path = root.parent / "report"
    path.write_text(recorded(name, root), encoding="utf-8")
    return path


def write(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
