from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qwenagent.errors import EditRefused, PathEscapes
from qwenagent.workspace import Edit, Journal, Repository, Workspace, unified_diff
from qwenagent.workspace.root import Root
from tests.conftest import run_git

BOM = b"\xef\xbb\xbf"


@pytest.fixture
def tree(repo: Path) -> Workspace:
    return Workspace(Repository.open(repo))


def snapshot(root: Path) -> dict[str, tuple[bytes, int]]:
    """Bytes and mode of every file, and every folder, outside of .git."""
    return {
        str(path.relative_to(root)): (
            path.read_bytes() if path.is_file() else b"(folder)",
            path.stat().st_mode,
        )
        for path in root.rglob("*")
        if ".git" not in path.relative_to(root).parts
    }


def put(tree: Workspace, path: str, new: str) -> None:
    tree.apply(Edit(path, tree.read(path).text if tree.exists(path) else None, new))


# -- reading and writing ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "new", "after"),
    [
        (b"a\r\nb\r\n", "a\nc\n", b"a\r\nc\r\n"),
        (BOM + b"a\n", "c\n", BOM + b"c\n"),
        (b"a\nb", "a\nc", b"a\nc"),
        (b"", "a\n", b"a\n"),
        (b"a\x0c\n\xe2\x80\xa8", "b\x0c\n\u2028", b"b\x0c\n\xe2\x80\xa8"),
        (b"\tgr\xfc\n", "\tgrößer\n", b"\tgr\xf6\xdfer\n"),
        (b"a\r\nb\nc\r\n", "x\nb\nc\n", b"x\r\nb\nc\r\n"),
    ],
)
def test_an_edit_keeps_how_the_file_is_written(tree, before, new, after):
    target = tree.root / "a b ü.txt"
    target.write_bytes(before)
    target.chmod(0o755)
    put(tree, "a b ü.txt", new)
    assert (target.read_bytes(), target.stat().st_mode & 0o777) == (after, 0o755)
    assert sorted(p.name for p in tree.root.iterdir()) == [
        ".git", ".gitignore", "README.md", "a b ü.txt", "pkg",
    ]  # fmt: skip


def test_a_new_file_in_new_folders(tree):
    put(tree, "a/b/c.py", "x = 1\n")
    assert (tree.root / "a/b/c.py").read_bytes() == b"x = 1\n"
    assert (tree.root / "a/b/c.py").stat().st_mode & 0o777 == 0o644
    assert tree.changed() == ["a/b/c.py"]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"\x89PNG\0", "not a text file"),
        (b"\xc3\xbc\xfc", "neither UTF-8"),
        (b"x" * 2_000_001, "has 2,000,001 bytes, more than the 2,000,000 that are read; split it"),
    ],
)
def test_files_that_are_not_read(tree, data, message):
    (tree.root / "a.txt").write_bytes(data)
    with pytest.raises(EditRefused, match=message):
        tree.read("a.txt")
    with pytest.raises(EditRefused, match=message):
        tree.apply(Edit("a.txt", "", "x"))
    assert tree.text("a.txt") is None
    assert (tree.root / "a.txt").read_bytes() == data


@pytest.mark.parametrize(("path", "message"), [("no.py", "does not exist"), ("pkg", "is a folder")])
def test_what_is_no_file(tree, path, message):
    with pytest.raises(EditRefused, match=message):
        tree.read(path)


@pytest.mark.parametrize("path", ["../a.py", "/etc/passwd", ".git/config", "a\\b", "link.py"])
def test_outside_of_the_tree(tree, path):
    (tree.root / "link.py").symlink_to("/etc/passwd")
    with pytest.raises(PathEscapes):
        tree.read(path)
    with pytest.raises(PathEscapes):
        tree.apply(Edit(path, None, "x"))
    assert (tree.text(path), tree.exists(path)) == (None, False)


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (Edit("README.md", "as it was\n", "x\n"), "README.md has changed since it was read"),
        (Edit("README.md", None, "x\n"), "README.md exists by now"),
        (Edit("pkg", None, "x\n"), "pkg exists by now"),
        (Edit("gone.py", "a\n", "x\n"), "gone.py does not exist"),
        (Edit("README.md/a.py", None, "x\n"), "README.md/a.py cannot be written: "),
        (Edit("b.py", None, "\udc80"), "cannot be written as UTF-8"),
    ],
)
def test_edits_that_do_not_fit(tree, edit, message):
    before = snapshot(tree.root)
    with pytest.raises(EditRefused, match=message):
        tree.apply(edit)
    assert (snapshot(tree.root), tree.changed(), tree.patch()) == (before, [], "")


def test_an_ignored_file_of_the_user_is_not_changed_but_a_new_one_is(tree):
    (tree.root / "secret.log").write_text("key\n")
    with pytest.raises(EditRefused, match=r"secret\.log is ignored by git and not tracked"):
        put(tree, "secret.log", "other\n")
    put(tree, "build/made.py", "a = 1\n")
    put(tree, "build/made.py", "a = 2\n")
    tree.settle()
    put(tree, "build/made.py", "a = 3\n")
    assert tree.changed() == ["build/made.py"]
    assert (tree.root / "secret.log").read_text() == "key\n"


def test_an_ignored_file_that_is_tracked_is_changed(tree):
    (tree.root / "kept.log").write_text("a\n")
    run_git(tree.root, "add", "-f", "kept.log")
    put(tree, "kept.log", "b\n")
    assert tree.changed() == ["kept.log"]


def test_a_file_with_a_filter_of_the_repository_is_not_changed(tree):
    run_git(tree.root, "config", "filter.git-crypt.clean", "false")
    (tree.root / ".gitattributes").write_text("*.md filter=git-crypt\n")
    with pytest.raises(EditRefused, match="own filter git-crypt"):
        put(tree, "README.md", "x\n")
    put(tree, "pkg/store.py", "x = 1\n")


# -- the way back -------------------------------------------------------------------------------


def test_rollback(tree):
    (tree.root / "run.sh").write_bytes(b"a\r\n")
    (tree.root / "run.sh").chmod(0o750)
    before = snapshot(tree.root)
    put(tree, "run.sh", "b\n")
    put(tree, "run.sh", "c\n")
    put(tree, "a/b/new.py", "x\n")
    (tree.root / "run.sh").chmod(0o600)
    assert tree.rollback() == ["run.sh", "a/b/new.py"]
    assert (snapshot(tree.root), tree.changed()) == (before, [])


def test_rollback_after_the_tests_removed_things(tree):
    before = snapshot(tree.root)
    put(tree, "pkg/store.py", "x = 1\n")
    put(tree, "a/new.py", "x\n")
    tree.expect_changes()
    (tree.root / "pkg/store.py").unlink()
    (tree.root / "pkg").rmdir()
    (tree.root / "a/new.py").unlink()
    tree.rollback()
    assert snapshot(tree.root) == before


def test_rollback_leaves_folders_with_something_of_others(tree):
    put(tree, "a/new.py", "x\n")
    (tree.root / "a/theirs.txt").write_text("x")
    tree.rollback()
    assert [p.name for p in (tree.root / "a").iterdir()] == ["theirs.txt"]


def test_settle(tree):
    put(tree, "README.md", "one\n")
    put(tree, "new.py", "a\n")
    tree.settle()
    assert tree.changed() == []
    put(tree, "README.md", "two\n")
    assert tree.rollback() == ["README.md"]
    assert (tree.root / "README.md").read_text() == "one\n"
    assert tree.written() == (["README.md"], ["new.py"])


def test_written_and_changed_name_only_what_differs(tree):
    put(tree, "README.md", "one\n")
    put(tree, "README.md", "# Sample\n")
    put(tree, "new.py", "a\n")
    (tree.root / "new.py").unlink()
    assert (tree.changed(), tree.written(), tree.patch()) == ([], ([], []), "")
    assert tree.repository.commit(tree.changed(), "nothing") == tree.repository.head()


def test_state_and_restore(tree):
    put(tree, "README.md", "one\n")
    put(tree, "a/first.py", "1\n")
    best, files = tree.state(), snapshot(tree.root)
    put(tree, "README.md", "two\n")
    put(tree, "pkg/store.py", "x\n")
    put(tree, "b/c/second.py", "2\n")
    tree.expect_changes()
    (tree.root / "a/first.py").unlink()
    (tree.root / "a").rmdir()
    tree.restore(best)
    assert snapshot(tree.root) == files
    assert tree.changed() == ["README.md", "a/first.py"]
    tree.rollback()
    assert run_git(tree.root, "status", "--porcelain") == ""


NAMES = st.sampled_from(["a.py", "b/c.py", "b/d/e ü.py", "f/g.py", "kept.txt"])
CONTENT = st.text(alphabet="ab\nü", max_size=5).map(str.encode)


@given(
    st.lists(st.tuples(NAMES, st.one_of(st.none(), CONTENT)), max_size=8),
    st.dictionaries(st.sampled_from(["a.py", "kept.txt", "f/g.py"]), CONTENT),
)
def test_any_writes_then_rollback_give_the_same_tree(tmp_path_factory, writes, there):
    root = tmp_path_factory.mktemp("tree")
    for name, data in there.items():
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_bytes(data)
    before = snapshot(root)
    journal = Journal(Root(root))
    for name, written in writes:
        if written is None:
            journal.remove(root / name)
        else:
            journal.write(root / name, written)
    journal.rollback()
    assert snapshot(root) == before


def test_a_write_that_fails_leaves_no_other_file(tree):
    with pytest.raises(TypeError):
        tree.journal.write(tree.root / "a.py", "no bytes")
    assert not [p.name for p in tree.root.iterdir() if p.name.startswith((".q", "a"))]


# -- patches ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("a.py", None, "a\nb\n"),
        ("a.py", None, "no line end"),
        ("a.py", None, ""),
        ("sub/ü ö.py", None, "x\n"),
        ('quo"te d.py', "a\n", "b\n"),
        ("[a]*.py", "a\n", "b\n"),
        ("a b.py", "a\nb", "a\nc"),
        ("a.py", "a\nb", "a\nb\n"),
        ("a.py", "a\r\nb\r\nc\r\n", "a\r\nx\r\nc\r\n"),
        ("a.py", "\ufeffa\n", "\ufeffb\n"),
        ("a.py", "a\x0cb\u2028c\x85d\n", "a\x0cb\u2028c\x85e\n"),
        ("a.py", "", "x\n"),
        ("a.py", "--- a\n+++ b\n", "+++ b\n@@ -1 +1 @@\n"),
    ],
)
def test_git_takes_the_patch(tree, name, old, new):
    target = tree.root / name
    target.parent.mkdir(exist_ok=True)
    if old is not None:
        target.write_bytes(old.encode())
        run_git(tree.root, "add", "--", f":(literal){name}")
        run_git(tree.root, "commit", "-qm", "before")
    put(tree, name, new.removeprefix("\ufeff").replace("\r\n", "\n"))
    after = snapshot(tree.root)
    patch = tree.patch()
    tree.rollback()
    run_git(tree.root, "apply", "--whitespace=nowarn", stdin=patch)
    assert snapshot(tree.root) == after
    run_git(tree.root, "apply", "-R", "--whitespace=nowarn", stdin=patch)
    assert target.exists() == (old is not None)


def test_the_patch_of_a_whole_run(tree):
    put(tree, "README.md", "one\n")
    tree.settle()
    put(tree, "README.md", "two\n")
    assert tree.patch() == unified_diff("README.md", "one\n", "two\n")
    assert tree.patch(whole_run=True) == unified_diff("README.md", "# Sample\n", "two\n")


def test_a_diff_of_nothing_and_of_a_deletion():
    assert unified_diff("a", "x\n", "x\n") == ""
    assert unified_diff("a b", "x\n", None) == (
        "diff --git a/a b b/a b\ndeleted file mode 100644\n"
        "--- a/a b\t\n+++ /dev/null\n@@ -1 +0,0 @@\n-x\n"
    )


def test_an_edit_in_the_same_second_has_another_time(tmp_path: Path) -> None:
    """Python takes its compiled copy for good if size and whole seconds of the source agree."""
    path = tmp_path / "halve.py"
    seconds = []
    for n in range(4):
        Root(path.parent).replace(path.name, b"n = %d\n" % n, 0o644)
        seconds.append(int(path.stat().st_mtime))
    assert len(set(seconds)) == 4
