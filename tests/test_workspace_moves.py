"""Deleting and renaming, and the way back from them."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from qwenagent.errors import EditRefused, PathEscapes
from qwenagent.workspace import (
    Edit,
    Journal,
    PreImage,
    Repository,
    Workspace,
    recover,
    rename_diff,
)
from qwenagent.workspace.root import Root
from tests.conftest import run_git
from tests.test_workspace_tree import snapshot


@pytest.fixture
def tree(repo: Path) -> Workspace:
    (repo / "run me.sh").write_bytes(b"echo 1\r\n")
    (repo / "run me.sh").chmod(0o755)
    run_git(repo, "add", ".")
    run_git(repo, "commit", "-qm", "more")
    return Workspace(Repository.open(repo))


def delete(tree: Workspace, path: str) -> None:
    tree.apply(Edit(path, tree.read(path).text, None))


def rename(tree: Workspace, path: str, to: str) -> None:
    text = tree.read(path).text
    tree.apply(Edit(path, text, text, to))


def write(tree: Workspace, path: str, new: str) -> None:
    tree.apply(Edit(path, tree.read(path).text if tree.exists(path) else None, new))


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def without(files: dict[str, tuple[bytes, int]], *gone: str) -> dict[str, tuple[bytes, int]]:
    return {name: file for name, file in files.items() if name not in gone}


# -- there --------------------------------------------------------------------------------------


def test_delete(tree):
    before = snapshot(tree.root)
    delete(tree, "./run me.sh")
    assert snapshot(tree.root) == without(before, "run me.sh")
    assert (tree.changed(), tree.written()) == (["run me.sh"], ([], []))
    assert tree.state() == {"run me.sh": PreImage(None)}
    assert "run me.sh" not in tree.files()


@pytest.mark.parametrize("to", ["a.sh", "pkg/ü b.sh", "new/folder/a.sh", "RUN me.sh"])
def test_rename(tree, to):
    before = snapshot(tree.root)
    number = (tree.root / "run me.sh").stat().st_ino
    rename(tree, "run me.sh", to)
    after = snapshot(tree.root)
    folders = {str(p) for p in Path(to).parents} - {".", "pkg"}
    assert without(after, to, *folders) == without(before, "run me.sh")
    assert (after[to], (tree.root / to).stat().st_ino) == (before["run me.sh"], number)
    assert tree.changed() == ["run me.sh", to]
    assert tree.written() == ([], [to])
    assert {"run me.sh", to} & set(tree.files()) == {to}
    assert tree.rollback() == ["run me.sh", to]
    assert (snapshot(tree.root), tree.changed()) == (before, [])


def test_there_and_back_is_no_change(tree):
    before = snapshot(tree.root)
    rename(tree, "run me.sh", "new/a.sh")
    rename(tree, "new/a.sh", "run me.sh")
    assert (snapshot(tree.root), tree.changed(), tree.patch()) == (before, [], "")


def test_what_is_renamed_keeps_its_mode_when_it_is_written(tree):
    rename(tree, "run me.sh", "a.sh")
    write(tree, "a.sh", "echo 2\n")
    assert (tree.root / "a.sh").read_bytes() == b"echo 2\r\n"
    assert (tree.root / "a.sh").stat().st_mode & 0o777 == 0o755


def test_a_file_in_the_place_of_another(tree):
    before = snapshot(tree.root)
    delete(tree, "README.md")
    rename(tree, "run me.sh", "README.md")
    best, files = tree.state(), snapshot(tree.root)
    assert files["README.md"] == before["run me.sh"]
    delete(tree, "README.md")
    write(tree, "README.md", "plain\n")
    tree.restore(best)
    assert snapshot(tree.root) == files
    tree.rollback()
    assert snapshot(tree.root) == before


def test_a_folder_in_the_place_of_a_file(tree):
    before = snapshot(tree.root)
    delete(tree, "README.md")
    best, files = tree.state(), snapshot(tree.root)
    rename(tree, "run me.sh", "README.md/inner/a.sh")
    assert (tree.root / "README.md/inner/a.sh").is_file()
    tree.restore(best)
    assert snapshot(tree.root) == files
    rename(tree, "run me.sh", "README.md/inner/a.sh")
    tree.rollback()
    assert snapshot(tree.root) == before


def test_a_folder_in_the_place_of_a_file_that_was_made_and_deleted(tree):
    before = snapshot(tree.root)
    write(tree, "a", "x\n")
    delete(tree, "a")
    write(tree, "a/b.py", "x = 1\n")
    tree.rollback()
    assert (snapshot(tree.root), tree.changed()) == (before, [])


# -- refused ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("to", "message"),
    [
        ("README.md", "^README.md exists$"),
        ("pkg", "^pkg is a folder; name the file in it, as pkg/run me.sh$"),
        ("readme.md", "another spelling of README.md"),
        ("PKG/a.sh", "another spelling of pkg"),
        ("README.md/a.sh", "^README.md/a.sh cannot be written: Not a directory$"),
        ("node_modules/a.sh", "node_modules"),
    ],
)
def test_paths_that_a_file_cannot_get(tree, to, message):
    (tree.root / "node_modules").mkdir()
    before = snapshot(tree.root)
    with pytest.raises(EditRefused, match=message):
        rename(tree, "run me.sh", to)
    assert (snapshot(tree.root), tree.changed()) == (before, [])


@pytest.mark.parametrize(
    "path", ["../a.py", "/etc/x", ".git/config", ".github/a.yml", "link/a.py", ".gitattributes"]
)
def test_protected_ends(tree, path):
    (tree.root / "link").symlink_to("/tmp")
    (tree.root / ".gitattributes").write_text("")
    before = snapshot(tree.root)
    for edit in (
        Edit(path, "", None),
        Edit(path, "", "", "a.py"),
        Edit("README.md", "# Sample\n", "# Sample\n", path),
    ):
        with pytest.raises(PathEscapes):
            tree.apply(edit)
    assert (snapshot(tree.root), tree.changed()) == (before, [])


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (Edit("README.md", "old\n", None), "README.md has changed since it was read; read it"),
        (Edit("README.md", "old\n", "old\n", "a.md"), "README.md has changed since it was read"),
        (Edit("no.md", "x\n", None), "no.md does not exist"),
        (Edit("pkg", "", "", "b"), "pkg is a folder"),
        (Edit("README.md", "# Sample\n", "# Other\n", "a.md"), "change it in another call"),
        (Edit("kept.log", "x\n", None), "kept.log is ignored by git and not tracked"),
        (Edit("kept.log", "x\n", "x\n", "a.md"), "kept.log is ignored by git and not tracked"),
    ],
)
def test_what_is_not_taken_away(tree, edit, message):
    (tree.root / "kept.log").write_text("x\n")
    before = snapshot(tree.root)
    with pytest.raises(EditRefused, match=message):
        tree.apply(edit)
    assert (snapshot(tree.root), tree.changed()) == (before, [])


def test_a_write_protected_file_stays(tree):
    (tree.root / "README.md").chmod(0o444)
    with pytest.raises(EditRefused, match=r"README\.md is write-protected"):
        delete(tree, "README.md")
    with pytest.raises(EditRefused, match=r"README\.md is write-protected"):
        rename(tree, "README.md", "a.md")


# -- in the last moment -------------------------------------------------------------------------


def test_what_changed_after_the_look_is_not_replaced_and_not_ours(tree):
    journal: Journal = tree.journal
    path = tree.root / "README.md"
    path.write_bytes(b"theirs\n")
    before = snapshot(tree.root)
    acts: tuple[Callable[[], None], ...] = (
        lambda: journal.write(path, b"ours\n", was=b"# Sample\n"),
        lambda: journal.write(path, b"ours\n", was=None),
        lambda: journal.remove(path, was=b"# Sample\n"),
        lambda: journal.rename(path, tree.root / "a/b.md", b"# Sample\n"),
        lambda: journal.rename(path, tree.root / "pkg/store.py", b"theirs\n"),
        lambda: journal.write(tree.root / "gone.md", b"ours\n", was=b"# Sample\n"),
    )
    for act in acts:
        with pytest.raises(EditRefused):
            act()
        assert (snapshot(tree.root), journal.images) == (before, {})


def test_a_new_file_takes_no_name_that_something_has(tmp_path):
    (tmp_path / "a").symlink_to("nowhere")
    with pytest.raises(EditRefused, match=r"^a exists by now; choose another name$"):
        Root(tmp_path).replace("a", b"x", 0o644, None)
    assert [p.name for p in tmp_path.iterdir()] == ["a"]
    Root(tmp_path).replace("b", b"x", 0o600, None)
    status = (tmp_path / "b").stat()
    assert (status.st_mode & 0o777, status.st_nlink) == (0o600, 1)


def test_a_file_system_without_second_names(tmp_path, monkeypatch):
    def refused(*args: object, **options: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refused)
    root = Root(tmp_path)
    root.replace("a", b"x", 0o644, None)
    root.rename("a", "b", b"x")
    with pytest.raises(EditRefused, match="b exists by now"):
        root.replace("b", b"y", 0o644, None)
    assert [(p.name, p.read_bytes()) for p in tmp_path.iterdir()] == [("b", b"x")]


def test_another_spelling_of_a_name(tmp_path):
    root = Root(tmp_path)
    (tmp_path / "a.py").write_bytes(b"x")
    assert root.respells("a.py", "A.py")
    assert not root.respells("a.py", "b.py")
    assert not root.respells("a.py", "c/a.py")
    root.rename("a.py", "A.py", b"x")
    assert names(tmp_path) == ["A.py"]
    (tmp_path / "a.py").write_bytes(b"y")
    if len(names(tmp_path)) == 2:  # names differ by case here
        assert not root.respells("A.py", "a.py")


# -- patches and commits ------------------------------------------------------------------------


def test_git_takes_the_patch_of_a_step_with_everything(tree):
    (tree.root / "empty file.txt").write_bytes(b"")
    (tree.root / "old.sh").write_bytes(b"old\n")
    (tree.root / "old.sh").chmod(0o755)
    run_git(tree.root, "add", ".")
    run_git(tree.root, "commit", "-qm", "more")
    before = snapshot(tree.root)
    rename(tree, "run me.sh", "bin/run.sh")
    rename(tree, "pkg/store.py", "pkg/shop.py")
    write(tree, "pkg/shop.py", "x = 1\n")
    delete(tree, "empty file.txt")
    delete(tree, "old.sh")
    after, patch = snapshot(tree.root), tree.patch()
    tree.rollback()
    assert snapshot(tree.root) == before
    run_git(tree.root, "apply", "--whitespace=nowarn", stdin=patch)
    assert snapshot(tree.root) == after
    run_git(tree.root, "apply", "-R", "--whitespace=nowarn", stdin=patch)
    assert snapshot(tree.root) == before


@pytest.mark.parametrize(("path", "to"), [("a b.py", "ü/c.py"), ('q"t.py', "x.py")])
def test_git_takes_the_diff_of_a_rename(tree, path, to):
    (tree.root / path).write_text("x = 1\n")
    run_git(tree.root, "add", ".")
    run_git(tree.root, "commit", "-qm", "more")
    run_git(tree.root, "apply", stdin=rename_diff(path, to))
    assert ((tree.root / path).exists(), (tree.root / to).read_text()) == (False, "x = 1\n")


def test_a_commit_has_what_went_and_what_came(tree):
    (tree.root / "loose.txt").write_text("never committed\n")
    delete(tree, "README.md")
    delete(tree, "loose.txt")
    rename(tree, "run me.sh", "bin/run.sh")
    tree.repository.commit(tree.changed(), "Move")
    shown = run_git(tree.root, "show", "--name-status", "--format=", "--find-renames", "HEAD")
    assert shown.splitlines() == ["D\tREADME.md", "R100\trun me.sh\tbin/run.sh"]
    assert run_git(tree.root, "status", "--porcelain") == ""
    tree.settle()
    assert (tree.changed(), tree.written()) == ([], ([], ["bin/run.sh"]))


# -- after a kill -------------------------------------------------------------------------------


def killed(tree: Workspace) -> Repository:
    """Make the notes those of a process that is gone."""
    folder = tree.repository.private_folder() / "unfinished"
    for note in folder.glob("*.note"):
        note.write_text(note.read_text().replace(f'"pid":{os.getpid()}', '"pid":2147483647'))
    return tree.repository


def test_a_killed_run_is_undone(tree):
    before = snapshot(tree.root)
    rename(tree, "run me.sh", "bin/run.sh")
    delete(tree, "README.md")
    found = recover(killed(tree))
    assert found is not None
    assert (sorted(found.restored), found.kept) == (["README.md", "bin/run.sh", "run me.sh"], ())
    assert snapshot(tree.root) == before


def test_killed_after_the_commit_what_is_gone_stays_gone(tree):
    rename(tree, "run me.sh", "bin/run.sh")
    delete(tree, "README.md")
    after = snapshot(tree.root)
    tree.repository.commit(tree.changed(), "Move")
    assert recover(killed(tree)) is None
    assert snapshot(tree.root) == after


def test_killed_before_the_commit_of_something_else(tree):
    (tree.root / "loose.txt").write_text("never committed\n")
    before = snapshot(tree.root)
    delete(tree, "README.md")
    delete(tree, "loose.txt")
    run_git(tree.root, "commit", "-q", "--allow-empty", "-m", "theirs")
    found = recover(killed(tree))
    assert found is not None
    assert sorted(found.restored) == ["README.md", "loose.txt"]
    assert snapshot(tree.root) == before
