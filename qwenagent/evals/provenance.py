"""What a row says of where it comes from: the program's own state, and the machine's."""

from __future__ import annotations

import hashlib
import platform
from dataclasses import fields
from importlib import metadata
from pathlib import Path

from qwenagent import assets
from qwenagent.config import Settings
from qwenagent.errors import WorkspaceError
from qwenagent.evals.rows import Machine
from qwenagent.registry import processor
from qwenagent.workspace import Repository

_LIBRARIES = ("llama-cpp-python", "tree-sitter", "GitPython", "pytest")
_PACKAGE = Path(__file__).resolve().parent.parent
_NOT_CODE = ("suite", "__pycache__")


def code_digest() -> str:
    """Return a hash over the modules of this program and what it says to the model.

    The tasks are not in it: each has a hash of its own.
    """
    whole = hashlib.sha256()
    for path in sorted(_PACKAGE.rglob("*.py")):
        inside = path.relative_to(_PACKAGE)
        if not set(_NOT_CODE).intersection(inside.parts):
            whole.update(f"{inside.as_posix()}\0".encode() + path.read_bytes())
    kinds: tuple[tuple[assets.Kind, str], ...] = (("prompts", ".md"), ("grammars", ".gbnf"))
    for kind, suffix in kinds:
        for name in assets.names(kind, suffix):
            whole.update(f"{kind}/{name}\0{assets.read(kind, name)}".encode())
    return whole.hexdigest()[:16]


def checkout_commit() -> str:
    """Return the commit of the checkout that this program runs from, "" if it is installed."""
    if not (_PACKAGE.parent / ".git").exists():
        return ""
    try:
        checkout = Repository.open(_PACKAGE.parent)
        return checkout.head()[:12] + ("+" if checkout.changes() else "")
    except WorkspaceError:
        return ""


def libraries() -> dict[str, str]:
    """Return the versions of Python and of the libraries that can change a result."""
    found = {"python": platform.python_version()}
    for name in _LIBRARIES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def machine(gpu: str = "") -> Machine:
    """Describe this machine; `gpu` is the name of the one in use."""
    import psutil

    return Machine(
        system=f"{platform.system()} {platform.machine()}",
        processor=processor(),
        cores=psutil.cpu_count(logical=True) or 0,
        memory_bytes=psutil.virtual_memory().total,
        gpu=gpu,
    )


def changed_settings(settings: Settings) -> dict[str, object]:
    """Return the settings that are not the defaults, by "section.name"."""
    found: dict[str, object] = {}
    for section in fields(settings):
        mine, usual = getattr(settings, section.name), getattr(Settings(), section.name)
        for item in fields(mine):
            value = getattr(mine, item.name)
            if value != getattr(usual, item.name):
                found[f"{section.name}.{item.name}"] = value
    return found
