"""A bundle: model files, their cards, and wheels in a folder, with a SHA-256 for every file.

Knows what is in the folder and whether it is whole; `packing` fills it, `placing` empties it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import msgspec

from qwenagent.errors import ChecksumMismatch, ModelError, ModelNotFound, reason
from qwenagent.registry.download.job import OnProgress
from qwenagent.registry.store import sha256_of

FORMAT = 1
MANIFEST = "manifest.json"
SUMS = "SHA256SUMS"
INSTALL = "INSTALL.md"


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of a bundle."""

    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a bundle holds and where it was made. Paths are relative, with slashes."""

    qwenagent: str
    """Version of the program."""
    python: str
    """"3.11": the wheels are for this one."""
    system: str
    """"Linux x86_64", and the wheels are for that."""
    libc: str
    """"glibc 2.36" of the machine it was made on, empty where that does not matter."""
    models: tuple[str, ...]
    """Names of cards."""
    files: dict[str, Entry] = field(default_factory=dict)
    """Everything but the manifest and the list of sums."""
    format: int = FORMAT


def describe_files(folder: Path, on_progress: OnProgress) -> dict[str, Entry]:
    """Return the entries of all files in `folder`, by path, after reading them."""
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    total = sum(path.stat().st_size for path in paths)
    entries, done = {}, 0
    for path in paths:
        name = path.relative_to(folder).as_posix()
        size_bytes = path.stat().st_size
        digest = _digest(path, done, total, on_progress)
        entries[name] = Entry(size_bytes, digest)
        done += size_bytes
    return entries


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write the manifest, and the same sums in the form that `sha256sum -c` reads."""
    lines = [f"{entry.sha256}  {name}\n" for name, entry in manifest.files.items()]
    (folder / SUMS).write_text("".join(lines), encoding="utf-8")
    text = msgspec.json.format(msgspec.json.encode(manifest), indent=1)
    (folder / MANIFEST).write_bytes(text + b"\n")


def read_manifest(folder: Path) -> Manifest:
    """Read the manifest of a bundle, which may come from anywhere.

    Raises:
        ModelNotFound: there is none.
        ModelError: it is malformed, or of a format this version does not know.
    """
    path = folder / MANIFEST
    try:
        manifest = msgspec.json.decode(path.read_bytes(), type=Manifest)
    except OSError as error:
        raise ModelNotFound(
            f"{folder} is no bundle: {MANIFEST} cannot be read ({error.strerror or error})",
            hint="give the folder that `qwenagent models export -o FOLDER` made",
        ) from error
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ModelError(
            f"{path} is damaged: {reason(error)}", hint="copy the bundle again"
        ) from error
    if manifest.format != FORMAT:
        raise ModelError(
            f"{folder} is a bundle of format {manifest.format}, this program reads {FORMAT}",
            hint=f"install the qwenagent {manifest.qwenagent} that is in it",
        )
    if stray := [name for name in manifest.files if not _is_inside(name)]:
        raise ModelError(f"{path} names a file outside of the bundle: {stray[0]!r}")
    return manifest


def check_files(folder: Path, manifest: Manifest, on_progress: OnProgress) -> None:
    """Read every file of a bundle but the models, which are read when they are placed.

    Raises:
        ModelNotFound, ChecksumMismatch: one is missing or is not what the manifest says.
    """
    entries = {n: e for n, e in manifest.files.items() if not n.startswith("models/")}
    total, done = sum(entry.size_bytes for entry in entries.values()), 0
    for name, entry in entries.items():
        path = folder / name
        try:
            digest = _digest(path, done, total, on_progress)
        except OSError as error:
            raise ModelNotFound(
                f"{path} of the bundle cannot be read: {error.strerror or error}",
                hint="copy the bundle again",
            ) from error
        if digest != entry.sha256:
            raise ChecksumMismatch(
                f"{path} is damaged: SHA-256 {digest} instead of {entry.sha256}",
                hint="copy the bundle again",
            )
        done += entry.size_bytes


def model_files(manifest: Manifest) -> Iterator[str]:
    """Yield the paths of the model files."""
    return (name for name in manifest.files if name.startswith("models/"))


def _digest(path: Path, done: int, total: int, on_progress: OnProgress) -> str:
    return sha256_of(path, lambda n_read: on_progress("checking files", done + n_read, total))


def _is_inside(name: str) -> bool:
    path = PurePosixPath(name)
    return bool(path.parts) and not (path.is_absolute() or ".." in path.parts or "\\" in name)
