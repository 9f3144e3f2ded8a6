"""Imports that an edit adds and that lead nowhere: small models import what they remember.

What decides at run time is let through: imports that may fail or are for a type checker, modules
of the repository wherever they lie, aliases of a bundler. Go and Rust are left to their compilers.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from pathlib import PurePosixPath

from qwenagent.tools.importable import Importable
from qwenagent.tools.javascript_imports import JAVASCRIPT, Modules, specifiers
from qwenagent.tools.python_imports import Import, python_imports
from qwenagent.workspace import Edit, Workspace

_WORDS = ("import", "from", "require")
_PYTHON_FILES = (".py", ".pyi", ".pyx", ".so", ".pyd")


def unresolved_imports(
    edit: Edit,
    tree: Workspace,
    importable: Importable | None,
    coming: Collection[str] = (),
) -> tuple[str, ...]:
    """Return the modules that an edit imports anew and that are nowhere, as it writes them.

    `importable` is the environment of a Python project; None where it is not known, and then its
    modules are not judged. `coming` are the paths of files that are still to be written.
    """
    if edit.new is None or edit.to or not _has_new_imports(edit.old or "", edit.new):
        return ()
    coming = {*coming, edit.path}
    suffix = PurePosixPath(edit.path).suffix
    if suffix == ".py" and importable:
        before = set(python_imports(edit.old or ""))
        added = [it for it in python_imports(edit.new) if it not in before]
        places = _Places(tree, edit.path, coming)
        return _once(it.name for it in added if not places.has(it, importable))
    if suffix in JAVASCRIPT:
        known = set(specifiers(edit.path, edit.old or ""))
        modules = Modules(tree, edit.path, coming)
        return _once(
            name
            for name in specifiers(edit.path, edit.new)
            if name not in known and not modules.has(name)
        )
    return ()


def _has_new_imports(old: str, new: str) -> bool:
    """Return whether a line is new that could import: most edits need no closer look."""
    before = set(old.split("\n"))
    return any(word in row for row in new.split("\n") if row not in before for word in _WORDS)


def _once(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))


class _Places:
    """Where the Python modules of a repository may lie, seen from one file."""

    def __init__(self, tree: Workspace, path: str, coming: Collection[str]) -> None:
        self._tree = tree
        self._folder = PurePosixPath(path).parent
        self._coming = coming

    def has(self, wanted: Import, importable: Importable) -> bool:
        if wanted.level:
            return self._has_relative(wanted)
        top, *inner = wanted.module.split(".")
        if importable.has(top):
            return True
        bases = self._bases(top)
        return any(self._is_module(base.joinpath(top, *inner)) for base in bases)

    def _has_relative(self, wanted: Import) -> bool:
        if wanted.level > len(self._folder.parts) + 1:
            return False
        base = PurePosixPath(*self._folder.parts[: len(self._folder.parts) - wanted.level + 1])
        if wanted.module:
            return self._is_module(base.joinpath(*wanted.module.split(".")))
        # What is no module may be defined in the package itself.
        return self._is_file(base / "__init__.py") or self._is_module(base / wanted.member)

    def _bases(self, top: str) -> Iterable[PurePosixPath]:
        """Yield the folders that have a module of this name, the likely ones first."""
        yield from (self._folder, *self._folder.parents)
        yield PurePosixPath("src")
        for path in [*self._coming, *self._tree.files()]:
            if top not in path:
                continue
            parts = PurePosixPath(path).parts
            for depth, part in enumerate(parts):
                if part.split(".")[0] == top:
                    yield PurePosixPath(*parts[:depth])

    def _is_module(self, path: PurePosixPath) -> bool:
        if any(self._is_file(path.with_name(path.name + kind)) for kind in _PYTHON_FILES):
            return True
        if self._tree.is_folder(path.as_posix()):
            return True
        return any(name.startswith(f"{path}/") for name in self._coming)

    def _is_file(self, path: PurePosixPath) -> bool:
        return path.as_posix() in self._coming or self._tree.is_file(path.as_posix())
