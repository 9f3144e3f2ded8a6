"""Tool calls as values: what can be called, what was called, what came of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from qwenagent.protocol.json import JsonObject

BodyKind = Literal["none", "code"]


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """A tool as the model sees it. `parameters` is a JSON Schema, in the order of writing."""

    name: str
    description: str
    parameters: JsonObject
    body: BodyKind = "none"
    """"code" if a fenced block follows the JSON line."""


@dataclass(frozen=True, slots=True)
class ToolCall:
    """One action: the JSON line, and the raw text of the fenced block after it if there was one."""

    name: str
    arguments: JsonObject
    body: str | None = None


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What a tool returned: `content` for the model, `details` for the screen."""

    content: str
    is_error: bool = False
    details: JsonObject = field(default_factory=dict)
