"""Which folder of a Cargo workspace a crate or a test file belongs to.

Reads the manifests of the package at hand and of the workspace's members; starts nothing.
"""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Any

from qwenagent.checks.smallfile import toml_of

_MAX_MEMBERS = 500


def crate_folders(cwd: Path, root: Path) -> dict[str, Path]:
    """Return the folders of the packages by crate name, the nearest package first."""
    found: dict[str, Path] = {}
    for folder in (cwd, *cwd.parents):
        manifest = toml_of(folder / "Cargo.toml")
        if manifest:
            for name in _crates(manifest):
                found.setdefault(name, folder)
            for member in _members(folder, manifest):
                for name in _crates(toml_of(member / "Cargo.toml")):
                    found.setdefault(name, member)
        if folder == root or not folder.is_relative_to(root):
            break
    return found


def _crates(manifest: dict[str, Any]) -> list[str]:
    package, library = manifest.get("package"), manifest.get("lib")
    tables = [table for table in (package, library) if isinstance(table, dict)]
    binaries = manifest.get("bin")
    if isinstance(binaries, list):
        tables += [table for table in binaries if isinstance(table, dict)]
    return [str(table["name"]).replace("-", "_") for table in tables if "name" in table]


def _members(folder: Path, manifest: dict[str, Any]) -> list[Path]:
    workspace = manifest.get("workspace")
    patterns = workspace.get("members") if isinstance(workspace, dict) else None
    found: list[Path] = []
    for pattern in patterns if isinstance(patterns, list) else []:
        if isinstance(pattern, str) and _leads_inside(pattern):
            found += _matching(folder, pattern)
    return found[:_MAX_MEMBERS]


def _leads_inside(pattern: str) -> bool:
    """Return whether a pattern is of folders below; "." is the package itself, which is known."""
    path = PurePosixPath(pattern)
    return bool(path.parts) and not path.is_absolute() and not {"..", "**"} & set(path.parts)


def _matching(folder: Path, pattern: str) -> list[Path]:
    try:
        return sorted(path for path in folder.glob(pattern) if (path / "Cargo.toml").is_file())
    except (OSError, ValueError):  # a name that is too long, `a**`
        return []
