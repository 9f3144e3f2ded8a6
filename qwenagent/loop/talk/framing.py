"""The prompt of a conversation, on an exact budget: what stays the same stands first.

Order: system, what is seen of the repository, earlier exchanges, the message. So the model reads
anew only what has changed since the last turn. Where there is no room, the oldest exchanges go.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from qwenagent import assets
from qwenagent.errors import ContextOverflow
from qwenagent.loop.editing.context import Section, fenced
from qwenagent.loop.editing.houserules import RULES_HEAD
from qwenagent.loop.talk.history import Exchange, messages_of
from qwenagent.protocol.events import ContextBuilt, ContextItem
from qwenagent.protocol.messages import Message, Prompt
from qwenagent.syntax import Symbol, fence_info, is_known, outline

Count = Callable[[str | Prompt], int]
"""Returns the tokens of a text, or of a whole prompt with its template."""

HISTORY = "earlier exchanges"


@dataclass(frozen=True, slots=True)
class Frame:
    """Everything a prompt can be made of."""

    seen: tuple[Section, ...]
    """Of the repository, in the order in which it is read."""
    exchanges: tuple[Exchange, ...]
    """The oldest first."""
    excerpts: tuple[Section, ...] = ()
    """What belongs to the message alone."""
    left_out: tuple[ContextItem, ...] = ()
    """What had no room from the first."""


def framed(
    frame: Frame, message: str, count: Count, budget_tokens: int
) -> tuple[Prompt, ContextBuilt]:
    """Return the prompt for a message, and what went into it and what did not.

    Exchanges go first, then what belongs to the message, then what was put in last.

    Raises:
        ContextOverflow: the message alone is too long.
    """
    seen, excerpts, exchanges = list(frame.seen), list(frame.excerpts), list(frame.exchanges)
    left_out = list(frame.left_out)
    dropped: list[Exchange] = []
    while True:
        prompt = _prompt(seen, exchanges, excerpts, message)
        n_tokens = count(prompt)
        if n_tokens <= budget_tokens:
            break
        if exchanges:
            dropped.append(exchanges.pop(0))
            continue
        if not (excerpts or seen):
            raise ContextOverflow(
                f"the message takes {n_tokens} tokens, and there are {budget_tokens} for a prompt",
                hint="send less of it, or put it into a file and name that",
            )
        section = (excerpts or seen).pop()
        left_out.append(ContextItem(section.what, count(section.text), _NO_ROOM))
    items = [_item(section, count) for section in (*seen, *excerpts)]
    if exchanges:
        items.append(_of_history(exchanges, count, ""))
    if dropped:
        left_out.insert(0, _of_history(dropped, count, "the oldest go first"))
    return prompt, ContextBuilt(tuple(items), tuple(left_out), n_tokens, budget_tokens)


_NO_ROOM = "no room is left"


def _prompt(
    seen: Sequence[Section],
    exchanges: Sequence[Exchange],
    excerpts: Sequence[Section],
    message: str,
) -> Prompt:
    messages = [Message("system", _read("talk-system.md"))]
    if seen:
        parts = "\n\n".join(section.text for section in seen)
        messages += [
            Message("user", _filled("talk-seen.md", parts=parts)),
            Message("assistant", _read("talk-ready.md")),
        ]
    if excerpts:
        parts = "\n\n".join(section.text for section in excerpts)
        message = _filled("talk-message.md", parts=parts, message=message)
    return Prompt((*messages, *messages_of(exchanges), Message("user", message)))


def _item(section: Section, count: Count) -> ContextItem:
    return ContextItem(section.what, count(section.text), section.how)


def _of_history(exchanges: Sequence[Exchange], count: Count, how: str) -> ContextItem:
    n_tokens = sum(count(message.text) for message in messages_of(exchanges))
    return ContextItem(f"{len(exchanges)} {HISTORY}", n_tokens, how or "whole")


# -- parts ----------------------------------------------------------------------------------------


def map_section(text: str) -> Section:
    """Return what the repository's files define."""
    head = "What the files of the repository define:"
    return Section("map", f"{head}\n{fenced(text, '')}", "outline")


def rules_section(text: str) -> Section:
    """Return the rules of the repository."""
    return Section("rules", f"{RULES_HEAD}\n{fenced(text, '')}")


def file_section(path: str, text: str, count: Count, room_tokens: int) -> Section | ContextItem:
    """Return a file whole or as its outline, whichever has room; else what is left out."""
    whole = Section(f"file {path}", f"File `{_name(path)}`:\n{fenced(text, fence_info(path))}")
    n_tokens = count(whole.text)
    if n_tokens <= room_tokens:
        return whole
    rows = outline(path, text, numbered=False) if is_known(path) else ""
    head = f"File `{_name(path)}` ({text.count(chr(10)) + 1} lines), its outline:"
    short = Section(f"file {path}", f"{head}\n{fenced(rows, fence_info(path))}", "outline")
    if rows and count(short.text) <= room_tokens:
        return short
    return ContextItem(f"file {path}", n_tokens, f"there is room for {room_tokens} of a file")


def symbol_section(path: str, text: str, symbol: Symbol) -> Section:
    """Return the code of one symbol."""
    code = symbol.code_in(text.split("\n"))
    head = f"`{_name(symbol.name)}` in `{_name(path)}`:"
    what = f"symbol {symbol.name} of {path}"
    return Section(what, f"{head}\n{fenced(code, fence_info(path))}", "excerpt")


def _name(name: str) -> str:
    return " ".join(name.split()).replace("`", "'")


def _read(name: str) -> str:
    return assets.read("prompts", name).strip()


def _filled(name: str, **values: str) -> str:
    return assets.fill(_read(name), **values)
