from __future__ import annotations

import os
import stat
from pathlib import Path
from unittest import mock

import pytest

from qwenagent.errors import DirtyTree, GitFailed, NotARepository
from qwenagent.workspace import Repository
from qwenagent.workspace.history import History
from tests.conftest import run_git

ODD_NAMES = ["-n.py", ":x.py", "[a].py", "*.py", "ü b.py", 'q"q.py', "it's.py", ":(top).py"]


def status(root: Path) -> str:
    return run_git(root, "status", "--porcelain")


def committed(root: Path, commit: str = "HEAD") -> list[str]:
    out = run_git(root, "diff-tree", "-z", "-r", "--no-commit-id", "--name-status", commit)
    words = out.split("\0")
    return sorted(f"{kind} {name}" for kind, name in zip(words[::2], words[1::2], strict=False))


def write(root: Path, name: str, text: str = "x\n") -> None:
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_text(text, encoding="utf-8")


# -- opening ------------------------------------------------------------------------------------


def test_open_from_a_folder_below(repo):
    assert Repository.open(repo / "pkg").root == repo


@pytest.mark.parametrize("where", ["nothing here", "pkg/store.py"])
def test_open_what_is_no_folder(repo, where):
    with pytest.raises(NotARepository, match="is not a folder"):
        Repository.open(repo / where)


def test_open_outside_of_any_repository(tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    with pytest.raises(NotARepository, match="is not in a git repository"):
        Repository.open(tmp_path)


def test_open_a_bare_repository(tmp_path):
    run_git(tmp_path, "init", "-q", "--bare", "bare.git")
    with pytest.raises(NotARepository, match="bare"):
        Repository.open(tmp_path / "bare.git")


def test_open_inside_of_the_git_folder(repo):
    with pytest.raises(NotARepository, match="no tree to work on"):
        Repository.open(repo / ".git")


def test_open_a_repository_that_claims_a_tree_above_itself(repo):
    run_git(repo, "config", "core.worktree", str(repo.parent))
    with pytest.raises(NotARepository, match="has its tree in"):
        Repository.open(repo)


def test_open_without_git(repo, monkeypatch):
    monkeypatch.setenv("PATH", str(repo))
    with pytest.raises(NotARepository, match="git is not installed"):
        Repository.open(repo)


def test_variables_of_a_hook_do_not_lead_elsewhere(repo, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    run_git(other, "init", "-q")
    foreign = {
        "GIT_DIR": str(other / ".git"),
        "GIT_WORK_TREE": str(other),
        "GIT_INDEX_FILE": str(other / "index"),
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "core.bare",
        "GIT_CONFIG_VALUE_0": "true",
    }
    with mock.patch.dict(os.environ, foreign):
        repository = Repository.open(repo)
        assert (repository.root, repository.files()[-1]) == (repo, "pkg/store.py")


def test_create(tmp_path):
    folder = tmp_path / "my sample"
    write(folder, "a.py")
    write(folder, "b.pyc")
    write(folder, ".gitignore", "*.pyc\n")
    repository = Repository.create(folder, "the sample")
    assert repository.branch() == "main"
    assert run_git(folder, "ls-files").split() == [".gitignore", "a.py"]
    assert run_git(folder, "log", "--format=%s").strip() == "the sample"
    assert not (folder / ".git" / "hooks").exists()


# -- looking ------------------------------------------------------------------------------------


def test_files_are_tracked_and_untracked_ones_that_exist(repo):
    (repo / "README.md").unlink()
    write(repo, "new/ü.py")
    write(repo, "a.log")
    (repo / "link.py").symlink_to("pkg/store.py")
    (repo / "folder link").symlink_to("pkg")
    assert Repository.open(repo).files() == [".gitignore", "new/ü.py", "pkg/store.py"]


def test_files_whose_names_cannot_be_said_are_left_out(repo):
    Path(os.fsdecode(os.fsencode(repo) + b"/\xff.py")).write_text("x")
    write(repo, "two\nlines.py")
    write(repo, "esc\x1b[31m.py")
    for name in ODD_NAMES:
        write(repo, name)
    expected = sorted([".gitignore", "README.md", "pkg/store.py", *ODD_NAMES])
    assert Repository.open(repo).files() == expected


def test_files_of_a_conflict_are_named_once(repo):
    run_git(repo, "checkout", "-q", "-b", "other")
    write(repo, "README.md", "other\n")
    run_git(repo, "commit", "-qam", "other")
    run_git(repo, "checkout", "-q", "main")
    write(repo, "README.md", "main\n")
    run_git(repo, "commit", "-qam", "main")
    with pytest.raises(AssertionError):
        run_git(repo, "merge", "other")
    repository = Repository.open(repo)
    assert repository.files() == [".gitignore", "README.md", "pkg/store.py"]
    with pytest.raises(DirtyTree, match="a merge is in progress"):
        repository.require_clean()


def test_head_without_a_commit(tmp_path):
    run_git(tmp_path, "init", "-q", "-b", "trunk")
    repository = Repository.open(tmp_path)
    assert repository.branch() == "trunk"
    with pytest.raises(NotARepository, match="no commit yet"):
        repository.head()


def test_branch(repo):
    repository = Repository.open(repo)
    run_git(repo, "tag", "main")
    assert repository.branch() == "main"
    run_git(repo, "checkout", "-q", "--detach")
    assert repository.branch() == run_git(repo, "rev-parse", "--short", "HEAD").strip()


def stage(root: Path) -> None:
    write(root, "README.md", "staged\n")
    run_git(root, "add", "README.md")


def rename(root: Path) -> None:
    run_git(root, "mv", "README.md", "LIESMICH ü.md")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda root: write(root, "README.md", "other\n"), ["README.md"]),
        (stage, ["README.md"]),
        (lambda root: (root / "pkg/store.py").unlink(), ["pkg/store.py"]),
        (rename, ["LIESMICH ü.md", "README.md"]),
        (lambda root: (root / "README.md").chmod(0o755), ["README.md"]),
        (lambda root: write(root, "untracked.py"), []),
        (lambda root: write(root, ".qwenagent/state.json"), []),
    ],
)
def test_changes(repo, change, expected):
    change(repo)
    repository = Repository.open(repo / "pkg")
    assert sorted(repository.changes()) == expected
    assert repository.changes(expected) == []


def test_the_plan_and_our_own_folder_never_count(repo):
    write(repo, "plan.md")
    write(repo, ".qwenagent/a.json")
    run_git(repo, "add", ".")
    run_git(repo, "commit", "-qm", "plan")
    write(repo, "plan.md", "- [x] done\n")
    write(repo, ".qwenagent/a.json", "other")
    Repository.open(repo).require_clean(["plan.md"])
    with pytest.raises(DirtyTree, match=r"^1 tracked file.* changes: plan\.md"):
        Repository.open(repo).require_clean()


# -- branches and commits -----------------------------------------------------------------------


def test_start_branch_takes_the_next_free_name(repo):
    repository = Repository.open(repo)
    run_git(repo, "branch", "qwenagent-plan/old")
    run_git(repo, "branch", "QWENAGENT-plan-2")
    names = []
    for _ in range(2):
        run_git(repo, "checkout", "-q", "main")
        names.append(repository.start_branch("qwenagent-plan"))
    assert names == ["qwenagent-plan-3", "qwenagent-plan-4"]
    assert repository.branch() == "qwenagent-plan-4"


def test_start_branch_in_a_worktree_from_a_detached_head(repo, tmp_path):
    tree = tmp_path / "a work tree"
    run_git(repo, "worktree", "add", "-q", "--detach", str(tree))
    repository = Repository.open(tree / "pkg")
    assert repository.root == tree
    assert repository.start_branch("step") == "step"
    write(tree, "new.py")
    repository.snapshot("refs/qwenagent/one", "before")
    commit = repository.commit(["new.py"], "in the work tree")
    assert run_git(repo, "rev-parse", "step").strip() == commit
    assert Repository.open(repo).branch() == "main"


def test_commit_of_exactly_the_given_paths(repo):
    stage(repo)
    write(repo, "pkg/store.py", "y\n")
    write(repo, "new.py")
    write(repo, "other.py")
    before = Repository.open(repo).head()
    commit = Repository.open(repo).commit(["pkg/store.py", "new.py"], "# title\n\nbody")
    assert commit == run_git(repo, "rev-parse", "HEAD").strip()
    assert run_git(repo, "rev-parse", "HEAD~").strip() == before
    assert committed(repo) == ["A new.py", "M pkg/store.py"]
    assert status(repo) == "M  README.md\n?? other.py\n"
    assert run_git(repo, "log", "-1", "--format=%B").strip() == "# title\n\nbody"


def test_commit_of_a_deletion(repo):
    (repo / "pkg/store.py").unlink()
    Repository.open(repo).commit(["pkg/store.py"], "delete")
    assert (committed(repo), status(repo)) == (["D pkg/store.py"], "")


@pytest.mark.parametrize("paths", [[], ["never there.py"], ["README.md"]])
def test_commit_of_nothing_returns_head(repo, paths):
    stage(repo)
    run_git(repo, "reset", "-q", "--hard")
    write(repo, "new.py")
    run_git(repo, "add", "new.py")
    repository = Repository.open(repo)
    head = repository.head()
    assert repository.commit(paths, "nothing") == head
    assert status(repo) == "A  new.py\n"


def test_commit_of_odd_names(repo):
    write(repo, "a.py")
    write(repo, "-n")
    for name in ODD_NAMES:
        write(repo, name)
    Repository.open(repo).commit(ODD_NAMES, "odd")
    assert committed(repo) == sorted(f"A {name}" for name in ODD_NAMES)


def test_commit_of_a_path_that_is_ignored(repo):
    write(repo, "build/made.py")
    Repository.open(repo).commit(["build/made.py"], "made")
    assert committed(repo) == ["A build/made.py"]


def test_commit_keeps_the_executable_bit(repo):
    write(repo, "run.sh")
    (repo / "run.sh").chmod(0o755)
    Repository.open(repo).commit(["run.sh"], "script")
    assert run_git(repo, "ls-files", "-s", "run.sh").startswith("100755")


def test_commit_where_git_wants_other_line_ends(repo):
    run_git(repo, "config", "core.autocrlf", "true")
    run_git(repo, "config", "core.safecrlf", "true")
    write(repo, "new.py", "a\nb\n")
    Repository.open(repo).commit(["new.py"], "new")
    assert committed(repo) == ["A new.py"]


def author(root: Path) -> str:
    return run_git(root, "log", "-1", "--format=%an <%ae> / %cn <%ce>").strip()


def test_a_stand_in_where_git_knows_nobody(repo, monkeypatch):
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.delenv(f"GIT_{role}_NAME")
        monkeypatch.delenv(f"GIT_{role}_EMAIL")
    run_git(repo, "config", "user.name", "")
    write(repo, "new.py")
    Repository.open(repo).commit(["new.py"], "new")
    assert author(repo) == "qwenagent <qwenagent@localhost> / qwenagent <qwenagent@localhost>"


def test_the_user_where_git_knows_them(repo, monkeypatch):
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.delenv(f"GIT_{role}_NAME")
        monkeypatch.delenv(f"GIT_{role}_EMAIL")
    run_git(repo, "config", "user.name", "Ü. Ser")
    run_git(repo, "config", "user.email", "u@example.org")
    write(repo, "new.py")
    Repository.open(repo).commit(["new.py"], "new")
    assert author(repo) == "Ü. Ser <u@example.org> / Ü. Ser <u@example.org>"


def test_an_identity_in_the_environment_wins(repo):
    write(repo, "new.py")
    Repository.open(repo).commit(["new.py"], "new")
    assert author(repo) == "A. Tester <tester@example.org> / A. Tester <tester@example.org>"


# -- snapshots ----------------------------------------------------------------------------------


def test_a_snapshot_touches_nothing_of_the_user(repo):
    stage(repo)
    write(repo, "README.md", "staged, then changed\n")
    write(repo, "new [1].py")
    write(repo, "a.log")
    write(repo, "big.bin", "x" * 2_000_001)
    (repo / "pkg/store.py").unlink()
    run_git(repo, "stash", "list")
    before = (status(repo), run_git(repo, "ls-files", "-s"), (repo / ".git/HEAD").read_text())
    repository = Repository.open(repo)
    head = repository.head()
    commit = repository.snapshot("refs/qwenagent/one", "before: a task")
    assert run_git(repo, "rev-parse", "refs/qwenagent/one", f"{commit}~").split() == [commit, head]
    assert committed(repo, commit) == ["A new [1].py", "D pkg/store.py", "M README.md"]
    assert run_git(repo, "show", f"{commit}:README.md") == "staged, then changed\n"
    assert before == (
        status(repo),
        run_git(repo, "ls-files", "-s"),
        (repo / ".git/HEAD").read_text(),
    )
    assert run_git(repo, "stash", "list") == ""


def test_a_snapshot_with_repositories_inside(repo):
    for name in ("empty", "full"):
        (repo / name).mkdir()
        run_git(repo / name, "init", "-q")
    write(repo / "full", "a.py")
    run_git(repo / "full", "add", ".")
    run_git(repo / "full", "commit", "-qm", "inner")
    commit = Repository.open(repo).snapshot("refs/qwenagent/one", "before")
    assert committed(repo, commit) == []


def test_a_failure_says_what_git_said(repo):
    with pytest.raises(GitFailed, match=r"git checkout .* ended with code 128: .*no-such"):
        Repository.open(repo).switch("no-such")


# -- what a repository cannot make run ----------------------------------------------------------


def booby_trap(root: Path) -> Path:
    """Every way in which this repository could start a program leaves a file there."""
    marks = root.parent / "marks"
    marks.mkdir()

    def program(name: str) -> str:
        path = root.parent / f"{name}.sh"
        path.write_text(f"#!/bin/sh\ntouch '{marks}/{name}'\ncat\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return f"'{path}'"

    (root / ".git/hooks").mkdir(exist_ok=True)
    for hook in ("pre-commit", "commit-msg", "prepare-commit-msg", "post-commit", "post-checkout",
                 "post-index-change", "reference-transaction"):  # fmt: skip
        (root / ".git/hooks" / hook).symlink_to(program(hook).strip("'"))
    write(root, ".gitattributes", "*.py filter=trap diff=trap\n*.md filter=a=b\n")
    for key, name in {
        "core.fsmonitor": "fsmonitor",
        "diff.external": "external",
        "diff.trap.textconv": "textconv",
        "diff.trap.command": "command",
        "filter.trap.clean": "clean",
        "filter.trap.smudge": "smudge",
        "filter.a=b.process": "process",
        "core.pager": "pager",
        "core.editor": "editor",
    }.items():
        run_git(root, "config", key, program(name))
    run_git(root, "config", "gpg.program", program("gpg").strip("'"))  # no shell reads it
    run_git(root, "config", "log.showSignature", "true")
    run_git(root, "config", "filter.trap.required", "true")
    run_git(root, "config", "commit.gpgSign", "true")
    return marks


def sign(root: Path) -> None:
    """Put a commit with some signature on top."""
    run_git(root, "commit", "-q", "--allow-empty", "-m", "signed")
    written = run_git(root, "cat-file", "commit", "HEAD").replace(
        "\n\n", "\ngpgsig -----BEGIN PGP SIGNATURE-----\n \n x\n -----END PGP SIGNATURE-----\n\n", 1
    )
    (root.parent / "commit").write_text(written, encoding="utf-8")
    made = run_git(root, "hash-object", "-t", "commit", "-w", str(root.parent / "commit"))
    run_git(root, "update-ref", "HEAD", made.strip())


def test_nothing_of_the_repository_runs(repo):
    sign(repo)
    marks = booby_trap(repo)
    write(repo, "README.md", "other\n")
    write(repo, "new.py")
    repository = Repository.open(repo)
    write(repo, "pkg/.qwenagentignore", "a\n")
    repository.files()
    repository.holding("load")
    repository.attributes(["pkg/store.py"])
    repository.require_clean(["README.md"])
    repository.snapshot("refs/qwenagent/one", "before")
    repository.start_branch("step")
    repository.commit(["README.md", "new.py"], "step")
    history = History(repo)
    assert history.says("signed")
    assert [said for _, said in history.messages("HEAD~2", "HEAD")] == ["signed\n", "step\n"]
    assert repository.why_untouchable("pkg/store.py") != ""
    assert sorted(marks.iterdir()) == []
    write(repo, "new.py", "the traps do work\n")
    run_git(repo, "-c", "commit.gpgSign=false", "commit", "-qam", "x")
    run_git(repo, "log")
    assert {"clean", "pre-commit", "fsmonitor", "gpg"} <= {mark.name for mark in marks.iterdir()}


def test_filters_of_the_user_run(repo, tmp_path, monkeypatch):
    own = tmp_path / "gitconfig"
    own.write_text('[filter "up"]\n\tclean = tr a-z A-Z\n')
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(own))
    write(repo, ".git/info/attributes", "*.txt filter=up\n")
    write(repo, "new.txt", "abc\n")
    repository = Repository.open(repo)
    assert repository.why_untouchable("new.txt") == ""
    repository.commit(["new.txt"], "new")
    assert run_git(repo, "show", "HEAD:new.txt") == "ABC\n"
