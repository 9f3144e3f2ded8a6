"""llama.cpp's real server: built once from the source distribution of the binding, then started."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import sys
import tarfile
import time
from importlib import metadata
from pathlib import Path

import platformdirs
import pytest
from filelock import FileLock

from tests.needs import program

BUILD_S = 3600
START_S = 120
# Without its web pages, TLS and the other tools: minutes instead of a quarter of an hour.
OPTIONS = {
    "CMAKE_BUILD_TYPE": "Release",
    "BUILD_SHARED_LIBS": "OFF",
    "LLAMA_BUILD_SERVER": "ON",
    "LLAMA_BUILD_APP": "OFF",
    "LLAMA_BUILD_EXAMPLES": "OFF",
    "LLAMA_BUILD_TESTS": "OFF",
    "LLAMA_BUILD_UI": "OFF",
    "LLAMA_USE_PREBUILT_UI": "OFF",
    "LLAMA_OPENSSL": "OFF",
}


def server_binary() -> Path:
    """Return the server of the installed version; skip, with the reason, where it cannot be built.

    The first build takes six minutes on two cores and needs the network.
    """
    version = metadata.version("llama-cpp-python")
    folder = platformdirs.user_cache_path("qwenagent-tests") / "llama-server" / version
    folder.mkdir(parents=True, exist_ok=True)
    binary = folder / "llama-server"
    with FileLock(folder / "lock"):
        if not binary.exists():
            _build(version, folder, binary)
    return binary


def _build(version: str, folder: Path, binary: Path) -> None:
    for tool in ("cmake", "c++"):
        program(tool)
    work = folder / "work"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    source = _source(version, work) / "vendor" / "llama.cpp"
    options = [f"-D{name}={value}" for name, value in OPTIONS.items()]
    _run("cmake", "-S", str(source), "-B", str(work / "build"), *options)
    _run("cmake", "--build", str(work / "build"), "--target", "llama-server", "-j", "2")
    shutil.move(work / "build" / "bin" / "llama-server", binary)
    shutil.rmtree(work)


def _source(version: str, work: Path) -> Path:
    name = "llama-cpp-python"
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--no-binary", name]
    done = subprocess.run(
        [*command, "--dest", str(work), f"{name}=={version}"], capture_output=True, text=True
    )
    if done.returncode:
        pytest.skip(f"llama-server cannot be built: no source of {name} {version}: {done.stderr}")
    [archive] = work.glob("*.tar.gz")
    with tarfile.open(archive) as tar:
        tar.extractall(work, filter="data")
    return next(path for path in work.iterdir() if path.is_dir())


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=BUILD_S)
    assert done.returncode == 0, f"{command}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"


class LlamaServer:
    """A server process on a port of its own, which stays the same over restarts."""

    def __init__(self, binary: Path, model: Path, log: Path, *options: str) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._log = log
        self._command = [
            *(str(binary), "-m", str(model), "--host", "127.0.0.1", "--port", str(self.port)),
            *("--no-warmup", *options),
        ]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it; it answers 503 while it loads."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=log)
        end = time.monotonic() + START_S
        while time.monotonic() < end:
            assert self._process.poll() is None, self._log.read_text(errors="replace")[-2000:]
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.05)
        raise AssertionError(f"nobody listens on {self.port} after {START_S} s")

    def kill(self) -> None:
        """End it at once."""
        if self._process:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
        self._process = None
