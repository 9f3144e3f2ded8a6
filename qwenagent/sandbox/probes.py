"""Proves what a sandbox holds, by trying what it must not let through.

Everything tried is harmless and made for it: a folder for temporary files, a file in the home
folder, sockets of this process.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import secrets
import socket
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from qwenagent.errors import QwenAgentError
from qwenagent.sandbox import attempts
from qwenagent.sandbox.environment import scrubbed
from qwenagent.sandbox.policy import Limits, Policy
from qwenagent.sandbox.sandbox import Sandbox

_TIMEOUT_S = 10.0
_FORKS = 300
_LIMIT = 100


@dataclass(frozen=True, slots=True)
class Probe:
    """What came of one attempt."""

    name: str
    contained: bool | None
    """None: it could not be tried here."""
    sentence: str


def prove(sandbox: Sandbox, environ: Mapping[str, str]) -> tuple[Probe, ...]:
    """Try everything under the strictest policy; takes about a second."""
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="qwenagent-probe-"))
        ground = _Ground(Path(folder).resolve(), environ, stack)
        try:
            said = _ask(sandbox, ground, ground.given)
            forks = _fork(sandbox, ground)
        except QwenAgentError as error:
            return (Probe("start", False, error.message),)
        return (*_judged(said, ground), forks)


class _Ground:
    """Where the attempts happen: a tree, what lies outside of it, and who listens."""

    def __init__(self, folder: Path, environ: Mapping[str, str], stack: contextlib.ExitStack):
        self.env = scrubbed(environ)
        self.tree = folder / "tree"
        (self.tree / ".git" / "hooks").mkdir(parents=True)
        self.outside = folder / "outside" / "file"
        self.outside.parent.mkdir()
        self.lock = self.tree / "lock"
        self.secret = secrets.token_hex(16)
        self.planted = stack.enter_context(_planted(self.env, self.secret))
        self.given = {
            "outside": str(self.outside),
            "git": str(self.tree / ".git" / "hooks" / "pre-commit"),
            "github": str(self.tree / ".github" / "workflows" / "ci.yml"),
            "connect": str(_listen(stack, socket.AF_INET, ("127.0.0.1", 0))[1]),
            "outlive": str(self.lock),
        }
        if self.planted:
            self.given["home"] = str(self.planted)
        path = str(folder / "socket")
        with contextlib.suppress(OSError):  # longer than 107 bytes
            _listen(stack, socket.AF_UNIX, path)
            self.given["socket"] = path
        if sys.platform == "linux":
            name = f"qwenagent-{secrets.token_hex(8)}"
            _listen(stack, socket.AF_UNIX, f"\0{name}")
            self.given["abstract"] = f"@{name}"

    def outlived(self) -> bool:
        """True if a process that was left behind still holds its lock."""
        with self.lock.open("a", encoding="utf-8") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        return False


@contextlib.contextmanager
def _planted(env: Mapping[str, str], secret: str) -> Iterator[Path | None]:
    """Give a file with a secret in the home folder, or None if none can be made."""
    path = Path(env.get("HOME", ""), f".qwenagent-probe-{secrets.token_hex(4)}")
    try:
        if not path.is_absolute():
            yield None
            return
        path.write_text(secret, encoding="utf-8")
    except OSError:
        yield None
        return
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)


def _listen(
    stack: contextlib.ExitStack, family: int, address: str | tuple[str, int]
) -> tuple[str, int]:
    server = stack.enter_context(socket.socket(family, socket.SOCK_STREAM))
    server.bind(address)
    server.listen()
    name = server.getsockname()
    return name if isinstance(name, tuple) else ("", 0)


def _ask(sandbox: Sandbox, ground: _Ground, given: Mapping[str, str]) -> dict[str, str]:
    script = Path(attempts.__file__)
    policy = Policy(
        ground.tree,
        readable=(script.parent, Path(sys.prefix), Path(sys.base_prefix)),
        limits=replace(Limits(), processes=_LIMIT),
    )
    ran = sandbox.run(
        [sys.executable, "-I", "-S", str(script), json.dumps(given)],
        cwd=ground.tree,
        env=ground.env,
        policy=policy,
        timeout_s=_TIMEOUT_S,
    )
    if ran.broke:
        return {"broke": "; ".join(ran.broke)}
    try:
        said: dict[str, str] = json.loads(ran.output)
    except ValueError:
        return {}
    return said


def _fork(sandbox: Sandbox, ground: _Ground) -> Probe:
    said = _ask(sandbox, ground, {"fork": str(_FORKS)})
    told = said.get("broke") or said.get("fork") or "ended"
    return Probe(
        "fork", told != f"started {_FORKS}", f"{_FORKS} processes, {_LIMIT} allowed: {told}"
    )


def _judged(said: Mapping[str, str], ground: _Ground) -> Iterator[Probe]:
    got = {name: said.get(name, "the attempt was ended") for name in ground.given}
    hook, flow = Path(ground.given["git"]), Path(ground.given["github"])
    private = " (to a private copy of the folder)" if got["outside"] == "written" else ""
    reached = ground.outside.exists()
    told = got["outside"] + ("" if reached else private)
    yield Probe("write outside", not reached, f"a file: {told}")
    if ground.planted:
        read = got["home"] == ground.secret
        yield Probe("read home", not read, f"a file: {'read' if read else got['home']}")
    else:
        yield Probe("read home", None, "no file could be made in the home folder to try it with")
    out = "this machine's loopback: " + got["connect"]
    yield Probe("connect out", got["connect"] != "connected", out)
    talks = {name: got[name] for name in ("socket", "abstract") if name in got}
    told = ", ".join(f"{name}: {words}" for name, words in talks.items()) or "none to try"
    yield Probe("host's sockets", "connected" not in talks.values(), told)
    yield Probe("write .git", not hook.exists(), f"a hook: {got['git']}")
    yield Probe("write .github", not flow.exists(), f"a workflow: {got['github']}")
    alive = got["outlive"] == "left behind" and ground.outlived()
    yield Probe(
        "outlive", not alive, f"a process out of its session: {'lives' if alive else 'ended'}"
    )
