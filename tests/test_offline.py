"""No socket to anywhere: a whole run with --offline, and one as it comes, every call watched."""

from __future__ import annotations

import hashlib
import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from qwenagent.cli.offline import connections, offline_settings
from qwenagent.config import EscalateSettings, ModelSettings, SandboxSettings, Settings
from qwenagent.errors import UsageError
from qwenagent.escalate import rules_of
from tests.loop_stage import MODULE, TEST, make_repository
from tests.tiny_model import END, SPREAD, write_model

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
TABLE = {
    "\\n": {"def": 0.9, SPREAD: 0.1},
    "def": {" add": 0.9, SPREAD: 0.1},
    " add": {"(": 0.9, SPREAD: 0.1},
    "(": {END: 0.5, SPREAD: 0.5},
}


CARD = """
name = "tiny"
title = "A model of the tests"
parameters = 0.01
repository = "nobody/nothing"
revision = "0"
file = "{file}"
size_bytes = {size}
sha256 = "{sha256}"
n_ctx_train = 4096
n_ctx = 4096
n_layers = 1
kv_bytes_per_token = 256
kv_type = "f16"
output_bytes = 1
embedding_bytes = 1
license = "none"
default = false
sampling = {{ temperature = 0.8 }}
profile = {{ name = "small", whole_file_lines = 150, gather_turns = 0, max_body_tokens = 64, \
context_tokens = 2000, candidates = 1 }}
sources = [{{ kind = "hub" }}]
"""


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that answers with anything, in the folder of its card."""
    path = tmp_path_factory.mktemp("model") / "tiny.gguf"
    write_model(path, TABLE)
    (path.parent / "models").mkdir()
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    text = CARD.format(file=path.name, size=path.stat().st_size, sha256=digest)
    (path.parent / "models" / "tiny.toml").write_text(text.replace("\\\n", ""), encoding="utf-8")
    return path


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return make_repository(tmp_path / "a repo", {"calc.py": MODULE, "test_calc.py": TEST})


def watched(tmp_path: Path, root: Path, model: Path, *args: str) -> tuple[int, list[Call]]:
    """Run the program in a process whose Python, and whose workers' too, notes socket calls."""
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(WATCH, encoding="utf-8")
    notes = tmp_path / "watched"
    environ = os.environ | {"PYTHONPATH": str(tmp_path / "site"), "WATCHED": str(notes)}
    environ |= {"QWENAGENT_ASSETS": str(model.parent), "QWENAGENT_MODEL_PROMPT_CACHE_MB": "0"}
    environ |= {f"QWENAGENT_LOOP_{name}": "0" for name in ("REPAIRS", "RESAMPLES", "DOUBTS")}
    command = [sys.executable, "-P", "-m", "qwenagent", *args]
    done = subprocess.run(command, cwd=root, env=environ, capture_output=True, text=True)
    lines = notes.read_text(encoding="utf-8").splitlines()
    assert done.returncode in (0, 1), done.stderr + done.stdout[-2000:]
    finished = json.loads(done.stdout.splitlines()[-1])
    assert finished["type"] == "finished"
    assert finished["usage"]["calls"] > 0, "the model was not asked"
    return done.returncode, [eval(line) for line in lines]  # our own notes


def inet(calls: list[Call]) -> list[Call]:
    """Return the calls that are about more than a socket of the file system, or that make one."""
    families = {str(int(family)) for family in (socket.AF_INET, socket.AF_INET6)}
    asked = ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr")
    found = []
    for call in calls:
        _, event, args = call
        is_made = event == "socket.__new__" and (args[1] in families or "INET" in args[1])
        is_used = event in ("socket.connect", "socket.bind", "socket.sendto") and "(" in args[1]
        if is_made or is_used or event in asked:
            found.append(call)
    return found


@pytest.mark.parametrize("flags", [["--offline"], []], ids=["offline", "default"])
def test_a_whole_run_opens_no_socket_to_the_internet(root, model, tmp_path, flags):
    task = ["make test_calc.py pass", "--files", "calc.py", "--model", str(model), "--yes"]
    _, calls = watched(
        tmp_path, root, model, "do", *task, "--json", "--test-cmd", "python3 -m unittest", *flags
    )
    assert len({pid for pid, event, _ in calls if event == "began"}) >= 2, "no worker was watched"
    assert inet(calls) == []


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
        with pytest.raises(ConnectionRefusedError):
            plain.connect(("127.0.0.1", 1))
    with connections(offline=False), socket.socket() as plain, pytest.raises(OSError):  # noqa: PT011
        plain.connect(("127.0.0.1", 1))
