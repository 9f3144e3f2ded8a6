"""What a confined command may reach and use up: values only.

Knows nothing of how it is enforced; `Level` says how well that can be done on this machine.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path
from typing import Literal

from qwenagent.protocol.protected import INSTRUCTION_FILES, PROTECTED_FILES, PROTECTED_FOLDERS

Network = Literal["none", "loopback", "all"]

PROTECTED = tuple(
    sorted((PROTECTED_FOLDERS | PROTECTED_FILES | INSTRUCTION_FILES) - {".gitattributes"})
)
"""Names in the tree that are read-only inside: each runs or steers something outside later.

Not .gitattributes, which can only name drivers: the settings that define them are read-only.
"""


class Level(IntEnum):
    """How much of a policy is enforced; a higher one holds all that a lower one does."""

    NONE = 0
    """Time, output and file size; memory, processes and disk by watching. Nothing is hidden."""
    SEATBELT = 1
    """macOS: files and network too. A process that leaves its group is found by watching only."""
    NAMESPACES = 2
    """Linux with bubblewrap: all of it, and no process outlives its command."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a command and all its processes may use up together."""

    memory_bytes: int = 4 << 30
    """Of all processes together, shared pages counted once."""
    processes: int = 512
    """At once."""
    file_bytes: int = 1 << 30
    """Size of any one file."""
    written_bytes: int = 4 << 30
    """Written to disks in all."""
    free_bytes: int = 256 << 20
    """Must stay free on the tree's disk; counts once the command itself has written as much."""
    private_bytes: int = 1 << 30
    """Size of each private folder (temporary files, home); they live in memory."""


@dataclass(frozen=True, slots=True)
class Overlay:
    """Where the changes of a tree go that is itself left as it is; both on one file system."""

    upper: Path
    """Files that are in the way of the tree's own, and what the command writes."""
    work: Path
    """An empty folder for the kernel."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What one command may reach. All paths are absolute; the rest of the machine is read-only."""

    tree: Path
    """The repository: writable but for `protected`."""
    network: Network = "none"
    """`none` and `loopback` are one at the level of namespaces: a loopback of its own. Elsewhere
    `loopback` opens the machine's. `all` opens the machine's network and its abstract sockets."""
    writable: tuple[Path, ...] = ()
    """Further folders, which exist."""
    readable: tuple[Path, ...] = ()
    """Shown although they lie in the home folder, in /tmp or in another hidden place."""
    protected: tuple[str, ...] = PROTECTED
    """Paths in the tree that stay as they are, missing ones missing."""
    mounts: Mapping[Path, Path] = field(default_factory=dict)
    """Shown path -> real path. That of the tree is writable, all others are read-only."""
    overlay: Overlay | None = None
    """Takes what is written to the tree, which is shown under it."""
    cache: Path | None = None
    """Kept as the command's ~/.cache, so that a second build is quick; else one that is thrown
    away. What is in it was written by confined code: for one repository, and never used outside."""
    limits: Limits = field(default_factory=Limits)

    @property
    def source(self) -> Path:
        """The folder that is shown, and written, as the tree."""
        return self.mounts.get(self.tree, self.tree)
