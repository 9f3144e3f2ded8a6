"""Fills a bundle's folder, so that it can be carried to a machine without any network."""

from __future__ import annotations

import contextlib
import errno
import os
import platform
import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from qwenagent import __version__, assets
from qwenagent.errors import ModelError, ModelNotFound, UsageError
from qwenagent.registry import store
from qwenagent.registry.bundle.manifest import (
    INSTALL,
    MANIFEST,
    Manifest,
    describe_files,
    read_manifest,
    write_manifest,
)
from qwenagent.registry.bundle.wheelhouse import collect
from qwenagent.registry.cards import Card
from qwenagent.registry.choice import not_here
from qwenagent.registry.download.job import OnProgress, require_space
from qwenagent.registry.machine import processor
from qwenagent.registry.sizes import human_bytes

_BEGUN = ".qwenagent-export-begun"
_WHEELS_BYTES = 300_000_000
"""Room for wheels and pip's temporary copies; 55 MB of wheels were seen on Linux without CUDA."""


def export(
    cards: Sequence[Card], folder: Path, *, on_progress: OnProgress, wheels: Path | None = None
) -> Manifest:
    """Write a bundle of installed models into `folder`, which is made, or empty, or a bundle.

    The wheels are collected by pip for this machine's platform, or taken from `wheels`. Model
    files are linked where the file system can, copied elsewhere.

    Raises:
        ModelNotFound: a model is not installed, or `wheels` has none of qwenagent.
        UsageError: the folder holds something else.
        NoSpace: it would not fit; nothing has been written.
        DownloadFailed: pip could not bring the wheels.
    """
    sources = [(card, _installed(card)) for card in cards]
    given = _wheels_in(wheels, folder) if wheels else ()
    with _explaining_disk_errors(folder):
        _claim(folder)
        _require_room(folder, sources)
        for card, path in sources:
            _put(path, folder / "models" / card.file, on_progress)
            _write(folder / "cards" / f"{card.name}.toml", _card_text(card))
        for wheel in given:
            _put(wheel, folder / "wheels" / wheel.name, on_progress)
        if not given:
            collect(folder / "wheels", on_progress)
        manifest = _described(folder, cards, on_progress)
        write_manifest(folder, manifest)
        (folder / _BEGUN).unlink()
    return manifest


def _installed(card: Card) -> Path:
    path = store.installed(card)
    if path is None:
        raise not_here(card)
    return path


def _wheels_in(given: Path, folder: Path) -> tuple[Path, ...]:
    if given.resolve().is_relative_to(folder.resolve()):
        raise UsageError(f"{given} lies in {folder}, which is written anew")
    found = tuple(sorted(given.resolve().glob("*.whl")))
    if not any(wheel.name.startswith("qwenagent-") for wheel in found):
        raise ModelNotFound(
            f"{given} has {len(found)} wheels and none of qwenagent",
            hint="leave --wheels out, and pip collects them",
        )
    return found


def _claim(folder: Path) -> None:
    """Take the folder, and clear what an earlier export left in it."""
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is a file, and a bundle is a folder")
    if folder.is_dir() and any(folder.iterdir()) and not _is_ours(folder):
        raise UsageError(f"{folder} is not empty and no bundle", hint="name a new folder after -o")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / _BEGUN).touch()
    (folder / MANIFEST).unlink(missing_ok=True)
    for name in ("models", "cards", "wheels"):
        shutil.rmtree(folder / name, ignore_errors=True)


def _is_ours(folder: Path) -> bool:
    """A `manifest.json` alone says little: many kinds of program have one."""
    try:
        return (folder / _BEGUN).exists() or bool(read_manifest(folder))
    except ModelError:
        return False


def _require_room(folder: Path, sources: Sequence[tuple[Card, Path]]) -> None:
    disk = folder.stat().st_dev
    models_bytes = sum(card.size_bytes for card, path in sources if path.stat().st_dev != disk)
    require_space(folder, models_bytes + _WHEELS_BYTES, "the bundle")


def _put(source: Path, target: Path, on_progress: OnProgress) -> None:
    target.parent.mkdir(exist_ok=True)
    source = source.resolve()  # a link to a link would lead nowhere on another machine
    # FAT on a stick has no links, and another disk cannot have them.
    with contextlib.suppress(OSError):
        os.link(source, target)
        return
    total, done = source.stat().st_size, 0
    with source.open("rb") as reading, target.open("wb") as writing:
        while chunk := reading.read(1 << 20):
            writing.write(chunk)
            done += len(chunk)
            on_progress(f"copying {source.name}", done, total)
        writing.flush()
        os.fsync(writing.fileno())


def _card_text(card: Card) -> str:
    texts = (assets.read("models", name) for name in assets.names("models", ".toml"))
    return next(text for text in texts if card.sha256 in text)


def _described(folder: Path, cards: Sequence[Card], on_progress: OnProgress) -> Manifest:
    manifest = Manifest(
        qwenagent=__version__,
        python=f"{sys.version_info.major}.{sys.version_info.minor}",
        system=f"{platform.system()} {platform.machine()}",
        libc=" ".join(platform.libc_ver()).strip(),
        models=tuple(card.name for card in cards),
    )
    _write(folder / INSTALL, _install_text(manifest, folder))
    files = describe_files(folder, on_progress)
    files.pop(_BEGUN)
    return replace(manifest, files=files)


def _install_text(manifest: Manifest, folder: Path) -> str:
    template = Path(__file__).with_name("install.md").read_text(encoding="utf-8")
    n_bytes = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    return assets.fill(
        template,
        version=manifest.qwenagent,
        python=manifest.python,
        system=manifest.system,
        libc=f" with {manifest.libc} or newer" if manifest.libc else "",
        processor=processor(),
        models=", ".join(manifest.models) or "no model",
        first=manifest.models[0] if manifest.models else "NAME",
        size=human_bytes(n_bytes),
    )


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="\n")


@contextlib.contextmanager
def _explaining_disk_errors(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ModelError(
            f"the bundle cannot be written to {folder}: {error.strerror or error}",
            hint="FAT32 takes no file over 4.29 GB; exFAT does"
            if error.errno == errno.EFBIG
            else "free some space there, or name another folder after -o",
        ) from error
