"""No socket to anywhere: a whole run with --offline, and one as it comes, every call watched."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from qwenagent.cli.offline import connections, offline_settings
from qwenagent.config import EscalateSettings, ModelSettings, SandboxSettings, Settings
from qwenagent.errors import UsageError
from qwenagent.escalate import rules_of
from qwenagent.escalate.providers import is_loopback
from tests.conftest import run_git
from tests.loop_stage import FIXED, MODULE, TEST, make_repository
from tests.tiny_card import ship_tiny_model

WATCH = """
import os
import sys


def look(event, args):
    if event.startswith("socket."):
        note(event, args)


def note(event, args):
    try:
        with open(os.environ["WATCHED"], "a", encoding="utf-8") as file:
            file.write(repr((os.getpid(), event, [repr(a) for a in args])) + "\\n")
    except (KeyError, OSError):
        pass


note("began", sys.argv)
sys.addaudithook(look)
"""
Call = tuple[int, str, list[str]]
"""Process, audit event, its arguments as Python writes them."""


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return ship_tiny_model(tmp_path_factory.mktemp("model"))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return make_repository(tmp_path / "a repo", {"calc.py": MODULE, "test_calc.py": TEST})


@pytest.fixture
def environ(tmp_path: Path, model: Path) -> dict[str, str]:
    """For a process whose Python, and whose workers' too, notes socket calls."""
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(WATCH, encoding="utf-8")
    own = {"PYTHONPATH": str(tmp_path / "site"), "WATCHED": str(tmp_path / "watched")}
    own |= {"QWENAGENT_ASSETS": str(model.parent), "QWENAGENT_MODEL_PROMPT_CACHE_MB": "0"}
    own |= {f"QWENAGENT_LOOP_{name}": "0" for name in ("REPAIRS", "RESAMPLES", "DOUBTS")}
    return os.environ | own


def ran(root: Path, environ: dict[str, str], *args: str, before: tuple[str, ...] = ()) -> str:
    """Run the program, in which the model is asked and can do nothing; return what it prints."""
    command = [*before, sys.executable, "-P", "-m", "qwenagent", *args]
    done = subprocess.run(command, cwd=root, env=environ, capture_output=True, text=True)
    assert done.returncode in (0, 1), done.stderr + done.stdout[-2000:]
    shown = [sys.executable, "-P", "-m", "qwenagent", "show", "--json"]
    told = subprocess.run(shown, cwd=root, env=environ, capture_output=True, text=True)
    finished = json.loads(told.stdout.splitlines()[-1])
    assert finished["type"] == "finished"
    assert finished["usage"]["calls"] > 0, "the model was not asked"
    return done.stdout


def noted(environ: dict[str, str]) -> list[Call]:
    lines = Path(environ["WATCHED"]).read_text(encoding="utf-8").splitlines()
    return [eval(line) for line in lines]  # our own notes


def inet(calls: list[Call]) -> list[Call]:
    """Return the calls that are about more than a socket of the file system, or that make one."""
    families = {str(int(family)) for family in (socket.AF_INET, socket.AF_INET6)}
    names = ("getaddrinfo", "getnameinfo", "gethostbyname", "gethostbyaddr")
    asked = tuple(f"socket.{name}" for name in names)
    found = []
    for call in calls:
        _, event, args = call
        is_made = event == "socket.__new__" and (args[1] in families or "INET" in args[1])
        is_used = event in ("socket.connect", "socket.bind", "socket.sendto") and "(" in args[1]
        if is_made or is_used or event in asked:
            found.append(call)
    return found


def do(root: Path, model: Path) -> list[str]:
    task = ["make test_calc.py pass", "--files", "calc.py", "--yes", "--json"]
    return ["do", *task, "--model", str(model), "--test-cmd", "python3 -m unittest"]


def plan(root: Path, model: Path) -> list[str]:
    return ["plan", "add has to add", "--model", str(model)]


def review(root: Path, model: Path) -> list[str]:
    (root.parent / "work.md").write_text("1. Fix `add` in `calc.py`\n", encoding="utf-8")
    (root / "calc.py").write_text(FIXED, encoding="utf-8")
    run_git(root, "commit", "-q", "-a", "-m", "work")
    return ["review", str(root.parent / "work.md"), "--against", "HEAD~1", "--model", str(model)]


COMMANDS = pytest.mark.parametrize("command", [do, plan, review])


@COMMANDS
@pytest.mark.parametrize("flags", [["--offline"], []], ids=["offline", "default"])
def test_nothing_opens_a_socket_to_the_internet(root, model, environ, command, flags):
    ran(root, environ, *command(root, model), *flags)
    calls = noted(environ)
    assert len({pid for pid, event, _ in calls if event == "began"}) >= 2, "no worker was watched"
    assert inet(calls) == []


# -- every process, by the calls to the system --------------------------------------------------

ADDRESS = re.compile(r"sa_family=AF_INET6?,.*?inet_(?:addr|pton)\((?:AF_INET6, )?\"([^\"]+)\"")


def addresses(trace: Path) -> list[str]:
    """Return the internet addresses that were connected or sent to, those of this machine not."""
    found = [match[1] for match in ADDRESS.finditer(trace.read_text(encoding="utf-8"))]
    return [address for address in found if not is_loopback(address)]


@pytest.fixture
def strace(tmp_path: Path) -> tuple[str, ...]:
    """What goes before a command whose processes are all to be followed, git's and tests' too."""
    program = shutil.which("strace")
    words = (program or "", "-f", "-e", "trace=connect,sendto,sendmsg", "-o", f"{tmp_path}/trace")
    if not program or subprocess.run([*words, "true"], capture_output=True).returncode:
        pytest.skip("strace is not here, or may not look")
    return words


@COMMANDS
def test_no_process_connects_to_another_machine(root, model, environ, strace, tmp_path, command):
    ran(root, environ, *command(root, model), before=strace)
    assert addresses(tmp_path / "trace") == []


def test_what_is_traced_is_seen(strace, tmp_path):
    code = "import socket\nfor host in '127.0.0.1', '192.0.2.7':\n"
    code += "    socket.socket(type=socket.SOCK_DGRAM).connect((host, 9))"
    subprocess.run([*strace, sys.executable, "-c", code], capture_output=True)
    assert addresses(tmp_path / "trace") == ["192.0.2.7"]


# -- what --offline refuses ---------------------------------------------------------------------


def test_what_is_watched_is_seen(tmp_path):
    """The notes of a process that opens a connection have it: the test above could fail."""
    (tmp_path / "sitecustomize.py").write_text(WATCH, encoding="utf-8")
    notes = tmp_path / "watched"
    code = "import socket; socket.socket(); socket.getaddrinfo('127.0.0.1', 9)"
    environ = os.environ | {"PYTHONPATH": str(tmp_path), "WATCHED": str(notes)}
    subprocess.run([sys.executable, "-c", code], env=environ, check=True)
    calls = [eval(line) for line in notes.read_text(encoding="utf-8").splitlines()]
    assert [event for _, event, _ in inet(calls)] == ["socket.__new__", "socket.getaddrinfo"]


def test_no_provider_is_left_offline():
    settings = EscalateSettings(policy="auto", order=("anthropic",))
    rules = rules_of(settings, offline=True)
    assert (rules.providers, rules.shut) == ((), "--offline: nothing leaves this machine")


def test_a_model_elsewhere_is_refused_and_one_here_is_not():
    with pytest.raises(UsageError, match=r"--offline, and the model runs elsewhere: gpu-box"):
        offline_settings(Settings(model=ModelSettings(endpoint="http://gpu-box:8080")))
    here = Settings(model=ModelSettings(endpoint="http://127.0.0.1:8080"))
    assert offline_settings(here) == here


def test_the_sandbox_has_no_network_offline():
    open_ = Settings(sandbox=SandboxSettings(network="all"))
    assert offline_settings(open_).sandbox.network == "none"


def test_connections_are_refused_by_address_while_it_holds():
    with connections(offline=True), socket.socket() as plain:
        with pytest.raises(UsageError, match=r"--offline: a connection to '192\.0\.2\.1'"):
            plain.connect(("192.0.2.1", 9))
        with pytest.raises(UsageError, match=r"'example\.org'"):
            socket.getaddrinfo("example.org", 443)
        with pytest.raises(UsageError, match=r"'192\.0\.2\.1'"):
            socket.getnameinfo(("192.0.2.1", 9), 0)
        with pytest.raises(ConnectionRefusedError):
            plain.connect(("127.0.0.1", 1))
    with connections(offline=False), socket.socket() as plain, pytest.raises(OSError):  # noqa: PT011
        plain.connect(("127.0.0.1", 1))
