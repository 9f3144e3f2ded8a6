"""Pulls that go wrong, each with real processes and a server on loopback."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from qwenagent.errors import ChecksumMismatch, DownloadFailed
from qwenagent.registry import (
    Card,
    Hub,
    NoSpace,
    Pulled,
    find_card,
    installed,
    load_cards,
    models_dir,
    path_of,
    pull,
    reachable_sources,
)
from tests.needs import program
from tests.registry_standins import (
    HUB_SOURCE,
    PAYLOAD,
    StandIn,
    card_for,
    running_hub,
    running_proxy,
    ship_tiny_card,
)

CARD = card_for()
PULL = """
import sys, threading
from qwenagent.errors import QwenAgentError
from qwenagent.registry import find_card, pull
{before}
def said(what, n_bytes, total):
    print(what, n_bytes, flush=True)
    {meanwhile}
try:
    print("from", pull(find_card("0.5b"), on_progress=said, cancel=threading.Event()).source)
except QwenAgentError as error:
    print(type(error).__name__, error)
"""


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HF_TOKEN", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    ship_tiny_card(tmp_path / "assets")
    monkeypatch.setenv("QWENAGENT_ASSETS", str(tmp_path / "assets"))
    monkeypatch.setenv("QWENAGENT_HOME", str(tmp_path / "home"))
    # What a child inherits: one source that answers, and pip with no index.
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    with running_hub() as state:
        monkeypatch.setenv("HF_ENDPOINT", state.endpoint)
        yield state


def fetch(state: StandIn, card: Card = CARD) -> Pulled:
    return pull(card, on_progress=lambda *_: None, cancel=threading.Event(), hub=state.hub())


def part() -> Path:
    return Path(f"{path_of(CARD)}.part")


def pulling(*prefix: str, before: str = "", meanwhile: str = "pass") -> subprocess.Popen[str]:
    code = PULL.format(before=before, meanwhile=meanwhile)
    command = [*prefix, sys.executable, "-c", code]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def outcome(child: subprocess.Popen[str]) -> list[str]:
    """Return what a child said that is no progress."""
    out, err = child.communicate(timeout=30)
    assert (child.returncode, err) == (0, "")
    return [line for line in out.splitlines() if not line.rpartition(" ")[2].isdigit()]


def wait_for(happened: Callable[[], object], child: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 20
    while not happened():
        assert child.poll() is None, child.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.01)


def arrived(n_bytes: int) -> bool:
    return part().exists() and part().stat().st_size >= n_bytes


# -- processes --------------------------------------------------------------------------------


def test_two_at_once_fetch_it_once(stand_in):
    stand_in.storage_faults.append(("stall", 300_000))
    first = pulling()
    wait_for(lambda: stand_in.requests("storage", "GET"), first)
    second = pulling()
    assert second.stdout is not None
    assert second.stdout.readline() == "waiting for another download of this file 0\n"
    stand_in.released.set()
    assert outcome(first) == ["from hub"]
    assert outcome(second) == ["from installed"]
    assert path_of(CARD).read_bytes() == PAYLOAD


def test_a_killed_one_is_resumed_by_the_next(stand_in):
    stand_in.storage_faults.append(("stall", 700_000))
    child = pulling()
    wait_for(lambda: arrived(500_000), child)
    child.send_signal(signal.SIGKILL)
    child.communicate()
    size = part().stat().st_size
    assert fetch(stand_in).path.read_bytes() == PAYLOAD
    assert stand_in.seen[-1].range == f"bytes={size}-"


def test_ctrl_c_keeps_what_has_arrived(stand_in):
    stand_in.storage_faults.append(("stall", 700_000))
    code = "from qwenagent.cli import main; main(['models', 'pull', '0.5b'])"
    child = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE, text=True)
    wait_for(lambda: arrived(500_000), child)
    child.send_signal(signal.SIGINT)
    stand_in.released.set()
    _, err = child.communicate(timeout=30)
    assert child.returncode == 130
    assert "download of 0.5b stopped at " in err
    assert "`qwenagent models pull 0.5b` goes on with what has arrived" in err
    assert arrived(500_000)
    assert fetch(stand_in).path.read_bytes() == PAYLOAD


# -- disks ------------------------------------------------------------------------------------


def test_a_disk_that_is_full_in_the_middle(stand_in):
    """A limit on the size of files, which every system has; a FAT disk ends so at 4 GiB."""
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))"
    first, hint = outcome(pulling(before=limit))
    size = part().stat().st_size
    assert 0 < size <= 300_000
    assert first.startswith(
        f"NoSpace the disk is full (File too large): {1_000_000 - size} bytes of {CARD.file} are "
        f"still missing in {models_dir()}; {size} bytes have arrived and are kept, "
    )
    assert hint == "set QWENAGENT_HOME to a folder on a larger disk"
    assert fetch(stand_in).path.read_bytes() == PAYLOAD
    assert stand_in.seen[-1].range == f"bytes={size}-"


def mounted(command: str) -> tuple[str, ...]:
    """Run what follows in a mount namespace of its own, after `command`."""
    prefix = ("unshare", "--user", "--map-root-user", "--mount", "sh", "-c")
    if not shutil.which("unshare") or subprocess.run([*prefix, command], check=False).returncode:
        pytest.skip("this system lets nobody mount here")
    return (*prefix, f'{command} && exec "$@"', "sh")


def test_a_disk_that_others_fill_in_the_meantime(stand_in):
    models_dir().mkdir(parents=True)
    stand_in.storage_faults.append(("stall", 200_000))
    threading.Timer(1.0, stand_in.released.set).start()
    fill = f"""
def fill():
    with open({str(models_dir() / "filler")!r}, "wb", buffering=0) as file:
        try:
            while file.write(bytes(1 << 16)):
                pass
        except OSError:
            pass
"""
    small = mounted(f"mount -t tmpfs -o size=70m none '{models_dir()}'")
    child = pulling(*small, before=fill, meanwhile="n_bytes and fill()")
    told = " ".join(outcome(child))
    assert told.startswith("NoSpace the disk is full (No space left on device): ")
    assert f"are still missing in {models_dir()}" in told


def test_a_disk_that_is_too_small_from_the_start(stand_in):
    models_dir().mkdir(parents=True)
    small = mounted(f"mount -t tmpfs -o size=10m none '{models_dir()}'")
    first, hint = outcome(pulling(*small))
    assert first.startswith(f"NoSpace 68 MB are needed in {models_dir()} for the rest of ")
    assert first.endswith("10 MB are free, 58 MB are missing")
    assert hint == "set QWENAGENT_HOME to a folder on a larger disk"
    assert stand_in.requests("storage", "GET") == []


def test_what_could_go_is_named(stand_in):
    models_dir().mkdir(parents=True)
    with path_of(load_cards()["0.5b"]).open("wb") as file:
        file.truncate(2_500_000)
    stand_in.offer = {}
    huge = replace(CARD, size_bytes=10**18, file="huge.gguf")
    with pytest.raises(NoSpace) as caught:
        fetch(stand_in, huge)
    assert caught.value.hint.startswith("`qwenagent models rm 0.5b` frees 2 MB, or ")


def test_a_store_that_can_only_be_read(stand_in, tmp_path):
    fetch(stand_in)
    Path(f"{path_of(CARD)}.verified").unlink()
    home = tmp_path / "home"
    closed = mounted(f"mount --bind '{home}' '{home}' && mount -o remount,ro,bind '{home}'")
    assert outcome(pulling(*closed)) == ["from installed"]
    path_of(CARD).unlink()
    assert outcome(pulling(*closed)) == [
        f"DownloadFailed cannot write to {models_dir()}: Read-only file system",
        "set QWENAGENT_HOME to a folder that can be written",
    ]


# -- networks ---------------------------------------------------------------------------------


def test_a_proxy_is_used_unless_the_address_is_exempt(stand_in, monkeypatch):
    with running_proxy() as (address, asked):
        monkeypatch.setenv("HTTP_PROXY", address)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        assert reachable_sources(CARD, stand_in.hub()) == (HUB_SOURCE,)
        assert asked == []
        monkeypatch.delenv("NO_PROXY")
        assert fetch(stand_in).path.read_bytes() == PAYLOAD
        assert [line.split(" ")[0] for line in asked] == ["HEAD", "GET", "GET"]
        assert asked[-1].startswith(f"GET {stand_in.storage}/")


@pytest.mark.parametrize("name", ["HTTP_PROXY", "ALL_PROXY"])
def test_a_dead_proxy_is_named_without_its_password(stand_in, monkeypatch, name):
    monkeypatch.setenv(name, "http://me:secret@127.0.0.1:1")
    with pytest.raises(DownloadFailed) as caught:
        fetch(stand_in)
    told = f"cannot connect to 127.0.0.1 through the proxy http://127.0.0.1:1 ({name})"
    assert told in caught.value.message
    assert "secret" not in str(caught.value)
    assert stand_in.seen == []


@pytest.mark.parametrize(
    ("status", "told"),
    [
        (403, "refuses with HTTP 403; a proxy or firewall, perhaps"),
        (404, "has no such file (HTTP 404"),
        (416, "does not go on where the file ended, every time"),
        (429, "answers HTTP 429, every time"),
        (503, "answers HTTP 503, every time"),
    ],
)
def test_what_the_storage_refuses(stand_in, status, told):
    stand_in.storage_faults.extend([("status", status)] * 9)
    with pytest.raises(DownloadFailed) as caught:
        fetch(stand_in)
    assert told in caught.value.message
    assert not part().exists()
    stand_in.storage_faults.clear()
    assert fetch(stand_in).path.read_bytes() == PAYLOAD


def test_a_storage_that_knows_no_such_range_is_read_from_the_start(stand_in):
    stand_in.storage_faults.extend([("cut", 300_000), ("status", 416)])
    assert fetch(stand_in).path.read_bytes() == PAYLOAD
    assert [seen.range is None for seen in stand_in.requests("storage", "GET")] == [
        True,
        False,
        True,
    ]


@pytest.mark.parametrize("by_date", [False, True])
def test_a_server_says_when_to_come_again(stand_in, by_date):
    """Its date is ten years off from ours, and only the difference of its two dates counts."""
    then = time.time() - 10 * 365 * 86400
    stand_in.fault_headers = {"Retry-After": "1"}
    if by_date:
        now, later = formatdate(then, usegmt=True), formatdate(then + 1, usegmt=True)
        stand_in.fault_headers = {"Date": now, "Retry-After": later}
    stand_in.hub_faults.append(429)
    started = time.monotonic()
    fetch(stand_in)
    assert 1 <= time.monotonic() - started < 20


def test_a_hotel_that_wants_a_login_first(stand_in):
    stand_in.hub_faults.extend([200, 200])
    assert reachable_sources(CARD, stand_in.hub()) == ()
    with pytest.raises(DownloadFailed, match="answers with a web page") as caught:
        fetch(stand_in)
    assert caught.value.hint == "open http://127.0.0.1 in a browser, log in, then try again"


def test_a_login_page_in_the_middle_does_not_spoil_what_is_there(stand_in):
    stand_in.storage_faults.extend([("cut", 500_000), ("page", 0)])
    with pytest.raises(DownloadFailed, match="answers with a web page"):
        fetch(stand_in)
    size = part().stat().st_size
    assert PAYLOAD.startswith(part().read_bytes())
    assert size > 400_000
    assert fetch(stand_in).path.read_bytes() == PAYLOAD
    assert stand_in.seen[-1].range == f"bytes={size}-"


def test_another_file_is_refused_before_it_is_mixed_with_ours(stand_in):
    stand_in.offer = {}
    stand_in.storage_faults.append(("cut", 500_000))
    stand_in.storage_faults.extend([("status", 503)] * 9)
    with pytest.raises(DownloadFailed):
        fetch(stand_in)
    before = part().read_bytes()
    stand_in.storage_faults.clear()
    stand_in.payload = PAYLOAD + b"!"
    with pytest.raises(ChecksumMismatch, match="sends 1000001 bytes, not 1000000"):
        fetch(stand_in)
    assert part().read_bytes() == before
    assert installed(CARD) is None


# -- clocks -----------------------------------------------------------------------------------

AUTHORITY = """
[ca]
default_ca = own
[own]
database = index
new_certs_dir = .
serial = serial
default_md = sha256
policy = any
x509_extensions = names
[any]
commonName = supplied
[names]
subjectAltName = IP:127.0.0.1
"""


@pytest.fixture
def expired(tmp_path: Path) -> Path:
    """A certificate and its key, valid for a month in 2001, in one file."""
    program("openssl")
    folder = tmp_path / "authority"
    folder.mkdir()
    (folder / "index").touch()
    (folder / "serial").write_text("01\n", encoding="utf-8")
    (folder / "ca.cnf").write_text(AUTHORITY, encoding="utf-8")

    def openssl(*args: str) -> None:
        subprocess.run(["openssl", *args], cwd=folder, check=True, capture_output=True)

    openssl(
        *("req", "-newkey", "rsa:2048", "-nodes", "-keyout", "key.pem", "-out", "asked.pem"),
        *("-subj", "/CN=127.0.0.1"),
    )
    openssl(
        *("ca", "-batch", "-config", "ca.cnf", "-selfsign", "-keyfile", "key.pem"),
        *("-in", "asked.pem", "-out", "cert.pem", "-notext"),
        *("-startdate", "20010101000000Z", "-enddate", "20010201000000Z"),
    )
    both = folder / "both.pem"
    texts = [(folder / name).read_text(encoding="utf-8") for name in ("key.pem", "cert.pem")]
    both.write_text("".join(texts), encoding="utf-8")
    return both


@contextlib.contextmanager
def serving_tls(certificate: Path) -> Iterator[str]:
    class Quiet(HTTPServer):
        def handle_error(self, *_: object) -> None:
            pass

    server = Quiet(("127.0.0.1", 0), BaseHTTPRequestHandler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"https://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_clock_that_is_far_off_is_suspected(expired, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(expired))
    with serving_tls(expired) as endpoint, pytest.raises(DownloadFailed) as caught:
        pull(
            CARD,
            on_progress=lambda *_: None,
            cancel=threading.Event(),
            hub=Hub(endpoint=endpoint, pauses_s=()),
        )
    assert "certificate has expired" in caught.value.message
    year = time.strftime("%Y", time.gmtime())
    assert caught.value.hint.startswith(f"this machine's clock says {year}-")


def test_times_of_files_far_in_the_future_or_past_change_nothing(stand_in):
    path = fetch(stand_in).path
    for moment in (0, 4_000_000_000):
        os.utime(path, (moment, moment))
        assert installed(CARD) == path
    assert find_card("0.5b").sha256 == CARD.sha256
