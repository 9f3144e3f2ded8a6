"""The repository's own hooks around a commit, for those who want them to run.

`pre-commit` and `commit-msg` run, as they can refuse; those that only tell of something do not.
`pre-commit` sees HEAD with the step's files as the index, as it does under `git commit --only`. A
hook may change the files of the commit, as formatters do, and they are committed so, whether it
adds them or not; one that changes any other file refuses the commit by that, since nobody has
approved or tested such a change, and the file stays as the hook left it.

Starts nothing itself: how a hook runs, and confined by what, is up to the `HookRunner`.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from qwenagent.workspace.git import CommitRefused, Git
from qwenagent.workspace.staging import stage

_MAX_SAID = 500
_HINT = 'the files stay as they are, staged; settle it and commit by hand, or set git.hooks = "off"'


@dataclass(frozen=True, slots=True)
class HookRan:
    """What became of a hook."""

    exit_code: int
    output: str
    """Cleaned, of both streams."""
    timed_out: bool = False


class HookRunner(Protocol):
    """Runs one hook to its end, confined."""

    def __call__(
        self, argv: Sequence[str], *, cwd: Path, env: Mapping[str, str], writable: Path
    ) -> HookRan:
        """Run `argv`. `env` is added to what a hook sees; `writable` has its index and message."""


Stamps = Mapping[str, tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class Hooks:
    """The hooks of one working tree. `stamps` tells the state of each file that is not ignored."""

    root: Path
    git: Git
    private: Path
    run: HookRunner
    stamps: Callable[[], Stamps]

    def around(self, paths: Collection[str], message: str) -> str:
        """Run what comes before a commit of these paths; return the message to commit with.

        Raises:
            CommitRefused: a hook refused, did not end in time, or changed other files.
        """
        if not (self._file("pre-commit") or self._file("commit-msg")):
            return message
        self.private.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self.private, prefix="hooks-") as made:
            folder = Path(made)
            index = self._index_of(paths, folder)
            before = self.stamps()
            self._call("pre-commit", index, folder)
            text = folder / "COMMIT_EDITMSG"
            text.write_text(f"{message}\n", encoding="utf-8")
            self._call("commit-msg", index, folder, str(text))
            self._require_unchanged(before, paths)
            return text.read_text(encoding="utf-8", errors="replace")

    def _index_of(self, paths: Collection[str], folder: Path) -> Path:
        index = folder / "index"
        env = {"GIT_INDEX_FILE": str(index)}
        self.git.run("read-tree", "HEAD", env=env)
        stage(self.git, self.root, paths, env)
        return index

    def _call(self, name: str, index: Path, folder: Path, *args: str) -> None:
        hook = self._file(name)
        if hook is None:
            return
        # What a hook adds goes into its own folder: git's is read-only in the sandbox, and the
        # commit reads the files again.
        own = folder / "objects"
        own.mkdir(exist_ok=True)
        env = {
            "GIT_INDEX_FILE": str(index),
            "GIT_OBJECT_DIRECTORY": str(own),
            "GIT_ALTERNATE_OBJECT_DIRECTORIES": str(self._objects()),
            "GIT_EDITOR": ":",
            "GIT_PREFIX": "",
        }
        ran = self.run([str(hook), *args], cwd=self.root, env=env, writable=folder)
        if ran.timed_out or ran.exit_code:
            how = "did not end in time" if ran.timed_out else f"exit code {ran.exit_code}"
            said = " ".join(ran.output.split())[-_MAX_SAID:]
            raise CommitRefused(
                f"the repository's {name} hook refused the commit ({how}): {said or 'no output'}",
                hint=_HINT,
            )

    def _objects(self) -> Path:
        return self.root / self.git.ask("rev-parse", "--git-path", "objects").removesuffix("\n")

    def _require_unchanged(self, before: Stamps, paths: Collection[str]) -> None:
        after = self.stamps()
        changed = {p for p in {*before, *after} if before.get(p) != after.get(p)} - set(paths)
        if changed:
            names = ", ".join(sorted(changed)[:5]) + (" ..." if len(changed) > 5 else "")
            raise CommitRefused(
                f"the repository's hooks changed {len(changed)} file(s) that are no part of the "
                f"step: {names}",
                hint=_HINT,
            )

    def _file(self, name: str) -> Path | None:
        """Return a hook that can be run, where the repository or the user keeps them."""
        path = self._place() / name
        return path if path.is_file() and os.access(path, os.X_OK) else None

    def _place(self) -> Path:
        how = ("config", "-z", "--show-scope", "--type=path", "--get-all", "core.hooksPath")
        words = self.git.ask(*how, ok=(0, 1)).split("\0")
        # What we set ourselves does not count here.
        set_ = [v for scope, v in zip(words[::2], words[1::2], strict=False) if scope != "command"]
        if set_:
            return self.root / set_[-1]
        common = self.git.ask("rev-parse", "--git-common-dir").removesuffix("\n")
        return self.root / common / "hooks"
