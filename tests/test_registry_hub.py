from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from qwenagent.errors import ChecksumMismatch, DownloadFailed, ModelNotFound
from qwenagent.registry import (
    Card,
    Hub,
    OnProgress,
    PullCancelled,
    Pulled,
    installed,
    load_cards,
    models_dir,
    obtainable,
    path_of,
    pull,
    reachable_sources,
)
from tests.registry_standins import HUB_SOURCE, PAYLOAD, Seen, StandIn, card_for, running_hub

CARD = card_for()


@pytest.fixture(autouse=True)
def own_home(tmp_path, monkeypatch):
    monkeypatch.setenv("QWENAGENT_HOME", str(tmp_path / "home"))
    for name in ("HF_TOKEN", "HF_ENDPOINT", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def stand_in():
    with running_hub() as state:
        yield state


def fetch(
    state: StandIn,
    card: Card = CARD,
    *,
    token: str = "",
    on_progress: OnProgress = lambda *_: None,
    cancel: threading.Event | None = None,
) -> Pulled:
    cancel = cancel or threading.Event()
    return pull(card, on_progress=on_progress, cancel=cancel, hub=state.hub(token))


def part(card: Card = CARD) -> Path:
    return Path(f"{path_of(card)}.part")


def leftovers() -> list[str]:
    kept = (".gguf", ".lock", ".verified")
    return [path.name for path in models_dir().iterdir() if not path.name.endswith(kept)]


def test_a_file_arrives_whole_and_is_not_fetched_twice(stand_in):
    reports: list[tuple[str, int, int]] = []
    pulled = fetch(stand_in, on_progress=lambda *report: reports.append(report))
    assert pulled == replace(pulled, path=path_of(CARD), source="hub", notes=())
    assert pulled.path.read_bytes() == PAYLOAD
    assert installed(CARD) == pulled.path
    assert leftovers() == []
    assert reports[-1] == ("downloading from the hub", len(PAYLOAD), len(PAYLOAD))
    n_requests = len(stand_in.seen)
    assert fetch(stand_in).source == "installed"
    assert len(stand_in.seen) == n_requests


def test_the_token_goes_to_the_hub_and_nowhere_else(stand_in):
    fetch(stand_in, token="hf_secret")
    assert stand_in.seen == [
        Seen("hub", "HEAD", "Bearer hf_secret", None),
        Seen("hub", "GET", "Bearer hf_secret", None),
        Seen("storage", "GET", None, None),
    ]
    assert "hf_secret" not in repr(stand_in.hub("hf_secret"))


def test_a_renamed_repository_is_followed_with_the_token(stand_in):
    stand_in.renamed = True
    assert fetch(stand_in, token="hf_secret").path.read_bytes() == PAYLOAD
    assert [(seen.host, seen.method, seen.authorization) for seen in stand_in.seen] == [
        ("hub", "HEAD", "Bearer hf_secret"),
        ("hub", "HEAD", "Bearer hf_secret"),
        ("hub", "GET", "Bearer hf_secret"),
        ("hub", "GET", "Bearer hf_secret"),
        ("storage", "GET", None),
    ]


@pytest.mark.parametrize(
    ("name", "value"),
    [("ALL_PROXY", "socks9://127.0.0.1:1"), ("SSL_CERT_FILE", "/nonexistent/ca.pem")],
)
def test_network_settings_that_cannot_be_used_are_told(stand_in, monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    with pytest.raises(DownloadFailed, match="proxy or certificate settings cannot be used"):
        fetch(stand_in)
    assert reachable_sources(CARD, stand_in.hub()) == ()


def test_the_environment_names_hub_and_token(stand_in, monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", f"{stand_in.endpoint}/")
    monkeypatch.setenv("HF_TOKEN", "hf_env")
    assert Hub.from_env() == Hub(endpoint=stand_in.endpoint, token="hf_env")
    pulled = pull(CARD, on_progress=lambda *_: None, cancel=threading.Event())
    assert pulled.source == "hub"
    assert stand_in.seen[0] == Seen("hub", "HEAD", "Bearer hf_env", None)


def test_a_cut_connection_is_resumed_where_it_broke(stand_in):
    stand_in.storage_faults.extend([("cut", 300_000), ("cut", 400_000)])
    assert fetch(stand_in).path.read_bytes() == PAYLOAD
    first, *resumed = stand_in.requests("storage", "GET")
    assert first.range is None
    offsets = [int(seen.range.removeprefix("bytes=").rstrip("-")) for seen in resumed]
    assert 200_000 < offsets[0] <= 300_000
    assert 550_000 < offsets[1] <= 700_000


def test_a_storage_that_ignores_ranges_is_read_from_the_start(stand_in):
    stand_in.storage_faults.extend([("cut", 300_000), ("ignore range", 0)])
    assert fetch(stand_in).path.read_bytes() == PAYLOAD


def test_a_server_that_recovers(stand_in):
    stand_in.hub_faults.extend([503, 429])
    stand_in.storage_faults.extend([("status", 500), ("status", 502)])
    assert fetch(stand_in).path.read_bytes() == PAYLOAD


def test_a_server_that_does_not_recover(stand_in):
    stand_in.hub_faults.extend([503] * 9)
    with pytest.raises(DownloadFailed) as caught:
        fetch(stand_in)
    assert caught.value.message == (
        "0.5b could not be fetched:\n  hub: 127.0.0.1 answers HTTP 503, every time"
    )
    assert len(stand_in.seen) == 4


def test_bytes_are_kept_when_the_server_gives_up(stand_in):
    stand_in.storage_faults.append(("cut", 500_000))
    stand_in.storage_faults.extend([("status", 503)] * 4)
    with pytest.raises(DownloadFailed, match="HTTP 503, every time"):
        fetch(stand_in)
    assert not path_of(CARD).exists()
    assert 400_000 < part().stat().st_size <= 500_000
    assert fetch(stand_in).path.read_bytes() == PAYLOAD
    assert stand_in.seen[-1].range is not None


@pytest.mark.parametrize(
    ("status", "told"),
    [(404, "has no such file"), (401, "HF_TOKEN may be missing"), (410, "answers HTTP 410")],
)
def test_a_refusal_is_final(stand_in, status, told):
    stand_in.hub_faults.append(status)
    with pytest.raises(DownloadFailed, match=told):
        fetch(stand_in)
    assert len(stand_in.seen) == 1


def test_a_replaced_file_is_noticed_before_it_travels(stand_in):
    stand_in.offer["X-Linked-Etag"] = f'"{"0" * 64}"'
    with pytest.raises(ChecksumMismatch, match="the hub offers"):
        fetch(stand_in)
    stand_in.offer = {"X-Linked-Size": "5"}
    with pytest.raises(ChecksumMismatch, match=r"with 5 bytes, not 1000000"):
        fetch(stand_in)
    assert stand_in.requests("storage", "GET") == []


@pytest.mark.parametrize("wrong", [PAYLOAD[:-1] + b"!", PAYLOAD + b"!"])
def test_row_21_wrong_bytes_leave_nothing(stand_in, wrong):
    stand_in.offer, stand_in.payload = {}, wrong
    with pytest.raises(ChecksumMismatch, match="not the official"):
        fetch(stand_in)
    assert not path_of(CARD).exists()
    assert leftovers() == []


def test_a_spoiled_part_is_found_out_and_the_next_pull_works(stand_in):
    part().parent.mkdir(parents=True)
    part().write_bytes(b"spoiled" * 1000)
    with pytest.raises(ChecksumMismatch):
        fetch(stand_in)
    assert fetch(stand_in).path.read_bytes() == PAYLOAD


def test_a_part_that_is_complete_is_only_checked(stand_in):
    part().parent.mkdir(parents=True)
    part().write_bytes(PAYLOAD)
    assert fetch(stand_in).path.read_bytes() == PAYLOAD
    assert stand_in.requests("storage", "GET") == []


def test_a_wrong_file_in_the_store_is_replaced(stand_in):
    path_of(CARD).parent.mkdir(parents=True)
    path_of(CARD).write_bytes(b"not a model")
    assert fetch(stand_in).path.read_bytes() == PAYLOAD


def test_cancelling_keeps_what_has_arrived(stand_in):
    cancel = threading.Event()

    def stop_half_way(_what: str, n_bytes: int, _total: int) -> None:
        if n_bytes:
            cancel.set()

    with pytest.raises(PullCancelled) as caught:
        fetch(stand_in, on_progress=stop_half_way, cancel=cancel)
    assert caught.value.exit_code == 130
    assert 0 < part().stat().st_size < len(PAYLOAD)
    assert fetch(stand_in).path.read_bytes() == PAYLOAD


def test_a_second_download_waits_for_the_first(stand_in):
    stand_in.storage_faults.append(("stall", 300_000))
    results: list[str] = []
    reports: list[str] = []

    def first() -> None:
        results.append(fetch(stand_in).source)

    def release(what: str, _n_bytes: int, _total: int) -> None:
        reports.append(what)
        stand_in.released.set()

    thread = threading.Thread(target=first)
    thread.start()
    deadline = time.monotonic() + 20
    while not stand_in.requests("storage", "GET"):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert fetch(stand_in, on_progress=release).source == "installed"
    thread.join()
    assert results == ["hub"]
    assert reports[0] == "waiting for another download of this file"


def test_a_full_disk_is_told_before_anything_travels(stand_in):
    huge = replace(CARD, size_bytes=10**18)
    stand_in.offer = {}
    with pytest.raises(DownloadFailed, match=r"1000000000\.07 GB are needed in .*GB are missing"):
        fetch(stand_in, huge)
    assert stand_in.requests("storage", "GET") == []


def test_a_store_that_cannot_be_written(stand_in, tmp_path):
    (tmp_path / "home").write_text("a file where a folder should be", encoding="utf-8")
    with pytest.raises(DownloadFailed, match="cannot write to") as caught:
        fetch(stand_in)
    assert "QWENAGENT_HOME" in caught.value.hint


def test_offline_contacts_nobody(stand_in):
    with pytest.raises(ModelNotFound, match="offline nothing is fetched"):
        pull(
            CARD,
            on_progress=lambda *_: None,
            cancel=threading.Event(),
            offline=True,
            hub=stand_in.hub(),
        )
    assert stand_in.seen == []
    assert not models_dir().exists()


@pytest.mark.parametrize(
    ("endpoint", "told"),
    [
        ("http://127.0.0.1:1", "cannot connect to 127.0.0.1"),
        ("ftp://127.0.0.1", "cannot use 127.0.0.1"),
        ("http://127.0.0.1:none", "HF_ENDPOINT does not make an address"),
        ("http://user:password@127.0.0.1:1", "cannot connect to 127.0.0.1"),
    ],
)
def test_a_hub_that_cannot_be_reached_is_not_tried_again(endpoint, told):
    started = time.monotonic()
    with pytest.raises(DownloadFailed) as caught:
        pull(
            CARD,
            on_progress=lambda *_: None,
            cancel=threading.Event(),
            hub=Hub(endpoint=endpoint, pauses_s=(9.0,)),
        )
    assert told in caught.value.message
    assert "password" not in caught.value.message
    assert time.monotonic() - started < 5


def test_what_can_be_had_from_here(stand_in):
    cards = [replace(card, sources=(HUB_SOURCE,)) for card in load_cards().values()]
    gone = Hub(endpoint="http://127.0.0.1:1")
    assert reachable_sources(CARD, stand_in.hub()) == (HUB_SOURCE,)
    assert reachable_sources(CARD, gone) == ()
    assert obtainable(cards, stand_in.hub()) == {"0.5b", "1.5b", "3b", "7b", "14b", "32b"}
    assert len(stand_in.seen) == 2
    assert obtainable(cards, gone) == frozenset()
    fetch(stand_in)
    assert obtainable([CARD, cards[3]], gone) == {"0.5b"}
    stand_in.hub_faults.append(404)
    assert reachable_sources(CARD, stand_in.hub()) == ()


@pytest.mark.network
@pytest.mark.parametrize("name", list(load_cards()))
def test_the_real_hub_offers_what_the_cards_say(name):
    import httpx2

    card = load_cards()[name]
    headers = httpx2.head(Hub().url(card), timeout=10).headers
    offer = (headers["X-Linked-Etag"].strip('"'), int(headers["X-Linked-Size"]))
    assert offer == (card.sha256, card.size_bytes)


def test_importing_the_room_loads_no_heavy_library():
    heavy = "{'httpx2', 'psutil', 'filelock', 'platformdirs', 'numpy', 'llama_cpp'}"
    code = f"import sys, qwenagent.registry; sys.exit(str({heavy} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, encoding="utf-8", env=os.environ
    )
    assert done.stderr.strip() == "set()"
