"""Undo, redo and restore of what was kept, with real git: content, mode, existence, commits."""

from __future__ import annotations

import contextlib
import itertools
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from qwenagent.errors import WorkspaceError
from qwenagent.workspace import (
    About,
    Edit,
    Kept,
    NothingToTurn,
    Place,
    Point,
    Repository,
    Turning,
    Workspace,
)
from qwenagent.workspace.points import MAX_POINTS, Points
from qwenagent.workspace.refs import KEEP_DAYS, Refs
from tests.conftest import run_git

README = "# Sample\n"
DAY_S = 86_400.0


@pytest.fixture
def tree(repo: Path) -> Workspace:
    return Workspace(Repository.open(repo))


@pytest.fixture
def turning(tree: Workspace) -> Turning:
    return Turning(tree.repository)


def contents(root: Path) -> dict[str, tuple[bytes, bool]]:
    """Every file of the user's with its content and whether it is executable, and empty folders."""
    found: dict[str, tuple[bytes, bool]] = {}
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root).as_posix()
        if name.split("/")[0] in (".git", ".qwenagent"):
            continue
        if path.is_file():
            found[name] = (path.read_bytes(), os.access(path, os.X_OK))
        elif not any(path.iterdir()):
            found[f"{name}/"] = (b"", False)
    return found


def keep(tree: Workspace, title: str, *edits: Edit, commit: bool = False) -> Point:
    """Carry out edits and keep them as a step does."""
    for edit in edits:
        tree.apply(edit)
    about = About(title=title, kind="step" if commit else "task")
    tree.intend(about)
    made = tree.repository.commit(tree.changed(), title) if commit else ""
    point = tree.settle(about, made)
    assert point is not None
    return point


def user_view(root: Path) -> tuple[str, str, str]:
    """What undo must leave alone: other branches, stash, what is staged."""
    branches = run_git(root, "for-each-ref", "refs/heads/main", "refs/tags")
    return branches, run_git(root, "stash", "list"), run_git(root, "diff", "--cached")


def test_a_task_is_undone_and_redone_to_the_byte(repo, tree, turning):
    (repo / "run.sh").write_bytes(b"echo\r\n")
    (repo / "run.sh").chmod(0o755)
    (repo / "loose.bin").write_bytes(b"\xef\xbb\xbfa\r\nb\n")
    before, view = contents(repo), user_view(repo)
    keep(
        tree,
        "many",
        Edit("README.md", README, "one\n"),
        Edit("deep/er/größe b.py", None, "x = 1\n"),
        Edit("run.sh", "echo\n", "echo\n", to="bin/run.sh"),
        Edit("loose.bin", "a\nb\n", "a\nc\n"),
        Edit("pkg/store.py", (repo / "pkg/store.py").read_text(), None),
    )
    after = contents(repo)
    done = turning.undo()
    assert (contents(repo), done.kept, done.back) == (before, {}, True)
    assert sorted(done.paths) == sorted(done.point.paths)
    again = turning.redo()
    assert (contents(repo), again.kept, again.back) == (after, {}, False)
    assert user_view(repo) == view


def test_there_is_nothing_to_undo_or_redo(turning):
    with pytest.raises(NothingToTurn, match="nothing to undo"):
        turning.undo()
    with pytest.raises(NothingToTurn, match="nothing to redo"):
        turning.redo()
    with pytest.raises(NothingToTurn, match="there is no point 3"):
        turning.restore(3)
    with pytest.raises(NothingToTurn, match="at point 0 already"):
        turning.restore(0)


def test_a_step_that_changed_nothing_is_no_point(tree):
    tree.apply(Edit("README.md", README, "one\n"))
    tree.apply(Edit("README.md", "one\n", README))
    assert tree.settle(About("nothing")) is None


def test_restore_goes_to_any_point_and_back(repo, tree, turning):
    states = [contents(repo)]
    texts = [README, "one\n", "two\n", "three\n"]
    for old, new in itertools.pairwise(texts):
        keep(tree, new, Edit("README.md", old, new), Edit(f"{new.strip()}.py", None, new))
        states.append(contents(repo))
    for number in (1, 3, 0, 2):
        turning.restore(number)
        assert contents(repo) == states[number]


def test_new_work_ends_what_can_be_redone(repo, tree, turning):
    keep(tree, "first", Edit("README.md", README, "one\n"))
    turning.undo()
    keep(tree, "second", Edit("README.md", README, "two\n"))
    with pytest.raises(NothingToTurn, match="nothing to redo"):
        turning.redo()
    with pytest.raises(NothingToTurn, match=r"point 1 was undone; 2 \(second\) came after it"):
        turning.restore(1)
    turning.restore(0)
    assert (repo / "README.md").read_text() == README


# -- where the user has changed something since --------------------------------------------------


def write(text: str) -> Callable[[Path], object]:
    return lambda path: path.write_text(text)


def identity(path: Path) -> tuple[int, ...] | None:
    """What says that nobody has touched a file; not when it was read, which undo does."""
    if not os.path.lexists(path):
        return None
    status = path.lstat()
    return status.st_ino, status.st_mode, status.st_size, status.st_mtime_ns, status.st_ctime_ns


@pytest.mark.parametrize(
    ("act", "why"),
    [
        (write("mine\n"), "was changed since"),
        (Path.unlink, "was deleted since"),
        (lambda p: (p.unlink(), p.symlink_to("pkg/store.py")), "cannot be reached"),
        (lambda p: (p.unlink(), p.mkdir()), "cannot be reached"),
    ],
)
def test_what_the_user_changed_stays_and_all_else_is_done(act, why, repo, tree, turning):
    keep(tree, "two", Edit("README.md", README, "one\n"), Edit("new.py", None, "x\n"))
    act(repo / "README.md")
    view, as_it_is = user_view(repo), identity(repo / "README.md")
    done = turning.undo()
    assert done.paths == ("new.py",)
    assert list(done.kept) == ["README.md"]
    assert done.kept["README.md"].why.startswith(why)
    assert (repo / done.kept["README.md"].aside).read_text() == README
    assert not (repo / "new.py").exists()
    assert identity(repo / "README.md") == as_it_is
    assert user_view(repo) == view
    assert run_git(repo, "status", "--porcelain", "--", ".qwenagent") == ""


def test_what_was_made_executable_is_so_no_longer_and_again(repo, tree, turning):
    (repo / "README.md").chmod(0o755)
    tree.adopt("README.md", README.encode())
    tree.settle(About("mode"))
    for act, is_executable in ((turning.undo, False), (turning.redo, True)):
        act()
        assert contents(repo)["README.md"] == (README.encode(), is_executable)


def test_a_mode_that_the_user_gave_stays(repo, tree, turning):
    keep(tree, "one", Edit("README.md", README, "one\n"))
    (repo / "README.md").chmod(0o755)
    turning.undo()
    assert contents(repo)["README.md"] == (README.encode(), True)


def test_a_file_of_the_users_where_a_folder_was_stays(repo, tree, turning):
    keep(tree, "gone", Edit("pkg/store.py", (repo / "pkg/store.py").read_text(), None))
    (repo / "pkg").rmdir()
    (repo / "pkg").write_text("mine\n")
    done = turning.undo()
    assert done.kept["pkg/store.py"].why == "cannot be written: Not a directory"
    assert (repo / done.kept["pkg/store.py"].aside).read_text().startswith("LIMIT")
    assert (repo / "pkg").read_text() == "mine\n"
    assert turning.finish() is None


def test_a_made_file_that_the_user_went_on_with_stays(repo, tree, turning):
    keep(tree, "made", Edit("new.py", None, "x\n"), Edit("README.md", README, "one\n"))
    (repo / "new.py").write_text("x\nmine\n")
    assert turning.undo().kept == {"new.py": Kept("was changed since")}
    assert (repo / "new.py").read_text() == "x\nmine\n"


def test_nothing_is_done_where_all_was_changed_since(repo, tree, turning):
    keep(tree, "one", Edit("README.md", README, "one\n"))
    (repo / "README.md").write_text("mine\n")
    with pytest.raises(NothingToTurn, match=r"1 \(one\) cannot be undone: README.md was changed"):
        turning.undo()
    (repo / "README.md").write_text("one\n")
    assert turning.undo().paths == ("README.md",)


def test_a_folder_with_something_of_the_users_stays(repo, tree, turning):
    keep(tree, "made", Edit("a/b/new.py", None, "x\n"))
    (repo / "a/mine.txt").write_text("mine\n")
    turning.undo()
    assert [path.name for path in (repo / "a").iterdir()] == ["mine.txt"]


def test_staged_work_stays_staged(repo, tree, turning):
    (repo / "theirs.txt").write_text("theirs\n")
    run_git(repo, "add", "theirs.txt")
    keep(tree, "step", Edit("README.md", README, "one\n"), commit=True)
    turning.undo()
    assert run_git(repo, "status", "--porcelain") == "A  theirs.txt\n"
    turning.redo()
    assert run_git(repo, "status", "--porcelain") == "A  theirs.txt\n"


# -- commits --------------------------------------------------------------------------------------


def test_a_commit_is_dropped_and_comes_back_as_the_same(repo, tree, turning):
    main = run_git(repo, "rev-parse", "main")
    tree.repository.start_branch("qwenagent-plan")
    edits = [Edit("README.md", README, "one\n"), Edit("deep/new.py", None, "x\n")]
    point = keep(tree, "step", *edits, commit=True)
    after = contents(repo)
    assert turning.undo().point.commit == point.commit
    assert run_git(repo, "rev-parse", "HEAD") == main == run_git(repo, "rev-parse", "main")
    assert run_git(repo, "branch", "--show-current") == "qwenagent-plan\n"
    assert run_git(repo, "status", "--porcelain") == ""
    assert not (repo / "deep").exists()
    run_git(repo, "reflog", "expire", "--expire=now", "--all")
    run_git(repo, "gc", "-q", "--prune=now")
    turning.redo()
    assert run_git(repo, "rev-parse", "HEAD").strip() == point.commit
    assert (contents(repo), run_git(repo, "status", "--porcelain")) == (after, "")
    assert run_git(repo, "for-each-ref", "refs/qwenagent") == ""
    assert run_git(repo, "fsck", "--no-progress", "--strict") == ""


def test_a_commit_on_a_detached_head(repo, tree, turning):
    run_git(repo, "switch", "-q", "--detach")
    head = run_git(repo, "rev-parse", "HEAD")
    keep(tree, "step", Edit("README.md", README, "one\n"), commit=True)
    turning.undo()
    assert run_git(repo, "rev-parse", "HEAD") == head == run_git(repo, "rev-parse", "main")
    assert run_git(repo, "status", "--porcelain") == ""


def test_a_changed_file_stays_while_its_commit_is_dropped(repo, tree, turning):
    keep(tree, "step", Edit("README.md", README, "one\n"), Edit("new.py", None, "x\n"), commit=True)
    (repo / "README.md").write_text("one\nmine\n")
    assert list(turning.undo().kept) == ["README.md"]
    assert run_git(repo, "status", "--porcelain") == " M README.md\n"
    assert (repo / "README.md").read_text() == "one\nmine\n"


def test_commits_of_the_users_are_not_dropped(repo, tree, turning):
    point = keep(tree, "step", Edit("README.md", README, "one\n"), commit=True)
    (repo / "mine.txt").write_text("mine\n")
    run_git(repo, "add", "mine.txt")
    run_git(repo, "commit", "-qm", "mine")
    head, before = run_git(repo, "rev-parse", "HEAD"), contents(repo)
    with pytest.raises(WorkspaceError, match=r"1 commit\(s\) came on main after") as caught:
        turning.undo()
    assert caught.value.hint == (
        f"`git revert {point.commit[:12]}` takes it back with a commit of its own"
    )
    assert (run_git(repo, "rev-parse", "HEAD"), contents(repo)) == (head, before)


def test_a_commit_on_a_branch_that_is_not_checked_out(repo, tree, turning):
    tree.repository.start_branch("qwenagent-plan")
    keep(tree, "step", Edit("README.md", README, "one\n"), commit=True)
    run_git(repo, "switch", "-q", "main")
    with pytest.raises(WorkspaceError, match="on qwenagent-plan, and main is checked out"):
        turning.undo()
    run_git(repo, "switch", "-q", "qwenagent-plan")
    turning.undo()
    assert contents(repo)["README.md"][0] == README.encode()


def test_a_commit_that_the_user_has_dropped_is_passed_over(repo, tree, turning):
    keep(tree, "task", Edit("new.py", None, "x\n"))
    keep(tree, "step", Edit("README.md", README, "one\n"), commit=True)
    run_git(repo, "reset", "-q", "--hard", "HEAD~")
    assert [turning.is_gone(point) for point in turning.points()] == [False, True]
    assert turning.undo().point.about.title == "task"


def test_redo_refuses_where_the_branch_has_moved_on(repo, tree, turning):
    keep(tree, "step", Edit("README.md", README, "one\n"), commit=True)
    turning.undo()
    (repo / "mine.txt").write_text("mine\n")
    run_git(repo, "add", "mine.txt")
    run_git(repo, "commit", "-qm", "mine")
    with pytest.raises(WorkspaceError, match="main has moved on since point 1"):
        turning.redo()


# -- killed in the middle ------------------------------------------------------------------------


class Killed(BaseException):
    """Stands for SIGKILL: nothing of ours runs after it."""


@pytest.mark.parametrize("commit", [False, True])
@pytest.mark.parametrize("back", [True, False])
@pytest.mark.parametrize("n", range(6))
def test_killed_anywhere_it_is_carried_to_its_end(n, back, commit, repo, tree, monkeypatch):
    """Each part that changes something on the disk is the last one once."""
    before = contents(repo)
    edits = [
        Edit("README.md", README, "one\n"),
        Edit("a/new.py", None, "x\n"),
        Edit("pkg/store.py", (repo / "pkg/store.py").read_text(), None),
    ]
    keep(tree, "step", *edits, commit=commit)
    wanted = before if back else contents(repo)
    if not back:
        Turning(tree.repository).undo()
    calls = 0

    def dying(real: Callable[..., object]) -> Callable[..., object]:
        def act(*args: object, **kwargs: object) -> object:
            nonlocal calls
            calls += 1
            if calls > n:
                raise Killed
            return real(*args, **kwargs)

        return act

    with monkeypatch.context() as patch:
        for owner, name in (
            (type(tree.journal.root), "replace"),
            (type(tree.journal.root), "remove"),
            (Refs, "move_head"),
            (Repository, "unstage"),
            (Points, "mark"),
        ):
            patch.setattr(owner, name, dying(getattr(owner, name)))
        turning = Turning(tree.repository)
        with contextlib.suppress(Killed):
            turning.undo() if back else turning.redo()
    Turning(Repository.open(repo)).finish()
    assert contents(repo) == wanted
    assert Turning(tree.repository).finish() is None
    assert [point.undone for point in turning.points()] == [back]
    assert not commit or run_git(repo, "status", "--porcelain") == ""


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_what_cannot_be_written_is_told_and_done_later(repo, tree, turning):
    keep(tree, "one", Edit("pkg/store.py", (repo / "pkg/store.py").read_text(), "x\n"))
    (repo / "pkg").chmod(0o500)
    with pytest.raises(WorkspaceError, match=r"pkg/store\.py cannot be written"):
        turning.undo()
    (repo / "pkg").chmod(0o700)
    done = turning.finish()
    assert done is not None
    assert done.paths == ("pkg/store.py",)


# -- the files of points -------------------------------------------------------------------------


def some(private: Path, n: int, size: int = 1) -> list[Point]:
    from qwenagent.workspace.journal import PreImage
    from qwenagent.workspace.points import Change

    points, place = Points(private), Place("refs/heads/main", "0" * 40)
    change = Change("a", PreImage(None), PreImage(b"x" * size))
    return [points.add(str(i), About(str(i)), place, "", [change]) for i in range(n)]


def test_old_points_go_and_the_last_stays(tmp_path):
    made = some(tmp_path, 4)
    points = Points(tmp_path)
    assert points.prune(KEEP_DAYS, now=made[-1].time + 29 * DAY_S) == 0
    assert points.prune(KEEP_DAYS, now=made[-1].time + 31 * DAY_S) == 3
    assert [point.number for point in points.all()] == [4]


def test_more_points_than_are_kept_go(tmp_path):
    some(tmp_path, MAX_POINTS + 3)
    assert Points(tmp_path).prune(KEEP_DAYS) == 3
    assert Points(tmp_path).all()[0].number == 4


def test_large_points_go_but_for_the_last(tmp_path, monkeypatch):
    monkeypatch.setattr("qwenagent.workspace.points.MAX_BYTES", 2_000)
    some(tmp_path, 4, size=1_000)
    assert Points(tmp_path).prune(KEEP_DAYS) == 3
    assert [point.number for point in Points(tmp_path).all()] == [4]


def test_old_private_refs_go_and_branches_stay(repo, tree):
    for n in range(3):
        tree.repository.snapshot(f"refs/qwenagent/{n}", "before")
    refs, now = Refs(repo), tree.meanwhile
    assert now is not None
    stamp = float(run_git(repo, "log", "-1", "--format=%ct", "refs/qwenagent/0"))
    heads = run_git(repo, "for-each-ref", "refs/heads")
    assert refs.prune(now=stamp + 29 * DAY_S) == 0
    assert refs.prune(["1"], now=stamp + 31 * DAY_S) == 2
    assert run_git(repo, "for-each-ref", "--format=%(refname)", "refs/qwenagent").split() == [
        "refs/qwenagent/1"
    ]
    assert run_git(repo, "for-each-ref", "refs/heads") == heads


@pytest.mark.parametrize("data", [b"", b"{}\n", b"\xff", b'{"v": 1}\n'])
def test_a_torn_point_is_none(data, repo, tree, turning):
    keep(tree, "one", Edit("README.md", README, "one\n"))
    folder = tree.repository.private_folder() / "points"
    (folder / "000009.point").write_bytes(data)
    os.mkfifo(folder / "000010.point")
    assert turning.undo().point.number == 1


def test_points_of_another_version_are_refused(tree, turning):
    keep(tree, "one", Edit("README.md", README, "one\n"))
    (place,) = (tree.repository.private_folder() / "points").iterdir()
    place.write_bytes(place.read_bytes().replace(b'"v":1', b'"v":2', 1))
    with pytest.raises(WorkspaceError, match="another version of qwenagent"):
        turning.undo()


@pytest.mark.parametrize("path", ["../outside.py", "/etc/x", ".git/config", ".github/ci.yml"])
def test_a_forged_point_writes_nothing_outside(path, repo, tree, turning):
    from qwenagent.workspace.journal import PreImage
    from qwenagent.workspace.points import Change

    target = repo / path
    before = target.read_bytes() if target.exists() else None
    change = Change(path, PreImage(b"forged\n"), PreImage(before))
    place = Refs(repo).place()
    Points(tree.repository.private_folder()).add("x", About("x"), place, "", [change])
    with pytest.raises(NothingToTurn, match="cannot be reached"):
        turning.undo()
    assert (target.read_bytes() if target.exists() else None) == before
