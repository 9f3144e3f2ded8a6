"""Keeping awake, with programs on PATH that stand for those of a system."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from qwenagent.awake import awake, how_awake

NAME = "caffeinate" if sys.platform == "darwin" else "systemd-inhibit"
HOLDS = """#!/bin/sh
echo "$$ $*" >> '{log}'
for last in "$@"; do :; done
exec "$last"
"""
REFUSES = "#!/bin/sh\necho 'Failed to connect to bus' >&2\nexit 1\n"
STUBBORN = "#!/bin/sh\necho \"$$ $*\" >> '{log}'\nexec sleep 60\n"


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}/usr/bin{os.pathsep}/bin")
    monkeypatch.delenv("XDG_CURRENT_DESKTOP", raising=False)
    (tmp_path / "bin").mkdir()
    return tmp_path / "asked.log"


def put(log: Path, script: str, name: str = NAME) -> None:
    program = log.parent / "bin" / name
    program.write_text(script.format(log=log), encoding="utf-8")
    program.chmod(0o755)


def pid_of_first(log: Path) -> int:
    deadline = time.monotonic() + 10
    while not (log.exists() and log.read_text(encoding="utf-8").endswith("\n")):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return int(log.read_text(encoding="utf-8").split()[0])


def gone(pid: int) -> bool:
    deadline = time.monotonic() + 10
    while psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def test_the_system_is_asked_for_as_long_as_the_work_lasts(log):
    put(log, HOLDS)
    with awake("carrying out 'my plan'"):
        pid = pid_of_first(log)
        assert psutil.pid_exists(pid)
        assert os.getsid(pid) != os.getsid(0)
    assert not psutil.pid_exists(pid)
    if NAME == "systemd-inhibit":
        assert "--why=carrying out 'my plan' cat" in log.read_text(encoding="utf-8")


def test_it_ends_when_the_work_fails(log):
    put(log, HOLDS)

    def work() -> None:
        with awake("work"):
            pid_of_first(log)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        work()
    assert gone(pid_of_first(log))


def test_it_ends_with_a_killed_program(log):
    put(log, HOLDS)
    code = "import time\nfrom qwenagent.awake import awake\nwith awake('x'): time.sleep(60)"
    child = subprocess.Popen([sys.executable, "-c", code])
    pid = pid_of_first(log)
    child.send_signal(signal.SIGKILL)
    child.wait()
    assert gone(pid)


def test_a_program_that_does_not_end_is_ended(log, monkeypatch):
    monkeypatch.setattr("qwenagent.awake._PATIENCE_S", 0.1)
    put(log, STUBBORN)
    with awake("x"):
        pid = pid_of_first(log)
    assert gone(pid)


@pytest.mark.parametrize("script", [None, REFUSES, "no program at all"])
def test_nothing_that_keeps_awake_is_no_error(log, monkeypatch, script):
    if script:
        put(log, script)
    else:
        monkeypatch.setenv("PATH", str(log.parent / "bin"))
    with awake("x"):
        pass
    assert how_awake() == ""


def test_what_keeps_awake_is_tried(log):
    put(log, HOLDS)
    assert how_awake() == NAME


@pytest.mark.skipif(sys.platform == "darwin", reason="these programs are of Linux desktops")
@pytest.mark.parametrize(
    ("desktop", "program"),
    [("ubuntu:GNOME", "gnome-session-inhibit"), ("KDE", "kde-inhibit")],
)
def test_a_desktop_is_asked_in_its_own_way(log, monkeypatch, desktop, program):
    monkeypatch.setenv("XDG_CURRENT_DESKTOP", desktop)
    put(log, HOLDS, program)
    put(log, HOLDS)
    assert how_awake() == program
    log.unlink()
    with awake("x"):
        deadline = time.monotonic() + 10
        while not (log.exists() and log.read_text(encoding="utf-8").count("\n") == 2):
            assert time.monotonic() < deadline
            time.sleep(0.01)
    pids = [int(line.split()[0]) for line in log.read_text(encoding="utf-8").splitlines()]
    assert [pid for pid in pids if psutil.pid_exists(pid)] == []
