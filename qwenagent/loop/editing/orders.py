"""The sentences that tell the model what to write next. Their words are in prompts/."""

from __future__ import annotations

from collections.abc import Sequence

from qwenagent import assets
from qwenagent.grammar import Offer, OneOf
from qwenagent.loop.editing.context import fenced
from qwenagent.protocol.tools import ToolCall
from qwenagent.syntax import fence_info, symbols
from qwenagent.tools import tool_lines

_BODY_PROMPTS = {
    "write_file": "create.md",
    "rewrite_file": "rewrite.md",
    "replace_symbol": "replace.md",
    "insert_symbol": "insert.md",
    "replace_lines": "lines.md",
    "search_replace": "search.md",
}


def prompt(name: str, **values: str) -> str:
    """Return a prompt with its holes filled."""
    return assets.fill(assets.read("prompts", name), **values).strip()


def call_order(offers: Sequence[Offer]) -> str:
    """Return what asks for one of the legal calls: by name of the file if there is one way."""
    match [(offer.spec.name, offer.choices.get("path")) for offer in offers]:
        case [(name, OneOf((path,)))] if name in _BODY_PROMPTS:
            return prompt(_BODY_PROMPTS[name], path=str(path))
    return prompt("choose.md", calls=tool_lines(offer.spec.name for offer in offers))


def gather_order(offers: Sequence[Offer]) -> str:
    """Return what asks the model to look around."""
    return prompt("gather.md", calls=tool_lines(offer.spec.name for offer in offers))


def body_order(call: ToolCall, text: str = "", most_lines: int = 0) -> str:
    """Return what asks for the block of a call.

    With the `text` of its file, the code that it replaces stands in it, if that has no more than
    `most_lines`.
    """
    values = {name: str(value) for name, value in call.arguments.items()}
    path, name = values["path"], values.get("symbol", "")
    found = next((it for it in symbols(path, text) if it.name == name), None)
    if found is None or found.n_lines > most_lines:
        return prompt(_BODY_PROMPTS[call.name], **values)
    code = fenced(found.code_in(text.split("\n")), fence_info(path))
    return prompt("replace-shown.md", code=code, **values)


def think_order(paths: Sequence[str]) -> str:
    """Return what asks for a thought before the code."""
    return prompt("think.md", path=", ".join(paths) or "the code")
