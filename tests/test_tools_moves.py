"""The calls that delete and rename, and texts that are another by now."""

from __future__ import annotations

from pathlib import Path

import pytest

from qwenagent.errors import EditRefused, PathEscapes
from qwenagent.protocol.tools import ToolCall
from qwenagent.tools import SPECS, make_edit, refusal, without_copies
from qwenagent.workspace import Edit, Repository, Workspace

README = "# Sample\n"
STORE = "pkg/store.py"


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
    ("name", "arguments", "old", "theirs"),
    [
        ("rewrite_file", {}, "LIMIT = 3\n", "LIMIT = 4\n"),
        ("replace_symbol", {"symbol": "Store"}, "return 1", "return 2"),
        ("insert_symbol", {"after": "Store"}, "return 1", "return 2"),
        ("replace_lines", {"start": 1, "end": 1}, "LIMIT = 3\n", "# new\nLIMIT = 3\n"),
        ("search_replace", {}, "LIMIT = 3\n", "LIMIT = 3\n# new\n"),
        ("delete_file", {}, "LIMIT", "# new\nLIMIT"),
        ("rename_file", {"to": "a.py"}, "LIMIT", "# new\nLIMIT"),
        # Nobody can tell what is meant by a place that was not shown.
        ("replace_lines", {"start": 10, "end": 10}, "LIMIT", "# new\nLIMIT"),
        ("replace_symbol", {"symbol": "NEW"}, "LIMIT", "NEW = 1\nLIMIT"),
        # What is left of the change is nothing.
        ("replace_lines", {"start": 1, "end": 1}, "LIMIT = 3\n", "class T:\n    pass\n"),
    ],
)
def test_a_text_that_changed_since_the_model_saw_it(tree, name, arguments, old, theirs):
    seen = {STORE: tree.read(STORE).text, "other.py": "x"}
    call = ToolCall(name, {"path": STORE, **arguments}, _body(name))
    text = seen[STORE].replace(old, theirs)
    (tree.root / STORE).write_text(text)
    with pytest.raises(EditRefused, match=r"^pkg/store\.py has changed since it was read; read it"):
        make_edit(tree, call, seen)
    assert (tree.root / STORE).read_text() == text


@pytest.mark.parametrize(
    ("name", "arguments", "old", "theirs"),
    [
        ("rewrite_file", {}, "return 1\n", "return 1\n\n    x = 1\n"),
        ("replace_symbol", {"symbol": "Store"}, "LIMIT = 3\n", "# new\nLIMIT = 3\n"),
        ("insert_symbol", {"after": "Store"}, "LIMIT = 3\n", "LIMIT = 4\n"),
        ("replace_lines", {"start": 1, "end": 1}, "return 1", "return 2"),
        ("search_replace", {}, '"""Keeps."""', '"""Keeps all."""'),
    ],
)
def test_a_change_elsewhere_that_the_model_has_not_seen(tree, name, arguments, old, theirs):
    seen = {STORE: tree.read(STORE).text, "other.py": "x"}
    body = _body(name)
    if name == "rewrite_file":
        body = seen[STORE].replace("LIMIT = 3", "LIMIT = 5")
    call = ToolCall(name, {"path": STORE, **arguments}, body)
    alone = make_edit(tree, call, seen)
    assert (alone, alone.meant) == (make_edit(tree, call), None)
    now = seen[STORE].replace(old, theirs)
    (tree.root / STORE).write_text(now)
    both = make_edit(tree, call, seen)
    assert alone.new is not None
    assert both == Edit(STORE, now, alone.new.replace(old, theirs))
    assert both.meant == alone.new
    told = []
    tree.meanwhile.tell = lambda *said: told.append(said)
    tree.apply(both)
    assert (tree.root / STORE).read_text() == both.new
    assert told == [
        ("pkg/store.py was changed by somebody else since it was read; both changes are in it", "")
    ]
    tree.rollback()
    assert (tree.root / STORE).read_text() == now


def _body(name: str) -> str:
    code = "class T:\n    pass\n"
    if name != "search_replace":
        return code
    return f"<<<<<<< SEARCH\nLIMIT = 3\n=======\n{code}>>>>>>> REPLACE\n"


def test_the_calls_take_no_body_where_there_is_nothing_to_write():
    bodies = {name: SPECS[name].body for name in ("search_replace", "delete_file", "rename_file")}
    assert bodies == {"search_replace": "code", "delete_file": "none", "rename_file": "none"}
