"""Git, through GitPython's command interface. Runs no hooks, no pagers, no filters' helpers.

Each call names what it does to the user's repository; nothing here resets, cleans or stashes.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")  # a missing git is reported by `open`

import git

from qwenagent.errors import DirtyTree, GitFailed, NotARepository

# A repository can name programs for git to run; these settings switch them off.
_SAFE = (
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.pager=cat",
    "core.quotePath=false",
    "commit.gpgSign=false",
    "tag.gpgSign=false",
    "diff.external=",
    "advice.detachedHead=false",
)
_REDIRECTS = (
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_NAMESPACE",
    "GIT_PREFIX",
    "GIT_EXTERNAL_DIFF",
)
_FALLBACK_NAME = "qwenagent"


class Repository:
    """A git working tree with at least one commit."""

    def __init__(self, repo: git.Repo) -> None:
        self._repo = repo
        self._git = repo.git
        self._git.update_environment(GIT_TERMINAL_PROMPT="0", LC_ALL="C")

    @classmethod
    def open(cls, folder: Path) -> Repository:
        """Open the repository that contains `folder`.

        Raises:
            NotARepository: there is none, it is bare, or git is not installed.
        """
        for name in _REDIRECTS:  # a git hook or a wrapper may have set them for another repository
            os.environ.pop(name, None)
        try:
            repo = git.Repo(folder, search_parent_directories=True)
        except git.GitCommandNotFound as error:
            raise NotARepository("git is not installed", hint="install git 2.30 or newer") from error
        except (git.InvalidGitRepositoryError, git.NoSuchPathError) as error:
            raise NotARepository(
                f"{folder} is not in a git repository", hint="`git init`, then commit once"
            ) from error
        if repo.bare or repo.working_tree_dir is None:
            raise NotARepository(f"{folder} is a bare repository: there is no tree to work on")
        return cls(repo)

    @classmethod
    def create(cls, folder: Path, message: str) -> Repository:
        """Make a folder a repository and commit everything in it."""
        git.Repo.init(folder, initial_branch="main").close()
        repository = cls.open(folder)
        repository.commit(["."], message)
        return repository

    @property
    def root(self) -> Path:
        """The top of the working tree."""
        return Path(str(self._repo.working_tree_dir))

    def close(self) -> None:
        """Free GitPython's handles."""
        self._repo.close()

    def files(self) -> list[str]:
        """Return tracked and untracked files, ignored ones not, that exist, sorted."""
        out = self._run("ls-files", "-z", "--cached", "--others", "--exclude-standard")
        names = sorted(set(filter(None, out.split("\0"))))
        return [name for name in names if (self.root / name).is_file()]

    def head(self) -> str:
        """Return the commit id of HEAD.

        Raises:
            NotARepository: there is no commit yet.
        """
        try:
            return self._run("rev-parse", "--verify", "HEAD")
        except GitFailed as error:
            raise NotARepository(
                f"{self.root} has no commit yet", hint="commit once, so that there is a way back"
            ) from error

    def branch(self) -> str:
        """Return the branch, or the short commit id of a detached HEAD."""
        name = self._run("rev-parse", "--abbrev-ref", "HEAD")
        return self._run("rev-parse", "--short", "HEAD") if name == "HEAD" else name

    def changes(self, ignored: Iterable[str] = ()) -> list[str]:
        """Return tracked files with staged or unstaged changes, but for `ignored` paths."""
        out = self._run("status", "--porcelain=v1", "-z", "--untracked-files=no", "--no-renames")
        skip = set(ignored)
        names = [entry[3:] for entry in out.split("\0") if entry]
        return [n for n in names if n not in skip and not n.startswith(".qwenagent/")]

    def require_clean(self, ignored: Iterable[str] = ()) -> None:
        """Raise DirtyTree unless every tracked file is as committed. Untracked files are fine."""
        if changed := self.changes(ignored):
            names = ", ".join(changed[:5]) + (" ..." if len(changed) > 5 else "")
            raise DirtyTree(
                f"{len(changed)} tracked file(s) have uncommitted changes: {names}",
                hint="commit or stash them, then run again",
            )

    def start_branch(self, wanted: str) -> str:
        """Create a branch from HEAD, with a suffix if the name is taken, and check it out."""
        taken = set(self._run("for-each-ref", "--format=%(refname:short)", "refs/heads").split())
        name, n = wanted, 1
        while name in taken:
            n += 1
            name = f"{wanted}-{n}"
        self._run("checkout", "-q", "-b", name)
        return name

    def commit(self, paths: Sequence[str], message: str) -> str:
        """Commit the present state of exactly these paths and return the commit id.

        What else is staged stays staged. The author is the user, if git knows them.
        """
        self._run("add", "--all", "--", *paths)
        self._run(
            *self._identity(), "commit", "-q", "--no-verify", "--only", "-m", message, "--", *paths
        )
        return self._run("rev-parse", "HEAD")

    def snapshot(self, ref: str, message: str) -> str:
        """Store tracked and untracked files as a commit under a private ref; return its id.

        Uses an index of its own: neither index nor tree nor branch of the user change.
        """
        with tempfile.TemporaryDirectory() as folder:
            index = {"GIT_INDEX_FILE": str(Path(folder) / "index")}
            self._run("read-tree", "HEAD", env=index)
            self._run("add", "--all", "--", ".", env=index)
            tree = self._run("write-tree", env=index)
        commit = self._run(*self._identity(), "commit-tree", tree, "-p", "HEAD", "-m", message)
        self._run("update-ref", ref, commit)
        return commit

    def diff(self, old: str, new: str | None = None) -> str:
        """Return the diff between two commits, or from one to the tree (tracked files only)."""
        ends = [old, new] if new else [old]
        return self._run("diff", "--no-ext-diff", "--no-textconv", "--no-color", *ends, "--")

    def _identity(self) -> list[str]:
        """Options with a stand-in author where git has none."""
        options = []
        for key, value in (("name", _FALLBACK_NAME), ("email", f"{_FALLBACK_NAME}@localhost")):
            try:
                self._run("config", f"user.{key}")
            except GitFailed:
                options += ["-c", f"user.{key}={value}"]
        return options

    def _run(self, *args: str, env: dict[str, str] | None = None) -> str:
        command = ["git", *(f for o in _SAFE for f in ("-c", o)), *args]
        try:
            return str(self._git.execute(command, env=env, strip_newline_in_stdout=True))
        except git.GitCommandError as error:
            stderr = str(error.stderr).strip().removeprefix("stderr:").strip(" '\n")
            raise GitFailed(
                f"git {' '.join(args[:3])} ended with code {error.status}: {stderr[:500]}"
            ) from error
