"""The ledger: what it keeps, how it ends, and what becomes of it when processes die; the bill."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import psutil
import pytest

from qwenagent.errors import EscalationError
from qwenagent.escalate.answer import Tokens
from qwenagent.escalate.bill import Bill, Share, StepWork, bill
from qwenagent.escalate.ledger import (
    Amount,
    Entry,
    Errand,
    Ledger,
    Reservation,
    Spending,
)
from qwenagent.escalate.tables import MIGRATIONS, migrate

ERRAND = Errand("run-1", "/home/me/shop ü", "s1", "acme", "large", "patch", "tests red, 3 attempts")
MOST = Amount(9000, 3000)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state of mine" / "ledger.sqlite3"


@pytest.fixture
def ledger(path: Path) -> Ledger:
    ticks = iter(range(100, 1000))
    return Ledger(path, clock=lambda: float(next(ticks)))


def reserved(ledger: Ledger, errand: Errand = ERRAND, most: Amount = MOST) -> int:
    got = ledger.reserve(errand, most, lambda _: None)
    assert isinstance(got, Reservation)
    return got.id


def test_a_request_from_its_reservation_to_its_end(ledger, path):
    assert ledger.reserve(ERRAND, MOST, lambda _: None) == Reservation(1, MOST)
    asked = ledger.entries()[0]
    assert asked == Entry(1, asked.asked_at, None, ERRAND, "reserved", MOST, None, Tokens())
    assert asked.counts_as == MOST
    ledger.settle(1, Tokens(1000, 200, 300), 5120, "answered", request_id="req_7")
    (ended,) = ledger.entries()
    assert ended == Entry(
        *(1, asked.asked_at, ended.ended_at, ERRAND, "settled", MOST, 5120),
        *(Tokens(1000, 200, 300), "answered", "req_7"),
    )
    assert ended.counts_as == Amount(5120, 1500)
    assert ended.asked_at < (ended.ended_at or 0)


def test_nobody_knows_what_it_cost(ledger):
    ledger.settle_at_most(reserved(ledger), "the answer was cut off")
    (entry,) = ledger.entries()
    assert (entry.state, entry.cost_micro, entry.tokens) == (
        "settled", 9000, Tokens(3000, 0, 0, exact=False),
    )  # fmt: skip


def test_nothing_was_sent(ledger):
    ledger.release(reserved(ledger), "connection refused")
    (entry,) = ledger.entries()
    assert (entry.state, entry.counts_as) == ("released", Amount(0, 0))


def test_refused_requests_leave_no_trace(ledger):
    assert ledger.reserve(ERRAND, MOST, lambda _: "no") == "no"
    assert ledger.entries() == []


def test_what_is_spent_already(ledger):
    reserved(ledger)
    reserved(ledger, Errand("run-2", "/other", "s1", "acme", "large", "patch", ""))
    seen: list[Spending] = []
    ledger.reserve(ERRAND, MOST, seen.append)
    both = Amount(18_000, 6000)
    assert seen == [Spending(step=MOST, run=MOST, day=both)]


@pytest.mark.parametrize("end", ["settle", "release", "settle_at_most"])
def test_a_request_ends_once(ledger, end):
    ledger.release(reserved(ledger), "")
    ends = {
        "settle": lambda id: ledger.settle(id, Tokens(), 0, ""),
        "release": lambda id: ledger.release(id, ""),
        "settle_at_most": lambda id: ledger.settle_at_most(id, ""),
    }
    for id in (1, 77):
        with pytest.raises(EscalationError, match=f"request {id} of the ledger is not open"):
            ends[end](id)


def test_entries_of_a_run_a_repository_a_time(ledger):
    other = Errand("run-2", "/other", "", "acme", "large", "plan", "")
    reserved(ledger)
    reserved(ledger, other)
    assert [entry.id for entry in ledger.entries(run="run-2")] == [2]
    assert [entry.id for entry in ledger.entries(repository="/other")] == [2]
    assert [entry.id for entry in ledger.entries(since=ledger.entries()[1].asked_at)] == [2]
    assert [entry.id for entry in ledger.entries(run="run-1", repository="/other")] == []


def test_the_file_is_for_its_owner_alone(ledger, path):
    reserved(ledger)
    with sqlite3.connect(path) as reader:
        reader.execute("BEGIN").fetchone()
        assert reader.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        modes = {file.name: file.stat().st_mode & 0o777 for file in path.parent.iterdir()}
    reader.close()
    assert set(modes.values()) == {0o600}
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_threads_share_a_ledger(path):
    ledger = Ledger(path)
    threads = [threading.Thread(target=reserved, args=(ledger,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(entry.id for entry in ledger.entries()) == list(range(1, 9))


# -- processes that die -------------------------------------------------------------------------

_DYING = """\
import os, signal, sys
from pathlib import Path
from qwenagent.escalate.ledger import Amount, Errand, Ledger
ledger = Ledger(Path(sys.argv[1]))
ledger.reserve(Errand("r", "/r", "s", "p", "m", "advice", ""), Amount(70, 7), lambda _: None)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_process_that_died_counts_as_spent_until_it_is_known(ledger, path):
    done = subprocess.run([sys.executable, "-c", _DYING, str(path)], check=False, timeout=120)
    assert done.returncode == -signal.SIGKILL
    seen: list[Spending] = []
    ledger.reserve(ERRAND, MOST, seen.append)
    assert seen == [Spending(step=Amount(0, 0), run=Amount(0, 0), day=Amount(70, 7))]
    (lost,) = ledger.find_lost()
    assert (lost.id, lost.state, lost.outcome) == (
        1, "lost", "the program ended before the answer",
    )  # fmt: skip
    assert lost.counts_as == Amount(70, 7)
    assert [entry.state for entry in ledger.entries()] == ["lost", "reserved"]
    ledger.settle(lost.id, Tokens(1, 0, 2), 11, "found in the provider's list")
    ledger.settle(2, Tokens(), 0, "answered")
    assert ledger.find_lost() == []
    assert [entry.counts_as for entry in ledger.entries()] == [Amount(11, 3), Amount(0, 0)]


def test_a_process_with_the_same_number_is_another_one(ledger, path):
    reserved(ledger)
    with sqlite3.connect(path) as db:
        db.execute("UPDATE requests SET pid_started = pid_started - 3600")
    db.close()
    assert [entry.state for entry in ledger.find_lost()] == ["lost"]


def test_this_process_is_not_lost(ledger):
    reserved(ledger)
    assert ledger.find_lost() == []
    assert psutil.pid_exists(os.getpid())


# -- the file -----------------------------------------------------------------------------------


def test_tables_of_an_older_version_are_brought_up(ledger, path):
    reserved(ledger)
    more = ("ALTER TABLE requests ADD COLUMN note TEXT NOT NULL DEFAULT 'x'",)
    db = sqlite3.connect(path, isolation_level=None)
    migrate(db, (*MIGRATIONS, more))
    assert db.execute("SELECT id, note FROM requests").fetchall() == [(1, "x")]
    assert db.execute("PRAGMA user_version").fetchone() == (2,)
    db.close()
    with pytest.raises(EscalationError, match="the ledger has version 2, this program knows 1"):
        ledger.entries()


def test_a_migration_that_fails_changes_nothing(ledger, path):
    reserved(ledger)
    broken = ("ALTER TABLE requests ADD COLUMN note TEXT", "ALTER TABLE nothing ADD COLUMN x")
    db = sqlite3.connect(path, isolation_level=None)
    with pytest.raises(sqlite3.OperationalError, match="nothing"):
        migrate(db, (*MIGRATIONS, broken))
    db.close()
    assert len(ledger.entries()) == 1


def test_a_ledger_that_is_none(path):
    path.parent.mkdir()
    path.write_text("no database at all, but long enough to be taken for one by its size\n" * 20)
    with pytest.raises(EscalationError, match=r"ledger\.sqlite3 cannot be used: file is"):
        Ledger(path).reserve(ERRAND, MOST, lambda _: None)


def test_a_folder_that_is_none(tmp_path):
    (tmp_path / "state").write_text("")
    with pytest.raises(EscalationError, match=r"cannot be used: .*File exists"):
        Ledger(tmp_path / "state" / "l.sqlite3").entries()


# -- the bill -----------------------------------------------------------------------------------


def price(tokens: Tokens) -> int:
    return 3 * tokens.fresh + tokens.cached + 15 * tokens.out


def test_the_bill_adds_up(ledger):
    reserved(ledger)
    ledger.settle(1, Tokens(1000, 200, 300), 7700, "answered")
    cheap = Errand("run-1", ERRAND.repository, "s2", "other", "small", "advice", "red")
    ledger.settle(reserved(ledger, cheap), Tokens(10, 0, 20), None, "answered")
    ledger.release(reserved(ledger, cheap), "refused")
    reserved(ledger, cheap)
    where = ("run-1", ERRAND.repository)
    steps = [
        StepWork(*where, "s1", "solved", 5000, 4000, 600, 70.0),
        StepWork(*where, "s2", "blocked", 100, 0, 10, 5.0),
        StepWork(*where, "s3", "solved", 900, 100, 50, 20.0),
        StepWork("run-0", ERRAND.repository, "s1", "solved"),
        StepWork(*where, "s4", "unverified", 0, 0, 0, 1.5),
    ]
    got = bill(ledger.entries(), steps, price)
    assert got == Bill(
        micro=7700,
        lost_micro=0,
        unpriced=1,
        requests=2,
        tokens=Tokens(1010, 200, 320),
        shares=(
            Share("acme", "large", 1, 7700, Tokens(1000, 200, 300)),
            Share("other", "small", 1, 0, Tokens(10, 0, 20)),
        ),
        local_prompt_tokens=6000,
        local_written_tokens=660,
        local_seconds=96.5,
        solved=3,
        solved_locally=2,
        frontier_micro=3 * 1900 + 4100 + 15 * 660 + 7700,
    )
    assert (got.local_share, got.micro_per_solved_step, got.saved_micro) == (2 / 3, 2567, 19_700)


def test_the_bill_of_nothing():
    got = bill([], [])
    assert (got.micro, got.solved, got.tokens) == (0, 0, Tokens())
    assert (got.local_share, got.micro_per_solved_step, got.frontier_micro, got.saved_micro) == (
        None, None, None, None,
    )  # fmt: skip


def test_what_was_lost_is_on_the_bill(ledger, path):
    reserved(ledger)
    with sqlite3.connect(path) as db:
        db.execute("UPDATE requests SET pid_started = 0")
    db.close()
    ledger.find_lost()
    got = bill(ledger.entries(), [])
    assert (got.micro, got.lost_micro, got.requests, got.tokens) == (9000, 9000, 1, Tokens())
