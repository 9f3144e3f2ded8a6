"""One line of a transcript of any version as a record of the present one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from qwenagent.errors import QwenAgentError
from qwenagent.protocol import wire
from qwenagent.protocol.events import VERSION, Record

Raw = dict[str, Any]
"""A record as JSON has it."""

MIGRATIONS: Mapping[int, Callable[[Raw], Raw]] = {}
"""Version -> what makes a record of it one of the next. Empty: version 1 is the first."""


@dataclass(frozen=True, slots=True)
class _Head:
    v: int
    run_id: str
    seq: int
    time: float
    step: str
    type: str


def record_of(
    line: bytes,
    migrations: Mapping[int, Callable[[Raw], Raw]] = MIGRATIONS,
    version: int = VERSION,
) -> Record:
    """Read one line.

    An event of this version that is not known here, because a newer program has added it, becomes
    a `Warned` that says so: the rest of its run can still be read.

    Raises:
        QwenAgentError: it is no record, or one of a newer version.
    """
    try:
        found = msgspec.json.decode(line, type=_Version).v
        if found > version:
            raise _newer(found, version)
        if found < version:
            line = msgspec.json.encode(_migrated(line, found, migrations, version))
        head = msgspec.json.decode(line, type=_Head)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise QwenAgentError(f"not an event record: {error}") from error
    if head.type not in wire.TYPES:
        line = msgspec.json.encode(_unknown(head))
    return wire.decode(line)


@dataclass(frozen=True, slots=True)
class _Version:
    v: int


def _newer(found: int, version: int) -> QwenAgentError:
    return QwenAgentError(
        f"a newer qwenagent wrote this: its events have version {found}, this program reads up to "
        f"{version}",
        hint="update qwenagent to read it",
    )


def _migrated(
    line: bytes, found: int, migrations: Mapping[int, Callable[[Raw], Raw]], version: int
) -> Raw:
    raw: Raw = msgspec.json.decode(line, type=Raw)
    for step in range(found, version):
        if step not in migrations:
            raise QwenAgentError(f"events of version {step} are not known, only {version}")
        raw = {**migrations[step](raw), "v": step + 1}
    return raw


def _unknown(head: _Head) -> Raw:
    message = f"{head.type!r} is an event that this version of qwenagent does not know"
    kept = {name: getattr(head, name) for name in ("v", "run_id", "seq", "time", "step")}
    return {**kept, "type": "warned", "message": message, "hint": "a newer one shows it"}
