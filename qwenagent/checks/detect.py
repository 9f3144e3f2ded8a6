"""Finds the command that runs a project's tests, from its files alone.

The most specific hint first:

1. pytest, if there is a conftest.py or a section for it (pytest.ini, pyproject.toml, tox.ini,
   setup.cfg);
2. Python test files, in a tree with a Python project file or without any other manifest:
   pytest if one of them needs it, else unittest;
3. package.json with a test script of its own, by the package manager whose lock file is there;
4. Cargo.toml;  5. go.mod;
6. Python test files beside other manifests;
7. JavaScript files that import node:test;
8. a Makefile with the target `test` or `check`.

Runs nothing.
"""

from __future__ import annotations

import itertools
import json
import os
import re
import shlex
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from qwenagent.protocol.checks import TestCommand

_MAX_FILES = 20_000
_MAX_READ_BYTES = 200_000
_NOT_OURS = frozenset(
    [
        "node_modules",
        "site-packages",
        "venv",
        "env",
        "build",
        "dist",
        "target",
        "vendor",
        "__pycache__",
        "third_party",
    ]
)
_PYTEST_SECTIONS = (
    ("pyproject.toml", r"^\s*\[tool\.pytest(\.ini_options)?\]"),
    ("tox.ini", r"^\[pytest\]"),
    ("setup.cfg", r"^\[tool:pytest\]"),
)
_PYTHON_PROJECT = ("pyproject.toml", "setup.py", "setup.cfg", "requirements.txt", "tox.ini")
_OTHER_PROJECT = ("package.json", "Cargo.toml", "go.mod")
_NEEDS_PYTEST = re.compile(
    r"^\s*(?:import|from)\s+pytest\b|^(?:async\s+)?def\s+test|^class\s+Test\w*\s*(?:\(\s*\))?\s*:",
    re.MULTILINE,
)
_NODE_LOCKS = (
    ("pnpm-lock.yaml", "pnpm test"),
    ("yarn.lock", "yarn test"),
    ("bun.lock", "bun run test"),
    ("bun.lockb", "bun run test"),
)


def detect(root: Path) -> TestCommand | None:
    """Return the command that runs the project's tests, None if there is no hint of any."""
    files = list(itertools.islice(_files(root), _MAX_FILES))
    if _has_pytest_config(root, files):
        return _command("python -m pytest")
    tests = [path for path in files if _is_python_test(path)]
    is_python = _has(root, _PYTHON_PROJECT) or not _has(root, _OTHER_PROJECT)
    return (
        (_for_python(root, tests) if is_python else None)
        or _for_package_json(root)
        or (_command("cargo test") if _has(root, ("Cargo.toml",)) else None)
        or (_command("go test ./...") if _has(root, ("go.mod",)) else None)
        or _for_python(root, tests)
        or _for_node(root, files)
        or _for_make(root)
    )


def _command(text: str) -> TestCommand:
    words = shlex.split(text)
    return TestCommand(("env", *words) if "=" in words[0] else tuple(words), text, "detected")


def _has(root: Path, names: tuple[str, ...]) -> bool:
    return any((root / name).is_file() for name in names)


def _files(root: Path) -> Iterator[PurePosixPath]:
    """Yield the files of the tree in a fixed order, without hidden, built and foreign folders."""
    for folder, names, files in os.walk(root):
        inside = Path(folder).relative_to(root)
        names[:] = sorted(
            name
            for name in names
            if not name.startswith(".")
            and name not in _NOT_OURS
            and not Path(folder, name, "pyvenv.cfg").is_file()
        )
        for name in sorted(files):
            yield PurePosixPath(inside.as_posix()) / name


def _read(path: Path) -> str:
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            return file.read(_MAX_READ_BYTES)
    except OSError:  # missing, a folder, a broken link, not readable: no hint
        return ""


def _has_pytest_config(root: Path, files: list[PurePosixPath]) -> bool:
    if _has(root, ("pytest.ini", ".pytest.ini", "pytest.toml", ".pytest.toml")):
        return True
    if any(path.name == "conftest.py" for path in files):
        return True
    return any(
        re.search(section, _read(root / name), re.MULTILINE) for name, section in _PYTEST_SECTIONS
    )


def _is_python_test(path: PurePosixPath) -> bool:
    return path.suffix == ".py" and (
        path.stem.startswith("test_") or path.stem.endswith("_test") or path.stem == "tests"
    )


def _for_python(root: Path, tests: list[PurePosixPath]) -> TestCommand | None:
    texts = {path: _read(root / path) for path in tests}
    if any(_NEEDS_PYTEST.search(text) for text in texts.values()):
        return _command("python -m pytest")
    cases = [path for path, text in texts.items() if "unittest" in text]
    return _unittest(root, cases) if cases else None


def _unittest(root: Path, cases: list[PurePosixPath]) -> TestCommand:
    words = ["python", "-m", "unittest", *_discovery(root, cases)]
    src = root / "src"
    if src.is_dir() and not (src / "__init__.py").exists():
        words.insert(0, "PYTHONPATH=src")
    return _command(shlex.join(words))


def _discovery(root: Path, cases: list[PurePosixPath]) -> list[str]:
    """Return the arguments that let unittest find the files, by name if discovery cannot."""
    start = PurePosixPath(os.path.commonpath([path.parent for path in cases]))
    folders = {path.parent for path in cases}
    reached = {start, *(p for f in folders for p in (f, *f.parents) if start in p.parents)}
    if not all(_is_package(root, folder) for folder in reached - {start}):
        return ["-v", *map(str, cases)]
    top = start
    while _is_package(root, top):
        top = top.parent
    words = ["discover", "-v", "-s", str(start)]
    if top != start:
        words += ["-t", str(top)]
    pattern = _pattern(cases)
    return words if pattern == "test*.py" else [*words, "-p", pattern]


def _is_package(root: Path, folder: PurePosixPath) -> bool:
    return folder != PurePosixPath() and (root / folder / "__init__.py").is_file()


def _pattern(cases: list[PurePosixPath]) -> str:
    ahead = [path.stem.startswith("test") for path in cases]
    if all(ahead):
        return "test*.py"
    return "*test*.py" if any(ahead) else "*_test.py"


def _for_package_json(root: Path) -> TestCommand | None:
    try:
        package = json.loads(_read(root / "package.json") or "null")
    except ValueError:
        return None
    scripts = package.get("scripts") if isinstance(package, dict) else None
    script = scripts.get("test") if isinstance(scripts, dict) else None
    if not isinstance(script, str) or not script.strip() or "no test specified" in script:
        return None
    by_lock = (text for lock, text in _NODE_LOCKS if (root / lock).is_file())
    return _command(next(by_lock, "npm test"))


def _for_node(root: Path, files: list[PurePosixPath]) -> TestCommand | None:
    scripts = (path for path in files if path.suffix in (".js", ".mjs", ".cjs"))
    imports = re.compile(r"""(?:from|require\()\s*["']node:test["']""")
    if any(imports.search(_read(root / path)) for path in scripts):
        return _command("node --test")
    return None


def _for_make(root: Path) -> TestCommand | None:
    names = ("GNUmakefile", "makefile", "Makefile")  # as GNU make looks for them
    text = next((text for name in names if (text := _read(root / name))), "")
    rules = (re.match(r"([^\t#=:][^=:#]*):(?!=)", line) for line in text.splitlines())
    targets = {target for rule in rules if rule for target in rule[1].split()}
    wanted = next((name for name in ("test", "check") if name in targets), None)
    return _command(f"make {wanted}") if wanted else None
