"""Puts model files that the user already has into the store: from a bundle, or one by one."""

from __future__ import annotations

import contextlib
import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from qwenagent.errors import ChecksumMismatch, ModelNotFound, UnknownModel
from qwenagent.registry import store
from qwenagent.registry.bundle.manifest import check_files, model_files, read_manifest
from qwenagent.registry.cards import Card, load_cards
from qwenagent.registry.download.job import OnProgress, require_space
from qwenagent.registry.download.pulling import explained_disk_error

_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Placed:
    """A model that is in the store now."""

    card: Card
    path: Path
    how: str
    """"linked", "copied", or "was there"."""


def place_bundle(folder: Path, on_progress: OnProgress) -> tuple[Placed, ...]:
    """Check a bundle and install its models.

    Raises:
        ModelNotFound, ModelError: it is no bundle, or incomplete.
        ChecksumMismatch: a file is damaged; models before it are installed.
        UnknownModel: it has a model that this version does not know.
        NoSpace, DownloadFailed: the store cannot be written.
    """
    manifest = read_manifest(folder)
    by_file = {card.file: card for card in load_cards().values()}
    wanted = list(model_files(manifest))
    if strange := [name for name in wanted if Path(name).name not in by_file]:
        raise UnknownModel(
            f"{folder} has {strange[0]}, which this version knows no card of",
            hint=f"install the qwenagent {manifest.qwenagent} that is in the bundle",
        )
    check_files(folder, manifest, on_progress)
    return tuple(
        place_card(by_file[Path(name).name], folder / name, on_progress) for name in wanted
    )


def place_file(path: Path, on_progress: OnProgress) -> Placed:
    """Install one GGUF file, which is known by its bytes, under any name.

    Raises:
        ModelNotFound, ChecksumMismatch, UnknownModel: see `store.local_file`.
        NoSpace, DownloadFailed: the store cannot be written.
    """
    # The size decides what the digest is compared with, so progress has its total.
    size_bytes = path.stat().st_size if path.is_file() else 0
    card = store.local_file(path, lambda n: on_progress(f"checking {path.name}", n, size_bytes))
    return place_card(card, path, on_progress)


def place_card(card: Card, source: Path, on_progress: OnProgress) -> Placed:
    """Install `source` as the card's file: linked where that works, otherwise copied.

    Raises:
        ModelNotFound, ChecksumMismatch: it is missing or not the official file.
        NoSpace, DownloadFailed: the store cannot be written.
    """
    target = store.path_of(card)
    if here := store.installed(card):
        return Placed(card, here, "was there")
    if not source.is_file():
        raise ModelNotFound(f"{source} is missing", hint="copy the bundle again")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with store.locked(target, lambda: on_progress("waiting for another process", 0, 0)):
            how = _place(card, source, target, on_progress)
    except OSError as error:
        raise explained_disk_error(error, target, card.size_bytes) from error
    return Placed(card, target, how)


def _place(card: Card, source: Path, target: Path, on_progress: OnProgress) -> str:
    fresh = store.import_of(target)
    fresh.unlink(missing_ok=True)
    try:
        how = _bring(card, source, fresh, on_progress)
        fresh.replace(target)
    finally:
        fresh.unlink(missing_ok=True)
    store.remember(target, card)
    return how


def _bring(card: Card, source: Path, fresh: Path, on_progress: OnProgress) -> str:
    """Another disk, another owner or a file system without links wants a copy."""
    try:
        os.link(source.resolve(), fresh)
    except OSError:
        require_space(fresh.parent, card.size_bytes, card.file)
        _check(card, source, _copy(card, source, fresh, on_progress))
        return "copied"
    what = f"checking {card.name}"
    digest = store.sha256_of(fresh, lambda n: on_progress(what, n, card.size_bytes))
    _check(card, source, digest)
    return "linked"


def _copy(card: Card, source: Path, fresh: Path, on_progress: OnProgress) -> str:
    digest, done = hashlib.sha256(), 0
    with source.open("rb") as reading, fresh.open("wb") as writing:
        while chunk := reading.read(_CHUNK):
            writing.write(chunk)
            digest.update(chunk)
            done += len(chunk)
            on_progress(f"copying {card.name}", done, card.size_bytes)
        writing.flush()
        with contextlib.suppress(OSError):  # some network file systems cannot
            os.fsync(writing.fileno())
    return digest.hexdigest()


def _check(card: Card, source: Path, digest: str) -> None:
    if digest != card.sha256:
        raise ChecksumMismatch(
            f"{source} is not the official {card.name}: {source.stat().st_size:,} of "
            f"{card.size_bytes:,} bytes, SHA-256 {digest} instead of {card.sha256}",
            hint="copy it again from where it came",
        )
