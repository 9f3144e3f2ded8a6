"""The calls that delete and rename, and texts that are another by now."""

from __future__ import annotations

from pathlib import Path

import pytest

from qwenagent.errors import EditRefused, PathEscapes
from qwenagent.protocol.tools import ToolCall
from qwenagent.tools import SPECS, make_edit, refusal, without_copies
from qwenagent.workspace import Edit, Repository, Workspace

README = "# Sample\n"


@pytest.fixture
def tree(repo: Path) -> Workspace:
    return Workspace(Repository.open(repo))


def test_delete_file(tree):
    edit = make_edit(tree, ToolCall("delete_file", {"path": "README.md"}))
    assert edit == Edit("README.md", README, None)
    tree.apply(edit)
    assert not tree.exists("README.md")


def test_rename_file(tree):
    call = ToolCall("rename_file", {"path": "README.md", "to": "doc/ü 1.md"})
    edit = make_edit(tree, call)
    assert edit == Edit("README.md", README, README, "doc/ü 1.md")
    tree.apply(edit)
    assert (tree.exists("README.md"), tree.read("doc/ü 1.md").text) == (False, README)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"to": "doc/"}, "^doc/ names a folder; doc/README.md would be the file in it$"),
        ({"to": "./README.md"}, "^README.md has that name already; choose another one$"),
        ({}, "^rename_file needs to as a string, not None$"),
    ],
)
def test_a_rename_that_cannot_be_meant(tree, arguments, message):
    with pytest.raises(EditRefused, match=message):
        make_edit(tree, ToolCall("rename_file", {"path": "README.md", **arguments}))


@pytest.mark.parametrize("name", ["delete_file", "rename_file", "search_replace"])
def test_files_that_are_not_there_or_not_ours(tree, name):
    with pytest.raises(EditRefused, match=r"no\.py does not exist"):
        make_edit(tree, ToolCall(name, {"path": "no.py", "to": "b.py"}))
    with pytest.raises(PathEscapes):
        make_edit(tree, ToolCall(name, {"path": ".git/config", "to": "b.py"}))


@pytest.mark.parametrize("edit", [Edit("a.py", "x = 1\n", None), Edit("a.py", "", "", "b.py")])
def test_what_goes_or_moves_is_judged_elsewhere(edit):
    assert refusal(edit, "") == ""
    assert without_copies(edit, [("t.py", "def f():\n    pass\n")]) is edit


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("rewrite_file", {}),
        ("replace_symbol", {"symbol": "Store"}),
        ("insert_symbol", {"after": "Store"}),
        ("replace_lines", {"start": 1, "end": 1}),
        ("search_replace", {}),
        ("delete_file", {}),
        ("rename_file", {"to": "a.py"}),
    ],
)
def test_a_text_that_changed_since_the_model_saw_it(tree, name, arguments):
    seen = {"pkg/store.py": tree.read("pkg/store.py").text, "other.py": "x"}
    body = "<<<<<<< SEARCH\nLIMIT = 3\n=======\nclass T:\n    pass\n>>>>>>> REPLACE\n"
    if name != "search_replace":
        body = "class T:\n    pass\n"
    call = ToolCall(name, {"path": "pkg/store.py", **arguments}, body)
    assert make_edit(tree, call, seen) == make_edit(tree, call)
    (tree.root / "pkg/store.py").write_text("# new\n" + seen["pkg/store.py"])
    with pytest.raises(EditRefused, match=r"^pkg/store\.py has changed since it was read; read it"):
        make_edit(tree, call, seen)


def test_the_calls_take_no_body_where_there_is_nothing_to_write():
    bodies = {name: SPECS[name].body for name in ("search_replace", "delete_file", "rename_file")}
    assert bodies == {"search_replace": "code", "delete_file": "none", "rename_file": "none"}
