"""What the tests of each language's syntax have in common."""

from __future__ import annotations

from pathlib import Path

from hypothesis import strategies as st

from qwenagent.protocol.tools import ToolCall
from qwenagent.syntax import Symbol, outline, symbols, syntax_error
from qwenagent.tools import make_edit
from qwenagent.workspace import Repository, Workspace

Row = tuple[str, str, int, int, str]


def found(path: str, text: str) -> list[Row]:
    """The symbols as (name, kind, first line, last line, signature)."""
    return [
        (it.name, it.kind, it.first_line, it.last_line, it.signature) for it in symbols(path, text)
    ]


def names(path: str, text: str) -> list[str]:
    return [it.name for it in symbols(path, text)]


def source(path: str, text: str, name: str) -> str:
    """The lines of a symbol."""
    [it] = [it for it in symbols(path, text) if it.name == name]
    return "\n".join(text.split("\n")[it.first_line - 1 : it.last_line])


def replaced(repo: Path, path: str, text: str, name: str, body: str) -> bytes:
    """The bytes of a file after one symbol of it was replaced."""
    (repo / path).write_bytes(text.encode())
    tree = Workspace(Repository.open(repo))
    tree.apply(make_edit(tree, ToolCall("replace_symbol", {"path": path, "symbol": name}, body)))
    return (repo / path).read_bytes()


def cuts(text: str) -> st.SearchStrategy[str]:
    """The text without some part of it, with some other text there instead."""
    ends = st.tuples(st.integers(0, len(text)), st.integers(0, len(text)))
    return st.builds(
        lambda ends, new: text[: min(ends)] + new + text[max(ends) :],
        ends,
        st.text(st.characters(), max_size=20) | st.sampled_from(["{", "}", "(", '"', "end", "<?"]),
    )


def check_any(path: str, text: str) -> None:
    """Whatever a text is, its symbols are lines of it and have names of their own."""
    listed = symbols(path, text)
    n_lines = text.count("\n") + 1
    wrong = [it for it in listed if not 1 <= it.first_line <= it.last_line <= n_lines]
    assert wrong == []
    assert [it for it in listed if not it.name.strip(".") or "\n" in it.name] == []
    assert len({it.name for it in listed}) == len(listed)
    assert all(isinstance(it, Symbol) for it in listed)
    assert outline(path, text).count("\n") == max(len(listed) - 1, 0)
    assert syntax_error(path, text, text) == ""
