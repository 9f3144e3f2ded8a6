"""Records to JSON lines and back, without loss."""

from __future__ import annotations

from typing import Any, get_args

import msgspec

from qwenagent.errors import QwenAgentError
from qwenagent.protocol import events
from qwenagent.protocol.events import Event, Record

_HEADER = ("v", "run", "seq", "time", "step")


def _snake(name: str) -> str:
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name).lstrip("_")


TYPES: dict[str, type[Event]] = {_snake(kind.__name__): kind for kind in get_args(events.Event)}
"""The `type` field of the wire form -> event class."""

_NAMES = {kind: name for name, kind in TYPES.items()}


def type_name(event: Event) -> str:
    """Return the event's `type` on the wire, e.g. "step_started"."""
    return _NAMES[type(event)]


def to_dict(record: Record) -> dict[str, Any]:
    """Return the record as JSON-ready builtins, header first."""
    head = {name: getattr(record, name) for name in _HEADER}
    body: dict[str, Any] = msgspec.to_builtins(record.event)
    return {**head, "type": type_name(record.event), **body}


def encode(record: Record) -> str:
    """Return one line of JSON without a line end."""
    return msgspec.json.encode(to_dict(record)).decode()


def decode(line: str | bytes) -> Record:
    """Read one line of JSON.

    Raises:
        QwenAgentError: the line is not a record of a version this program knows.
    """
    try:
        raw = msgspec.json.decode(line, type=dict[str, Any])
        if raw.get("v") != events.VERSION:
            raise QwenAgentError(
                f"event version {raw.get('v')!r}, this program reads {events.VERSION}"
            )
        kind = TYPES[raw.pop("type")]
        head = {name: raw.pop(name) for name in _HEADER}
        return Record(event=msgspec.convert(raw, kind), **head)
    except (msgspec.MsgspecError, KeyError) as error:
        raise QwenAgentError(f"not an event record: {error}") from error
