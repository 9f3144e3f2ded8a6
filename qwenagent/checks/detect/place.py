"""One folder as the families see it, and what they say of it.

Knows no language and no test runner.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from qwenagent.checks.command import parse_command
from qwenagent.checks.detect.tree import Tree, join, upward
from qwenagent.protocol.checks import TestCommand


@dataclass(frozen=True, slots=True)
class Found:
    """A project, the command that runs its tests, and why this one."""

    folder: str
    """Of the project, relative to the root; the command may run in a folder above it."""
    manifest: str
    """Name of the file that makes the folder a project, "" if only its test files do."""
    command: TestCommand
    why: str
    """What the choice rests on, for people: "pytest section in pyproject.toml"."""


@dataclass(frozen=True, slots=True)
class Place:
    """A folder that may be a project."""

    tree: Tree
    folder: str

    @property
    def is_root(self) -> bool:
        """True for the root of the tree."""
        return self.folder == "."

    @property
    def names(self) -> frozenset[str]:
        """Names of the files here."""
        return self.tree.names(self.folder)

    def has(self, *names: str) -> str:
        """Return the first of the names that is a file here, "" if none is."""
        return next((name for name in names if name in self.names), "")

    def ending(self, *suffixes: str) -> list[str]:
        """Return the names of the files here that end so, sorted."""
        return sorted(n for n in self.names if n.endswith(suffixes))

    def read(self, name: str) -> str:
        """Return a file's text by its path from here, "" if it is not there."""
        return self.tree.read(join(self.folder, name))

    def is_file(self, name: str) -> bool:
        """Look at the disk: ignored and built files count too."""
        return self.tree.is_file(join(self.folder, name))

    def files(self, cut: Callable[[Place], bool] = lambda _: False) -> Iterator[str]:
        """Yield the paths, from here, of the files here and below; those in a folder sorted.

        A folder below that `cut` takes for a project of its own is left out.
        """
        n_outer = len(self.folder) + 1
        for folder in self.tree.folders(self.folder, lambda f: cut(Place(self.tree, f))):
            inside = folder if self.is_root else folder[n_outer:]
            before = "" if inside in (".", "") else f"{inside}/"
            for name in sorted(self.tree.names(folder)):
                yield before + name

    def inside(self) -> Iterator[Place]:
        """Yield the folders directly in this one."""
        names = self.tree.entries(self.folder).folders
        return (Place(self.tree, join(self.folder, name)) for name in names)

    def above(self) -> Iterator[Place]:
        """Yield this place, then the folders it is in, up to the root."""
        return (Place(self.tree, folder) for folder in upward(self.folder))

    def found(self, text: str, why: str, manifest: str = "", *, at: str | None = None) -> Found:
        """Return a finding; the command runs here, or in the folder `at` of the tree."""
        command = parse_command(text, "detected")
        cwd = self.folder if at is None else at
        return Found(self.folder, manifest, replace(command, cwd=cwd), why)
