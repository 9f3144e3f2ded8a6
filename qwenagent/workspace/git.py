"""Runs git with everything switched off by which a repository could start a program of its own.

Knows no single command of git: `repository` does.
"""

from __future__ import annotations

import os
import re
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")  # that there is no git is said by `Git.run`

import git

from qwenagent.errors import GitFailed, NotARepository

_SETTINGS = {
    "core.hooksPath": "/dev/null",
    "core.fsmonitor": "false",
    "core.pager": "cat",
    "core.quotePath": "false",
    # Otherwise a file with the other line ends cannot be added at all.
    "core.safecrlf": "false",
    "commit.gpgSign": "false",
    # It would start `gpg.program` for each signed commit that `git log` shows.
    "log.showSignature": "false",
    "i18n.commitEncoding": "utf-8",
    # No process that goes on after the command.
    "maintenance.auto": "false",
    "gc.auto": "0",
}
_ENVIRONMENT = {
    "LC_ALL": "C",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_OPTIONAL_LOCKS": "0",
    # A path is never a pattern: `[a].py`, `:x` and `*` are names.
    "GIT_LITERAL_PATHSPECS": "1",
    # A partial clone may name a transport that runs a command to fetch what is missing.
    "GIT_ALLOW_PROTOCOL": "none",
}
_KEPT = ("GIT_PYTHON_", "GIT_AUTHOR_", "GIT_COMMITTER_", "GIT_CONFIG_GLOBAL", "GIT_CONFIG_NOSYSTEM",
         "GIT_CONFIG_SYSTEM", "GIT_CEILING_DIRECTORIES")  # fmt: skip
_LOCKED = re.compile(r"Unable to create '(.+\.lock)': File exists")
_UNTRUSTED_SCOPES = frozenset({"local", "worktree"})


class Git:
    """The program git in one folder."""

    def __init__(self, folder: Path) -> None:
        self._git = git.Git(folder)

    def run(
        self,
        *args: str,
        stdin: str = "",
        env: Mapping[str, str] | None = None,
        ok: tuple[int, ...] = (0,),
    ) -> str:
        """Return what a command prints, undecodable bytes of names as surrogates.

        Raises:
            GitFailed: it ended with a code that is not in `ok`.
            NotARepository: git is not installed.
        """
        settings = dict(_SETTINGS)
        for name in self.own_filters():
            settings |= {f"filter.{name}.{key}": "" for key in ("clean", "smudge", "process")}
            settings[f"filter.{name}.required"] = "false"
        return self._call(args, settings, stdin, env or {}, ok)

    def ask(
        self,
        *args: str,
        stdin: str = "",
        env: Mapping[str, str] | None = None,
        ok: tuple[int, ...] = (0,),
    ) -> str:
        """Like `run`, at half the cost, for a command that takes no content through a filter."""
        return self._call(args, _SETTINGS, stdin, env or {}, ok)

    def own_filters(self) -> list[str]:
        """Return the content filters that the repository's own configuration defines.

        Those of the user's configuration (git-lfs, usually) are the user's choice and run.
        """
        args = ("config", "-z", "--show-scope", "--get-regexp", r"^filter\.")
        words = self._call(args, _SETTINGS, "", {}, (0, 1, 128)).split("\0")
        return sorted(
            {
                entry.split("\n")[0].removeprefix("filter.").rpartition(".")[0]
                for scope, entry in zip(words[::2], words[1::2], strict=False)
                if scope in _UNTRUSTED_SCOPES
            }
        )

    def _call(
        self,
        args: tuple[str, ...],
        settings: Mapping[str, str],
        stdin: str,
        env: Mapping[str, str],
        ok: tuple[int, ...],
    ) -> str:
        _forget_foreign_variables()
        with tempfile.TemporaryFile() as written:
            written.write(stdin.encode("utf-8", "surrogateescape"))
            written.seek(0)
            try:
                code, out, err = self._git.execute(
                    ["git", *map(_argument, args)],
                    istream=written,
                    with_extended_output=True,
                    with_exceptions=False,
                    stdout_as_string=False,
                    strip_newline_in_stdout=False,
                    env={**_ENVIRONMENT, **_as_environment(settings), **env},
                    # Ctrl-C in the terminal must not reach git in the middle of a commit.
                    start_new_session=True,
                )
            except git.GitCommandNotFound as error:
                raise NotARepository(
                    "git is not installed", hint="install git 2.31 or newer"
                ) from error
        if code not in ok:
            raise _failed(args, code, str(err).strip())
        assert isinstance(out, bytes)
        return out.decode("utf-8", "surrogateescape")


def _argument(text: str) -> str:
    """Return what Python hands over as the UTF-8 of `text`, also where the locale is not UTF-8."""
    return os.fsdecode(text.encode("utf-8", "surrogateescape"))


def _failed(args: tuple[str, ...], code: int, err: str) -> GitFailed:
    if lock := _LOCKED.search(err):
        return locked(Path(lock[1]))
    return GitFailed(f"git {' '.join(args[:3])} ended with code {code}: {err[:500]}")


def locked(lock: Path) -> GitFailed:
    """Return the error for a lock file that git left behind or is using."""
    try:
        age_s = max(time.time() - lock.stat().st_mtime, 0)
    except OSError:  # gone meanwhile
        age_s = 0
    age = f"{age_s:.0f} s" if age_s < 120 else f"{age_s / 60:.0f} min"
    return GitFailed(
        f"another git command holds {lock} ({age} old)",
        hint="wait for it; if no git is running here, delete that file and run again",
    )


def _forget_foreign_variables() -> None:
    """Take what a hook or a wrapper set for another repository out of our environment.

    GitPython hands the whole environment on and can only add to it.
    """
    for name in [n for n in os.environ if n.startswith("GIT_") and not n.startswith(_KEPT)]:
        del os.environ[name]


def _as_environment(settings: Mapping[str, str]) -> dict[str, str]:
    # `-c name=value` cannot carry a name that contains "="; git 2.31 reads these instead.
    pairs: dict[str, str] = {"GIT_CONFIG_COUNT": str(len(settings))}
    for i, (key, value) in enumerate(settings.items()):
        pairs |= {f"GIT_CONFIG_KEY_{i}": key, f"GIT_CONFIG_VALUE_{i}": value}
    return pairs
