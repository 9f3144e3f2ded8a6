"""The tools as the model sees them, in the order in which every prompt lists them."""

from __future__ import annotations

from collections.abc import Iterable

from qwenagent.grammar.choices import WORD_PATTERN
from qwenagent.protocol.json import Json, JsonObject
from qwenagent.protocol.tools import BodyKind, ToolSpec

_STRING: JsonObject = {"type": "string"}
_LINE: JsonObject = {"type": "integer", "minimum": 1}

COMMAND_WORDS = 20
COMMAND_CHARS = 200
"""Longest command that the model can call for, in words, and longest word of it."""
_WORDS: JsonObject = {
    "type": "array",
    "items": {"type": "string", "maxLength": COMMAND_CHARS, "pattern": WORD_PATTERN},
    "minItems": 1,
    "maxItems": COMMAND_WORDS,
}


def _spec(name: str, description: str, body: BodyKind = "none", **properties: Json) -> ToolSpec:
    parameters: JsonObject = {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
    return ToolSpec(name, description, parameters, body)


_ALL = (
    _spec("read_file", "show up to 200 lines of a file", path=_STRING, start=_LINE),
    _spec("search", "find a text in all files", text={"type": "string", "maxLength": 80}),
    _spec("outline", "list the functions and classes of a file", path=_STRING),
    _spec("list_files", "list the files of a folder", folder=_STRING),
    _spec("run_command", "run a program of the project, argv as a list of words", argv=_WORDS),
    _spec("edit", "stop looking, start to change files"),
    _spec("write_file", "create a file; the block is its content", "code", path=_STRING),
    _spec("rewrite_file", "replace a file; the block is its whole content", "code", path=_STRING),
    _spec(
        "replace_symbol",
        "replace a function or class; the block is all of it",
        "code",
        path=_STRING,
        symbol=_STRING,
    ),
    _spec(
        "insert_symbol",
        "add a function, method or class after another",
        "code",
        path=_STRING,
        after=_STRING,
    ),
    _spec(
        "replace_lines",
        "replace lines start to end",
        "code",
        path=_STRING,
        start=_LINE,
        end=_LINE,
    ),
    _spec(
        "search_replace",
        "replace lines; the block has them, as they are, and what comes in their place",
        "code",
        path=_STRING,
    ),
    _spec("delete_file", "delete a file", path=_STRING),
    _spec("rename_file", "give a file another path", path=_STRING, to=_STRING),
    _spec("done", "the step is complete", summary={"type": "string", "maxLength": 200}),
    _spec("give_up", "the step cannot be done", reason={"type": "string", "maxLength": 200}),
)

SPECS: dict[str, ToolSpec] = {spec.name: spec for spec in _ALL}
GATHER_TOOLS = ("read_file", "search", "outline", "list_files")
EDIT_TOOLS = (
    "write_file",
    "rewrite_file",
    "replace_symbol",
    "insert_symbol",
    "replace_lines",
    "search_replace",
    "delete_file",
    "rename_file",
)


def tool_lines(names: Iterable[str]) -> str:
    """Return tools as the model is shown them, a line each: the call's form and what it does."""
    return "\n".join(f"{_form(SPECS[name])}  {SPECS[name].description}" for name in names)


def _form(spec: ToolSpec) -> str:
    properties = spec.parameters["properties"]
    assert isinstance(properties, dict)
    return f"{spec.name}({', '.join(properties)})"
