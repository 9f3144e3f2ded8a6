"""What the Python of a project can import, asked of that Python once. Starts nothing itself."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import msgspec

# The folder it is started in is no place to import from: a json.py there would run. Where else a
# module may be is decided by site and PYTHONPATH, as for the tests. Namespace packages are folders
# without a mark, so that the folders are told as well. An editable install may know its modules by
# a finder alone, which setuptools gives a MAPPING.
_PROBE = """\
import sys
sys.path[:] = [folder for folder in sys.path if folder]
import json, pkgutil
names = {module.name for module in pkgutil.iter_modules()}
names.update(sys.builtin_module_names, getattr(sys, "stdlib_module_names", ()))
for finder in sys.meta_path:
    home = sys.modules.get(getattr(finder, "__module__", None) or type(finder).__module__)
    names.update(getattr(home, "MAPPING", ()))
print(json.dumps({"names": sorted(names), "folders": sys.path}))
"""
PROBE = ("-c", _PROBE)
"""The arguments with which a project's interpreter prints what `Importable.parse` reads."""
_KINDS = ("", ".py", ".so", ".pyd")


@dataclass(frozen=True, slots=True)
class _Told:
    names: frozenset[str]
    folders: list[str]


@dataclass(frozen=True, slots=True)
class Importable:
    """The modules of an environment, at their top level."""

    names: frozenset[str]
    folders: tuple[Path, ...] = ()
    """Where more may lie: looked into for a name that is not among `names`."""

    @classmethod
    def parse(cls, out: str) -> Importable | None:
        """Read what the probe printed; None if that is something else."""
        try:
            told = msgspec.json.decode(out, type=_Told)
        except msgspec.MsgspecError:
            return None
        return cls(told.names, tuple(map(Path, told.folders)))

    def has(self, name: str) -> bool:
        """Return whether there is a module of this name, also one that was installed since."""
        # Path.exists raises for a name that is too long.
        return name in self.names or any(
            os.path.lexists(folder / f"{name}{kind}") for folder in self.folders for kind in _KINDS
        )
