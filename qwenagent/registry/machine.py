"""What this machine has to run a model on, inside whatever container it is in.

GPUs are found by the engine, which alone may ask llama.cpp; their bytes are handed in.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_CGROUP_ROOT = Path("/sys/fs/cgroup")


@dataclass(frozen=True, slots=True)
class Machine:
    """Resources that a model may use now."""

    ram_bytes: int
    """Memory that can be had without swapping."""
    gpu_bytes: int
    """Free memory of the GPU that the installed build can use; 0 if there is none."""
    n_cores: int
    """Physical cores, or fewer if this process may not use them all."""
    unified: bool = False
    """Whether `gpu_bytes` are part of `ram_bytes`, as on Apple's chips."""

    @property
    def model_bytes(self) -> int:
        """What a model that is split between GPU and CPU may take."""
        both = (self.ram_bytes, self.gpu_bytes)
        return max(both) if self.unified else sum(both)


def probe_machine(gpu_bytes: int = 0, *, cgroup_root: Path = _CGROUP_ROOT) -> Machine:
    """Look at memory and cores, and at the limits of this process's control groups."""
    import psutil

    ram_bytes: int = psutil.virtual_memory().available
    n_cores = psutil.cpu_count(logical=False) or os.cpu_count() or 1
    if hasattr(os, "sched_getaffinity"):
        n_cores = min(n_cores, len(os.sched_getaffinity(0)))
    for group in _own_groups(cgroup_root):
        ram_bytes = min(ram_bytes, _ram_left(group, ram_bytes))
        n_cores = min(n_cores, _cores_allowed(group, n_cores))
    return Machine(ram_bytes, gpu_bytes, n_cores, _is_unified())


def _is_unified() -> bool:
    return (platform.system(), platform.machine()) == ("Darwin", "arm64")


def _own_groups(root: Path) -> Iterator[Path]:
    """The control group of this process (version 2) and all that it is inside of."""
    yield root
    for line in _read(Path("/proc/self/cgroup")).splitlines():
        if line.startswith("0::"):
            group = root / line.removeprefix("0::").strip("/")
            yield from (g for g in (group, *group.parents) if g != root and g.is_relative_to(root))


def _ram_left(group: Path, fallback: int) -> int:
    limit, used = _read(group / "memory.max").strip(), _read(group / "memory.current").strip()
    if not (limit.isdigit() and used.isdigit()):
        return fallback
    # Cached files count as used but give way; a model that was just downloaded is such a file.
    cached = sum(
        int(amount)
        for key, _, amount in (line.partition(" ") for line in _stat_lines(group))
        if key in ("active_file", "inactive_file")
    )
    return max(0, int(limit) - max(0, int(used) - cached))


def _stat_lines(group: Path) -> list[str]:
    return _read(group / "memory.stat").splitlines()


def _cores_allowed(group: Path, fallback: int) -> int:
    quota, _, period = _read(group / "cpu.max").strip().partition(" ")
    if not (quota.isdigit() and period.isdigit() and int(period)):
        return fallback
    return max(1, int(quota) // int(period))


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError:
        return ""
