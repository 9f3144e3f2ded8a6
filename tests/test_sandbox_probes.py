import time
from pathlib import Path

from qwenagent.sandbox import Sandbox, prove
from tests.sandbox_stage import PATH, namespaces

NAMES = [
    *("write outside", "read home", "connect out", "host's sockets"),
    *("write .git", "write .github", "outlive", "fork"),
]


def environ(home: Path) -> dict[str, str]:
    return {"PATH": PATH, "HOME": str(home)}


def test_everything_is_contained_by_namespaces(tmp_path):
    started = time.monotonic()
    probes = prove(namespaces(), environ(tmp_path))
    assert [(p.name, p.contained) for p in probes] == [(name, True) for name in NAMES]
    assert time.monotonic() - started < 10
    assert list(tmp_path.iterdir()) == []


def test_without_a_sandbox_the_probes_can_fail(tmp_path):
    probes = {p.name: p.contained for p in prove(Sandbox.off(), environ(tmp_path))}
    assert probes == {name: name in ("outlive", "fork") for name in NAMES}


def test_without_a_home_folder_that_probe_is_left_out(tmp_path):
    probes = {p.name: p.contained for p in prove(Sandbox.off(), environ(tmp_path / "missing"))}
    assert probes["read home"] is None
