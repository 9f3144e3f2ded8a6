"""The calls that are legal in real repositories: every grammar builds and fits what is there."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import pytest

from qwenagent.errors import EditRefused
from qwenagent.grammar import Offer, Recogniser, call_grammar, forced_call
from qwenagent.grammar.calls import OPENING
from qwenagent.loop.editing import phases
from qwenagent.loop.editing.asker import header_text
from qwenagent.protocol.tools import ToolCall
from qwenagent.tools import GATHER_TOOLS, make_edit, run_gather
from qwenagent.workspace import Repository, Workspace
from tests.loop_stage import make_repository

SHORT = "def one():\n    return 1\n\n\ndef two():\n    return 2\n"
LONG = "\n\n".join(f"def f{i}():\n    return {i}\n" for i in range(60))
FILES = {
    "a.py": SHORT,
    "pkg/long.py": LONG,
    "pkg/crlf.py": SHORT.replace("\n", "\r\n"),
    "pkg/größe 1.py": SHORT,
    "notes.txt": "".join(f"line {i}\n" for i in range(200)),
    "data.csv": "x\n" * 2500,
    ".hidden/x.py": "A = 1\n",
    'quo"te.py': "A = 1\n",
}
WHOLE = 50


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    root = make_repository(tmp_path_factory.mktemp("phases") / "my repo", FILES)
    return Workspace(Repository.open(root))


@pytest.fixture
def bare(tmp_path: Path) -> Workspace:
    """A repository whose only file is hidden."""
    return Workspace(Repository.open(make_repository(tmp_path / "r", {".gitignore": "x\n"})))


def legal(offers: Iterable[Offer], name: str, **arguments: str | int) -> bool:
    recogniser = Recogniser(call_grammar(list(offers), "test").text)
    line = header_text(ToolCall(name, {**arguments})).removeprefix(OPENING)
    return recogniser.feed(line) and recogniser.complete


def names(offers: Iterable[Offer]) -> list[str]:
    return [offer.spec.name for offer in offers]


def test_looking_around(tree):
    offers = phases.gather_offers(tree, may_give_up=True)
    assert sorted(names(offers)) == sorted([*GATHER_TOOLS, "edit", "give_up"])
    assert legal(offers, "read_file", path="pkg/größe 1.py", start=1)
    assert legal(offers, "read_file", path='quo"te.py', start=1)
    assert legal(offers, "list_files", folder=".")
    assert legal(offers, "list_files", folder="pkg")
    assert legal(offers, "outline", path="pkg/long.py")
    assert legal(offers, "search", text="return 1")
    assert legal(offers, "give_up", reason="no")
    assert not legal(offers, "outline", path="notes.txt")
    assert not legal(offers, "read_file", path="gone.py", start=1)
    assert not legal(offers, "read_file", path=".hidden/x.py", start=1)
    assert not legal(offers, "list_files", folder="..")
    assert not legal(offers, "read_file", path="a.py", start=2)


@pytest.mark.parametrize(
    "call",
    [
        ToolCall("read_file", {"path": "pkg/größe 1.py", "start": 1}),
        ToolCall("outline", {"path": "pkg/crlf.py"}),
        ToolCall("list_files", {"folder": "pkg"}),
        ToolCall("search", {"text": "return 1"}),
    ],
    ids=lambda call: call.name,
)
def test_what_is_legal_to_look_at_is_there(call, tree):
    assert legal(phases.gather_offers(tree, may_give_up=False), call.name, **call.arguments)
    assert not run_gather(tree, call).is_error


def test_looking_around_where_nothing_is(bare):
    offers = phases.gather_offers(bare, may_give_up=False)
    assert names(offers) == ["edit", "search"]
    assert legal(offers, "edit")
    assert not legal(offers, "give_up", reason="no")


def test_editing_by_the_size_of_the_file(tree):
    paths = ["a.py", "pkg/long.py", "pkg/crlf.py", "notes.txt", "data.csv", "gone.py"]
    offers = phases.edit_offers(tree, paths, WHOLE)
    assert names(offers) == ["rewrite_file", "replace_symbol", "insert_symbol", "replace_lines"]
    assert legal(offers, "rewrite_file", path="a.py")
    assert legal(offers, "rewrite_file", path="pkg/crlf.py")
    assert legal(offers, "replace_symbol", path="pkg/long.py", symbol="f7")
    assert legal(offers, "insert_symbol", path="pkg/long.py", after="f59")
    assert legal(offers, "replace_lines", path="notes.txt", start=1, end=200)
    assert not legal(offers, "rewrite_file", path="pkg/long.py")
    assert not legal(offers, "rewrite_file", path="pkg/größe 1.py")
    assert not legal(offers, "replace_symbol", path="pkg/long.py", symbol="f60")
    assert not legal(offers, "replace_symbol", path="a.py", symbol="one")
    assert not legal(offers, "replace_lines", path="notes.txt", start=7, end=6)
    assert not legal(offers, "replace_lines", path="notes.txt", start=0, end=6)
    assert not legal(offers, "replace_lines", path="notes.txt", start=1, end=202)
    assert not legal(offers, "replace_lines", path="data.csv", start=1, end=1)


def test_what_is_to_be_added_comes_first_and_in_its_place(tree):
    request = "Add a function `mean` to the file, after the function `f7`."
    paths = ["pkg/long.py"]
    offers = phases.edit_offers(tree, paths, WHOLE, request=request, is_alone=True)
    call = ToolCall("insert_symbol", {"path": "pkg/long.py", "after": "f7"})
    assert forced_call(offers) == call
    assert names(phases.edit_offers(tree, paths, WHOLE, adding=paths)) == ["insert_symbol"]
    several = phases.edit_offers(tree, paths, WHOLE, request=request)
    assert names(several) == ["replace_symbol", "insert_symbol"]
    assert legal(several, "insert_symbol", path="pkg/long.py", after="f8")


@pytest.mark.parametrize(
    "call",
    [
        ToolCall("rewrite_file", {"path": "pkg/crlf.py"}, "A = 2\n"),
        ToolCall("rewrite_file", {"path": "pkg/größe 1.py"}, "A = 2\n"),
        ToolCall("replace_symbol", {"path": "pkg/long.py", "symbol": "f7"}, "def f7(): ...\n"),
        ToolCall("insert_symbol", {"path": "pkg/long.py", "after": "f7"}, "def g():\n    pass\n"),
        ToolCall("replace_lines", {"path": "notes.txt", "start": 200, "end": 200}, "last\n"),
    ],
    ids=lambda call: call.name,
)  # fmt: skip
def test_what_is_legal_to_edit_can_be_made(call, tree):
    path = str(call.arguments["path"])
    assert legal(phases.edit_offers(tree, [path], WHOLE), call.name, **call.arguments)
    edit = make_edit(tree, call)
    assert (edit.path, edit.old) == (path, tree.text(path))
    assert edit.new != edit.old


def test_a_short_file_that_is_alone_needs_no_question(tree):
    offers = phases.edit_offers(tree, ["a.py"], WHOLE)
    assert forced_call(offers) == ToolCall("rewrite_file", {"path": "a.py"})
    assert forced_call(phases.create_offers(["new dir/ü.py"])) == ToolCall(
        "write_file", {"path": "new dir/ü.py"}
    )


@pytest.mark.parametrize("text", ["", "x", "x\n", "\n", "x\r\ny"])
def test_the_shortest_files_can_be_rewritten(text, tmp_path):
    root = make_repository(tmp_path / "r", {"a.py": text, "keep": "x"})
    tree = Workspace(Repository.open(root))
    assert legal(phases.edit_offers(tree, ["a.py"], WHOLE), "rewrite_file", path="a.py")


def test_what_is_no_text_is_not_offered(tmp_path):
    root = make_repository(tmp_path / "r", {"a.py": "A = 1\n"})
    (root / "b.bin").write_bytes(b"\0\xff" * 10)
    tree = Workspace(Repository.open(root))
    assert phases.edit_offers(tree, ["b.bin"], WHOLE) == []


def test_a_new_file_lies_where_nothing_is(tree):
    offers = [phases.new_file_offer(tree)]
    for path in ("b.py", "pkg/b.py", "new/deep/b.py", "pkg/long2.py"):
        assert legal(offers, "write_file", path=path), path
    for path in ("a.py", "pkg/long.py", "pkg", "../b.py", "/b.py", ".hidden/b.py", ".env", ".git/x",
                 "conftest.py", "pkg/conftest.py", "pyproject.toml", "pkg/.x.py"):  # fmt: skip
        assert not legal(offers, "write_file", path=path), path


def test_a_new_file_where_there_was_none(bare):
    offers = [phases.new_file_offer(bare)]
    assert legal(offers, "write_file", path="main.py")
    assert not legal(offers, "write_file", path="conftest.py")


def test_the_nearest_paths_come_first_and_hidden_ones_never():
    paths = ["b/c/d.py", "b/a.py", "z.py", ".x/y.py", "b/.z/y.py", "a.py"]
    assert phases.nearest(paths) == ["a.py", "z.py", "b/a.py", "b/c/d.py"]
    many = [f"d{i}/f.py" for i in range(phases.MAX_PATHS)]
    assert phases.nearest([*many, "top.py"])[0] == "top.py"
    assert len(phases.nearest([*many, "top.py"])) == phases.MAX_PATHS


def test_the_folders_of_paths():
    assert phases.folders(["a.py", "b/c/d.py", "b/e.py"]) == [".", "b", "b/c"]
    assert phases.folders([]) == ["."]


def test_a_line_behind_the_last_one_is_refused_by_the_tool(tree):
    call = ToolCall("replace_lines", {"path": "notes.txt", "start": 300, "end": 300}, "x\n")
    with pytest.raises(EditRefused):
        make_edit(tree, call)


def test_calls_are_lines_of_json(tree):
    line = header_text(ToolCall("read_file", {"path": 'quo"te.py', "start": 1}))
    assert json.loads(line) == {"name": "read_file", "arguments": {"path": 'quo"te.py', "start": 1}}
