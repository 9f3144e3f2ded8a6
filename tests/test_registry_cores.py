"""Which cores count, over trees that stand for /sys and /proc."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from qwenagent.registry import Cores, probe_cores
from qwenagent.registry.cgroups import cpu_quota, ram_left


def tree(root: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{text}\n", encoding="utf-8")
    return root


def cpus(*cores: str, name: str = "core_cpus_list") -> dict[str, str]:
    """The CPUs of /sys by the threads of their cores, e.g. cpus("0-1", "0-1") is one core."""
    folder = "sys/devices/system/cpu"
    return {f"{folder}/cpu{n}/topology/{name}": siblings for n, siblings in enumerate(cores)}


def capacities(*numbers: int) -> dict[str, str]:
    folder = "sys/devices/system/cpu"
    return {f"{folder}/cpu{n}/cpu_capacity": str(number) for n, number in enumerate(numbers)}


def quota(text: str) -> dict[str, str]:
    return {"proc/self/cgroup": "0::/a/b", "sys/fs/cgroup/a/b/cpu.max": text}


ALONE8 = [str(n) for n in range(8)]
PAIRS16 = [f"{n // 2 * 2}-{n // 2 * 2 + 1}" for n in range(16)]
SPLIT16 = [f"{n % 8},{n % 8 + 8}" for n in range(16)]
HYBRID20 = [*PAIRS16[:12], *(str(n) for n in range(12, 20))]
"""Six performance cores with two threads each, eight efficiency cores with one."""
INTEL = {"sys/devices/cpu_core/cpus": "0-11", "sys/devices/cpu_atom/cpus": "12-19"}


@pytest.mark.parametrize(
    ("files", "usable", "expected", "n_threads"),
    [
        pytest.param(cpus(*ALONE8), range(8), Cores(8, 8, 8), 8, id="no threads of a core"),
        pytest.param(cpus(*PAIRS16), range(16), Cores(16, 8, 8), 8, id="two threads a core"),
        pytest.param(cpus(*SPLIT16), range(16), Cores(16, 8, 8), 8, id="numbered apart"),
        pytest.param(
            cpus(*PAIRS16, name="thread_siblings_list"),
            range(16),
            Cores(16, 8, 8),
            8,
            id="an old kernel",
        ),
        pytest.param(cpus(*PAIRS16), range(6), Cores(6, 3, 3), 3, id="half of it is not ours"),
        pytest.param(cpus(*SPLIT16), range(0, 16, 3), Cores(6, 6, 6), 6, id="one of each core"),
        pytest.param(cpus("0-1", "0-1"), range(2), Cores(2, 2, 2), 2, id="a small virtual machine"),
        pytest.param(cpus("0-1", "0-1"), [1], Cores(1, 1, 1), 1, id="one CPU of it"),
        pytest.param(cpus(*HYBRID20) | INTEL, range(20), Cores(20, 14, 6), 6, id="Intel's hybrid"),
        pytest.param(
            cpus(*HYBRID20) | INTEL, range(12, 20), Cores(8, 8, 8), 8, id="only slow ones are ours"
        ),
        pytest.param(
            cpus(*ALONE8) | capacities(400, 400, 400, 400, 870, 870, 870, 1024),
            range(8),
            Cores(8, 8, 4),
            4,
            id="Arm's little cores",
        ),
        pytest.param(
            cpus(*ALONE8) | capacities(*[1024] * 8), range(8), Cores(8, 8, 8), 8, id="all alike"
        ),
        pytest.param(
            cpus(*PAIRS16) | quota("350000 100000"), range(16), Cores(16, 8, 8, 3), 3, id="a quota"
        ),
        pytest.param(
            cpus(*PAIRS16) | quota("50000 100000"),
            range(16),
            Cores(16, 8, 8, 1),
            1,
            id="half a core",
        ),
        pytest.param(
            cpus(*PAIRS16) | quota("9900000 100000"),
            range(16),
            Cores(16, 8, 8, 99),
            8,
            id="a quota of more than there is",
        ),
        pytest.param(
            cpus(*PAIRS16) | quota("max 100000"), range(16), Cores(16, 8, 8), 8, id="no quota"
        ),
    ],
)
def test_what_is_computed_on(tmp_path, files, usable, expected, n_threads):
    cores = probe_cores(tree(tmp_path, files), usable)
    assert (cores, cores.n_threads) == (expected, n_threads)


def test_this_machine_has_cores():
    cores = probe_cores()
    assert 1 <= cores.fast <= cores.physical <= cores.logical <= (os.cpu_count() or 1)


def test_without_a_sys_there_are_cores_all_the_same(tmp_path):
    cores = probe_cores(tmp_path, [0])
    assert cores == Cores(1, 1, 1)


def test_cores_in_words():
    assert str(Cores(20, 14, 6, 4)) == "20 CPUs, 14 physical cores, 6 fast ones, quota of 4"
    assert str(Cores(8, 8, 8)) == "8 CPUs, 8 physical cores, no quota"


# -- control groups ---------------------------------------------------------------------------

V1 = "5:cpu,cpuacct:/docker/x\n4:memory:/docker/x\n1:name=systemd:/init\n"
V1_NONE = {"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}


@pytest.mark.parametrize(
    ("own", "files", "expected"),
    [
        ("", {}, None),
        ("0::/", {"cpu.max": "200000 100000"}, 2),
        ("0::/a/b", {"a/b/cpu.max": "max 100000", "a/cpu.max": "300000 100000"}, 3),
        ("0::/a/b", {"a/b/cpu.max": "200000 100000", "a/cpu.max": "300000 100000"}, 2),
        ("0::/a", {"other/cpu.max": "100000 100000"}, None),
        ("0::/../..", {"cpu.max": "max"}, None),
        (V1, V1_NONE, None),
        (V1, {"cpu/cpu.cfs_quota_us": "250000", "cpu/cpu.cfs_period_us": "100000"}, 2),
        (
            V1,
            {
                **V1_NONE,
                "cpu/docker/x/cpu.cfs_quota_us": "400000",
                "cpu/docker/x/cpu.cfs_period_us": "100000",
            },
            4,
        ),
        ("no cgroup line", {"cpu.max": "nonsense"}, None),
        ("0::/", {"cpu.max": "100000 0"}, None),
    ],
)
def test_quotas(tmp_path, own, files, expected):
    (tmp_path / "own").write_text(own, encoding="utf-8")
    assert cpu_quota(tree(tmp_path / "cgroup", files), tmp_path / "own") == expected


@pytest.mark.parametrize(
    ("own", "files", "expected"),
    [
        ("0::/", {}, None),
        ("0::/", {"memory.max": "max", "memory.current": "5"}, None),
        ("0::/", {"memory.max": "1000", "memory.current": "400"}, 600),
        ("0::/", {"memory.max": "1000", "memory.current": "1400"}, 0),
        (
            "0::/a",
            {
                "a/memory.max": "1000",
                "a/memory.current": "900",
                "a/memory.stat": "anon 1\nactive_file 100\ninactive_file 300",
            },
            500,
        ),
        (
            V1,
            {
                "memory/memory.limit_in_bytes": "9223372036854771712",
                "memory/memory.usage_in_bytes": "5",
                "memory/docker/x/memory.limit_in_bytes": "1000",
                "memory/docker/x/memory.usage_in_bytes": "900",
                "memory/docker/x/memory.stat": "active_file 1\ntotal_inactive_file 300",
            },
            401,
        ),
    ],
)
def test_limits_of_memory(tmp_path, own, files, expected):
    (tmp_path / "own").write_text(own, encoding="utf-8")
    assert ram_left(tree(tmp_path / "cgroup", files), tmp_path / "own") == expected
