"""Reads from a command's output what the sandbox withheld from it, and says how to allow that.

Guesses from the messages that programs print: a test that is red inside and green outside shows
one of these. Does not know whether the command would have failed anyway.
"""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path

from qwenagent.sandbox.confine import Ran
from qwenagent.sandbox.policy import Policy

_MAX_SENTENCES = 6
_MAX_LINE = 2000

_READ_ONLY = re.compile(r"read-only file system|EROFS|ReadOnlyFilesystem", re.IGNORECASE)
_MISSING = re.compile(r"no such file or directory|ENOENT|does not exist", re.IGNORECASE)
_DENIED = re.compile(r"permission denied|EACCES|operation not permitted|EPERM", re.IGNORECASE)
_NETWORK = re.compile(
    r"network is unreachable|ENETUNREACH|failure in name resolution|name or service not known"
    r"|nodename nor servname|EAI_AGAIN|EAI_NODATA|getaddrinfo|could not resolve host|no such host"
    r"|GOPROXY=off|dns error|offline mode|--offline was specified",
    re.IGNORECASE,
)
_REFUSED = re.compile(r"connection refused|ECONNREFUSED", re.IGNORECASE)
_FULL = re.compile(r"no space left on device|ENOSPC", re.IGNORECASE)
_LARGE = re.compile(r"file too large|EFBIG|file size limit exceeded", re.IGNORECASE)
_FORK = re.compile(
    r"(can't|cannot|unable to) fork|BlockingIOError.*temporarily unavailable", re.IGNORECASE
)
# Quotation marks as written by Python, coreutils in a UTF-8 locale, and shells.
_PATH = re.compile(r"""['"\u2018`]?((?:/|\.{1,2}/|\.[a-z])[^'"\u2019`:\n]*)""")


def explain(ran: Ran, policy: Policy, *, output: bool = True) -> tuple[str, ...]:
    """Return sentences on what the sandbox withheld, each once, what ended the command first.

    Without `output` only what ended it or was cut; what it printed is not read.
    """
    seen = _from_output(ran, policy) if output else ()
    told = dict.fromkeys([*ran.broke, *_from_ending(ran, policy), *seen])
    return tuple(told)[:_MAX_SENTENCES]


def _from_ending(ran: Ran, policy: Policy) -> Iterator[str]:
    if ran.timed_out:
        yield f"ended after {ran.seconds:.0f} s with everything it had started"
    if ran.exit_code == -signal.SIGXFSZ:
        yield _too_large(policy)
    if ran.cut_bytes:
        yield f"printed {ran.cut_bytes:,} bytes more than are kept"


def _from_output(ran: Ran, policy: Policy) -> Iterator[str]:
    for line in ran.output.splitlines():
        line = line[:_MAX_LINE]
        if _READ_ONLY.search(line):
            yield _written(line, policy)
        elif _MISSING.search(line) or _DENIED.search(line):
            yield from _hidden(line, policy)
        elif _NETWORK.search(line) and policy.network != "all":
            yield "no network in the sandbox (--allow-network opens it)"
        elif _REFUSED.search(line) and policy.network != "all":
            yield (
                "nothing answered on the sandbox's own loopback; services of this machine are not "
                "reachable from it (--allow-network opens them)"
            )
        elif _FULL.search(line):
            size = policy.limits.private_bytes >> 20
            yield f"a private folder is full (/tmp and home take {size:,} MB each), or the disk is"
        elif _LARGE.search(line):
            yield _too_large(policy)
        elif _FORK.search(line):
            yield f"no more processes could be started (limit {policy.limits.processes:,})"


def _too_large(policy: Policy) -> str:
    return f"a file was to become larger than {policy.limits.file_bytes >> 20:,} MB"


def _written(line: str, policy: Policy) -> str:
    path = _path_in(line, policy)
    if path is None:
        return "tried to write where the sandbox is read-only"
    if path.is_relative_to(policy.tree):
        name = path.relative_to(policy.tree)
        return (
            f"tried to write {name}: read-only in the sandbox, it runs or steers what comes later"
        )
    return f"tried to write {path}: outside of the repository all is read-only"


def _hidden(line: str, policy: Policy) -> Iterator[str]:
    """Yield a sentence if a path that was not there inside is there outside."""
    path = _path_in(line, policy)
    if path and not path.is_relative_to(policy.tree) and os.path.lexists(path):
        yield f"tried to reach {path}: not shown in the sandbox"


def _path_in(line: str, policy: Policy) -> Path | None:
    """Return the last path that a message names: programs name themselves first."""
    found = [text.strip() for text in _PATH.findall(line)]
    try:
        return Path(os.path.normpath(policy.tree / found[-1])) if found else None
    except ValueError:
        return None
