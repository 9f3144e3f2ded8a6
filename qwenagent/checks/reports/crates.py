"""Which folder of a Cargo workspace a crate or a test file belongs to.

Reads the manifests of the package at hand and of the workspace's members; starts nothing.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

_MAX_MEMBERS = 500


def crate_folders(cwd: Path, root: Path) -> dict[str, Path]:
    """Return the folders of the packages by crate name, the nearest package first."""
    found: dict[str, Path] = {}
    for folder in (cwd, *cwd.parents):
        manifest = _manifest(folder)
        if manifest:
            for name in _crates(manifest):
                found.setdefault(name, folder)
            for member in _members(folder, manifest):
                for name in _crates(_manifest(member)):
                    found.setdefault(name, member)
        if folder == root or not folder.is_relative_to(root):
            break
    return found


def _manifest(folder: Path) -> dict[str, Any]:
    try:
        return tomllib.loads((folder / "Cargo.toml").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


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
        if isinstance(pattern, str) and re.match(r"(?!/)(?!.*\*\*)(?!.*\.\.).+", pattern):
            found += sorted(p for p in folder.glob(pattern) if (p / "Cargo.toml").is_file())
    return found[:_MAX_MEMBERS]
