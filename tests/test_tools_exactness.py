"""Every form of edit leaves the bytes alone that it does not name, and can be taken back."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qwenagent.errors import EditRefused
from qwenagent.grammar.search import markers
from qwenagent.protocol.json import JsonObject
from qwenagent.protocol.tools import ToolCall
from qwenagent.tools import make_edit
from qwenagent.workspace import Repository, Workspace
from tests.conftest import run_git
from tests.test_workspace_tree import snapshot

BOM = b"\xef\xbb\xbf"
ENDS = st.sampled_from(["\n", "\r\n"])
# Few different lines, so that many are the same and a comparison could take one for another.
LINES = st.sampled_from(
    ["", "x", "  x", "\tx", "x ", "a\rb", "a\x0cb", "grün", "=======", "\u00a0"]
)
FILES = st.lists(st.tuples(LINES, ENDS), min_size=1, max_size=12)
NEW = st.lists(st.sampled_from(["x", "new", "  x", "\tx", "für"]), min_size=1, max_size=4)
ENCODINGS = st.sampled_from(["utf-8", "latin-1", "bom"])
USUAL = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    root = tmp_path_factory.mktemp("exact") / "repo"
    root.mkdir()
    run_git(root, "init", "-q", "--template=")
    run_git(root, "commit", "-qm", "first", "--allow-empty")
    return Workspace(Repository.open(root))


class File:
    """A file as bytes, line by line."""

    def __init__(self, lines: list[tuple[str, str]], encoding: str, *, is_ended: bool) -> None:
        if not is_ended:
            lines = [*lines[:-1], (lines[-1][0] or "x", "")]
        codec = "utf-8" if encoding == "bom" else encoding
        self.head = BOM if encoding == "bom" else b""
        self.rows = [f"{line}{end}".encode(codec) for line, end in lines]
        self.texts = [line for line, _ in lines]

    @property
    def data(self) -> bytes:
        return self.head + b"".join(self.rows)


MADE = st.builds(File, FILES, ENCODINGS, is_ended=st.booleans())


def edited(tree: Workspace, before: bytes, call: ToolCall, mode: int = 0o640) -> bytes:
    """Return the file's bytes after a call; after the way back they must be the old ones."""
    target = tree.root / "a.txt"
    target.write_bytes(before)
    target.chmod(mode)
    tree.refresh()
    there = snapshot(tree.root)
    tree.apply(make_edit(tree, call))
    after = target.read_bytes()
    assert target.stat().st_mode & 0o777 == mode
    tree.rollback()
    assert snapshot(tree.root) == there
    return after


def require_around(file: File, after: bytes, first: int, last: int) -> None:
    """Check the bytes before and after the lines `first` to `last`, counted from 0."""
    before, behind = b"".join(file.rows[:first]), b"".join(file.rows[last + 1 :])
    assert after.startswith(file.head + before)
    assert after.endswith(behind)
    assert len(after) >= len(file.head + before + behind)


@USUAL
@given(MADE, NEW, st.data())
def test_a_range_of_lines(tree, file, new, data):
    first = data.draw(st.integers(0, len(file.rows) - 1))
    last = data.draw(st.integers(first, len(file.rows) - 1))
    call = ToolCall(
        "replace_lines",
        {"path": "a.txt", "start": first + 1, "end": last + 1},
        "".join(f"{row}\n" for row in new),
    )
    require_around(file, edited(tree, file.data, call), first, last)


@USUAL
@given(MADE, NEW, st.data())
def test_lines_that_are_searched_for(tree, file, new, data):
    first = data.draw(st.integers(0, len(file.rows) - 1))
    last = data.draw(st.integers(first, len(file.rows) - 1))
    old = "".join(f"{line}\n" for line in file.texts)
    marks = markers(old)
    search = "".join(f"{line}\n" for line in file.texts[first : last + 1])
    body = f"{marks.search}\n{search}{marks.middle}\n" + "".join(f"{r}\n" for r in new)
    call = ToolCall("search_replace", {"path": "a.txt"}, f"{body}{marks.replace}\n")
    wanted = file.texts[first : last + 1]
    n_places = sum(file.texts[at : at + len(wanted)] == wanted for at in range(len(file.texts)))
    if n_places == 1:
        require_around(file, edited(tree, file.data, call), first, last)
        return
    with pytest.raises(EditRefused, match=f" {n_places} times, at "):
        edited(tree, file.data, call)
    assert (tree.root / "a.txt").read_bytes() == file.data


@USUAL
@given(
    st.lists(st.tuples(st.sampled_from(["x = 1", "", "y = 'ü'"]), ENDS), max_size=6),
    st.lists(ENDS, min_size=3, max_size=3),
    st.lists(st.tuples(st.sampled_from(["x = 1", "", "z = 'ö'"]), ENDS), max_size=6),
    ENCODINGS,
    st.sampled_from(["replace_symbol", "insert_symbol"]),
)
def test_a_symbol(tree, above, ends, below, encoding, name):
    lines = [*above, ("def f():", ends[0]), ("    x = 1", ends[1]), ("    return 2", ends[2])]
    file = File([*lines, *below], encoding, is_ended=True)
    where = {"symbol": "f"} if name == "replace_symbol" else {"after": "f"}
    body = "def g():\n    x = 1\n    return 2\n"
    call = ToolCall(name, {"path": "a.py", **where}, body)
    target = tree.root / "a.py"
    target.write_bytes(file.data)
    tree.refresh()
    tree.apply(make_edit(tree, call))
    after = target.read_bytes()
    tree.rollback()
    target.unlink()
    first = len(above) + (3 if name == "insert_symbol" else 0)
    require_around(file, after, first, len(above) + 2)


def test_the_end_of_an_equal_line_is_not_taken(tree):
    """Compared as texts, the first of the two lines would have stayed, and its line end."""
    call = ToolCall("replace_lines", {"path": "a.txt", "start": 1, "end": 1}, "")
    assert edited(tree, b"x\r\nx\ny\r\n", call) == b"x\ny\r\n"


# -- several edits of one step ------------------------------------------------------------------

PATHS = st.sampled_from(["a.py", "b.py", "d/a.py", "d/e f/ü.py", "b.py/c.py", "B.py"])
ACTS = st.lists(
    st.tuples(
        st.sampled_from(
            ["write_file", "rewrite_file", "replace_lines", "search_replace", "delete_file",
             "rename_file", "insert_symbol", "replace_symbol"]
        ),
        PATHS,
        PATHS,
    ),
    min_size=1,
    max_size=8,
)  # fmt: skip
CODE = "def f():\n    return 1\n"
THERE = st.dictionaries(
    st.sampled_from(["a.py", "b.py", "d/a.py"]),
    st.tuples(
        st.sampled_from([CODE.encode(), BOM + CODE.replace("\n", "\r\n").encode(), b"x = '\xfc'"]),
        st.sampled_from([0o644, 0o755, 0o600]),
    ),
)
BODIES = {
    "search_replace": "<<<<<<< SEARCH\ndef f():\n=======\ndef f(a):\n>>>>>>> REPLACE\n",
    "insert_symbol": "def g():\n    return 2\n",
}


def do(tree: Workspace, name: str, path: str, to: str) -> None:
    arguments: JsonObject = {
        "path": path,
        "to": to,
        "symbol": "f",
        "after": "f",
        "start": 1,
        "end": 1,
    }
    body = BODIES.get(name, "def f():\n    return 3\n")
    with suppress(EditRefused):
        tree.apply(make_edit(tree, ToolCall(name, arguments, body)))


@settings(max_examples=30)
@given(THERE, ACTS, st.integers(0, 8))
def test_any_mixture_is_taken_back(tmp_path_factory, there, acts, n_kept):
    root = tmp_path_factory.mktemp("mixture")
    run_git(root, "init", "-q", "--template=")
    run_git(root, "commit", "-qm", "first", "--allow-empty")
    for name, (data, mode) in there.items():
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_bytes(data)
        (root / name).chmod(mode)
    tree = Workspace(Repository.open(root))
    before = snapshot(root)
    for act in acts[:n_kept]:
        do(tree, *act)
    best, files = tree.state(), snapshot(root)
    changed = tree.changed()
    for act in acts[n_kept:]:
        do(tree, *act)
    tree.restore(best)
    assert (snapshot(root), sorted(tree.changed())) == (files, sorted(changed))
    tree.rollback()
    assert (snapshot(root), tree.changed()) == (before, [])
