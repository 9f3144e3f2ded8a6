"""Which interpreter and tools belong to a project, and the environment to run them in.

The first of these that is there and works:

1. `.venv`, `venv` or `env` in the tree;
2. what uv.lock, poetry.lock or Pipfile stand for, if that tool is on PATH;
3. `$VIRTUAL_ENV`, then `$CONDA_PREFIX`, unless it is the environment qwenagent is installed in;
4. python3 or python on PATH, without the folder of qwenagent's own environment;
5. the interpreter that qwenagent's own environment was made from.

One exception: if the user activated qwenagent's own environment and the interpreter that 4 or 5
found lacks the module that the test command needs, qwenagent's own environment is the project's
too, and `why` says so. Knows nothing of test commands.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from qwenagent.errors import ChecksError
from qwenagent.sandbox import find_program, run, scrubbed

_PROBE_S = 5.0
_IN_TREE = (".venv", "venv", "env")
_PYTHONS = ("bin/python", "bin/python3", "Scripts/python.exe")
# An installation without an environment of its own is the user's interpreter like any other.
_OWN = sys.prefix if sys.prefix != sys.base_prefix else ""

# lock file, tool, arguments that print the interpreter of the tool's environment
_ASKED = (
    ("poetry.lock", "poetry", ("env", "info", "--executable")),
    ("Pipfile", "pipenv", ("--py",)),
)
# `--no-sync` would leave an empty .venv in the tree: this fills it from uv's cache, offline.
_UV_RUN = ("uv", "run", "--frozen", "--offline")


@dataclass(frozen=True, slots=True)
class ProjectTools:
    """The interpreter and tools of a project."""

    python: str | None
    """Absolute path; None if there is no Python, or if `runner` chooses it."""
    runner: tuple[str, ...]
    """Words to put before a Python command, usually none."""
    env: dict[str, str]
    """The whole environment for project code, without secrets."""
    why: str
    """Where this comes from, for people."""


@dataclass(frozen=True, slots=True)
class _Found:
    why: str
    python: str | None = None
    venv: Path | None = None
    runner: tuple[str, ...] = ()


def project_tools(
    root: Path, environ: Mapping[str, str], *, needs: str = "", own: str = _OWN
) -> ProjectTools:
    """Find the project's interpreter and tools; may start interpreters, 5 s each at most.

    `needs` is the module that the test command starts ("pytest"). `own` is the environment that
    qwenagent is installed in, empty if it has none of its own.
    """
    env = scrubbed(environ)
    active = env.pop("VIRTUAL_ENV", "")
    env["PATH"] = _path_without(env["PATH"], own)
    found = (
        _in_tree(root)
        or _of_uv(root, env)
        or _of_manager(root, env)
        or _activated(active, env.get("CONDA_PREFIX", ""), own)
        or _on_path(root, env, own, needs=needs, active=active)
    )
    prefix = _path_prefix(root, found)
    if found.venv:
        env["VIRTUAL_ENV"] = str(found.venv)
        env.pop("PYTHONHOME", None)
    env["PATH"] = os.pathsep.join([*prefix, env["PATH"]] if env["PATH"] else prefix)
    return ProjectTools(found.python, found.runner, env, found.why)


def home_of(folder: Path, root: Path) -> Path:
    """Return the nearest folder, from `folder` up to `root`, with an environment of its own."""
    if not folder.is_relative_to(root.resolve()):
        return root
    n_above = len(folder.parts) - len(root.resolve().parts)
    for home in [folder, *folder.parents][:n_above]:
        locked = any((home / lock).is_file() for lock in ("uv.lock", *(ask[0] for ask in _ASKED)))
        if locked or any((home / name / "pyvenv.cfg").is_file() for name in _IN_TREE):
            return home
    return root


def _path_without(path: str, own: str) -> str:
    """Take the program folder of an environment off a PATH."""
    if not own:
        return path
    unwanted = {(Path(own) / name).resolve() for name in ("bin", "Scripts")}
    folders = path.split(os.pathsep)
    return os.pathsep.join(f for f in folders if not f or Path(f).resolve() not in unwanted)


def _path_prefix(root: Path, found: _Found) -> tuple[str, ...]:
    node = root.absolute() / "node_modules" / ".bin"
    folders = [str(Path(found.python).parent)] if found.venv and found.python else []
    return (*folders, str(node)) if node.is_dir() else tuple(folders)


def environment_python(folder: Path) -> str | None:
    """Return the interpreter of a virtual environment, None if it has none that can start."""
    for name in _PYTHONS:
        python = folder.absolute() / name
        if python.is_file() and os.access(python, os.X_OK):
            return str(python)
    return None


def _in_tree(root: Path) -> _Found | None:
    for name in _IN_TREE:
        folder = root.absolute() / name
        if (folder / "pyvenv.cfg").is_file() and (python := environment_python(folder)):
            return _Found(f"{name} in the repository", python, folder)
    return None


def _of_uv(root: Path, env: Mapping[str, str]) -> _Found | None:
    if not (root / "uv.lock").is_file() or not find_program("uv", cwd=root, env=env):
        return None
    return _Found("uv.lock and uv on PATH", runner=_UV_RUN)


def _of_manager(root: Path, env: Mapping[str, str]) -> _Found | None:
    for lock, tool, question in _ASKED:
        if (root / lock).is_file() and find_program(tool, cwd=root, env=env):
            python = _answer((tool, *question), root, env)
            if python and Path(python).is_file():
                return _Found(f"{lock} and {tool} on PATH", python, Path(python).parent.parent)
    return None


def _activated(active: str, conda: str, own: str) -> _Found | None:
    for name, folder in (("VIRTUAL_ENV", active), ("CONDA_PREFIX", conda)):
        if not folder or _same_folder(folder, own):
            continue
        if python := environment_python(Path(folder)):
            return _Found(f"${name} is {folder}", python, Path(folder))
    return None


def _on_path(root: Path, env: Mapping[str, str], own: str, *, needs: str, active: str) -> _Found:
    python = next(_working(root, env, own), None)
    if own and _same_folder(active, own) and not _imports(python, needs, root, env):
        mine = environment_python(Path(own))
        if _imports(mine, needs, root, env):
            other = f"{python} has no {needs}" if python else "there is no other Python"
            return _Found(f"{own}, qwenagent's own environment: {other}", mine, Path(own))
    if python is None:
        return _Found("no Python in the repository, in $VIRTUAL_ENV or on PATH")
    return _Found(f"{python}, the first Python on PATH that works", python)


def _working(root: Path, env: Mapping[str, str], own: str) -> Iterator[str]:
    """Yield interpreters that start and are not our own; a shim answers with what it stands for."""
    for candidate in _candidates(root, env, own):
        code = "import sys; print(sys.prefix, sys.executable, sep='\\t')"
        prefix, _, python = _answer((candidate, "-c", code), root, env).partition("\t")
        if python and not _same_folder(prefix, own):
            yield python


def _candidates(root: Path, env: Mapping[str, str], own: str) -> Iterator[str]:
    for name in ("python3", "python"):
        if program := find_program(name, cwd=root, env=env):
            yield program
    if own and (base := _base_folder(Path(own))):
        yield from (str(p) for name in ("python3", "python") if (p := base / name).is_file())


def _base_folder(venv: Path) -> Path | None:
    """Return the folder of the interpreter that a virtual environment was made from."""
    config = venv / "pyvenv.cfg"
    lines = config.read_text(encoding="utf-8").splitlines() if config.is_file() else []
    pairs = (line.partition("=") for line in lines)
    return next((Path(v.strip()) for key, _, v in pairs if key.strip() == "home"), None)


def _imports(python: str | None, module: str, root: Path, env: Mapping[str, str]) -> bool:
    if python is None:
        return False
    return not module or has_module(python, module, root, env)


def has_module(python: str, module: str, root: Path, env: Mapping[str, str]) -> bool:
    """True if an interpreter can find a module; it is looked for, not imported."""
    code = f"import importlib.util as u; print(u.find_spec({module!r}) is not None)"
    return _answer((python, "-c", code), root, env) == "True"


def _answer(argv: tuple[str, ...], root: Path, env: Mapping[str, str]) -> str:
    """Return the last line that a quick command prints (warnings come first), "" if it fails."""
    try:
        ran = run(argv, cwd=root, env=env, timeout_s=_PROBE_S, max_output_bytes=10_000)
    except ChecksError:
        return ""
    return ran.output.strip().rpartition("\n")[2] if ran.exit_code == 0 else ""


def _same_folder(one: str, other: str) -> bool:
    return bool(one and other) and Path(one).resolve() == Path(other).resolve()
