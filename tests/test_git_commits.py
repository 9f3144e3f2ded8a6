"""Titles, names and signatures of commits, from plans and repositories that mean harm."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from qwenagent.errors import GitFailed
from qwenagent.workspace import CommitRefused, CommitRules, Repository
from qwenagent.workspace.git import Git
from qwenagent.workspace.history import History
from tests.conftest import run_git
from tests.git_traps import program

REF = "refs/qwenagent/one"

# -- text that is an option, a pattern, a trailer or another name --------------------------------

MESSAGES = {
    "-F/etc/passwd": "-F/etc/passwd",
    "--amend": "--amend",
    "100 %s %n %(trailers)": "100 %s %n %(trailers)",
    "a\nCo-authored-by: Eve <e@x.org>": "a Co-authored-by: Eve <e@x.org>",
    "a\r\n\r\nQwenagent-Step: 1/1 x": "a\n\nQwenagent-Step: 1/1 x",
    "a\0b\x1b[31m": "ab[31m",
    "": "(no title)",
    "\n\n": "(no title)",
    "x" * 200_000: "x" * 200_000,
    "\udcff ü": "? ü",
}


@pytest.mark.parametrize("title", MESSAGES, ids=range(len(MESSAGES)))
def test_a_title_is_a_title(repo, title):
    (repo / "new.py").write_text("x\n")
    repository = Repository.open(repo)
    repository.commit(["new.py"], f"{title}\n\nit works\n\nQwenagent-Result: solved")
    message = run_git(repo, "log", "-1", "--format=%B").strip()
    assert message == f"{MESSAGES[title]}\n\nit works\n\nQwenagent-Result: solved"
    trailers = run_git(repo, "interpret-trailers", "--parse", stdin=message)
    assert trailers == "Qwenagent-Result: solved\n"
    repository.snapshot(REF, f"before: {title}")
    said = run_git(repo, "log", "-1", "--format=%(trailers)", REF).strip()
    assert said == ""


@pytest.mark.parametrize(
    "name", ["--upload-pack=x", "-c", ":(exclude)*", ":(top)x", "*", "new\nline.py", "%s", "@{u}"]
)
def test_a_file_name_is_a_name(repo, name):
    (repo / name).write_text("x\n")
    (repo / "other.py").write_text("x\n")
    repository = Repository.open(repo)
    assert not repository.is_as_committed(name)
    assert repository.why_untouchable(name) == ""
    repository.commit([name], "odd")
    out = run_git(repo, "diff-tree", "-r", "-z", "--no-commit-id", "--name-only", "HEAD")
    assert out == f"{name}\0"
    assert repository.is_as_committed(name)
    assert History(repo).content("HEAD", name) == repository.staged(name) == b"x\n"
    (repo / name).write_text("y\n")
    repository.commit([name], "again")
    repository.unstage(name)
    assert repository.changes() == []


BRANCHES = ["-f", "--orphan", "../x", "a..b", "a b", "a\nb", "a~1", "main@{0}", "@{-1}", "x.lock",
            "a:b", "", "HEAD^", "a\0", "@"]  # fmt: skip


@pytest.mark.parametrize("name", BRANCHES)
def test_what_is_no_branch_name(repo, name):
    repository = Repository.open(repo)
    with pytest.raises(GitFailed, match="cannot be the name of a branch"):
        repository.start_branch(name)
    with pytest.raises(GitFailed, match="cannot be the name of a branch"):
        repository.switch(name)
    assert not repository.has_branch(name)
    assert History(repo).tip(name) == ""


def test_a_ref_that_is_an_option_discards_nothing(repo):
    head = run_git(repo, "rev-parse", "HEAD")
    (repo / ".git" / "refs" / "heads" / "-f").write_text(head)
    (repo / "README.md").write_text("mine\n")
    repository = Repository.open(repo)
    with pytest.raises(GitFailed):
        repository.switch("-f")
    assert (repo / "README.md").read_text() == "mine\n"


REVISIONS = ["--output=made", "-n1", "HEAD..HEAD", "HEAD:README.md", "", "a\0", ":/first", "a b"]


@pytest.mark.parametrize("text", REVISIONS)
def test_what_is_no_revision(repo, text):
    repository, history = Repository.open(repo), History(repo)
    calls: list[Callable[[], object]] = [
        lambda: repository.snapshot(text, "x"),
        lambda: history.changed("HEAD", text),
        lambda: history.mode(text, "README.md"),
        lambda: history.says("first", text),
    ]
    for call in calls:
        with pytest.raises(GitFailed, match="is not the name of a commit"):
            call()
    assert not history.contains(text)
    assert history.messages(text, "HEAD") == []
    assert not (repo / "made").exists()


@pytest.mark.parametrize("ref", ["refs/heads/../x", "refs/qwenagent/a b", "refs/qwenagent/x.lock"])
def test_a_snapshot_under_an_odd_ref_is_refused(repo, ref):
    with pytest.raises(GitFailed):
        Repository.open(repo).snapshot(ref, "x")


def test_text_with_a_nul_is_nowhere(repo):
    assert Repository.open(repo).holding("Sam\0ple") == set()
    assert not History(repo).says("fir\0st")
    with pytest.raises(GitFailed, match="NUL"):
        Git(repo).ask("rev-parse", "a\0b")


# -- signed commits ------------------------------------------------------------------------------

SIGNS = """#!/bin/sh
touch '{marks}/signed'
cat >/dev/null
echo "tty ${{GPG_TTY-unset}}" >'{marks}/tty'
echo '-----BEGIN PGP SIGNATURE-----'
echo x
echo '-----END PGP SIGNATURE-----'
echo '[GNUPG:] SIG_CREATED ' >&2
"""
SIGNS_NOTHING = "#!/bin/sh\ncat >/dev/null\necho 'gpg: no secret key' >&2\nexit 2\n"
HANGS = "#!/bin/sh\nsleep 300 &\necho $! >'{marks}/child'\nwait\n"


@pytest.fixture
def users_gpg(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Make the user's git sign with a program of this text; return the folder of its marks."""

    def configure(text: str) -> Path:
        marks = tmp_path / "gpg marks"
        marks.mkdir()
        gpg = tmp_path / "my gpg"
        gpg.write_text(text.format(marks=marks))
        gpg.chmod(0o755)
        own = tmp_path / "gitconfig"
        own.write_text(f'[gpg]\n\tprogram = "{gpg}"\n[commit]\n\tgpgSign = true\n')
        monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(own))
        return marks

    return configure


def signed(repo: Path) -> bool:
    return "\ngpgsig " in run_git(repo, "cat-file", "commit", "HEAD")


def test_commits_are_not_signed_whoever_configures_it(repo, users_gpg):
    marks = users_gpg(SIGNS)
    run_git(repo, "config", "commit.gpgSign", "true")
    (repo / "new.py").write_text("x\n")
    Repository.open(repo).commit(["new.py"], "new")
    assert (signed(repo), list(marks.iterdir())) == (False, [])


def test_commits_are_signed_by_the_users_program_alone(repo, users_gpg, tmp_path, monkeypatch):
    marks = users_gpg(SIGNS)
    monkeypatch.setenv("GPG_TTY", "/dev/tty")
    trap = program(tmp_path / "traps", "gpg")
    for key in ("gpg.program", "gpg.openpgp.program", "gpg.ssh.program", "gpg.x509.program"):
        run_git(repo, "config", key, str(trap))
    run_git(repo, "config", "gpg.format", "x509")
    (repo / "new.py").write_text("x\n")
    repository = Repository.open(repo)
    repository.rules = CommitRules(sign=True)
    repository.commit(["new.py"], "new")
    assert signed(repo)
    assert (marks / "tty").read_text() == "tty unset\n"
    assert list((tmp_path / "traps" / "marks").iterdir()) == []


def test_a_signature_that_fails_loses_nothing(repo, users_gpg):
    users_gpg(SIGNS_NOTHING)
    (repo / "new.py").write_text("x\n")
    repository = Repository.open(repo)
    head = repository.head()
    repository.rules = CommitRules(sign=True)
    with pytest.raises(CommitRefused, match="no signed commit was made") as caught:
        repository.commit(["new.py"], "new")
    assert "gpg failed to sign the data" in caught.value.message
    assert "git.sign = false" in caught.value.hint
    assert (repository.head(), (repo / "new.py").read_text()) == (head, "x\n")
    repository.rules = CommitRules()
    assert repository.commit(["new.py"], "new") != head


def test_a_signature_that_waits_is_ended(repo, users_gpg):
    marks = users_gpg(HANGS)
    (repo / "new.py").write_text("x\n")
    repository = Repository.open(repo)
    head = repository.head()
    repository.rules = CommitRules(sign=True, sign_timeout_s=0.7)
    started = time.monotonic()
    with pytest.raises(CommitRefused, match=r"git commit .*did not end within 1 s"):
        repository.commit(["new.py"], "new")
    assert time.monotonic() - started < 10
    assert (repository.head(), (repo / "new.py").read_text()) == (head, "x\n")
    assert not lives(int((marks / "child").read_text()))
    repository.rules = CommitRules()
    assert repository.commit(["new.py"], "new") != head  # no lock file is left


def lives(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def test_a_lock_is_told_as_a_lock_where_commits_are_signed(repo, users_gpg):
    users_gpg(SIGNS)
    (repo / "new.py").write_text("x\n")
    repository = Repository.open(repo)
    repository.rules = CommitRules(sign=True)
    (repo / ".git" / "index.lock").touch()
    with pytest.raises(GitFailed, match="another git command holds") as caught:
        repository.commit(["new.py"], "new")
    assert type(caught.value) is GitFailed
