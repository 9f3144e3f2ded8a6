"""The file system as a confined command sees it: what is shown, frozen, private or hidden.

A list of places that bubblewrap mounts in order and Seatbelt takes as rules. Runs nothing.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from qwenagent.sandbox.home import home_of, masked, placed, program_folders, secrets, toolchains
from qwenagent.sandbox.policy import Policy
from qwenagent.sandbox.protected import git_folders, protected_paths

Kind = Literal["mask", "overlay", "write", "freeze", "read", "private", "hide"]

_RANKS: tuple[Kind, ...] = ("mask", "overlay", "write", "freeze", "read", "private", "hide")
"""Of two wishes for one path the first in this row wins."""
_WITHHELD = ("private", "hide", "mask")
_WRITABLE = ("write", "overlay")

PRIVATE_HOME = Path("/tmp/home")
"""The home folder where the user's cannot be one: there is none, or it is the tree."""

_PRIVATE = ("/tmp", "/var/tmp")
_HIDDEN = (
    # Sockets of Docker, D-Bus, desktops and agents; mounted keys. /var/run is a link to it today.
    *("/run", "/var/run"),
    # The homes of others; what root keeps; what only root may read, for when we are root.
    *("/home", "/Users", "/root", "/media", "/Volumes"),
    *("/etc/ssl/private", "/etc/sudoers.d", "/etc/wireguard", "/etc/kubernetes", "/etc/ssh"),
    *("/etc/NetworkManager/system-connections", "/var/lib/docker", "/var/lib/kubelet"),
    *("/var/spool", "/var/mail", "/var/backups"),
)
_MASKED = ("/etc/shadow", "/etc/shadow-", "/etc/gshadow", "/etc/gshadow-", "/etc/krb5.keytab")
_SHOWN = ("/run/current-system", "/run/opengl-driver", "/run/host/usr")
"""NixOS keeps its programs there, Flatpak the machine's."""
_NAMES = ("/run/systemd/resolve", "/run/NetworkManager", "/run/resolvconf")
"""Where names are looked up, if there is a network."""
_SOCKETS = Path("/proc/net/unix")


@dataclass(frozen=True, slots=True)
class Place:
    """One path of the view."""

    kind: Kind
    path: Path
    source: Path
    """What is shown there; the path itself unless something is mounted over it."""


def view(
    policy: Policy, env: Mapping[str, str], program: str, sockets: Path = _SOCKETS
) -> tuple[Place, ...]:
    """Return what is special in the file system for one command, outer places first."""
    home = home_of(env)
    wishes = [
        *_tree(policy),
        *(Place("write", path, path) for path in policy.writable),
        *_home(policy, env, program, home),
        *_machine(policy, home),
        *(Place("mask", path, path) for path in _unix_sockets(sockets, policy)),
    ]
    return settled(wishes)


def own_home(policy: Policy, env: Mapping[str, str]) -> Path:
    """Return where the private home folder is: in the place of the user's, if that can be."""
    home = home_of(env)
    return home if home and home != policy.tree else PRIVATE_HOME


def settled(wishes: Iterable[Place]) -> tuple[Place, ...]:
    """Return the wishes in order, without those that what is around them grants already."""
    kept: dict[Path, Place] = {}
    order = sorted(wishes, key=lambda wish: (len(wish.path.parts), _RANKS.index(wish.kind)))
    for wish in order:
        if wish.path not in kept and _adds(wish, _around(wish.path, kept)):
            kept[wish.path] = wish
    return tuple(kept.values())


def _around(path: Path, kept: Mapping[Path, Place]) -> Kind:
    return next((kept[place].kind for place in path.parents if place in kept), "read")


def _adds(wish: Place, around: Kind) -> bool:
    match wish.kind:
        case "read":
            return around in _WITHHELD
        case "freeze":
            return around in _WRITABLE
        case "hide" | "mask":
            return around not in _WITHHELD
        case _:
            return True


def _tree(policy: Policy) -> Iterator[Place]:
    kind: Kind = "overlay" if policy.overlay else "write"
    yield Place(kind, policy.tree, policy.source)
    for shown, real in policy.mounts.items():
        if shown != policy.tree:
            yield Place("freeze", shown, real)
            yield Place("read", shown, real)
    for folder in git_folders(policy.tree):
        yield Place("freeze", folder, folder)
        yield Place("read", folder, folder)
    upper = policy.overlay.upper if policy.overlay else None
    for name, exists in protected_paths(policy.source, policy.protected, upper):
        over = upper / name if upper and (upper / name).exists() else policy.source / name
        yield Place("freeze" if exists else "hide", policy.tree / name, over)


def _home(
    policy: Policy, env: Mapping[str, str], program: str, home: Path | None
) -> Iterator[Place]:
    own = own_home(policy, env)
    yield Place("private", own, own)
    caches = own / ".cache"
    if policy.cache:
        yield Place("write", caches, policy.cache)
    around = home or own
    given = [path for path in policy.readable if path.exists()]
    wanted = [*given, *program_folders(program, env, policy.tree, around)]
    if home:
        wanted += toolchains(home)
        hidden = secrets(home) if own != home else masked(home)
        yield from (Place("mask", path.resolve(), path) for path in hidden)
    for shown, real in placed(wanted):
        # Some programs are kept among the caches, where others are written.
        if shown.is_relative_to(caches):
            yield Place("freeze", shown, real)
        yield Place("read", shown, real)


def _machine(policy: Policy, home: Path | None) -> Iterator[Place]:
    for name in _PRIVATE:
        if (path := Path(name)).is_dir():
            yield Place("private", path.resolve(), path)
    windows = Path("/mnt").glob("?/Users")  # WSL shows the homes of Windows there
    for path in [*map(Path, _HIDDEN), *windows]:
        if _has_something(path) and path.resolve() != home:
            yield Place("hide", path.resolve(), path)
    for path in map(Path, _MASKED):
        if path.is_file() and os.access(path, os.R_OK):
            yield Place("mask", path.resolve(), path)
    for name in [*_SHOWN, *(_NAMES if policy.network == "all" else ())]:
        if (path := Path(name)).exists():
            yield Place("read", path, path.resolve())


def _has_something(folder: Path) -> bool:
    """True if there is something to be read in a folder; each mount costs the start a little."""
    try:
        with os.scandir(folder) as entries:
            return any(True for _ in entries)
    except OSError:  # not there, or closed to us
        return False


def _unix_sockets(table: Path, policy: Policy) -> Iterator[Path]:
    """Yield the sockets of this machine that the command could talk to through a read-only mount.

    Connecting to one only asks for the right to write to it, not for a writable mount.
    """
    try:
        lines = table.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return
    named = {line.split(" /", 1)[1] for line in lines if " /" in line}
    for path in (Path("/" + name) for name in sorted(named)):
        if _is_open(path) and not path.is_relative_to(policy.tree):
            yield path.resolve()


def _is_open(path: Path) -> bool:
    try:
        return stat.S_ISSOCK(path.stat().st_mode) and os.access(path, os.W_OK)
    except OSError:
        return False
