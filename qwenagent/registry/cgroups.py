"""The control groups of this process, versions 1 and 2, and the limits that they set."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

CGROUP_ROOT = Path("/sys/fs/cgroup")
_OWN = Path("/proc/self/cgroup")


def cpu_quota(root: Path = CGROUP_ROOT, own: Path = _OWN) -> int | None:
    """Return the whole cores that the strictest quota allows, at least 1; None without a quota."""
    quotas = (_quota(group) for group in _groups("cpu", root, own))
    return min((quota for quota in quotas if quota is not None), default=None)


def ram_left(root: Path = CGROUP_ROOT, own: Path = _OWN) -> int | None:
    """Return the bytes that the strictest limit of memory leaves; None without a limit."""
    rests = (_rest(group) for group in _groups("memory", root, own))
    return min((rest for rest in rests if rest is not None), default=None)


def _groups(controller: str, root: Path, own: Path) -> Iterator[Path]:
    """Yield the groups that a controller's limits may stand in, and all that they are inside of.

    A container sees its own group as the root, under whatever name the host has for it.
    """
    yield from (root, root / controller)
    for line in _read(own).splitlines():
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if controllers and controller not in controllers.split(","):
            continue
        base = root / controller if controllers else root
        group = base / path.strip("/")
        yield from (g for g in (group, *group.parents) if g != base and g.is_relative_to(base))


def _quota(group: Path) -> int | None:
    quota, _, period = _read(group / "cpu.max").strip().partition(" ")
    if not quota:
        quota = _read(group / "cpu.cfs_quota_us").strip()  # -1 where there is none
        period = _read(group / "cpu.cfs_period_us").strip()
    if not (quota.isdigit() and period.isdigit() and int(period)):
        return None
    return max(1, int(quota) // int(period))


def _rest(group: Path) -> int | None:
    limit = _number(group, "memory.max", "memory.limit_in_bytes")
    used = _number(group, "memory.current", "memory.usage_in_bytes")
    if limit is None or used is None:
        return None
    # Cached files count as used but give way; a model that was just downloaded is such a file.
    return max(0, limit - max(0, used - _cached(group)))


def _cached(group: Path) -> int:
    """Return the bytes of cached files; version 1 has those of groups within under `total_`."""
    amounts = dict(line.split(" ", 1) for line in _read(group / "memory.stat").splitlines() if line)
    names = ("active_file", "inactive_file")
    return sum(int(amounts.get(f"total_{name}", amounts.get(name, 0))) for name in names)


def _number(group: Path, *names: str) -> int | None:
    texts = (_read(group / name).strip() for name in names)
    return next((int(text) for text in texts if text.isdigit()), None)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError:
        return ""
