"""Formatters and linters as commands: their words, the files they are for, how they fail.

Knows neither which of them a project has configured nor what they print.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from qwenagent.checks.command import typed
from qwenagent.checks.smallfile import toml_of
from qwenagent.protocol.checks import TestCommand, TestRun

Says = Literal["", "ruff", "eslint", "biome"]
"""How a tool tells complaints; one that tells none is a formatter."""

_PYTHON = (".py", ".pyi")
_SCRIPT = (".js", ".jsx", ".mjs", ".cjs", ".ts", ".tsx", ".mts", ".cts", ".vue", ".svelte")
_WEB = (".css", ".scss", ".less", ".html", ".json", ".md", ".yaml", ".yml", ".graphql")
_C = (".c", ".cc", ".cpp", ".cxx", ".h", ".hh", ".hpp", ".hxx", ".m", ".mm")
_OLDEST_EDITION = "2015"
"""What rustc takes where a Cargo.toml says nothing."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A tool as it is started: safe fixes alone, nothing cached in the tree."""

    argv: tuple[str, ...]
    """Without the files."""
    suffixes: tuple[str, ...]
    says: Says = ""
    is_one: bool = True
    """One for all that lies below: it looks up its settings from the file that it is given."""


KINDS: dict[str, Kind] = {
    # Linters first: what they mend has to be laid out again.
    "eslint": Kind(("eslint", "--fix", "--format=json"), _SCRIPT, "eslint", is_one=False),
    "ruff-check": Kind(
        (
            *("ruff", "check", "--fix", "--no-unsafe-fixes", "--no-cache", "--force-exclude"),
            "--output-format=concise",
        ),
        _PYTHON,
        "ruff",
    ),
    "isort": Kind(("isort", "--filter-files", "--quiet"), _PYTHON, is_one=False),
    "black": Kind(("black", "--quiet"), _PYTHON, is_one=False),
    "ruff-format": Kind(("ruff", "format", "--no-cache", "--force-exclude"), _PYTHON),
    "prettier": Kind(("prettier", "--write", "--ignore-unknown"), (*_SCRIPT, *_WEB), is_one=False),
    "biome": Kind(
        (
            *("biome", "check", "--write", "--no-errors-on-unmatched"),
            *("--files-ignore-unknown=true", "--reporter=github"),
        ),
        (*_SCRIPT, ".json", ".jsonc", ".css"),
        "biome",
        is_one=False,
    ),
    "goimports": Kind(("goimports", "-w"), (".go",)),
    "gofmt": Kind(("gofmt", "-w"), (".go",)),
    "rustfmt": Kind(("rustfmt",), (".rs",)),
    "clang-format": Kind(("clang-format", "-i", "--style=file", "--fallback-style=none"), _C),
}
"""In the order in which they run."""


@dataclass(frozen=True, slots=True)
class HouseTool:
    """A tool that a project has configured and that is installed."""

    name: str
    """A key of KINDS."""
    home: str = "."
    """The folder of its settings, relative to the repository: it runs there."""

    @property
    def says(self) -> Says:
        """How it tells complaints."""
        return KINDS[self.name].says

    @property
    def command(self) -> TestCommand:
        """What is approved: the command without the files that follow."""
        argv = KINDS[self.name].argv
        return TestCommand(argv, typed(argv), "detected", self.home)

    def on(self, files: Sequence[str], root: Path) -> TestCommand:
        """Return the command for some files, which are relative to the repository."""
        argv = KINDS[self.name].argv
        if self.name == "rustfmt":
            argv = (*argv, "--edition", _edition(root, files[0]))
        shown = (PurePosixPath(file).relative_to(self.home).as_posix() for file in files)
        # A name that begins like an option is one for every tool.
        argv = (*argv, *(f"./{name}" if name.startswith("-") else name for name in shown))
        return TestCommand(argv, typed(argv), "detected", self.home)


def assigned(tools: Iterable[HouseTool], files: Sequence[str]) -> list[tuple[HouseTool, list[str]]]:
    """Return the tools that have something to do, in order, each with its files.

    Of several homes of one tool a file belongs to the nearest.
    """
    tools = list(tools)
    found: dict[HouseTool, list[str]] = {}
    for name, kind in KINDS.items():
        own = [tool for tool in tools if tool.name == name]
        for file in files:
            if file.lower().endswith(kind.suffixes) and (tool := _nearest(own, file)):
                found.setdefault(tool, []).append(file)
    return list(found.items())


def _nearest(tools: Iterable[HouseTool], file: str) -> HouseTool | None:
    holding = [tool for tool in tools if PurePosixPath(file).is_relative_to(tool.home)]
    return max(holding, key=lambda tool: len(PurePosixPath(tool.home).parts), default=None)


def has_failed(tool: HouseTool, run: TestRun) -> bool:
    """Return whether a tool broke off; a linter's exit code 1 says that complaints are left."""
    return run.timed_out or run.exit_code not in ((0, 1) if tool.says else (0,))


def _edition(root: Path, file: str) -> str:
    """Return the Rust edition of the package that a file belongs to."""
    is_inherited = False
    for folder in (root / file).parents:
        if not folder.is_relative_to(root):
            break
        cargo = toml_of(folder / "Cargo.toml")
        package: Any = cargo.get("package")
        if is_inherited:
            workspace: Any = cargo.get("workspace")
            package = workspace.get("package") if isinstance(workspace, dict) else None
        edition = package.get("edition") if isinstance(package, dict) else None
        if isinstance(edition, str):
            return edition if edition.isdigit() else _OLDEST_EDITION
        if isinstance(package, dict) and not isinstance(edition, dict):
            return _OLDEST_EDITION
        is_inherited = is_inherited or isinstance(edition, dict)
    return _OLDEST_EDITION
