"""The wheels of this program and of all it depends on, in the versions that are installed here."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

from qwenagent.registry.bundle.repack import repack, source_of
from qwenagent.registry.download.job import OnProgress
from qwenagent.registry.download.pip import bytes_under, run_pip

_PROGRAM = "qwenagent"
_ENGINE = "llama-cpp-python"


def collect(folder: Path, on_progress: OnProgress) -> tuple[Path, ...]:
    """Fill `folder` with the wheels that `pip install --no-index` needs on a machine like this.

    llama-cpp-python is packed as it is installed here, with the GPU it was built for; from an
    editable installation pip would have to compile it, which takes minutes.

    Raises:
        DownloadFailed: pip could not bring or build one of them.
        ModelError: an installed package is incomplete.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="pip-", dir=folder.parent) as name:
        scratch = Path(name)
        own = scratch / "own"
        own.mkdir()
        on_progress("packing what is installed", 0, 0)
        program = _program(own, scratch, on_progress)
        if not source_of(_ENGINE):
            repack(_ENGINE, own)
        _bring_rest(program, own, folder, scratch, on_progress)
    return tuple(sorted(folder.glob("*.whl")))


def _program(own: Path, scratch: Path, on_progress: OnProgress) -> Path:
    """An editable installation has to be built from its checkout."""
    source = source_of(_PROGRAM)
    if not source:
        return repack(_PROGRAM, own)
    arguments = ["wheel", "--no-deps", "-w", str(own), source]
    poll = _reporting("building the wheel of qwenagent", own, on_progress)
    run_pip(arguments, scratch, f"pip could not build {source}", poll)
    return next(own.glob("qwenagent-*.whl"))


def _bring_rest(
    program: Path, own: Path, folder: Path, scratch: Path, on_progress: OnProgress
) -> None:
    constraints = scratch / "installed.txt"
    constraints.write_text(_installed_versions(), encoding="utf-8")
    staging = scratch / "wheels"
    arguments = ["wheel", "-w", str(staging), "--find-links", str(own), "--prefer-binary"]
    poll = _reporting("collecting wheels", staging, on_progress)
    run_pip(
        [*arguments, "-c", str(constraints), str(program)],
        scratch,
        "pip could not collect the wheels",
        poll,
    )
    for wheel in staging.glob("*.whl"):
        shutil.move(wheel, folder / wheel.name)


def _reporting(what: str, folder: Path, on_progress: OnProgress) -> Callable[[], None]:
    return lambda: on_progress(what, bytes_under(folder), 0)


def _installed_versions() -> str:
    """Without local parts such as "+cpu", which an index need not have."""
    versions = {
        _plain(found.metadata["Name"]): found.version.partition("+")[0]
        for found in metadata.distributions()
        if found.metadata["Name"]
    }
    versions.pop(_PROGRAM, None)
    return "".join(f"{name}=={version}\n" for name, version in sorted(versions.items()))


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
