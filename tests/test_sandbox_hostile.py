"""One hostile test file, confined and not: what it tries, what comes of it, what is said.

What it does unconfined is bounded: canaries in a folder for temporary files, a home made for it,
40 processes, 50 MB, a listener of this test.
"""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from qwenagent.checks import TestRunner
from qwenagent.protocol.checks import TestCommand, TestRun
from qwenagent.sandbox import Box, Limits, Policy, Sandbox
from tests.sandbox_stage import PATH, PYTHON_FOLDERS, namespaces

HOSTILE = """\
import json, os, pathlib, socket, sys, time

AIM = json.loads(pathlib.Path("aim.json").read_text())


def test_read_the_key():
    assert pathlib.Path(AIM["key"]).read_text() == AIM["secret"]


def test_write_a_hook():
    pathlib.Path(".git/hooks/pre-commit").write_text("#!/bin/sh\\n")


def test_write_a_workflow():
    pathlib.Path(".github/workflows").mkdir(parents=True)
    pathlib.Path(".github/workflows/ci.yml").write_text("on: push\\n")


def test_connect_out():
    socket.create_connection(("127.0.0.1", AIM["port"]), 1).sendall(b"taken")


def test_fork():
    for _ in range(AIM["forks"]):
        if os.fork() == 0:
            time.sleep(30)
            os._exit(0)
    time.sleep(AIM["wait"])


def test_fill_the_disk():
    with open("big", "wb") as file:
        for _ in range(AIM["megabytes"]):
            file.write(b"x" * 1_000_000)
    time.sleep(AIM["wait"])


def test_print_a_lot():
    for _ in range(AIM["megabytes"]):
        os.write(1, b"y" * 1_000_000)


def test_outlive():
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            null = os.open(os.devnull, os.O_RDWR)
            for number in (0, 1, 2):
                os.dup2(null, number)
            os.execv(AIM["sleeper"], ["sleeper", "60"])
        os._exit(0)
    os.wait()
    time.sleep(30)
"""
LIMITS = Limits(processes=25, written_bytes=20 << 20)


@dataclass
class Attack:
    box: Sandbox
    tree: Path
    home: Path
    listener: socket.socket

    def run(
        self, name: str, timeout_s: float = 15.0, limits: Limits = LIMITS
    ) -> tuple[TestRun, str]:
        """Run one of the tests as a project's; return what came of it and the sentences."""
        shown = (*PYTHON_FOLDERS, self.home.parent)
        runner = TestRunner(
            self.tree,
            {"PATH": PATH, "HOME": str(self.home)},
            box=Box(self.box, Policy(self.tree, readable=shown, limits=limits)),
        )
        words = (sys.executable, "-m", "pytest", "-q", "-s", "test_hostile.py", "-k", name)
        run = runner.run(TestCommand(words, "the hostile tests", "flag"), timeout_s=timeout_s)
        return run, "\n".join(run.withheld)

    def connections(self) -> int:
        self.listener.settimeout(0.2)
        try:
            self.listener.accept()[0].close()
        except TimeoutError:
            return 0
        return 1


def a_sleeper(folder: Path) -> Path:
    """A program of its own, so that only this test's processes have its name."""
    sleeper = folder / "sleeper"
    sleeper.write_bytes(Path("/bin/sleep").resolve().read_bytes())
    sleeper.chmod(0o755)
    return sleeper


def sleepers(program: Path) -> list[psutil.Process]:
    return [p for p in psutil.process_iter(["exe"]) if p.info["exe"] == str(program)]


@pytest.fixture(params=["confined", "off"])
def attack(request, tmp_path):
    box = namespaces() if request.param == "confined" else Sandbox.off()
    home, tree = tmp_path.resolve() / "home", tmp_path.resolve() / "tree"
    (home / ".ssh").mkdir(parents=True)
    (home / ".ssh" / "id_ed25519").write_text("the key", encoding="utf-8")
    tree.mkdir()
    subprocess.run(["git", "init", "-q", "--template=", str(tree)], check=True)
    (tree / ".git" / "hooks").mkdir()
    (tree / "test_hostile.py").write_text(HOSTILE, encoding="utf-8")
    sleeper = a_sleeper(tree)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        aim = {
            "key": str(home / ".ssh" / "id_ed25519"),
            "secret": "the key",
            "port": listener.getsockname()[1],
            "forks": 40,
            "megabytes": 50,
            "wait": 4 if request.param == "confined" else 0.5,
            "sleeper": str(sleeper),
        }
        (tree / "aim.json").write_text(json.dumps(aim), encoding="utf-8")
        yield Attack(box, tree, home, listener)


@pytest.fixture
def confined(attack: Attack) -> bool:
    return attack.box.races


def test_row_04_the_key(attack, confined):
    ran, told = attack.run("read_the_key")
    assert ran.exit_code == (1 if confined else 0)
    assert ("id_ed25519: not shown in the sandbox" in told) == confined


def test_row_09_a_hook(attack, confined):
    ran, told = attack.run("write_a_hook")
    assert ran.exit_code == (1 if confined else 0)
    assert (attack.tree / ".git" / "hooks" / "pre-commit").exists() == (not confined)
    assert ("tried to write .git/hooks/pre-commit: read-only" in told) == confined


def test_row_09_a_workflow(attack, confined):
    ran, told = attack.run("write_a_workflow")
    assert ran.exit_code == (1 if confined else 0)
    assert (attack.tree / ".github").exists() == (not confined)
    assert ("tried to write .github/workflows: read-only" in told) == confined


def test_row_13_connecting_out(attack, confined):
    ran, told = attack.run("connect_out")
    assert ran.exit_code == (1 if confined else 0)
    assert attack.connections() == (0 if confined else 1)
    assert ("--allow-network" in told) == confined


def test_row_19_forking(attack, confined):
    ran, told = attack.run("fork", limits=LIMITS if confined else Limits())
    assert (ran.exit_code < 0) == confined
    assert ("ended: processes " in told and "(limit 25)" in told) == confined
    assert ran.seconds < 10


def test_row_19_filling_the_disk(attack, confined):
    ran, told = attack.run("fill_the_disk", limits=LIMITS if confined else Limits())
    assert (ran.exit_code < 0) == confined
    assert ("ended: written to disk " in told and "(limit 20 MB)" in told) == confined
    assert ran.seconds < 10


def test_row_19_printing(attack):
    ran, told = attack.run("print_a_lot")
    assert ran.exit_code == 0
    assert len(ran.output) < 1_100_000
    cut = re.search(r"printed ([\d,]+) bytes more than are kept", told)
    assert cut
    assert int(cut[1].replace(",", "")) > 48_000_000


def test_row_04_outliving(attack):
    ran, told = attack.run("outlive", timeout_s=1.5)
    assert ran.timed_out
    assert ran.seconds < 8
    assert sleepers(attack.tree / "sleeper") == []
    assert told.startswith("ended after ")


def test_a_sleeper_that_runs_is_found(tmp_path):
    """What `test_row_04_outliving` looks for can be seen at all."""
    sleeper = a_sleeper(tmp_path.resolve())
    with subprocess.Popen([str(sleeper), "60"]) as process:
        try:
            assert [p.pid for p in sleepers(sleeper)] == [process.pid]
        finally:
            process.kill()
