"""The type of a JSON value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
    JsonObject: TypeAlias = "dict[str, Json]"
else:  # msgspec reads the annotations of the events and cannot resolve a recursive alias
    Json = Any
    JsonObject = dict[str, Any]
