"""Git asks nobody, fetches nothing and does not last; nobody else starts processes."""

from __future__ import annotations

import ast
import functools
import os
import re
from pathlib import Path

import pytest

import qwenagent
from qwenagent.errors import GitFailed, NotARepository
from qwenagent.workspace.git import Git
from tests.conftest import run_git
from tests.git_traps import program

REF = "refs/qwenagent/one"

# -- nobody is asked, nothing is fetched, nothing lasts for ever ---------------------------------


def test_a_partial_clone_says_what_is_missing_and_fetches_nothing(repo, tmp_path):
    (repo / "README.md").write_text("second\n")
    run_git(repo, "commit", "-qam", "second")
    run_git(repo, "config", "uploadpack.allowFilter", "true")
    clone = tmp_path / "clone"
    run_git(tmp_path, "clone", "-q", "--filter=blob:none", "--no-tags", repo.as_uri(), str(clone))
    git = Git(clone)
    with pytest.raises(GitFailed, match="what this partial clone does not have") as caught:
        git.run("diff", "HEAD~", "HEAD")
    missing = run_git(clone, "rev-list", "--objects", "--all", "--missing=print")
    assert "\n?" in missing
    assert caught.value.hint.startswith("`git fetch --refetch --no-filter`")
    run_git(clone, "fetch", "-q", "--refetch", "--no-filter")
    assert "+second" in git.run("diff", "HEAD~", "HEAD")


def test_nobody_is_asked_for_a_password(repo, tmp_path):
    trap = program(tmp_path / "traps", "askpass")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SSH_ASKPASS", str(trap))
        patch.setenv("GIT_ASKPASS", str(trap))
        with pytest.raises(GitFailed, match="terminal prompts disabled"):
            Git(repo).run("credential", "fill", stdin="protocol=https\nhost=x.org\n\n")
    assert list((tmp_path / "traps" / "marks").iterdir()) == []


@pytest.mark.parametrize(
    "url", ["file:///x", "ssh://x.org/y", "https://x.org/y", "git://x.org/y", "ext::true", "/x"]
)
def test_no_transport_is_allowed(repo, url):
    with pytest.raises(GitFailed, match="not allowed"):
        Git(repo).run("ls-remote", url)


def test_a_command_that_waits_is_ended(repo):
    os.mkfifo(repo.parent / "fifo")
    run_git(repo, "config", "core.excludesFile", str(repo.parent / "fifo"))
    git = Git(repo, timeout_s=0.5)
    with pytest.raises(GitFailed, match=r"^git ls-files --others --exclude-standard did not end"):
        git.ask("ls-files", "--others", "--exclude-standard")


def test_output_without_end_is_cut_off(repo):
    git = Git(repo, max_output_bytes=1000)
    with pytest.raises(GitFailed, match=r"printed more than 0\.001 MB"):
        git.ask("help", "-a")
    assert git.ask("rev-parse", "--abbrev-ref", "HEAD") == "main\n"


def test_a_folder_that_is_gone_is_no_other_folder(repo, tmp_path, monkeypatch):
    monkeypatch.chdir(repo)
    with pytest.raises(NotARepository, match="cannot be entered"):
        Git(tmp_path / "gone").ask("rev-parse", "HEAD")


# -- who starts processes ------------------------------------------------------------------------

PACKAGE = Path(qwenagent.__file__).parent
STARTERS = {"Popen", "run", "call", "check_call", "check_output", "getoutput", "getstatusoutput",
            "system", "popen", "fork", "forkpty", "posix_spawn", "posix_spawnp"}  # fmt: skip
WORDS = re.compile(rb"\b(subprocess|pty|git|shell)\b|\bos\.(system|popen|fork|posix|exec|spawn)")
ALLOWED = {
    "sandbox/": "project code, confined, and probes of what confines it",
    "awake.py": "the system's own programs against sleep, in fixed words",
    "escalate/keys.py": "the command that the user's own settings name for a key",
    "engine/wheels.py": "nvidia-smi, in fixed words",
    "registry/download/pip.py": "pip, for the data wheels that cards name; it installs nothing",
    "ui/past/pager.py": "the user's own pager",
    "ui/reading/editing.py": "the user's own editor",
}


@functools.cache
def sources() -> dict[str, ast.Module]:
    """The modules in which one of the words above stands at all; parsing all takes seconds."""
    texts = {f.relative_to(PACKAGE).as_posix(): f.read_bytes() for f in PACKAGE.rglob("*.py")}
    telling = {name: text for name, text in texts.items() if WORDS.search(text)}
    return {name: ast.parse(text) for name, text in telling.items() if "demo/sample" not in name}


def dotted(node: ast.AST) -> str:
    match node:
        case ast.Attribute(value, name):
            return f"{dotted(value)}.{name}"
        case ast.Name(name):
            return name
    return "?"


def starts(tree: ast.Module) -> set[str]:
    calls = {dotted(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    found = {
        c for c in calls if c.partition(".")[0] == "subprocess" and c.endswith(tuple(STARTERS))
    }
    found |= {c for c in calls if c.startswith("os.") and c.removeprefix("os.") in STARTERS}
    return found | {c for c in calls if c.startswith(("os.exec", "os.spawn", "pty."))}


def test_processes_are_started_in_few_places():
    found = {name for name, tree in sources().items() if starts(tree)}
    outside = {name for name in found if not name.startswith(tuple(ALLOWED))}
    assert outside == set()
    assert {"awake.py", "registry/download/pip.py"} <= found


def imports_of(tree: ast.Module, module: str) -> bool:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import) and any(
            alias.name.partition(".")[0] == module for alias in node.names
        ):
            return True
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == module:
            return True
    return False


def test_of_gitpython_only_execute_is_used_and_in_one_module():
    importing = {name: tree for name, tree in sources().items() if imports_of(tree, "git")}
    assert set(importing) == {"workspace/git.py"}
    (tree,) = importing.values()
    used = {dotted(node) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    assert {name for name in used if name.startswith("git.")} == {
        "git.Git",
        "git.GitCommandNotFound",
    }
    assert {name for name in used if name.startswith("self._git.")} == {"self._git.execute"}


def test_no_shell_anywhere():
    for name, tree in sources().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                shell = [k.value for k in node.keywords if k.arg == "shell"]
                assert all(isinstance(v, ast.Constant) and v.value is False for v in shell), name
