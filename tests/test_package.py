from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from qwenagent.demo import SAMPLE, copy_sample
from qwenagent.errors import UsageError
from tests.conftest import run_git

CHECKOUT = Path(__file__).parent.parent
HEAVY = ("rich", "prompt_toolkit", "llama_cpp", "git", "httpx2", "numpy", "tree_sitter")


def test_the_command_line_starts_without_what_is_heavy():
    code = "import sys, qwenagent.cli; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=CHECKOUT
    )
    assert [name for name in HEAVY if name in done.stdout.split()] == []


def sample_files(root: Path) -> list[str]:
    files = [p.relative_to(root) for p in root.rglob("*") if p.is_file()]
    hidden = {".git", "__pycache__", ".pytest_cache"}
    return sorted(p.as_posix() for p in files if not hidden & set(p.parts))


def test_the_sample_becomes_a_repository(tmp_path):
    folder = tmp_path / "new" / "my demo"
    copy_sample(folder)
    assert sample_files(folder) == sample_files(SAMPLE)
    assert run_git(folder, "status", "--porcelain", "--ignored") == ""
    assert run_git(folder, "log", "--format=%s").strip() == "the sample project"


def test_the_sample_wants_a_folder_of_its_own(tmp_path):
    (tmp_path / "mine.txt").write_text("x")
    with pytest.raises(UsageError, match="is not empty"):
        copy_sample(tmp_path)
    with pytest.raises(UsageError, match="is not empty"):
        copy_sample(tmp_path / "mine.txt")
    with pytest.raises(UsageError, match="cannot be made"):
        copy_sample(tmp_path / "mine.txt" / "below")


def expected_files(root: Path) -> set[str]:
    """What the wheel has to hold, but for its own metadata."""
    data = {
        f"qwenagent/_data/{path.relative_to(root).as_posix()}"
        for kind, suffix in (("prompts", "md"), ("grammars", "gbnf"), ("models", "toml"))
        for path in (root / kind).glob(f"*.{suffix}")
    }
    package = {f"qwenagent/{name}" for name in sample_files(root / "qwenagent")}
    return data | package


@pytest.mark.slow
def test_the_wheel_holds_all_files_and_no_weights(tmp_path):
    source = tmp_path / "source"
    caches = shutil.ignore_patterns("__pycache__", ".*_cache", ".git", ".venv", "dist", "build")
    shutil.copytree(CHECKOUT, source, ignore=caches)
    (source / "models" / "stray.gguf").write_bytes(b"GGUF")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path / "dist")],
        cwd=source,
        check=True,
        capture_output=True,
        env={**os.environ, "SOURCE_DATE_EPOCH": "1700000000"},
    )
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    files = {name for name in names if ".dist-info/" not in name}
    assert files == expected_files(source)
    assert "qwenagent/demo/sample/.gitignore" in files
    assert {"qwenagent/_data/prompts/system.md", "qwenagent/demo/sample/plan.md"} <= files
