"""The cores that this process may compute on.

Decoding waits for memory: a second thread on a core gains nothing, and one on a slow core lets all
others wait for it.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from qwenagent.registry.cgroups import cpu_quota

_FEW = 4
"""Virtual machines with up to this many CPUs often call their cores threads of one."""
_FAST_SHARE = 0.5
"""Of the largest `cpu_capacity`: big and middle cores have more, little ones less."""


@dataclass(frozen=True, slots=True)
class Cores:
    """What there is, and what of it this process may use."""

    logical: int
    """CPUs that the system lets this process run on."""
    physical: int
    """Cores that these CPUs belong to."""
    fast: int
    """Those of them that are no efficiency cores."""
    quota: int | None = None
    """Whole cores that the control groups allow; None without a quota."""

    @property
    def n_threads(self) -> int:
        """Threads to decode with."""
        return max(1, min(self.fast, self.quota or self.fast))

    def __str__(self) -> str:
        parts = [f"{self.logical} CPUs", f"{self.physical} physical cores"]
        if self.fast != self.physical:
            parts.append(f"{self.fast} fast ones")
        parts.append(f"quota of {self.quota}" if self.quota else "no quota")
        return ", ".join(parts)


def probe_cores(root: Path = Path("/"), usable: Iterable[int] | None = None) -> Cores:
    """Look at the CPUs `usable`, by default those of this process, and at the quotas.

    `root` has /sys and /proc below it.
    """
    quota = cpu_quota(root / "sys/fs/cgroup", root / "proc/self/cgroup")
    cpus = _usable() if usable is None else frozenset(usable)
    folder = root / "sys/devices/system/cpu"
    if not (folder / "cpu0/topology").is_dir():
        return _without_sysfs(len(cpus), quota)
    fast = _fast(cpus, root) or cpus
    physical, n_fast = len(_siblings(cpus, folder)), len(_siblings(fast, folder))
    if len(list(folder.glob("cpu[0-9]*"))) <= _FEW:
        physical, n_fast = len(cpus), len(fast)
    return Cores(len(cpus), physical, n_fast, quota)


def _usable() -> frozenset[int]:
    if hasattr(os, "sched_getaffinity"):
        return frozenset(os.sched_getaffinity(0))
    return frozenset(range(os.cpu_count() or 1))


def _siblings(cpus: Iterable[int], folder: Path) -> set[str]:
    """Return the names of the cores: what the threads of one core have in common."""
    return {_core(folder / f"cpu{cpu}/topology") or f"cpu{cpu}" for cpu in cpus}


def _core(topology: Path) -> str:
    # The second one is what kernels before 5.8 call it.
    return _read(topology / "core_cpus_list") or _read(topology / "thread_siblings_list")


def _fast(cpus: frozenset[int], root: Path) -> frozenset[int]:
    """Return the CPUs of performance cores; empty where the kernel tells no difference."""
    # Intel's hybrids have a performance monitor for each kind of core.
    if big := _read(root / "sys/devices/cpu_core/cpus"):
        return cpus & _numbers(big)
    folder = root / "sys/devices/system/cpu"
    capacities = {cpu: _read(folder / f"cpu{cpu}/cpu_capacity") for cpu in cpus}
    known = {cpu: int(text) for cpu, text in capacities.items() if text.isdigit()}
    limit = _FAST_SHARE * max(known.values(), default=0)
    return frozenset(cpu for cpu, capacity in known.items() if capacity > limit)


def _numbers(text: str) -> frozenset[int]:
    """Read the kernel's form of a set, e.g. "0-3,8"."""
    numbers: set[int] = set()
    for part in filter(None, text.split(",")):
        first, _, last = part.partition("-")
        numbers.update(range(int(first), int(last or first) + 1))
    return frozenset(numbers)


def _without_sysfs(logical: int, quota: int | None) -> Cores:
    import psutil

    physical = min(psutil.cpu_count(logical=False) or logical, logical)
    fast = _apple_performance_cores() if sys.platform == "darwin" else 0
    return Cores(logical, physical, min(fast or physical, physical), quota)


def _apple_performance_cores() -> int:
    """Return 0 where the system does not tell, as on Intel's Macs."""
    value, size = ctypes.c_int32(), ctypes.c_size_t(4)
    code = ctypes.CDLL(None).sysctlbyname(
        b"hw.perflevel0.physicalcpu", ctypes.byref(value), ctypes.byref(size), None, 0
    )
    return value.value if code == 0 else 0


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError:
        return ""
