"""The repository's hooks, where the user's settings let them run: real ones, in the sandbox."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from qwenagent.config import GitSettings, load_settings
from qwenagent.errors import ConfigError
from qwenagent.loop.committing import commit_rules
from qwenagent.sandbox import Box, Policy
from qwenagent.workspace import CommitRefused, HookRan, Repository
from qwenagent.workspace.rules import CommitRules
from tests.conftest import run_git
from tests.sandbox_stage import namespaces


@pytest.fixture(params=["confined", "open"])
def box(request, repo):
    """Where the hooks run."""
    root = repo.resolve()
    return Box(namespaces(), Policy(root)) if request.param == "confined" else Box.off(root)


@pytest.fixture
def repository(repo, box):
    """One with a change to commit and one that is not for the commit, and hooks that run."""
    (repo / "README.md").write_text("# changed\n")
    (repo / "pkg" / "store.py").write_text("LIMIT = 4\n")
    run_git(repo, "add", "pkg/store.py")
    opened = Repository.open(repo)
    opened.rules = commit_rules(GitSettings(hooks="run"), os.environ, box)
    return opened


def hook(root: Path, name: str, script: str, folder: str = ".git/hooks") -> Path:
    path = root / folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


def last(root: Path) -> tuple[str, list[str]]:
    """The last commit's message and files."""
    out = run_git(root, "diff-tree", "-r", "--no-commit-id", "--name-only", "HEAD")
    return run_git(root, "log", "-1", "--format=%B").strip(), out.split()


def test_hooks_are_off(repository):
    hook(repository.root, "pre-commit", "exit 1")
    repository.rules = commit_rules(GitSettings(), os.environ, Box.off(repository.root))
    repository.commit(["README.md"], "step")
    assert last(repository.root) == ("step", ["README.md"])


def test_a_hook_that_agrees_sees_what_is_committed(repository):
    seen = "git diff --cached --name-only HEAD; git rev-parse --show-toplevel"
    hook(repository.root, "pre-commit", f'[ "$({seen})" = "README.md\n$PWD" ]')
    repository.commit(["README.md"], "step")
    assert last(repository.root) == ("step", ["README.md"])
    assert run_git(repository.root, "status", "--porcelain") == "M  pkg/store.py\n"
    assert list(repository.private_folder().iterdir()) == []


def test_a_hook_that_refuses(repository):
    hook(repository.root, "pre-commit", "echo 'E501 line\n  too long' >&2; exit 3")
    head = repository.head()
    with pytest.raises(CommitRefused) as caught:
        repository.commit(["README.md"], "step")
    assert caught.value.message == (
        "the repository's pre-commit hook refused the commit (exit code 3): E501 line too long"
    )
    assert 'git.hooks = "off"' in caught.value.hint
    assert (repository.head(), (repository.root / "README.md").read_text()) == (
        head,
        "# changed\n",
    )


@pytest.mark.parametrize("adds", ["", "; git add README.md"])
def test_what_a_formatter_makes_of_the_files_is_committed(repository, adds):
    hook(repository.root, "pre-commit", f"echo '# tidy' >README.md{adds}")
    repository.commit(["README.md"], "step")
    assert run_git(repository.root, "show", "HEAD:README.md") == "# tidy\n"
    assert run_git(repository.root, "status", "--porcelain") == "M  pkg/store.py\n"


@pytest.mark.parametrize(
    ("script", "named"),
    [("echo x >pkg/store.py", "pkg/store.py"), ("echo x >new.py", "new.py"),
     ("rm pkg/store.py", "pkg/store.py"), ("chmod +x pkg/store.py", "pkg/store.py")],
)  # fmt: skip
def test_a_hook_that_changes_other_files_refuses(repository, script, named):
    hook(repository.root, "pre-commit", script)
    head = repository.head()
    with pytest.raises(CommitRefused, match=rf"changed 1 file\(s\) .* of the step: {named}"):
        repository.commit(["README.md"], "step")
    assert repository.head() == head


def test_a_formatter_that_takes_the_change_back_leaves_nothing_to_commit(repository):
    hook(repository.root, "pre-commit", "printf '# Sample\\n' >README.md")
    head = repository.head()
    assert repository.commit(["README.md"], "step") == head


def test_the_message_goes_through_its_hook(repository):
    hook(repository.root, "commit-msg", 'printf "\\nChange-Id: I1\\n" >>"$1"')
    repository.commit(["README.md"], "step ü")
    assert last(repository.root)[0] == "step ü\n\nChange-Id: I1"
    hook(repository.root, "commit-msg", "echo 'no ticket'; exit 1")
    (repository.root / "README.md").write_text("again\n")
    with pytest.raises(CommitRefused, match=r"commit-msg hook refused the commit .*: no ticket"):
        repository.commit(["README.md"], "step")


def test_hooks_where_the_repository_keeps_them(repository):
    hook(repository.root, "pre-commit", "exit 1", "my hooks")
    run_git(repository.root, "config", "core.hooksPath", "my hooks")
    with pytest.raises(CommitRefused, match="pre-commit hook refused"):
        repository.commit(["README.md"], "step")


def test_what_cannot_run_is_no_hook_or_refuses(repository):
    path = hook(repository.root, "pre-commit", "exit 1")
    path.chmod(0o644)
    repository.commit(["README.md"], "step")
    hook(repository.root, "commit-msg", "").write_text("#!/no/such/program\n")
    (repository.root / "README.md").write_text("again\n")
    with pytest.raises(CommitRefused, match="commit-msg hook refused the commit"):
        repository.commit(["README.md"], "step")


def test_a_hook_that_does_not_end(repository):
    hook(repository.root, "pre-commit", "exit 0")
    repository.rules = CommitRules(hooks=lambda *_, **__: HookRan(-15, "", timed_out=True))
    with pytest.raises(CommitRefused, match=r"did not end in time\): no output"):
        repository.commit(["README.md"], "step")


def test_a_hook_sees_no_secret(repository, monkeypatch):
    monkeypatch.setenv("MY_API_KEY", "hidden")
    hook(repository.root, "pre-commit", 'echo "key ${MY_API_KEY-unset}"; exit 1')
    with pytest.raises(CommitRefused, match="key unset"):
        repository.commit(["README.md"], "step")


def test_the_users_settings_decide_and_a_repository_may_not(repo):
    environ = {"QWENAGENT_GIT_HOOKS": "run", "QWENAGENT_GIT_SIGN": "true"}
    assert load_settings(repo, environ, {}).git == GitSettings(sign=True, hooks="run")
    assert load_settings(repo, {}, {}).git == GitSettings()
    with pytest.raises(ConfigError, match=r"git\.hooks"):
        load_settings(repo, {"QWENAGENT_GIT_HOOKS": "always"}, {})
    for line in ("sign = true", 'hooks = "run"'):
        (repo / ".qwenagent.toml").write_text(f"[git]\n{line}\n", encoding="utf-8")
        with pytest.raises(ConfigError, match=r"a repository may not set git\."):
            load_settings(repo, {}, {})
