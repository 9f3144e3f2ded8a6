"""Runs git with everything switched off by which a repository could start a program of its own.

Nothing here asks, fetches, pushes or goes on for ever. Knows no single command of git: `repository`
does. What a repository's configuration could do is listed in `configuration`.
"""

from __future__ import annotations

import os
import re
import selectors
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO, NoReturn, cast

os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")  # that there is no git is said by `Git.run`

import git

from qwenagent.errors import GitFailed, NotARepository, reason
from qwenagent.workspace.configuration import (
    ALWAYS,
    DECIDING,
    Entry,
    neutral,
    own_filters,
    refuse,
    signing,
)

_ENVIRONMENT = {
    "LC_ALL": "C",
    "GIT_OPTIONAL_LOCKS": "0",
    # A path is never a pattern: `[a].py`, `:x` and `*` are names.
    "GIT_LITERAL_PATHSPECS": "1",
    # A partial clone may name a transport that runs a command to fetch what is missing.
    "GIT_ALLOW_PROTOCOL": "none",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_SSH_COMMAND": "false",
    # Nobody is asked for anything. Empty is not the same as unset: git looks no further.
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_ASKPASS": "",
    "SSH_ASKPASS": "",
    "GCM_INTERACTIVE": "never",
    "GIT_EDITOR": ":",
    "GIT_SEQUENCE_EDITOR": ":",
    "GIT_PAGER": "cat",
}
_KEPT = ("GIT_PYTHON_", "GIT_AUTHOR_", "GIT_COMMITTER_", "GIT_CONFIG_GLOBAL", "GIT_CONFIG_NOSYSTEM",
         "GIT_CONFIG_SYSTEM", "GIT_CEILING_DIRECTORIES")  # fmt: skip
_FORGOTTEN = ("GIT_", "GPG_TTY")  # gpg without a terminal fails; with ours it would wait there
_LOCKED = re.compile(r"Unable to create '(.+\.lock)': File exists")
_MISSING = re.compile(r"promisor remote|lazy fetching disabled|transport '\w+' not allowed")
_UNSIGNED = re.compile(r"failed to (sign|write commit object)|did not end within")
_ASK_TIMEOUT_S = 120.0
_RUN_TIMEOUT_S = 600.0
_MAX_OUTPUT_BYTES = 512_000_000
_GRACE_S = 2.0


class CommitRefused(GitFailed):
    """A signature or a hook stood in the way of a commit. What it was to hold is staged."""


class Git:
    """The program git in one folder.

    `timeout_s` is the limit of one command, `max_output_bytes` that of what it prints.
    """

    def __init__(
        self,
        folder: Path,
        *,
        timeout_s: float | None = None,
        max_output_bytes: int = _MAX_OUTPUT_BYTES,
    ) -> None:
        self._folder = folder
        self._git = git.Git(folder)
        self._ask_timeout_s = timeout_s or _ASK_TIMEOUT_S
        self._run_timeout_s = timeout_s or _RUN_TIMEOUT_S
        self._max_output_bytes = max_output_bytes

    def run(
        self,
        *args: str,
        stdin: str = "",
        env: Mapping[str, str] | None = None,
        ok: tuple[int, ...] = (0,),
    ) -> str:
        """Return what a command prints, undecodable bytes of names as surrogates.

        Raises:
            GitFailed: it ended with a code that is not in `ok`, did not end in time, printed too
                much, or the repository's configuration is refused.
            NotARepository: git is not installed.
        """
        settings = ALWAYS | neutral(self._entries())
        return self._call(args, settings, stdin, env or {}, ok, self._run_timeout_s)

    def run_signing(
        self, *args: str, stdin: str, env: Mapping[str, str] | None, timeout_s: float
    ) -> None:
        """Like `run`, for a commit that the user's own program signs, without a terminal.

        Raises:
            CommitRefused: it is not signed, or not in time; then there is no commit.
            GitFailed: see `run`.
        """
        entries = self._entries()
        settings = ALWAYS | neutral(entries) | signing(entries)
        try:
            self._call(args, settings, stdin, env or {}, (0,), timeout_s)
        except GitFailed as error:
            if not _UNSIGNED.search(error.message):
                raise
            raise CommitRefused(
                f"no signed commit was made: {error.message}",
                hint="the files stay as they are, staged; unlock the key (gpg-agent, ssh-agent) "
                "and commit by hand, or set git.sign = false and run again",
            ) from error

    def ask(
        self,
        *args: str,
        stdin: str = "",
        env: Mapping[str, str] | None = None,
        ok: tuple[int, ...] = (0,),
    ) -> str:
        """Like `run`, at half the cost, for what takes no content through a filter or a hook."""
        return self._call(args, ALWAYS, stdin, env or {}, ok, self._ask_timeout_s)

    def own_filters(self) -> list[str]:
        """Return the content filters that only the repository's own configuration defines."""
        return own_filters(self._entries())

    def require_harmless(self) -> None:
        """Check that the repository's configuration sets nothing that is refused.

        Raises:
            GitFailed: it does.
        """
        self._entries()

    def _entries(self) -> list[Entry]:
        args = ("config", "-z", "--show-scope", "--show-origin", "--get-regexp", DECIDING)
        entries = Entry.parse(self.ask(*args, ok=(0, 1)))
        refuse(entries)
        return entries

    def _call(
        self,
        args: tuple[str, ...],
        settings: Mapping[str, str],
        stdin: str,
        env: Mapping[str, str],
        ok: tuple[int, ...],
        timeout_s: float,
    ) -> str:
        process = None
        with tempfile.TemporaryFile() as written:
            written.write(stdin.encode("utf-8", "surrogateescape"))
            written.seek(0)
            try:
                process = self._start(
                    args, cast(BinaryIO, written), {**_as_environment(settings), **env}
                )
                out, err = self._read(process, args, time.monotonic() + timeout_s, timeout_s)
            finally:
                if process is not None:
                    _end(process)
        if process.returncode not in ok:
            raise _failed(args, process.returncode, err.decode("utf-8", "replace").strip())
        return out.decode("utf-8", "surrogateescape")

    def _start(
        self, args: tuple[str, ...], stdin: BinaryIO, env: Mapping[str, str]
    ) -> subprocess.Popen[bytes]:
        _forget_foreign_variables()
        if any("\0" in arg for arg in args):
            raise GitFailed(f"git {args[0]} cannot be given a NUL character")
        if not os.access(self._folder, os.X_OK):  # GitPython would run it in our own folder
            raise NotARepository(f"{self._folder} cannot be entered")
        try:
            child = self._git.execute(
                [_program(), *map(_argument, args)],
                istream=stdin,
                as_process=True,
                env={**_ENVIRONMENT, **env},
                # Ctrl-C in the terminal must not reach git in the middle of a commit.
                start_new_session=True,
            )
        except git.GitCommandNotFound as error:
            raise _not_installed() from error
        except OSError as error:
            raise GitFailed(f"git {args[0]} cannot be started: {reason(error)}") from error
        process, child.proc = child.proc, None  # ended here, not when it is collected
        assert isinstance(process, subprocess.Popen)
        return process

    def _read(
        self,
        process: subprocess.Popen[bytes],
        args: tuple[str, ...],
        deadline: float,
        timeout_s: float,
    ) -> tuple[bytes, bytes]:
        assert process.stdout is not None
        assert process.stderr is not None
        read = {process.stdout.fileno(): bytearray(), process.stderr.fileno(): bytearray()}
        with selectors.DefaultSelector() as selector:
            for pipe in read:
                selector.register(pipe, selectors.EVENT_READ)
            while selector.get_map():
                ready = selector.select(max(deadline - time.monotonic(), 0))
                for key, _ in ready:
                    data = os.read(key.fd, 1 << 18)
                    read[key.fd] += data
                    if not data:
                        selector.unregister(key.fd)
                    elif len(read[key.fd]) > self._max_output_bytes:
                        self._printed_too_much(args)
                if not ready and time.monotonic() >= deadline:
                    _took_too_long(args, timeout_s)
        try:
            process.wait(max(deadline - time.monotonic(), 0.1))
        except subprocess.TimeoutExpired:
            _took_too_long(args, timeout_s)
        out, err = read.values()
        return bytes(out), bytes(err)

    def _printed_too_much(self, args: tuple[str, ...]) -> NoReturn:
        raise GitFailed(
            f"{_shown(args)} printed more than {self._max_output_bytes / 1e6:g} MB",
            hint="ignore or remove what is that large, then run again",
        )


def _took_too_long(args: tuple[str, ...], timeout_s: float) -> NoReturn:
    raise GitFailed(
        f"{_shown(args)} did not end within {timeout_s:,.0f} s and was ended",
        hint="run it by hand to see what it waits for",
    )


def _end(process: subprocess.Popen[bytes]) -> None:
    """End git, if it has not ended, with all that it has started; close its pipes.

    Asked first: git takes its lock files away then.
    """
    try:
        if process.returncode is None and process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
            try:
                process.wait(_GRACE_S)
            finally:
                os.killpg(process.pid, signal.SIGKILL)
    except (subprocess.TimeoutExpired, ProcessLookupError, PermissionError):
        pass  # killed now, or nobody is left; macOS says EPERM for zombies
    finally:
        process.wait()
        for pipe in (process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()


def _program() -> str:
    """Return git's absolute path; a relative entry of PATH would be one in the repository."""
    folders = os.environ.get("PATH", os.defpath).split(os.pathsep)
    absolute = os.pathsep.join(folder for folder in folders if Path(folder).is_absolute())
    found = shutil.which("git", path=absolute) if absolute else None
    if found is None:
        raise _not_installed()
    return found


def _not_installed() -> NotARepository:
    return NotARepository("git is not installed", hint="install git 2.31 or newer")


def _argument(text: str) -> str:
    """Return what Python hands over as the UTF-8 of `text`, also where the locale is not UTF-8."""
    return os.fsdecode(text.encode("utf-8", "surrogateescape"))


def _shown(args: tuple[str, ...]) -> str:
    return f"git {' '.join(args[:3])}"


def _failed(args: tuple[str, ...], code: int, err: str) -> GitFailed:
    err = "; ".join(filter(None, map(str.strip, err.split("\n"))))
    if lock := _LOCKED.search(err):
        return locked(Path(lock[1]))
    if _MISSING.search(err):
        return GitFailed(
            f"{_shown(args)} needs what this partial clone does not have, and nothing is fetched "
            f"here: {err[:300]}",
            hint="`git fetch --refetch --no-filter` brings everything; then run again",
        )
    return GitFailed(f"{_shown(args)} ended with code {code}: {err[:500]}")


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
    for name in [n for n in os.environ if n.startswith(_FORGOTTEN) and not n.startswith(_KEPT)]:
        del os.environ[name]


def _as_environment(settings: Mapping[str, str]) -> dict[str, str]:
    # `-c name=value` cannot carry a name that contains "="; git 2.31 reads these instead.
    pairs: dict[str, str] = {"GIT_CONFIG_COUNT": str(len(settings))}
    for i, (key, value) in enumerate(settings.items()):
        pairs |= {f"GIT_CONFIG_KEY_{i}": key, f"GIT_CONFIG_VALUE_{i}": value}
    return pairs
