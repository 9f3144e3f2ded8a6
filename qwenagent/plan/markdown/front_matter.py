"""The YAML at the top of a plan: its name and the todos that editors keep there.

Reads the simple form that programs write (scalars, block scalars, lists of mappings), not YAML as
a whole: what it does not understand it leaves out. Lines are counted from 0.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

_KEY = re.compile(r"(?P<key>[A-Za-z_][\w.-]*)\s*:(?:\s+(?P<value>.*)|\s*)$")
_ITEM = re.compile(r"(?P<indent>\s*)-\s+(?P<rest>\S.*)$")
_DONE = frozenset({"completed", "complete", "done"})
_DROPPED = frozenset({"cancelled", "canceled"})
_ESCAPES = {"n": "\n", "t": "\t", '"': '"', "\\": "\\", "/": "/"}
_VALUE_LIMIT = 20_000  # characters


@dataclass(frozen=True, slots=True)
class Todo:
    """An entry of `todos:`."""

    line: int
    id: str
    content: str
    done: bool
    dropped: bool
    dependencies: tuple[str, ...]
    """Ids of other todos."""


def end_of_front_matter(lines: Sequence[str]) -> int:
    """Return the number of lines of the front matter with its fences, 0 if there is none."""
    if lines[0].rstrip() != "---" or not any(map(_KEY.match, lines[1:2])):
        return 0
    ends = (at for at in range(1, len(lines)) if lines[at].rstrip() in {"---", "..."})
    return next(ends, -1) + 1


def front_name(lines: Sequence[str]) -> str:
    """Return what front matter says under `name:` or `title:`, empty if nothing."""
    found = {m["key"]: m["value"] or "" for line in lines if (m := _KEY.match(line))}
    return _scalar(found.get("name") or found.get("title") or "")


def read_todos(lines: Sequence[str]) -> list[Todo]:
    """Return the entries of `todos:` that have a `content`."""
    starts = (at for at, line in enumerate(lines) if re.match(r"todos\s*:\s*$", line))
    first = next(starts, None)
    if first is None:
        return []
    end = first + 1
    while end < len(lines) and not re.match(r"[^\s#-]|---\s*$|\.\.\.\s*$", lines[end]):
        end += 1
    return [todo for at, item in _items(lines, first + 1, end) if (todo := _todo(at, item))]


def _items(lines: Sequence[str], start: int, end: int) -> list[tuple[int, list[str]]]:
    """Split a list into its items: where each begins, and its lines as those of a mapping."""
    found: list[tuple[int, list[str]]] = []
    indent: int | None = None
    for at in range(start, end):
        item = _ITEM.match(lines[at])
        if item is not None and indent in {None, len(item["indent"])}:
            indent = len(item["indent"])
            found.append((at, [" " * item.start("rest") + item["rest"]]))
        elif found:
            found[-1][1].append(lines[at])
    return found


def _todo(line: int, item: list[str]) -> Todo | None:
    values = _mapping(item)
    content = _text(values.get("content", []))
    if not content.strip():
        return None
    status = _text(values.get("status", [])).strip().lower()
    return Todo(
        line=line,
        id=_text(values.get("id", [])),
        content=content,
        done=status in _DONE,
        dropped=status in _DROPPED,
        dependencies=_list(values.get("dependencies", [])),
    )


def _mapping(lines: list[str]) -> dict[str, list[str]]:
    """Return for each key the rest of its line and the deeper lines below it."""
    indent = len(lines[0]) - len(lines[0].lstrip())
    found: dict[str, list[str]] = {}
    last: list[str] = []
    for line in lines:
        at_level = len(line) - len(line.lstrip()) == indent
        key = _KEY.match(line.strip()) if at_level else None
        if key is not None:
            last = found.setdefault(key["key"], [key["value"] or ""])
        else:
            last.append(line)
    return found


def _text(value: list[str]) -> str:
    if not value:
        return ""
    head, *rest = value
    if re.fullmatch(r"[|>][+-]?\s*", head):
        lines = [line.strip() for line in rest]
        return ("\n" if head[0] == "|" else " ").join(lines).strip()
    # A plain or quoted scalar may go on in deeper lines.
    return _scalar(" ".join([head, *(line.strip() for line in rest)]).strip())


def _scalar(text: str) -> str:
    text = text.strip()[:_VALUE_LIMIT]
    double = re.match(r'"((?:[^"\\]|\\.)*)"', text)
    if double:
        return re.sub(r"\\(.)", lambda m: _ESCAPES.get(m[1], m[0]), double[1])
    single = re.match(r"'((?:[^']|'')*)'", text)
    if single:
        return single[1].replace("''", "'")
    # Begun at the first blank only: a run of them would be tried again from each.
    return re.sub(r"(?<!\s)\s+#.*$", "", text)


def _list(value: list[str]) -> tuple[str, ...]:
    if not value:
        return ()
    head, *rest = value
    if head.strip():
        entries = head.strip().strip("[]").split(",")
    else:
        entries = [item["rest"] for line in rest if (item := _ITEM.match(line))]
    return tuple(filter(None, map(_scalar, entries)))
