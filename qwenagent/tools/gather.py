"""Read-only calls. Each returns little, and when it refuses it says what to call instead."""

from __future__ import annotations

from pathlib import PurePosixPath

from qwenagent.errors import EditRefused, PathEscapes
from qwenagent.protocol.tools import ToolCall, ToolResult
from qwenagent.syntax import fence_info, outline
from qwenagent.tools.truncate import cut_lines
from qwenagent.workspace import Workspace

READ_LINES = 200
SEARCH_HITS = 20
MAX_CHARS = 8000


def run_gather(workspace: Workspace, call: ToolCall) -> ToolResult:
    """Carry out a read-only call."""
    arguments = call.arguments
    try:
        match call.name:
            case "read_file":
                return _read_file(workspace, str(arguments["path"]), int(str(arguments["start"])))
            case "search":
                return _search(workspace, str(arguments["text"]))
            case "outline":
                return _outline(workspace, str(arguments["path"]))
            case "list_files":
                return _list_files(workspace, str(arguments["folder"]))
            case name:
                return ToolResult(f"{name} does not look at anything", is_error=True)
    except (EditRefused, PathEscapes) as error:
        return ToolResult(f"{error.message}; list_files shows what there is", is_error=True)


def _read_file(workspace: Workspace, path: str, start: int) -> ToolResult:
    lines = workspace.read(path).text.split("\n")
    if start > len(lines):
        return ToolResult(f"{path} has only {len(lines)} lines", is_error=True)
    shown = lines[start - 1 : start - 1 + READ_LINES]
    last = start - 1 + len(shown)
    more = f"; read_file with start {last + 1} shows more" if last < len(lines) else ""
    head = f"{path}, lines {start} to {last} of {len(lines)}{more}"
    text = cut_lines("\n".join(shown), READ_LINES, MAX_CHARS)
    return ToolResult(
        f"{head}\n```{fence_info(path)}\n{text}\n```", details={"lines": len(shown), "path": path}
    )


def _search(workspace: Workspace, text: str) -> ToolResult:
    hits: list[str] = []
    n_hits = 0
    for path in workspace.files():
        content = workspace.text(path)
        if content is None or text.lower() not in content.lower():
            continue
        for number, line in enumerate(content.split("\n"), 1):
            if text.lower() in line.lower():
                n_hits += 1
                if len(hits) < SEARCH_HITS:
                    hits.append(f"{path}:{number}: {line.strip()}")
    if not hits:
        return ToolResult(f"{text!r} is in no file", is_error=True)
    head = f"{n_hits} lines with {text!r}" + (f", the first {SEARCH_HITS}" if n_hits > 20 else "")
    body = cut_lines("\n".join(hits), SEARCH_HITS, MAX_CHARS)
    return ToolResult(f"{head}\n{body}", details={"hits": n_hits})


def _outline(workspace: Workspace, path: str) -> ToolResult:
    rows = outline(path, workspace.read(path).text)
    if not rows:
        return ToolResult(f"{path} has no outline; read_file shows it", is_error=True)
    return ToolResult(f"{path}\n{cut_lines(rows, READ_LINES, MAX_CHARS)}", details={"path": path})


def _list_files(workspace: Workspace, folder: str) -> ToolResult:
    inside = [p for p in workspace.files() if folder == "." or p.startswith(f"{folder}/")]
    if not inside:
        return ToolResult(f"{folder} has no files", is_error=True)
    depth = 0 if folder == "." else len(PurePosixPath(folder).parts)
    rows: dict[str, int] = {}
    for path in inside:
        parts = PurePosixPath(path).parts
        key = path if len(parts) == depth + 1 else "/".join(parts[: depth + 1]) + "/"
        rows[key] = rows.get(key, 0) + 1
    text = "\n".join(f"{name} ({n} files)" if name.endswith("/") else name for name, n in rows.items())
    return ToolResult(cut_lines(text, READ_LINES, MAX_CHARS), details={"files": len(inside)})
