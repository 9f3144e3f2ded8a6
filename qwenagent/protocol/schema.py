"""The wire form of records as a JSON Schema, for those who read the lines with other programs."""

from __future__ import annotations

from typing import Any

import msgspec

from qwenagent.protocol.events import VERSION
from qwenagent.protocol.wire import TYPES

_HEADER: dict[str, Any] = {
    "v": {"const": VERSION, "description": "Of this form; other versions are other schemas."},
    "run_id": {"type": "string"},
    "seq": {"type": "integer", "minimum": 1, "description": "Counts the run's lines."},
    "time": {"type": "number", "description": "Seconds since the epoch."},
    "step": {"type": "string", "description": "Id of the step, empty between steps."},
}


def line_schema() -> dict[str, Any]:
    """Return the schema (2020-12) of one line of `--json` or of a transcript, by its `type`.

    Fields may be added without another version; so a line may have more, and an old one less.
    """
    _, parts = msgspec.json.schema_components(TYPES.values(), ref_template="#/$defs/{name}")
    lines = {name: _line(name, parts.pop(kind.__name__)) for name, kind in TYPES.items()}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"A line of qwenagent's events, version {VERSION}",
        "oneOf": [{"$ref": f"#/$defs/{name}"} for name in lines],
        "$defs": {**lines, **parts},
    }


def _line(name: str, event: dict[str, Any]) -> dict[str, Any]:
    fields = {**_HEADER, "type": {"const": name}, **event["properties"]}
    return {
        "type": "object",
        "description": event.get("description", ""),
        "properties": fields,
        "required": [*_HEADER, "type", *event.get("required", ())],
    }
