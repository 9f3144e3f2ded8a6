"""Read-only calls. Each returns little, and when it refuses it says what to call instead."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from qwenagent.errors import EditRefused, PathEscapes
from qwenagent.grammar import fence_for
from qwenagent.protocol.tools import ToolCall, ToolResult
from qwenagent.syntax import fence_info, outline
from qwenagent.tools.arguments import number_of, text_of
from qwenagent.tools.truncate import cut_line, cut_lines
from qwenagent.workspace import Workspace

READ_LINES = 200
SEARCH_HITS = 20
MAX_COUNTED = 1000
"""Lines that are counted; with more of them a search would read most of a large repository."""
MAX_CHARS = 8000
# What some readers take for the end of a line: a hit must not look like two.
_LINE_ENDS = re.compile("[\r\v\f\x1c-\x1e\x85\u2028\u2029]")
_BEFORE_HIT = 80
"""Characters shown before a hit in a long line."""


def run_gather(workspace: Workspace, call: ToolCall) -> ToolResult:
    """Carry out a read-only call."""
    try:
        match call.name:
            case "read_file":
                return _read_file(workspace, text_of(call, "path"), number_of(call, "start"))
            case "search":
                return _search(workspace, text_of(call, "text"))
            case "outline":
                return _outline(workspace, text_of(call, "path"))
            case "list_files":
                return _list_files(workspace, text_of(call, "folder"))
            case name:
                return ToolResult(f"{name} does not look at anything", is_error=True)
    except (EditRefused, PathEscapes) as error:
        return ToolResult(f"{error.message}; list_files shows what there is", is_error=True)


def _read_file(workspace: Workspace, path: str, start: int) -> ToolResult:
    text = workspace.read(path).text
    if not text:
        return ToolResult(f"{path} is empty", details={"lines": 0, "path": path})
    lines = text.removesuffix("\n").split("\n")
    if not 1 <= start <= len(lines):
        return ToolResult(
            f"{path} has {len(lines)} lines; start lies between 1 and {len(lines)}", is_error=True
        )
    shown = _that_fit(lines[start - 1 : start - 1 + READ_LINES])
    last = start - 1 + len(shown)
    more = f"; read_file with start {last + 1} shows more" if last < len(lines) else ""
    fence = fence_for(*shown)
    head = f"{path}, lines {start} to {last} of {len(lines)}{more}"
    body = "\n".join(shown)
    return ToolResult(
        f"{head}\n{fence}{fence_info(path)}\n{body}\n{fence}",
        details={"lines": len(shown), "path": path},
    )


def _that_fit(lines: list[str]) -> list[str]:
    """The first lines, at least one, that have MAX_CHARS characters together."""
    shown: list[str] = []
    room = MAX_CHARS
    for line in map(cut_line, lines):
        room -= len(line) + 1
        if shown and room < 0:
            break
        shown.append(line)
    return shown


def _search(workspace: Workspace, text: str) -> ToolResult:
    if not text.strip():
        return ToolResult("search needs a text; list_files shows what there is", is_error=True)
    hits = list(itertools.islice(_hits(workspace, text), MAX_COUNTED + 1))
    if not hits:
        return ToolResult(f"{text!r} is in no file; search a shorter text", is_error=True)
    n = f"more than {MAX_COUNTED}" if len(hits) > MAX_COUNTED else f"{len(hits)}"
    cut = f", the first {SEARCH_HITS}" if len(hits) > SEARCH_HITS else ""
    head = f"{n} {'line' if len(hits) == 1 else 'lines'} with {text!r}{cut}"
    body = cut_lines("\n".join(hits[:SEARCH_HITS]), SEARCH_HITS, MAX_CHARS)
    return ToolResult(f"{head}\n{body}", details={"hits": min(len(hits), MAX_COUNTED)})


def _hits(workspace: Workspace, text: str) -> Iterator[str]:
    wanted = text.lower()
    for path in workspace.holding(text):
        content = workspace.text(path)
        if content is None or wanted not in content.lower():
            continue
        for number, line in enumerate(content.split("\n"), 1):
            if (at := line.lower().find(wanted)) >= 0:
                yield f"{path}:{number}: {_around(line, at)}"


def _around(line: str, at: int) -> str:
    skip = max(at - _BEFORE_HIT, 0) if len(line) > 2 * _BEFORE_HIT else 0
    shown = _LINE_ENDS.sub(" ", line[skip:]).strip()
    return ("..." if skip else "") + cut_line(shown, 2 * _BEFORE_HIT)


def _outline(workspace: Workspace, path: str) -> ToolResult:
    rows = outline(path, workspace.read(path).text)
    if not rows:
        return ToolResult(f"{path} has no outline; read_file shows it", is_error=True)
    return ToolResult(f"{path}\n{cut_lines(rows, READ_LINES, MAX_CHARS)}", details={"path": path})


def _list_files(workspace: Workspace, folder: str) -> ToolResult:
    files = workspace.files()
    top = PurePosixPath(folder).as_posix()
    prefix = "" if top == "." else f"{top}/"
    inside = [path for path in files if path.startswith(prefix)]
    if not inside:
        instead = "is a file; read_file shows it" if top in files else "has no files; try ."
        return ToolResult(f"{folder} {instead}", is_error=True)
    rows: dict[str, int] = {}
    for path in inside:
        first, below, _ = path.removeprefix(prefix).partition("/")
        key = prefix + first + below
        rows[key] = rows.get(key, 0) + 1
    text = "\n".join(_row(name, n) for name, n in rows.items())
    return ToolResult(cut_lines(text, READ_LINES, MAX_CHARS), details={"files": len(inside)})


def _row(name: str, n_files: int) -> str:
    if not name.endswith("/"):
        return name
    return f"{name} ({n_files} {'file' if n_files == 1 else 'files'})"
