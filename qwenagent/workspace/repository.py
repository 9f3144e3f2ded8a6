"""The user's repository as git sees it: what is in it, branches, commits, snapshots.

Each call names what it does to the repository; nothing here resets, cleans or stashes.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from qwenagent.errors import DirtyTree, GitFailed, NotARepository
from qwenagent.workspace.git import CommitRefused, Git, locked
from qwenagent.workspace.gitfolder import require_own
from qwenagent.workspace.hooks import HookRunner, Hooks
from qwenagent.workspace.indexcopy import IndexCopy
from qwenagent.workspace.listing import IGNORE_FILE, Index, Listing, changed_ns, walk
from qwenagent.workspace.merging import merged
from qwenagent.workspace.patterns import named_by
from qwenagent.workspace.readonly import ATTRIBUTES
from qwenagent.workspace.revisions import is_branch_name, is_revision, revision
from qwenagent.workspace.rules import CommitRules, clean_message
from qwenagent.workspace.staging import now_folders, parents, stage
from qwenagent.workspace.textfile import MAX_BYTES

_FALLBACK_NAME = "qwenagent"
_TREE = "040000 "
"""The mode of a folder, as git lists it."""
_STATE_FOLDER = ".qwenagent/"
_MAX_SEARCHED = 200
"""Characters of a text that git looks for: arguments have a limit, and a beginning will do."""
# What git leaves in its folder while something is unfinished. A rebase leaves the other marks too.
_UNFINISHED = (
    ("rebase-apply/applying", "a `git am`", "git am --continue` or `git am --abort"),
    ("rebase-apply", "a rebase", "git rebase --continue` or `git rebase --abort"),
    ("rebase-merge", "a rebase", "git rebase --continue` or `git rebase --abort"),
    ("MERGE_HEAD", "a merge", "git merge --continue` or `git merge --abort"),
    (
        "CHERRY_PICK_HEAD",
        "a cherry-pick",
        "git cherry-pick --continue` or `git cherry-pick --abort",
    ),
    ("REVERT_HEAD", "a revert", "git revert --continue` or `git revert --abort"),
    (
        "sequencer",
        "a cherry-pick or revert",
        "git cherry-pick --continue` or `git cherry-pick --abort",
    ),
    ("BISECT_LOG", "a bisect", "git bisect reset"),
)


_UNSIGNED = CommitRules()


class Repository:
    """A git working tree. `root` is its top, `rules` how it commits."""

    def __init__(self, root: Path, *, rules: CommitRules = _UNSIGNED) -> None:
        self.root = root
        self.rules = rules
        self.holds_staged = False
        """Whether a commit that was not made has left in the index what it was to hold."""
        self._git = Git(root)
        self._deciding_files: tuple[str, ...] = ()
        self._private: Path | None = None

    @classmethod
    def open(cls, folder: Path) -> Repository:
        """Open the repository that contains `folder`.

        Raises:
            NotARepository: there is none, it is bare, its tree or git's folder is somewhere else,
                or git is not installed.
            GitFailed: its configuration sets what is refused.
        """
        if not folder.is_dir():
            raise NotARepository(f"{folder} is not a folder")
        git = Git(folder)
        try:
            root = Path(_line(git.ask("rev-parse", "--show-toplevel")))
        except GitFailed as error:
            raise _why_not(git, folder, error) from error
        require_own(root, folder, git)
        git.require_harmless()
        return cls(root)

    @classmethod
    def create(cls, folder: Path, message: str) -> Repository:
        """Make a folder a repository and commit everything in it that is not ignored."""
        Git(folder).run("init", "-q", "--initial-branch=main", "--template=")
        repository = cls(folder.resolve())
        repository._git.run("add", "--all", "--", ".")
        repository._commit(clean_message(message))
        return repository

    def close(self) -> None:
        """End the use of the repository; git keeps nothing open between calls."""

    # -- looking ------------------------------------------------------------------------------

    def files(self) -> list[str]:
        """Return tracked and untracked files, ignored ones not, that exist, sorted.

        Left out: links, submodules, what is not checked out, what .qwenagentignore names, and
        names that cannot be written on one line of UTF-8.
        """
        return list(self.listing().files)

    def listing(self) -> Listing:
        """Return what is in the repository now."""
        taken_ns = time.time_ns()
        watched = {path: changed_ns(path) for path in self._deciding()}
        out = self._git.ask(
            "ls-files", "-z", "-v", "-s", "--cached", "--others", "--exclude-standard"
        )
        index = Index.parse(out)
        found = walk(self.root, index.tracked | index.untracked)
        names = sorted(found.files)
        if found.has_ignore_file:
            hidden = self.named_in_ignore_file(names)
            names = [name for name in names if name not in hidden]
        return Listing(dict.fromkeys(names), index, watched | found.watched, taken_ns)

    def named_in_ignore_file(self, names: Iterable[str]) -> set[str]:
        """Return those names, of files that are there or not, that .qwenagentignore files name."""
        return named_by(self._git, f"--exclude-per-directory={IGNORE_FILE}", names)

    def holding(self, text: str) -> set[str]:
        """Return the tracked files that may hold a text of one line, in any case.

        May name more: of what is not ASCII only the longest piece that is counts. Binary files are
        searched as well, since attributes call many a text binary.
        """
        if "\0" in text:  # no file of text has it
            return set()
        how = ("-l", "-z", "-F", "-i", "-a", "--no-color", "--full-name", "--no-recurse-submodules")
        words = [word for spelling in _spellings(text) for word in ("-e", spelling)]
        out = self._git.ask("grep", *how, *words, ok=(0, 1))
        return set(filter(None, out.split("\0")))

    def attributes(self, names: Iterable[str]) -> dict[str, dict[str, bool]]:
        """Return which of linguist's attributes are set or unset, for the names that have any."""
        lines = "".join(f"{name}\0" for name in names)
        words = self._git.ask("check-attr", "-z", "--stdin", *ATTRIBUTES, stdin=lines).split("\0")
        found: dict[str, dict[str, bool]] = {}
        for name, attribute, value in zip(words[::3], words[1::3], words[2::3], strict=False):
            if value != "unspecified":
                found.setdefault(name, {})[attribute] = value not in ("unset", "false")
        return found

    def head(self) -> str:
        """Return the commit id of HEAD.

        Raises:
            NotARepository: there is no commit yet.
        """
        try:
            return _line(self._git.ask("rev-parse", "--verify", "HEAD^{commit}"))
        except GitFailed as error:
            raise NotARepository(
                f"{self.root} has no commit yet", hint="commit once, so that there is a way back"
            ) from error

    def branch(self) -> str:
        """Return the branch, or the short commit id of a detached HEAD."""
        # Not a short name: git writes "heads/main" where a tag is called main as well.
        ref = _line(self._git.ask("symbolic-ref", "-q", "HEAD", ok=(0, 1)))
        return ref.removeprefix("refs/heads/") or _line(
            self._git.ask("rev-parse", "--short", "HEAD")
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
            DirtyTree: one is not, or a merge, rebase or the like has not come to its end.
            GitFailed: the index is locked, so that no step could be committed.
        """
        marks = self._git_paths("index.lock", *(mark for mark, _, _ in _UNFINISHED))
        for path, (_, what, ends) in zip(marks[1:], _UNFINISHED, strict=True):
            if path.exists():
                raise DirtyTree(f"{what} is in progress", hint=f"`{ends}` ends it, then run again")
        if marks[0].exists():
            raise locked(marks[0])
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
        if self._git.ask(*ignored, "--", path):
            return f"{path} is ignored by git and not tracked, so it is not changed"
        own = self._git.own_filters()
        used = (
            self._git.ask("check-attr", "-z", "filter", "--", path).split("\0")[2:3] if own else []
        )
        if set(used) & set(own):
            return f"{path} goes through the repository's own filter {used[0]}; edit it by hand"
        return ""

    # -- writing ------------------------------------------------------------------------------

    def start_branch(self, wanted: str) -> str:
        """Create a branch from HEAD, with a suffix if the name is taken, and check it out.

        Raises:
            GitFailed: no branch can have that name.
        """
        name = self.free_branch(wanted)
        self._require_branch_name(name)
        self._git.run("checkout", "-q", "-b", name)
        return name

    def free_branch(self, wanted: str) -> str:
        """Return the name for a new branch: the wanted one, with a suffix if it is taken."""
        refs = self._git.ask("for-each-ref", "--format=%(refname)", "refs/heads").split("\n")
        # Compared without case, since refs are files; `a/b` also takes the name `a`.
        taken = {ref.removeprefix("refs/heads/").casefold() for ref in refs}
        taken |= {parent for name in taken for parent in parents(name)}
        name, n = wanted, 1
        while name.casefold() in taken:
            n += 1
            name = f"{wanted}-{n}"
        return name

    def is_as_committed(self, path: str) -> bool:
        """Return whether a file is in HEAD and has not changed since; or is a folder, as it was."""
        listed = self._git.ask("ls-tree", "-z", "HEAD", "--", path).partition("\t")[0]
        if listed.startswith(_TREE):
            return (self.root / path).is_dir() and not (self.root / path).is_symlink()
        # By its content: `diff-index` goes by times in the index, which a copied tree has not.
        hashed = _line(self._git.run("hash-object", f"--path={path}", "--", path, ok=(0, 128)))
        if not hashed or not listed.endswith(f" blob {hashed}"):
            return False
        is_executable = os.access(self.root / path, os.X_OK)
        return is_executable == listed.startswith("100755") or not self._knows_modes()

    def _knows_modes(self) -> bool:
        """Return whether modes mean something in this tree."""
        asked = ("config", "--type=bool", "--default=true", "core.fileMode")
        return _line(self._git.ask(*asked)) == "true"

    def has(self, commit: str, path: str) -> bool:
        """Return whether a commit is known and has something at a path."""
        if not is_revision(commit):
            return False
        return bool(self._git.ask("ls-tree", "-z", commit, "--", path, ok=(0, 128)))

    def has_branch(self, name: str) -> bool:
        """Return whether there is a local branch of this name."""
        if not is_branch_name(self._git, name):
            return False
        ref = f"refs/heads/{name}"
        return bool(self._git.ask("rev-parse", "-q", "--verify", ref, ok=(0, 1, 128)))

    def switch(self, branch: str) -> None:
        """Check out a local branch.

        Raises:
            GitFailed: an untracked file is in its way, or another working tree has it.
        """
        self._require_branch_name(branch)
        self._git.run("checkout", "-q", "--no-guess", branch, "--")

    def commit(self, paths: Sequence[str], message: str) -> str:
        """Commit the present state of exactly these paths and return the commit id.

        What else is staged stays staged. The author is the user, if git knows them. A path that
        .gitignore names is committed as well: it was named here. Returns HEAD if nothing changed.

        Raises:
            CommitRefused: a signature or a hook was missing; see `CommitRules`.
            GitFailed: it cannot be committed; then the index is as before, or `holds_staged` says
                that it is not. In both cases the files stay as they are.
        """
        message, changed = clean_message(message), []
        with tempfile.TemporaryDirectory() as folder:
            before = IndexCopy.take(self._git, Path(self._deciding()[0]), Path(folder))
            try:
                changed = self._staged_of(paths)
                if changed and self.rules.hooks:
                    message = self._with_hooks(self.rules.hooks, paths, message)
                    changed = self._staged_of(paths)  # a formatter may have changed them
                if changed:
                    self._commit(message, changed)
            except CommitRefused:
                raise
            except (GitFailed, KeyboardInterrupt) as error:
                self.holds_staged = True
                # Git may have failed at what comes after the commit: the new index, say.
                is_made = bool(changed) and not self._differing(changed)
                self.holds_staged = not is_made and not before.put_back(paths)
                if not is_made or isinstance(error, KeyboardInterrupt):
                    raise
        return self.head()

    def _with_hooks(self, runner: HookRunner, paths: Sequence[str], message: str) -> str:
        """Run the hooks that come before a commit; return its message as they leave it."""
        hooks = Hooks(self.root, self._git, self.private_folder(), runner, self._stamps)
        return clean_message(hooks.around(paths, message))

    def _staged_of(self, paths: Sequence[str]) -> list[str]:
        """Bring these paths into the index and return those that differ from HEAD."""
        stage(self._git, self.root, paths)
        return self._differing(paths)

    def _differing(self, paths: Sequence[str]) -> list[str]:
        """Return those of these paths, and what is below them, that are staged."""
        # All of them, and picked here: thousands of names are too long for a command line.
        how = ("--cached", "--name-only", "--ignore-submodules=dirty", "--no-renames")
        listed = self._git.run("diff-index", "-z", *how, "HEAD", "--").split("\0")
        wanted = set(paths)
        return [n for n in listed if n and not wanted.isdisjoint((n, *parents(n)))]

    def _stamps(self) -> dict[str, tuple[int, ...]]:
        found: dict[str, tuple[int, ...]] = {}
        for name in self.files():
            now = (self.root / name).lstat()
            found[name] = (now.st_mtime_ns, now.st_size, now.st_ino, now.st_mode)
        return found

    def staged(self, path: str) -> bytes | None:
        """Return a file of the index as a checkout writes it, None if it is not in there."""
        # As a folder a path names what is in it, too.
        if path not in self._git.ask("ls-files", "-z", "--cached", "--", path).split("\0"):
            return None
        text = self._git.run("cat-file", "--filters", f":{path}", ok=(0, 128))  # 128: unmerged
        return text.encode("utf-8", "surrogateescape")

    def unstage(self, path: str) -> None:
        """Make a file in the index what it is in HEAD; the tree stays as it is."""
        mode, blob = "0", "0" * len(self.head())
        listed = self._git.ask("ls-tree", "-z", "HEAD", "--", path)
        if listed and not listed.startswith(_TREE):
            mode, _, blob = listed.split("\t")[0].split(" ")
        self._git.run("update-index", "-z", "--index-info", stdin=f"{mode} {blob}\t{path}\0")

    def snapshot(self, ref: str, message: str) -> str:
        """Store the tree as a commit under a private ref and return its id.

        It holds every tracked file, and the untracked ones that the agent could change: neither
        ignored nor larger than it edits. The user's index, tree, branch and stash stay as they are.
        """
        with tempfile.TemporaryDirectory() as folder:
            index = Path(folder) / "index"
            (theirs,) = self._git_paths("index")
            if theirs.exists():  # with what it knows of the files, so that few are read again
                shutil.copyfile(theirs, index)
            env = {"GIT_INDEX_FILE": str(index)}
            names = [*self._changed_tracked(env), *self._small_untracked()]
            update = ("update-index", "--add", "--remove", "--replace", "-z", "--stdin")
            self._git.run(*update, stdin="".join(f"{name}\0" for name in names), env=env)
            tree = _line(self._git.run("write-tree", env=env))
        # Like a commit's title on one line: it may be a plan's.
        made = self._git.run(
            *("commit-tree", tree, "-p", "HEAD", "-F", "-"),
            stdin=clean_message(message.replace("\n", " ")),
            env=self._identity(),
        )
        self._git.run("update-ref", revision(ref), _line(made))
        return _line(made)

    def _changed_tracked(self, env: dict[str, str]) -> list[str]:
        """Tracked names whose files are not as in an index.

        `git add --update` would look into submodules with the filters of their own configuration.
        """
        how = ("-z", "--name-only", "--ignore-submodules=dirty")
        out = self._git.run("diff-files", *how, env=env)
        names = sorted({name for name in out.split("\0") if name})
        if forged := next(filter(_leads_out, names), ""):
            raise GitFailed(
                f"git's index has a file named {forged[:80]!r}, which leads out of the tree",
                hint="`git read-tree HEAD` makes a new index",
            )
        return names

    def merged(self, base: str, ours: str, theirs: str) -> str | None:
        """Return a text with what two others have made of it, None where they touch or adjoin."""
        return merged(self._git, base, ours, theirs)

    def private_folder(self) -> Path:
        """Return the folder of this working tree's own inside git's; it may not exist yet."""
        if self._private is None:
            (self._private,) = self._git_paths("qwenagent")
        return self._private

    def _deciding(self) -> tuple[str, ...]:
        """The files of git's own that decide what is listed and how it is taken."""
        if not self._deciding_files:
            paths = self._git_paths("index", "info/exclude", "info/attributes")
            self._deciding_files = tuple(map(str, paths))
        return self._deciding_files

    def _git_paths(self, *names: str) -> list[Path]:
        """Return where this tree has files of git's; a linked tree has some of its own."""
        out = self._git.ask("rev-parse", *(word for n in names for word in ("--git-path", n)))
        return [self.root / line for line in out.split("\n")[:-1]]

    def _commit(self, message: str, paths: Sequence[str] | None = None) -> None:
        """Commit the index, or of the changes only those to `paths`."""
        how = ["commit", "-q", "--no-verify", "--cleanup=whitespace", "-F", "-"]
        with tempfile.TemporaryDirectory() as folder:
            if paths is not None:
                names = Path(folder) / "names"
                # A file in whose place is a folder goes with the files in that.
                implied = now_folders(self.root, paths)
                text = "".join(f"{path}\0" for path in paths if path not in implied)
                names.write_bytes(text.encode("utf-8", "surrogateescape"))
                how += ["--only", f"--pathspec-from-file={names}", "--pathspec-file-nul"]
            if self.rules.sign:
                limit_s = self.rules.sign_timeout_s
                self._git.run_signing(*how, stdin=message, env=self._identity(), timeout_s=limit_s)
            else:
                self._git.run(*how, stdin=message, env=self._identity())

    def _require_branch_name(self, name: str) -> None:
        if not is_branch_name(self._git, name):
            raise GitFailed(f"{name[:80]!r} cannot be the name of a branch", hint="choose another")

    def _small_untracked(self) -> list[str]:
        out = self._git.ask("ls-files", "-z", "--others", "--exclude-standard")
        return [name for name in out.split("\0") if name and _is_small(self.root / name)]

    def _identity(self) -> dict[str, str]:
        """A stand-in author for the environment, where git knows none."""
        found: dict[str, str] = {}
        for key, value in (("NAME", _FALLBACK_NAME), ("EMAIL", f"{_FALLBACK_NAME}@localhost")):
            if not _line(self._git.ask("config", f"user.{key.lower()}", ok=(0, 1))).strip():
                for role in ("GIT_AUTHOR", "GIT_COMMITTER"):
                    found[f"{role}_{key}"] = os.environ.get(f"{role}_{key}") or value
        return found


def _why_not(git: Git, folder: Path, error: GitFailed) -> NotARepository:
    if _line(git.ask("rev-parse", "--is-bare-repository", ok=(0, 128))) == "true":
        return NotARepository(f"{folder} is a bare repository: there is no tree to work on")
    if "cannot use bare repository" in error.message:  # git 2.38 and newer
        return NotARepository(
            f"{folder} is in a bare repository, or in git's own folder: there is no tree to work on"
        )
    if "not a git repository" in error.message:
        return NotARepository(
            f"{folder} is not in a git repository", hint="`git init`, then commit once"
        )
    return NotARepository(f"{folder} cannot be used: {error.message}")


def _spellings(text: str) -> list[str]:
    """What git, which knows the cases of ASCII only and bytes as bytes, is to look for."""
    text = text[:_MAX_SEARCHED]
    if pieces := re.findall(r"[\x20-\x7e]+", text):
        return [max(pieces, key=lambda piece: len(piece.strip()))]
    cases = dict.fromkeys([text, text.lower(), text.upper()])
    western = [case.encode("cp1252", "ignore").decode("utf-8", "surrogateescape") for case in cases]
    return [*cases, *filter(None, western)]


def _is_small(path: Path) -> bool:
    if path.is_symlink():
        return True
    return path.is_file() and path.stat().st_size <= MAX_BYTES and os.access(path, os.R_OK)


def _leads_out(name: str) -> bool:
    """Whether a name is one that only a forged index has."""
    return name.startswith("/") or not {"..", ".git"}.isdisjoint(name.casefold().split("/"))


def _line(out: str) -> str:
    return out.removesuffix("\n")
