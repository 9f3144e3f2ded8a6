"""What the configuration of a hostile repository tries to start."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from qwenagent.errors import GitFailed
from qwenagent.workspace import Journal, Repository, Workspace, recover
from qwenagent.workspace.git import Git
from qwenagent.workspace.history import History
from qwenagent.workspace.root import Root
from qwenagent.workspace.unfinished import Unfinished
from tests.conftest import run_git
from tests.git_traps import program
from tests.loop_stage import COMMAND, FIXED, MODULE, TEST, Stage, body, make_repository

REF = "refs/qwenagent/one"

# -- programs ------------------------------------------------------------------------------------

# Key -> what plain git has to do for the program to run; () where that takes a terminal, a network
# or another git.
PROGRAMS: dict[str, tuple[str, ...]] = {
    "core.fsmonitor": ("status",),
    "core.editor": ("commit", "--allow-empty"),
    "core.pager": (),
    "pager.status": (),
    "sequence.editor": (),
    "core.askPass": (),
    "core.alternateRefsCommand": (),
    "core.sshCommand": ("ls-remote", "ssh://localhost/x"),
    "core.gitProxy": ("ls-remote", "git://localhost/x"),
    "credential.helper": ("credential", "fill"),
    "diff.external": ("diff",),
    "diff.trap.command": ("diff",),
    "diff.trap.textconv": ("log", "-p"),
    "filter.trap.clean": ("add", "-A"),
    "filter.trap.smudge": ("checkout", "HEAD", "--", "README.md"),
    "filter.a=b.process": ("add", "-A"),
    "merge.trap.driver": (),
    "mergetool.trap.cmd": (),
    "gpg.program": ("commit", "--allow-empty", "-qm", "x", "-S"),
    "gpg.openpgp.program": ("commit", "--allow-empty", "-qm", "x", "-S"),
    "gpg.ssh.program": (),
    "gpg.ssh.defaultKeyCommand": (),
    "hook.trap.command": (),
    "interactive.diffFilter": (),
    "man.trap.cmd": (),
    "browser.trap.cmd": (),
    "remote.up.uploadpack": ("fetch", "-q", "up"),
    "remote.up.receivepack": (),
    "submodule.sub.update": (),
    "tar.trap.command": ("archive", "--format=trap", "HEAD"),
    "trailer.trap.command": ("commit", "--allow-empty", "-qm", "x", "--trailer", "trap=1"),
    "uploadpack.packObjectsHook": (),
    "alias.status": (),
    "alias.trap": ("trap",),
}
# What makes more of the above reachable.
SWITCHES = {
    "core.preloadIndex": "true",
    "commit.gpgSign": "true",
    "commit.verbose": "true",
    "diff.ignoreSubmodules": "none",
    "diff.mnemonicPrefix": "true",
    "diff.noprefix": "true",
    "filter.trap.required": "true",
    "hook.trap.event": "pre-commit",
    "log.showSignature": "true",
    "protocol.ext.allow": "always",
    "remote.up.url": "./",
    "rerere.enabled": "true",
    "status.submoduleSummary": "true",
    "submodule.recurse": "true",
    "tag.gpgSign": "true",
    "web.browser": "trap",
}
HOOKS = ("pre-commit", "prepare-commit-msg", "commit-msg", "post-commit", "post-checkout",
         "post-index-change", "reference-transaction")  # fmt: skip
ATTRIBUTES = "*.md filter=trap diff=trap merge=trap\n*.txt filter=a=b\n*.py diff=trap merge=trap\n"
CARRIERS = ("config", "config.worktree", "included", "included conditionally")


def config_of(place: Path, keys: dict[str, str]) -> str:
    lines = []
    for key, value in keys.items():
        section, _, name = key.rpartition(".")
        head, _, middle = section.partition(".")
        lines.append(f'[{head} "{middle}"]' if middle else f"[{head}]")
        lines.append(f'\t{name} = "{value}"')
    return "\n".join(lines) + "\n"


def set_traps(root: Path, place: Path, carrier: str = "config") -> Path:
    """Set every key; return the folder of the marks."""
    hooks = place / "hooks"
    hooks.mkdir(parents=True)
    for name in HOOKS:
        (hooks / name).symlink_to(program(place, name))
    keys = {key: str(program(place, key)) for key in PROGRAMS}
    for key in ("submodule.sub.update", "alias.trap", "alias.status", "credential.helper"):
        keys[key] = f"!{keys[key]}"
    text = config_of(place, {**keys, **SWITCHES, "core.hooksPath": str(hooks)})
    own = root / ".git" / "config"
    match carrier:
        case "config":
            own.write_text(own.read_text() + text)
        case "config.worktree":
            own.write_text(own.read_text() + "[extensions]\n\tworktreeConfig = true\n")
            (root / ".git" / "config.worktree").write_text(text)
        case _:
            (root / ".git" / "more").write_text(text)
            when = 'includeIf "onbranch:**"' if carrier.endswith("conditionally") else "include"
            own.write_text(own.read_text() + f"[{when}]\n\tpath = more\n")
    (root / ".git" / "info").mkdir(exist_ok=True)
    (root / ".git" / "info" / "attributes").write_text(ATTRIBUTES)
    return place / "marks"


def add_submodule(root: Path, place: Path) -> None:
    """A submodule with a filter of its own, which its status would run."""
    sub = root / "sub"
    sub.mkdir()
    run_git(sub, "init", "-q", "--template=")
    (sub / "a.txt").write_text("a\n")
    run_git(sub, "add", ".")
    run_git(sub, "commit", "-qm", "sub")
    commit = run_git(sub, "rev-parse", "HEAD").strip()
    run_git(root, "update-index", "--add", "--cacheinfo", f"160000,{commit},sub")
    (root / ".gitmodules").write_text('[submodule "sub"]\n\tpath = sub\n\turl = ./sub\n')
    run_git(root, "add", ".gitmodules")
    run_git(root, "commit", "-qm", "with a submodule")
    trap = program(place, "submodule-filter")
    config = sub / ".git" / "config"
    config.write_text(config.read_text() + f"[filter \"inner\"]\n\tclean = '{trap}'\n")
    (sub / ".git" / "info").mkdir(exist_ok=True)
    (sub / ".git" / "info" / "attributes").write_text("* filter=inner\n")
    (sub / "a.txt").write_text("b\n")


def repository_operations(repository: Repository) -> dict[str, Callable[[], object]]:
    root = repository.root
    head = repository.head()
    return {
        "files": repository.files,
        "listing": repository.listing,
        "named_in_ignore_file": lambda: repository.named_in_ignore_file(["new.py"]),
        "holding": lambda: repository.holding("Sample"),
        "attributes": lambda: repository.attributes(["README.md"]),
        "head": repository.head,
        "branch": repository.branch,
        "changes": repository.changes,
        "require_clean": lambda: repository.require_clean(["README.md", "pkg/store.py", "a.txt"]),
        "why_untouchable": lambda: repository.why_untouchable("README.md"),
        "snapshot": lambda: repository.snapshot(REF, "before"),
        "merged": lambda: repository.merged("a\n", "b\n", "c\n"),
        "start_branch": lambda: repository.start_branch("step"),
        "free_branch": lambda: repository.free_branch("step"),
        "has": lambda: repository.has("HEAD", "a.txt"),
        "has_branch": lambda: repository.has_branch("main"),
        "is_as_committed": lambda: repository.is_as_committed("README.md"),
        "commit": lambda: repository.commit(["README.md", "pkg/store.py", "new.txt"], "step"),
        "staged": lambda: repository.staged("README.md"),
        "unstage": lambda: repository.unstage("README.md"),
        "switch": lambda: repository.switch("main"),
        "private_folder": repository.private_folder,
        "close": repository.close,
        "contains": lambda: History(root).contains(head),
        "root": lambda: None,
        "rules": lambda: None,
    }


def history_operations(root: Path) -> dict[str, Callable[[], object]]:
    history = History(root)
    return {
        "head": history.head,
        "first": lambda: run_if_there(history, "first"),
        "tip": lambda: history.tip("main"),
        "contains": lambda: history.contains("HEAD~"),
        "says": lambda: history.says("first"),
        "messages": lambda: history.messages("HEAD~", "HEAD"),
        "changed": lambda: history.changed("HEAD~", "HEAD"),
        "mode": lambda: history.mode("HEAD", "README.md"),
        "content": lambda: history.content("HEAD", "README.md"),
    }


def run_if_there(thing: object, name: str) -> object:
    found: Callable[[], object] | None = getattr(thing, name, None)
    return found() if found else None


def public(kind: type) -> set[str]:
    return {name for name in vars(kind) if not name.startswith("_")} - {"open", "create"}


def do_everything(root: Path) -> None:
    """Carry out each public operation of the room once, over changed and new files."""
    (root / "README.md").write_text("# Changed\n")
    (root / "pkg" / "store.py").write_text("LIMIT = 4\n")
    (root / "new.txt").write_text("new\n")
    (root / "pkg" / ".qwenagentignore").write_text("secret.py\n")
    repository = Repository.open(root)
    operations = repository_operations(repository)
    assert public(Repository) <= set(operations)
    for operate in operations.values():
        operate()
    assert public(History) <= set(history_operations(root))
    for operate in history_operations(root).values():
        operate()
    Workspace(repository).files()
    unfinished = Unfinished(repository)
    journal = Journal(Root(repository.root), unfinished=unfinished)
    journal.write(root / "pkg" / "made.py", b"x\n")
    unfinished.command_begins("make", repository.snapshot(REF, "x"))
    assert recover(repository) is None  # its process, this one, lives
    journal.rollback()


@pytest.mark.parametrize("carrier", CARRIERS)
def test_row_08_no_key_starts_a_program(repo, tmp_path, carrier):
    (repo / "a.txt").write_text("a\n")
    run_git(repo, "add", "a.txt")
    add_submodule(repo, tmp_path / "traps")
    marks = set_traps(repo, tmp_path / "traps", carrier)
    do_everything(repo)
    assert sorted(mark.name for mark in marks.iterdir()) == []


def test_row_08_no_key_starts_a_program_in_a_whole_run(tmp_path):
    files = {"calc.py": MODULE, "test_calc.py": TEST, ".gitignore": "__pycache__/\n"}
    root = make_repository(tmp_path / "repo", {**files, "README.md": "# Sums\n"})
    marks = set_traps(root, tmp_path / "traps")
    stage = Stage(root, [body(FIXED)])
    plan = f"# Plan\n\n- [ ] Fix `add` in `calc.py`: it subtracts.\n      Test: `{COMMAND}`\n"
    assert stage.run_plan(plan) == 0
    assert stage.states == ["solved"]
    assert sorted(mark.name for mark in marks.iterdir()) == []


def plainly(root: Path, *args: str) -> None:
    """Git as a user runs it; whether it succeeds does not matter here."""
    given = b"protocol=https\nhost=x\n\n"
    subprocess.run(
        ["git", *args], cwd=root, input=given, capture_output=True, check=False, timeout=20,
        env={**os.environ, "GIT_TERMINAL_PROMPT": "0", "EDITOR": "false"},
    )  # fmt: skip


def test_the_same_keys_start_programs_under_plain_git(repo, tmp_path):
    set_up = tmp_path / "traps"
    fired = set()
    own = (repo / ".git" / "config").read_text()
    (repo / ".git" / "info").mkdir(exist_ok=True)
    (repo / ".git" / "info" / "attributes").write_text(ATTRIBUTES)
    reachable = {key: args for key, args in PROGRAMS.items() if args}
    for key, args in reachable.items():
        # A transport that hands back what it is given would wait for more.
        value = str(program(set_up, key, "exit 1" if args[0] in ("ls-remote", "fetch") else "cat"))
        alone = {key: f"!{value}" if key.startswith(("alias.", "credential.")) else value}
        if key == "remote.up.uploadpack":
            alone["remote.up.url"] = str(repo)
        (repo / ".git" / "config").write_text(own + config_of(set_up, alone))
        for name in ("README.md", "new.txt"):
            (repo / name).write_text(f"{key}\n")
        plainly(repo, *args)
        fired |= {mark.name for mark in (set_up / "marks").iterdir()}
    assert fired == set(reachable)


def test_a_submodules_own_filter_runs_under_plain_git(repo, tmp_path):
    add_submodule(repo, tmp_path / "traps")
    plainly(repo, "add", "--update")
    assert [mark.name for mark in (tmp_path / "traps" / "marks").iterdir()] == ["submodule-filter"]


def test_row_08_hooks_of_the_configuration_are_off(repo):
    run_git(repo, "config", "hook.trap.command", "false")  # git 2.54 and newer run it
    run_git(repo, "config", "hook.trap.event", "pre-commit")
    assert Git(repo).run("config", "hook.trap.enabled") == "false\n"


def test_a_filter_that_the_user_has_as_well_is_theirs(repo, tmp_path, monkeypatch):
    marks = set_traps(repo, tmp_path / "traps")
    own = tmp_path / "gitconfig"
    own.write_text('[filter "trap"]\n\tclean = tr a-z A-Z\n\tsmudge = tr A-Z a-z\n')
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(own))
    (repo / "README.md").write_text("abc\n")
    repository = Repository.open(repo)
    assert repository.why_untouchable("README.md") == ""
    repository.commit(["README.md"], "x")
    assert run_git(repo, "cat-file", "blob", "HEAD:README.md") == "ABC\n"
    assert list(marks.iterdir()) == []


@pytest.mark.parametrize(
    "key", ["lfs.customtransfer.x.path", "lfs.extension.x.clean", "lfs.standalonetransferagent"]
)
def test_what_the_users_git_lfs_would_run_is_refused(repo, tmp_path, monkeypatch, key):
    run_git(repo, "config", key, "/bin/evil")
    with pytest.raises(GitFailed) as caught:
        Repository.open(repo)
    assert key in caught.value.message
    assert ".git/config sets" in caught.value.message
    assert caught.value.hint.startswith(f"`git config --unset-all {key}`")
    run_git(repo, "config", "--unset-all", key)
    own = tmp_path / "gitconfig"
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(own))
    run_git(repo, "config", "--global", key, "/bin/mine")
    assert Repository.open(repo).root == repo


def test_a_git_in_the_repository_is_not_the_one_that_runs(repo, tmp_path, monkeypatch):
    trap = program(tmp_path / "traps", "git")
    (repo / "git").symlink_to(trap)
    monkeypatch.setenv("PATH", f".{os.pathsep}{os.pathsep}{os.environ['PATH']}")
    assert Repository.open(repo).branch() == "main"
    assert list((tmp_path / "traps" / "marks").iterdir()) == []


FOREIGN = {
    "GIT_CONFIG_PARAMETERS": "'core.editor=false' 'alias.x=!false'",
    "GIT_CONFIG_COUNT": "1",
    "GIT_CONFIG_KEY_0": "diff.external",
    "GIT_CONFIG_VALUE_0": "false",
    "GIT_EXTERNAL_DIFF": "false",
    "GIT_EXEC_PATH": "/nowhere",
    "GIT_PROXY_COMMAND": "false",
    "GIT_TRACE": "/nowhere/trace",
    "GPG_TTY": "/dev/tty",
}


def test_nothing_of_the_environment_decides(repo, monkeypatch):
    for name, value in FOREIGN.items():
        monkeypatch.setenv(name, value)
    (repo / "README.md").write_text("other\n")
    assert "+other" in Git(repo).run("diff", "HEAD")
    assert set(os.environ).isdisjoint(FOREIGN)
