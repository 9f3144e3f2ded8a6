"""The tasks that ship with the package: a folder each, below `suite/<kind>/<id>`.

task.toml   language, level, files, and the checks by name
task.md     what the agent is told; for a plan, the plan
start/      files of the first commit        tests/   visible tests
hidden/     tests that only judge            oracle/  what solves it, laid over start/

A file of oracle/ is whole, or, where most of start/'s is kept, edits of that one: `NAME.edits` has
the blocks of `search_replace`, and what each searches for is there once.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec

from qwenagent.errors import AssetError, EditRefused
from qwenagent.evals.task import REGRESSION, Check, Kind, Task
from qwenagent.tools.search import search_replaced

SUITE = Path(__file__).parent / "suite"
_EDITS = ".edits"
_LEFT_BY_TOOLS = {"__pycache__", ".pytest_cache", "target"}
_CARRY_OUT = "Carry out every step of `plan.md`, in order. Do not change the existing tests.\n\n"


@dataclass(frozen=True, slots=True)
class _Meta:
    language: Literal["python", "javascript", "rust", "go"]
    level: Literal[1, 2, 3]
    files: tuple[str, ...]
    checks: dict[str, str]


def shipped_tasks(kind: Kind, folder: Path = SUITE) -> list[Task]:
    """Return the shipped tasks of a kind, by id.

    Raises:
        AssetError: a task is malformed.
    """
    return [_read(path.parent, kind) for path in sorted((folder / kind).glob("*/task.toml"))]


def _read(folder: Path, kind: Kind) -> Task:
    try:
        raw = tomllib.loads((folder / "task.toml").read_text(encoding="utf-8"))
        meta = msgspec.convert(raw, _Meta)
        text = (folder / "task.md").read_text(encoding="utf-8")
    except (OSError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise AssetError(f"task {kind}/{folder.name}: {error}") from error
    checks = tuple(Check(name, tuple(shell.split())) for name, shell in meta.checks.items())
    start, tests = _files(folder / "start"), _files(folder / "tests")
    if kind == "plan":
        start["plan.md"] = text
    seen = [check.argv for check in checks if kind == "fix" or check.name == REGRESSION]
    return Task(
        suite="shipped",
        kind=kind,
        id=folder.name,
        language=meta.language,
        level=meta.level,
        prompt=_CARRY_OUT + text if kind == "plan" else text,
        base=start | tests,
        tests=tests | _files(folder / "hidden"),
        checks=checks,
        files=meta.files,
        visible=kind == "fix",
        seen=seen[0] if seen else (),
        oracle=_solution(folder, start),
    )


def _solution(folder: Path, start: Mapping[str, str]) -> dict[str, str]:
    """Return the files of a task's `oracle/`, those that are edits of `start` carried out.

    Raises:
        AssetError: edits cannot be carried out exactly as they are written.
    """
    written = _files(folder / "oracle")
    solved: dict[str, str] = {}
    for name, text in written.items():
        path = name.removesuffix(_EDITS)
        try:
            solved[path] = text if path == name else _edited(path, text, start, written)
        except EditRefused as error:
            task = f"{folder.parent.name}/{folder.name}"
            raise AssetError(f"task {task}: oracle/{name}: {error.message}") from error
    return solved


def _edited(path: str, edits: str, start: Mapping[str, str], written: Mapping[str, str]) -> str:
    if path in written:
        raise EditRefused(f"{path} is there as a whole too; leave one of them out")
    if path not in start:
        raise EditRefused(f"there is no start/{path} that could be edited; write the file whole")
    return search_replaced(path, start[path], edits).text


def _files(folder: Path) -> dict[str, str]:
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {
        path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8")
        for path in paths
        if not _LEFT_BY_TOOLS.intersection(path.parts)
    }
