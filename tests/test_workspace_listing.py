"""Kinds of repository: what of each is listed, read and written."""

from __future__ import annotations

import os
import shutil
import unicodedata
from pathlib import Path

import pytest

from qwenagent.errors import DirtyTree, EditRefused, GitFailed, WorkspaceError
from qwenagent.workspace import ChangedMeanwhile, Edit, Repository
from tests.conftest import run_git
from tests.listing_stage import FIRST, commit, open_tree, put, refused

# -- repositories in and beside it --------------------------------------------------------------


@pytest.fixture
def with_submodule(repo: Path, tmp_path: Path) -> Path:
    inner = tmp_path / "inner"
    put(inner, "a.py")
    run_git(inner, "init", "-q", "-b", "main")
    commit(inner)
    allow = ("-c", "protocol.file.allow=always")
    run_git(repo, *allow, "submodule", "--quiet", "add", str(inner), "lib/inner")
    commit(repo)
    return repo


def test_a_submodule_is_neither_listed_nor_written(with_submodule):
    tree = open_tree(with_submodule)
    assert tree.files() == [".gitignore", ".gitmodules", *FIRST[1:]]
    assert refused(tree, "lib/inner/b.py") == "lib/inner/b.py is in a repository of its own"
    assert Repository.open(with_submodule / "lib/inner").files() == ["a.py"]


def test_a_submodule_that_is_not_fetched(with_submodule):
    run_git(with_submodule, "submodule", "--quiet", "deinit", "--all", "--force")
    tree = open_tree(with_submodule)
    assert tree.files() == [".gitignore", ".gitmodules", *FIRST[1:]]
    why = "is in the submodule lib/inner; work in that repository"
    assert refused(tree, "lib/inner/b.py") == f"lib/inner/b.py {why}"
    assert refused(tree, "lib/inner") == f"lib/inner {why}"
    assert run_git(with_submodule, "status", "--porcelain") == ""


def test_a_repository_inside_of_the_repository(repo):
    put(repo, "pkg/inner/a.py")
    put(repo, "pkg/inner/tracked.py")
    run_git(repo, "add", "pkg/inner/tracked.py")
    run_git(repo / "pkg/inner", "init", "-q")
    assert open_tree(repo).files() == FIRST


def test_a_linked_tree_has_its_own_files(repo, tmp_path):
    linked = tmp_path / "linked tree"
    run_git(repo, "worktree", "add", "-q", "-b", "other", str(linked))
    put(linked, "new.py")
    tree = open_tree(linked / "pkg")
    assert (tree.root, tree.files()) == (linked, [*FIRST[:2], "new.py", FIRST[2]])
    tree.apply(Edit("README.md", "# Sample\n", "# Linked\n"))
    tree.repository.commit(["README.md"], "linked")
    assert (repo / "README.md").read_text() == "# Sample\n"
    assert tree.repository.changes() == []


@pytest.mark.parametrize("cone", ["--cone", "--no-cone"])
def test_what_a_sparse_checkout_leaves_out(repo, cone):
    put(repo, "docs/guide.md")
    commit(repo)
    run_git(repo, "sparse-checkout", "set", cone, "pkg" if cone == "--cone" else "/pkg/")
    tree = open_tree(repo)
    assert "docs/guide.md" not in tree.files()
    why = "docs/guide.md is not checked out here; `git sparse-checkout` brings it"
    assert refused(tree, "docs/guide.md") == why
    with pytest.raises(EditRefused, match="not checked out"):
        tree.read("docs/guide.md")
    before = run_git(repo, "ls-files", "-s")
    tree.apply(Edit("pkg/new.py", None, "x = 1\n"))
    tree.repository.snapshot("refs/qwenagent/one", "before")
    tree.repository.commit(["pkg/new.py"], "new")
    assert set(before.splitlines()) < set(run_git(repo, "ls-files", "-s").splitlines())
    assert not (repo / "docs").exists()


def test_a_file_that_git_is_told_to_skip_or_to_take_as_unchanged(repo):
    run_git(repo, "update-index", "--skip-worktree", "README.md")
    run_git(repo, "update-index", "--assume-unchanged", "pkg/store.py")
    tree = open_tree(repo)
    assert tree.files() == [".gitignore", "pkg/store.py"]
    assert "is not checked out here" in refused(tree, "README.md", "# Sample\n")
    old = tree.read("pkg/store.py").text
    assert "is marked --assume-unchanged" in refused(tree, "pkg/store.py", old)


def test_a_shallow_clone_with_a_detached_head(repo, tmp_path):
    put(repo, "second.py")
    commit(repo)
    clone = tmp_path / "clone"
    run_git(tmp_path, "clone", "-q", "--depth=1", f"file://{repo}", str(clone))
    run_git(clone, "checkout", "-q", "--detach")
    tree = open_tree(clone)
    tree.repository.require_clean()
    assert tree.repository.start_branch("step") == "step"
    tree.apply(Edit("second.py", "x\n", "y\n"))
    tree.repository.snapshot("refs/qwenagent/one", "before")
    tree.repository.commit(["second.py"], "step")
    assert run_git(clone, "log", "--format=%s").split() == ["step", "more"]


def test_a_repository_without_a_commit_and_with_empty_folders(tmp_path):
    run_git(tmp_path, "init", "-q")
    (tmp_path / "empty/deep").mkdir(parents=True)
    tree = open_tree(tmp_path)
    assert tree.files() == []
    tree.apply(Edit("empty/deep/a.py", None, "x\n"))
    assert tree.files() == ["empty/deep/a.py"]


def test_what_is_added_by_intent_only(repo):
    put(repo, "soon.py")
    run_git(repo, "add", "-N", "soon.py")
    tree = open_tree(repo)
    assert tree.files() == [*FIRST, "soon.py"]
    tree.apply(Edit("soon.py", "x\n", "y\n"))
    tree.repository.commit(["soon.py"], "soon")
    assert run_git(repo, "show", "HEAD:soon.py") == "y\n"


# -- unfinished things --------------------------------------------------------------------------


@pytest.fixture
def divided(repo: Path) -> Path:
    """Branches main and other, which both change README.md."""
    run_git(repo, "checkout", "-q", "-b", "other")
    put(repo, "README.md", "other\n")
    commit(repo)
    run_git(repo, "checkout", "-q", "main")
    put(repo, "README.md", "main\n")
    commit(repo)
    return repo


def fails(root: Path, *args: str) -> None:
    with pytest.raises(AssertionError):
        run_git(root, *args)


def merge(root: Path) -> None:
    fails(root, "merge", "other")


def rebase(root: Path) -> None:
    fails(root, "rebase", "other")


def apply_rebase(root: Path) -> None:
    fails(root, "rebase", "--apply", "other")


def cherry_pick(root: Path) -> None:
    fails(root, "cherry-pick", "other")


def cherry_pick_of_two(root: Path) -> None:
    run_git(root, "commit", "-q", "--allow-empty", "-m", "empty")
    run_git(root, "checkout", "-q", "other")
    run_git(root, "commit", "-q", "--allow-empty", "-m", "empty")
    run_git(root, "checkout", "-q", "main")
    fails(root, "cherry-pick", "other~2..other")
    put(root, "README.md", "both\n")
    run_git(root, "commit", "-qam", "picked")


def revert(root: Path) -> None:
    run_git(root, "commit", "-q", "--allow-empty", "-m", "empty")
    put(root, "README.md", "again\n")
    commit(root)
    fails(root, "revert", "--no-edit", "HEAD~2")


def bisect(root: Path) -> None:
    run_git(root, "bisect", "start")


def am(root: Path) -> None:
    patch = run_git(root, "format-patch", "--stdout", "other~..other")
    with pytest.raises(AssertionError):
        run_git(root, "am", stdin=patch)


@pytest.mark.parametrize(
    ("begin", "what", "ends"),
    [
        (merge, "a merge", "git merge --abort"),
        (rebase, "a rebase", "git rebase --abort"),
        (apply_rebase, "a rebase", "git rebase --abort"),
        (cherry_pick, "a cherry-pick", "git cherry-pick --abort"),
        (cherry_pick_of_two, "a cherry-pick or revert", "git cherry-pick --abort"),
        (revert, "a revert", "git revert --abort"),
        (bisect, "a bisect", "git bisect reset"),
        (am, "a `git am`", "git am --abort"),
    ],
)
def test_what_is_unfinished_is_named_with_what_ends_it(divided, begin, what, ends):
    begin(divided)
    repository = Repository.open(divided)
    with pytest.raises(DirtyTree) as caught:
        repository.require_clean()
    assert caught.value.message == f"{what} is in progress"
    assert f"`{ends}` ends it, then run again" in caught.value.hint
    run_git(divided, *ends.split()[1:])
    repository.require_clean()


def test_a_file_with_conflicts_is_read_only(divided):
    merge(divided)
    tree = open_tree(divided)
    old = tree.read("README.md").text
    assert refused(tree, "README.md", old) == (
        "README.md has conflicts; resolve them and `git add` it"
    )


def test_a_lock_that_git_left_behind(repo):
    lock = put(repo, ".git/index.lock")
    os.utime(lock, (1_000_000_000, 1_000_000_000))
    put(repo, "README.md", "other\n")
    repository = Repository.open(repo)
    for work in (lambda: repository.commit(["README.md"], "x"), repository.require_clean):
        with pytest.raises(GitFailed, match=r"another git command holds .*/\.git/index\.lock") as e:
            work()
        assert e.value.message.endswith(" min old)")
        assert "delete that file" in e.value.hint
    lock.unlink()
    repository.commit(["README.md"], "x")


# -- names and links ----------------------------------------------------------------------------


def test_names_of_all_kinds_are_listed_read_written_and_committed(repo):
    names = [
        "a b.py",
        "it's.py",
        'say "x".py',
        "tab\u3000wide.py",
        "grüße/日本語.py",
        "🎉.py",
        unicodedata.normalize("NFC", "é.py"),
        unicodedata.normalize("NFD", "ö.py"),
        "n" * 252 + ".py",
    ]
    for name in names:
        put(repo, name)
    tree = open_tree(repo)
    assert tree.files() == sorted([*FIRST, *names])
    for name in names:
        tree.apply(Edit(name, "x\n", "y\n"))
    assert sorted(tree.changed()) == sorted(names)
    tree.repository.commit(names, "all")
    assert run_git(repo, "status", "--porcelain") == ""


def test_names_that_are_not_offered(repo):
    for name in ("two\nlines.py", "back\\slash.py", "bell\x07.py"):
        put(repo, name)
    assert open_tree(repo).files() == FIRST


@pytest.fixture
def exact_names(repo: Path) -> None:
    """Skips the test where the file system takes two spellings for one name."""
    if (repo / "readme.MD").exists():
        pytest.skip("this file system ignores case")


@pytest.mark.usefixtures("exact_names")
def test_names_that_differ_only_in_case(repo):
    put(repo, "readme.md")
    commit(repo)
    tree = open_tree(repo)
    assert tree.files() == [".gitignore", "README.md", "pkg/store.py", "readme.md"]
    tree.apply(Edit("readme.md", "x\n", "y\n"))
    assert (repo / "README.md").read_text() == "# Sample\n"


@pytest.mark.usefixtures("exact_names")
@pytest.mark.parametrize(
    ("path", "twin"),
    [("Readme.MD", "README.md"), ("PKG/new.py", "pkg"), ("pkg/STORE.py", "pkg/store.py")],
)
def test_another_spelling_of_what_is_there_is_not_created(repo, path, twin):
    assert refused(open_tree(repo), path) == (
        f"{path} would be another spelling of {twin}, and on some systems the same file"
    )


@pytest.mark.usefixtures("exact_names")
def test_another_form_of_an_accent_is_not_created(repo):
    put(repo, unicodedata.normalize("NFD", "é.py"))
    with pytest.raises(EditRefused, match="another spelling"):
        open_tree(repo).apply(Edit(unicodedata.normalize("NFC", "é.py"), None, "x\n"))


def test_links_of_all_kinds_are_neither_listed_nor_followed(repo, tmp_path):
    outside = put(tmp_path, "outside.py")
    links = {"in": "README.md", "out": str(outside), "folder": "pkg", "loop": "loop", "gone": "no"}
    for name, target in links.items():
        (repo / name).symlink_to(target)
    run_git(repo, "add", "in", "loop")
    tree = open_tree(repo)
    assert tree.files() == FIRST
    for name in links:
        path = "folder/store.py" if name == "folder" else name
        assert "goes through a link" in refused(tree, path)


def test_a_tracked_file_that_became_a_link_or_a_folder(repo, tmp_path):
    (repo / "README.md").unlink()
    (repo / "README.md").symlink_to(".gitignore")
    shutil.move(repo / "pkg", tmp_path / "pkg")
    (repo / "pkg").symlink_to(tmp_path / "pkg")
    assert open_tree(repo).files() == [".gitignore"]


def test_the_other_name_of_a_hard_link_keeps_its_content(repo, tmp_path):
    os.link(repo / "README.md", tmp_path / "other name")
    open_tree(repo).apply(Edit("README.md", "# Sample\n", "# New\n"))
    assert (tmp_path / "other name").read_text() == "# Sample\n"


def test_a_pipe_is_no_file(repo):
    os.mkfifo(repo / "pipe")
    tree = open_tree(repo)
    assert tree.files() == FIRST
    with pytest.raises(EditRefused, match=r"^pipe is a pipe, and no file$"):
        tree.read("pipe")


# -- permissions --------------------------------------------------------------------------------


@pytest.fixture
def permissions(tmp_path: Path) -> None:
    """Skips the test where they are not obeyed, as for root."""
    closed = put(tmp_path, "closed")
    closed.chmod(0)
    if os.access(closed, os.R_OK):
        pytest.skip("this user may read and write everything")


def test_a_write_protected_file(repo):
    (repo / "README.md").chmod(0o444)
    assert refused(open_tree(repo), "README.md", "# Sample\n") == (
        "README.md is write-protected; `chmod u+w` allows it"
    )


@pytest.mark.usefixtures("permissions")
def test_a_folder_and_a_file_without_permission(repo):
    put(repo, "closed/a.py")
    put(repo, "dark.py").chmod(0)
    tree = open_tree(repo)
    (repo / "closed").chmod(0)
    try:
        assert tree.files() == [".gitignore", "README.md", "dark.py", "pkg/store.py"]
        assert refused(tree, "closed/a.py", "x\n") == (
            "closed/a.py cannot be looked at: Permission denied"
        )
        with pytest.raises(EditRefused, match=r"^dark\.py cannot be read: Permission denied$"):
            tree.read("dark.py")
    finally:
        (repo / "closed").chmod(0o755)


@pytest.mark.usefixtures("permissions")
def test_a_folder_that_is_read_only(repo):
    tree = open_tree(repo)
    tree.apply(Edit("pkg/new.py", None, "x\n"))
    (repo / "pkg").chmod(0o555)
    try:
        with pytest.raises(EditRefused, match=r"^pkg/b\.py cannot be written: Permission denied$"):
            tree.apply(Edit("pkg/b.py", None, "x\n"))
        with pytest.raises(WorkspaceError, match=r"pkg/new\.py \(Permission denied\)"):
            tree.rollback()
    finally:
        (repo / "pkg").chmod(0o755)
    assert tree.rollback() == ["pkg/new.py"]


def test_a_rollback_leaves_what_is_somebody_elses_and_restores_the_others(repo):
    tree = open_tree(repo)
    tree.apply(Edit("new/a.py", None, "x\n"))
    tree.apply(Edit("README.md", "# Sample\n", "# New\n"))
    (repo / "new/a.py").unlink()
    (repo / "new/a.py").mkdir()
    with pytest.raises(ChangedMeanwhile, match=r"^new/a\.py changed while"):
        tree.rollback()
    assert (repo / "README.md").read_text() == "# Sample\n"
    assert (repo / "new/a.py").is_dir()
    assert run_git(repo, "status", "--porcelain") == ""
