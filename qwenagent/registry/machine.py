"""What this machine has to run a model on, inside whatever container it is in.

GPUs are found by the engine, which alone may ask llama.cpp; their bytes are handed in.
"""

from __future__ import annotations

import platform
from dataclasses import dataclass
from pathlib import Path

from qwenagent.registry.cgroups import CGROUP_ROOT, cpu_quota, ram_left
from qwenagent.registry.cores import probe_cores


@dataclass(frozen=True, slots=True)
class Machine:
    """Resources that a model may use now."""

    ram_bytes: int
    """Memory that can be had without swapping."""
    gpu_bytes: int
    """Free memory of the GPUs that the installed build can use; 0 if there are none."""
    n_cores: int
    """Physical cores, or fewer if this process may not use them all."""
    unified: bool = False
    """Whether `gpu_bytes` are part of `ram_bytes`, as on Apple's chips."""

    @property
    def model_bytes(self) -> int:
        """What a model that is split between GPU and CPU may take."""
        both = (self.ram_bytes, self.gpu_bytes)
        return max(both) if self.unified else sum(both)


def probe_machine(gpu_bytes: int = 0, *, cgroup_root: Path = CGROUP_ROOT) -> Machine:
    """Look at memory and cores, and at the limits of this process's control groups."""
    import psutil

    ram_bytes: int = psutil.virtual_memory().available
    limit = ram_left(cgroup_root)
    n_cores, quota = probe_cores().n_threads, cpu_quota(cgroup_root)
    return Machine(
        ram_bytes if limit is None else min(ram_bytes, limit),
        gpu_bytes,
        n_cores if quota is None else min(n_cores, quota),
        _is_unified(),
    )


def _is_unified() -> bool:
    return (platform.system(), platform.machine()) == ("Darwin", "arm64")


def processor() -> str:
    """Return the name of this machine's processor, as well as it is known."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.processor() or platform.machine())
