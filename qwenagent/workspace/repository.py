"""The user's repository as git sees it: what is in it, branches, commits, snapshots.

Each call names what it does to the repository; nothing here resets, cleans or stashes.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from qwenagent.errors import DirtyTree, GitFailed, NotARepository
from qwenagent.workspace.command import Git
from qwenagent.workspace.paths import is_speakable
from qwenagent.workspace.textfile import MAX_BYTES

_FALLBACK_NAME = "qwenagent"
_STATE_FOLDER = ".qwenagent/"


class Repository:
    """A git working tree. `root` is its top."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._git = Git(root)

    @classmethod
    def open(cls, folder: Path) -> Repository:
        """Open the repository that contains `folder`.

        Raises:
            NotARepository: there is none, it is bare, its tree is somewhere else, or git is not
                installed.
        """
        if not folder.is_dir():
            raise NotARepository(f"{folder} is not a folder")
        git = Git(folder)
        try:
            root = Path(_line(git.run("rev-parse", "--show-toplevel")))
        except GitFailed as error:
            raise _why_not(git, folder, error) from error
        if not (root / ".git").exists():
            raise NotARepository(
                f"the repository of {folder} has its tree in {root}",
                hint="unset core.worktree, or run git-aware tools there by hand",
            )
        return cls(root)

    @classmethod
    def create(cls, folder: Path, message: str) -> Repository:
        """Make a folder a repository and commit everything in it that is not ignored."""
        Git(folder).run("init", "-q", "--initial-branch=main", "--template=")
        repository = cls(folder.resolve())
        repository._git.run("add", "--all", "--", ".")
        repository._commit(message)
        return repository

    def close(self) -> None:
        """End the use of the repository; git keeps nothing open between calls."""

    # -- looking ------------------------------------------------------------------------------

    def files(self) -> list[str]:
        """Return tracked and untracked files, ignored ones not, that exist, sorted.

        Left out: links, and names that cannot be written on one line of UTF-8.
        """
        out = self._git.run("ls-files", "-z", "--cached", "--others", "--exclude-standard")
        names = sorted(set(filter(is_speakable, out.split("\0"))))
        return [name for name in names if _is_plain_file(self.root / name)]

    def head(self) -> str:
        """Return the commit id of HEAD.

        Raises:
            NotARepository: there is no commit yet.
        """
        try:
            return _line(self._git.run("rev-parse", "--verify", "HEAD^{commit}"))
        except GitFailed as error:
            raise NotARepository(
                f"{self.root} has no commit yet", hint="commit once, so that there is a way back"
            ) from error

    def branch(self) -> str:
        """Return the branch, or the short commit id of a detached HEAD."""
        # Not a short name: git writes "heads/main" where a tag is called main as well.
        ref = _line(self._git.run("symbolic-ref", "-q", "HEAD", ok=(0, 1)))
        return ref.removeprefix("refs/heads/") or _line(
            self._git.run("rev-parse", "--short", "HEAD")
        )

    def changes(self, ignored: Iterable[str] = ()) -> list[str]:
        """Return tracked files with staged or unstaged changes, but for `ignored` paths."""
        out = self._git.run(
            "status", "--porcelain=v1", "-z", "--untracked-files=no", "--no-renames",
            "--ignore-submodules=dirty",
        )  # fmt: skip
        skip = set(ignored)
        names = [entry[3:] for entry in out.split("\0") if entry]
        return [n for n in names if n not in skip and not n.startswith(_STATE_FOLDER)]

    def require_clean(self, ignored: Iterable[str] = ()) -> None:
        """Check that every tracked file is as committed. Untracked files are fine.

        Raises:
            DirtyTree: one is not, or a merge has not come to its end.
        """
        if self._git.run("rev-parse", "-q", "--verify", "MERGE_HEAD", ok=(0, 1)):
            raise DirtyTree("a merge is in progress", hint="commit or abort it, then run again")
        if changed := self.changes(ignored):
            shown = [n.encode("utf-8", "replace").decode("utf-8") for n in changed[:5]]
            names = ", ".join(shown) + (" ..." if len(changed) > 5 else "")
            raise DirtyTree(
                f"{len(changed)} tracked file(s) have uncommitted changes: {names}",
                hint="commit or stash them, then run again",
            )

    def why_untouchable(self, path: str) -> str:
        """Return why an existing file is not for the agent to change, empty if it may.

        An ignored file is in no commit and no snapshot, so there would be no way back to it, and
        a commit would publish what the user keeps to themselves. A file with a filter that the
        repository defines (git-crypt, say) would be committed without it, as filters do not run.
        """
        ignored = ("ls-files", "--others", "--ignored", "--exclude-standard")
        if self._git.run(*ignored, "--", path):
            return f"{path} is ignored by git and not tracked, so it is not changed"
        own = self._git.own_filters()
        used = (
            self._git.run("check-attr", "-z", "filter", "--", path).split("\0")[2:3] if own else []
        )
        if set(used) & set(own):
            return f"{path} goes through the repository's own filter {used[0]}; edit it by hand"
        return ""

    # -- writing ------------------------------------------------------------------------------

    def start_branch(self, wanted: str) -> str:
        """Create a branch from HEAD, with a suffix if the name is taken, and check it out."""
        refs = self._git.run("for-each-ref", "--format=%(refname)", "refs/heads").split("\n")
        # Compared without case, since refs are files; `a/b` also takes the name `a`.
        taken = {ref.removeprefix("refs/heads/").casefold() for ref in refs}
        taken |= {parent for name in taken for parent in _parents(name)}
        name, n = wanted, 1
        while name.casefold() in taken:
            n += 1
            name = f"{wanted}-{n}"
        self._git.run("checkout", "-q", "-b", name)
        return name

    def commit(self, paths: Sequence[str], message: str) -> str:
        """Commit the present state of exactly these paths and return the commit id.

        What else is staged stays staged. The author is the user, if git knows them. A path that
        .gitignore names is committed as well: it was named here. Returns HEAD if nothing changed.
        """
        # --replace: a file where there was a folder, or the other way round.
        update = ("update-index", "--add", "--remove", "--replace", "-z", "--stdin")
        self._git.run(*update, stdin="".join(f"{path}\0" for path in paths))
        listed = self._git.run("diff-index", "-z", "--cached", "--name-only", "HEAD", "--", *paths)
        changed = [name for name in listed.split("\0") if name]
        if paths and changed:
            self._commit(message, "--only", "--", *changed)
        return self.head()

    def snapshot(self, ref: str, message: str) -> str:
        """Store the tree as a commit under a private ref and return its id.

        It holds every tracked file, and the untracked ones that the agent could change: neither
        ignored nor larger than it edits. The user's index, tree, branch and stash stay as they are.
        """
        with tempfile.TemporaryDirectory() as folder:
            index = Path(folder) / "index"
            theirs = self.root / _line(self._git.run("rev-parse", "--git-path", "index"))
            if theirs.exists():  # with what it knows of the files, so that few are read again
                shutil.copyfile(theirs, index)
            env = {"GIT_INDEX_FILE": str(index)}
            self._git.run("add", "--update", "--", ".", env=env)
            untracked = "".join(f"{name}\0" for name in self._small_untracked())
            self._git.run("update-index", "--add", "-z", "--stdin", stdin=untracked, env=env)
            tree = _line(self._git.run("write-tree", env=env))
        made = self._git.run("commit-tree", tree, "-p", "HEAD", "-m", message, env=self._identity())
        self._git.run("update-ref", ref, _line(made))
        return _line(made)

    def diff(self, old: str, new: str | None = None) -> str:
        """Return the diff between two commits, or from one to the tree (tracked files only)."""
        ends = [old, new] if new else [old]
        plain = ("--no-ext-diff", "--no-textconv", "--no-color", "--ignore-submodules=dirty")
        return self._git.run("diff", *plain, *ends, "--")

    def _commit(self, message: str, *options: str) -> None:
        how = ("-q", "--no-verify", "--cleanup=whitespace", "-m", message)
        self._git.run("commit", *how, *options, env=self._identity())

    def _small_untracked(self) -> list[str]:
        out = self._git.run("ls-files", "-z", "--others", "--exclude-standard")
        return [name for name in out.split("\0") if name and _is_small(self.root / name)]

    def _identity(self) -> dict[str, str]:
        """A stand-in author for the environment, where git knows none."""
        found: dict[str, str] = {}
        for key, value in (("NAME", _FALLBACK_NAME), ("EMAIL", f"{_FALLBACK_NAME}@localhost")):
            if not _line(self._git.run("config", f"user.{key.lower()}", ok=(0, 1))).strip():
                for role in ("GIT_AUTHOR", "GIT_COMMITTER"):
                    found[f"{role}_{key}"] = os.environ.get(f"{role}_{key}") or value
        return found


def _why_not(git: Git, folder: Path, error: GitFailed) -> NotARepository:
    if _line(git.run("rev-parse", "--is-bare-repository", ok=(0, 128))) == "true":
        return NotARepository(f"{folder} is a bare repository: there is no tree to work on")
    if "not a git repository" in error.message:
        return NotARepository(
            f"{folder} is not in a git repository", hint="`git init`, then commit once"
        )
    return NotARepository(f"{folder} cannot be used: {error.message}")


def _is_plain_file(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()


def _is_small(path: Path) -> bool:
    if path.is_symlink():
        return True
    return path.is_file() and path.stat().st_size <= MAX_BYTES and os.access(path, os.R_OK)


def _parents(name: str) -> list[str]:
    parts = name.split("/")
    return ["/".join(parts[:n]) for n in range(1, len(parts))]


def _line(out: str) -> str:
    return out.removesuffix("\n")
