"""For tests of the sandbox: the one of this machine or a skip, a tree, a home with a secret."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from qwenagent.sandbox import Level, Policy, Ran, Sandbox

PATH = os.environ.get("PATH", os.defpath)
PYTHON_FOLDERS = (Path(sys.prefix), Path(sys.base_prefix))


def namespaces() -> Sandbox:
    """The sandbox of this machine, if it is a whole one."""
    found = Sandbox.find(os.environ)
    if found.level is not Level.NAMESPACES:
        pytest.skip(f"no namespaces here: {found.why}")
    return found


@dataclass(frozen=True)
class Stage:
    """A tree in a home folder that has a secret."""

    box: Sandbox
    home: Path
    tree: Path

    def policy(self, **fields: Any) -> Policy:
        # What is around the home folder is shown: there it must be hidden for its own sake, and
        # not because the tests happen to lie in the temporary folder.
        return Policy(self.tree, **{"readable": (*PYTHON_FOLDERS, self.home.parent), **fields})

    def env(self, **more: str) -> dict[str, str]:
        return {"PATH": PATH, "HOME": str(self.home), "PYTHONDONTWRITEBYTECODE": "1", **more}

    def run(self, argv: Sequence[str], policy: Policy | None = None, **more: Any) -> Ran:
        options = {"cwd": self.tree, "env": self.env(), "timeout_s": 20.0, **more}
        return self.box.run(argv, policy=policy or self.policy(), **options)

    def shell(self, text: str, policy: Policy | None = None, **more: Any) -> Ran:
        return self.run(["/bin/sh", "-c", text], policy, **more)


def stage(box: Sandbox, folder: Path) -> Stage:
    home = folder / "ho me"
    (home / ".ssh").mkdir(parents=True)
    (home / ".ssh" / "id").write_text("the key", encoding="utf-8")
    tree = home / "wörk: a\nb"
    (tree / ".git" / "hooks").mkdir(parents=True)
    (tree / ".git" / "config").write_text("[core]\n\tbare = false\n", encoding="utf-8")
    (tree / "code.py").write_text("VALUE = 1\n", encoding="utf-8")
    return Stage(box, home, tree)


def listing(folder: Path) -> dict[str, bytes | str | None]:
    """Every path below a folder with what a file holds or where a link leads."""
    found: dict[str, bytes | str | None] = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if path.is_symlink():
            found[name] = str(path.readlink())
        else:
            found[name] = path.read_bytes() if path.is_file() else None
    return found
