"""Records to JSON lines and back, without loss."""

from __future__ import annotations

from typing import Any, get_args

import msgspec

from qwenagent.errors import QwenAgentError
from qwenagent.protocol import events
from qwenagent.protocol.events import Event, Record

_HEADER = {"v": "v", "run": "run_id", "seq": "seq", "time": "time", "step": "step"}
"""Field of `Record` -> key on the wire; an event may have a field `run` of its own."""


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
    head = {key: getattr(record, name) for name, key in _HEADER.items()}
    body: dict[str, Any] = msgspec.to_builtins(record.event)
    return {**head, "type": type_name(record.event), **body}


def encode(record: Record) -> str:
    """Return one line of JSON without a line end."""
    whole = to_dict(record)
    try:
        return msgspec.json.encode(whole).decode()
    except UnicodeEncodeError:  # half a surrogate pair, from a file name that is not UTF-8
        return msgspec.json.encode(_without_surrogates(whole)).decode()


def _without_surrogates(value: Any) -> Any:
    match value:
        case str():
            return value.encode("utf-8", "replace").decode("utf-8")
        case dict():
            return {_without_surrogates(k): _without_surrogates(v) for k, v in value.items()}
        case list() | tuple():
            return [_without_surrogates(item) for item in value]
    return value


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
        head = {name: raw.pop(key) for name, key in _HEADER.items()}
        return Record(event=msgspec.convert(raw, kind), **head)
    except (msgspec.MsgspecError, KeyError) as error:
        raise QwenAgentError(f"not an event record: {error}") from error
