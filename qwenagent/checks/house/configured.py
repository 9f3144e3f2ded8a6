"""Which formatters and linters a project has configured, by its own files. Starts nothing."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from qwenagent.checks.house.tool import KINDS, HouseTool
from qwenagent.checks.npm_scripts import package_of
from qwenagent.checks.smallfile import text_of, toml_of

MAX_TOOLS = 12
"""In all folders of a repository: each is a line that somebody has to read and approve."""
_CONFIGURING = re.compile(
    r"(?:pyproject\.toml|\.?ruff\.toml|\.isort\.cfg|setup\.cfg|tox\.ini|package\.json|go\.mod"
    r"|\.prettierrc.*|prettier\.config\..+|\.eslintrc.*|eslint\.config\..+|\.?biome\.jsonc?"
    r"|Cargo\.toml|\.?rustfmt\.toml|[._]clang-format|\.pre-commit-config\.yaml"
    r"|\.golangci\.ya?ml)"
)
_HOOK = re.compile(r"""^\s*-\s*(?:\{\s*)?id:\s*["']?([\w-]+)""", re.MULTILINE)
_ISORT_SECTION = re.compile(r"^\[(?:tool:)?isort\]", re.MULTILINE)
_RUFF_LINTS = frozenset({"ruff", "ruff-check"})


@dataclass(frozen=True, slots=True)
class _Folder:
    """What the files of one folder say."""

    path: Path
    names: frozenset[str]

    def text(self, *names: str) -> str:
        return "\n".join(text_of(self.path / name) for name in names if name in self.names)

    def has(self, pattern: str) -> bool:
        return any(re.fullmatch(pattern, name) for name in self.names)

    @property
    def hooks(self) -> frozenset[str]:
        return frozenset(_HOOK.findall(self.text(".pre-commit-config.yaml")))

    @property
    def python_tools(self) -> dict[str, Any]:
        told = toml_of(self.path / "pyproject.toml") if "pyproject.toml" in self.names else {}
        found = told.get("tool")
        return found if isinstance(found, dict) else {}


def find_tools(
    root: Path, files: Iterable[str], has_program: Callable[[str, Path], bool]
) -> tuple[HouseTool, ...]:
    """Return what is configured in a repository and installed, those of the root first.

    `files` are the repository's. `has_program` says whether a command in a folder finds one.
    """
    found: list[HouseTool] = []
    for folder in _folders(root, files):
        home = folder.path.relative_to(root).as_posix()
        for name in _configured(folder):
            tool = HouseTool(name, home)
            is_known = KINDS[name].is_one and any(_holds(other, tool) for other in found)
            if not is_known and has_program(KINDS[name].argv[0], folder.path):
                found.append(tool)
    return tuple(found[:MAX_TOOLS])


def _folders(root: Path, files: Iterable[str]) -> list[_Folder]:
    named: dict[PurePosixPath, set[str]] = {}
    for path in map(PurePosixPath, files):
        if _CONFIGURING.fullmatch(path.name):
            named.setdefault(path.parent, set()).add(path.name)
    nearest = sorted(named, key=lambda folder: (len(folder.parts), folder))
    return [_Folder(root / folder, frozenset(named[folder])) for folder in nearest]


def _holds(tool: HouseTool, other: HouseTool) -> bool:
    return tool.name == other.name and PurePosixPath(other.home).is_relative_to(tool.home)


def _configured(folder: _Folder) -> Iterator[str]:
    hooks = folder.hooks
    yield from _of_python(folder, hooks)
    yield from _of_node(folder, hooks)
    if "go.mod" in folder.names:
        wants_imports = hooks & {"goimports", "go-imports"} or re.search(
            r"^\s*-?\s*goimports\b", folder.text(".golangci.yml", ".golangci.yaml"), re.MULTILINE
        )
        yield "goimports" if wants_imports else "gofmt"
    if folder.names & {"Cargo.toml", "rustfmt.toml", ".rustfmt.toml"}:
        yield "rustfmt"
    if folder.names & {".clang-format", "_clang-format"}:
        yield "clang-format"


def _of_python(folder: _Folder, hooks: frozenset[str]) -> Iterator[str]:
    tools = folder.python_tools
    is_black = "black" in tools or bool(hooks & {"black", "black-jupyter"})
    is_ruff = "ruff" in tools or folder.has(r"\.?ruff\.toml")
    if is_ruff or hooks & _RUFF_LINTS:
        yield "ruff-check"
    if (
        "isort" in tools
        or "isort" in hooks
        or ".isort.cfg" in folder.names
        or _ISORT_SECTION.search(folder.text("setup.cfg", "tox.ini"))
    ):
        yield "isort"
    if is_black:
        yield "black"
    # Whoever lays out code with something else, or checks with ruff alone, configures ruff, too.
    if "ruff-format" in hooks or (is_ruff and not is_black and not hooks & _RUFF_LINTS):
        yield "ruff-format"


def _of_node(folder: _Folder, hooks: frozenset[str]) -> Iterator[str]:
    package = package_of(folder.path) if "package.json" in folder.names else {}
    if folder.has(r"\.eslintrc.*|eslint\.config\..+") or "eslintConfig" in package:
        yield "eslint"
    if (
        folder.has(r"\.prettierrc.*|prettier\.config\..+")
        or "prettier" in package
        or "prettier" in hooks
        or _speaks_of(package, "prettier")
    ):
        yield "prettier"
    if folder.has(r"\.?biome\.jsonc?"):
        yield "biome"


def _speaks_of(package: dict[str, Any], program: str) -> bool:
    """Return whether a package.json depends on a program or has a script that starts it."""
    needed = [package.get(key) for key in ("devDependencies", "dependencies")]
    if any(isinstance(names, dict) and program in names for names in needed):
        return True
    scripts = package.get("scripts")
    texts = scripts.values() if isinstance(scripts, dict) else ()
    return any(program in text.split() for text in texts if isinstance(text, str))
