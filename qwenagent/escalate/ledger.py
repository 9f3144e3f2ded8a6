"""The ledger: every request to a frontier model, in SQLite in the state folder.

What may be spent is `caps`'; this keeps what is reserved and what was spent, safely for several
processes and threads at once. Money is in whole millionths of a dollar, rounded up.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar, cast

from qwenagent.errors import EscalationError
from qwenagent.escalate.answer import Tokens
from qwenagent.escalate.tables import open_tables

FILE = "escalations.sqlite3"
"""Its name in the state folder."""

State = Literal["reserved", "settled", "released", "lost"]
"""Reserved before it is sent; settled with what it cost; released where nothing was sent; lost if
the process that reserved it is gone, which counts as spent until somebody settles it."""

DAY_S = 86_400.0
_SAME_START_S = 2.0
"""The start of a process is told anew after the clock was set, and differs by a little."""

_COLUMNS = (
    "id, asked_at, ended_at, run, repository, step, provider, model, kind, reason, state, "
    "most_micro, most_tokens, cost_micro, fresh, cached, out, exact, outcome, request_id"
)
# What counts against a cap: what it cost, or as long as that is not known the most it can.
_SPENT = """
    coalesce(sum(CASE state WHEN 'settled' THEN cost_micro WHEN 'released' THEN 0
                 ELSE most_micro END), 0),
    coalesce(sum(CASE state WHEN 'settled' THEN fresh + cached + out WHEN 'released' THEN 0
                 ELSE most_tokens END), 0)"""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Errand:
    """Who asks whom, and what for."""

    run: str
    repository: str
    """Its folder, absolute."""
    step: str
    """The same whenever this step is tried again; empty for what is asked between steps."""
    provider: str
    model: str
    kind: str
    """ "advice", "patch", "plan" or "review"."""
    reason: str
    """Why it is not done here: "tests red after 3 attempts"."""


@dataclass(frozen=True, slots=True)
class Amount:
    """Money and tokens; of money None if there is no price."""

    micro: int | None
    """In millionths of a dollar."""
    tokens: int


@dataclass(frozen=True, slots=True)
class Spending:
    """What is spent or reserved already, where a request would be added. Unknown prices are 0."""

    step: Amount
    """On this step, in this run and in the last 24 hours in others."""
    run: Amount
    day: Amount
    """In the last 24 hours, by all runs: so no day of the calendar has more, in any time zone."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One request as the ledger has it."""

    id: int
    asked_at: float
    """Seconds since the epoch, as `ended_at`."""
    ended_at: float | None
    errand: Errand
    state: State
    most: Amount
    """What was reserved for it."""
    cost_micro: int | None
    """None where it is not settled, or there is no price."""
    tokens: Tokens
    outcome: str = ""
    request_id: str = ""
    """The provider's."""

    @property
    def counts_as(self) -> Amount:
        """What it takes of every cap."""
        if self.state == "released":
            return Amount(0, 0)
        if self.state == "settled":
            tokens = self.tokens
            return Amount(self.cost_micro, tokens.fresh + tokens.cached + tokens.out)
        return self.most


@dataclass(frozen=True, slots=True)
class Reservation:
    """Leave to send one request."""

    id: int
    most: Amount


class Ledger:
    """The requests in one file. Holds nothing open, so that threads and forks may share it."""

    def __init__(self, path: Path, *, clock: Callable[[], float] = time.time) -> None:
        self.path = path
        self._clock = clock

    def reserve(
        self, errand: Errand, most: Amount, refused: Callable[[Spending], T | None]
    ) -> Reservation | T:
        """Reserve the most that a request can cost, unless `refused` says why not.

        What is spent is read and the reservation written in one transaction, which no other process
        can come between.

        Raises:
            EscalationError: the ledger cannot be used; then nothing may be sent.
        """
        pid, started = _this_process()
        with self._writing() as db:
            _mark_lost(db)
            answer = refused(self._spending(db, errand))
            if answer is not None:
                return answer
            row = (
                *(self._clock(), errand.run, errand.repository, errand.step, errand.provider),
                *(errand.model, errand.kind, errand.reason, most.micro, most.tokens, pid, started),
            )
            done = db.execute(
                "INSERT INTO requests (asked_at, run, repository, step, provider, model, kind, "
                "reason, state, most_micro, most_tokens, pid, pid_started) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'reserved', ?, ?, ?, ?)",
                row,
            )
            return Reservation(cast(int, done.lastrowid), most)

    def settle(
        self,
        id: int,
        tokens: Tokens,
        cost_micro: int | None,
        outcome: str,
        *,
        request_id: str = "",
    ) -> None:
        """Write what a request really cost, be it more than was reserved.

        Also of a lost one, when it becomes known.

        Raises:
            EscalationError: it is not open, or the ledger cannot be used.
        """
        self._close(
            id,
            "settled",
            (cost_micro, tokens.fresh, tokens.cached, tokens.out, int(tokens.exact)),
            (outcome, request_id),
        )

    def settle_at_most(self, id: int, outcome: str) -> None:
        """Write that a request cost, as far as anybody knows, all that was reserved for it.

        All of its tokens are booked as read anew; `Tokens.exact` says that nobody counted.
        """
        most = self._open_entry(id).most
        tokens = Tokens(fresh=most.tokens, exact=False)
        self.settle(id, tokens, most.micro, outcome)

    def release(self, id: int, outcome: str) -> None:
        """Give a reservation back: nothing of the request was sent."""
        self._close(id, "released", (0, 0, 0, 0, 1), (outcome, ""))

    def find_lost(self) -> list[Entry]:
        """Mark the reservations of processes that are gone, and return all that are lost."""
        with self._writing() as db:
            _mark_lost(db)
            return _entries(db, "WHERE state = 'lost'", ())

    def spending(self, errand: Errand) -> Spending:
        """Return what is spent or reserved now where a request would be added."""
        with self._reading() as db:
            return self._spending(db, errand)

    def entries(self, *, run: str = "", repository: str = "", since: float = 0.0) -> list[Entry]:
        """Return requests in the order of asking: all, or of a run, a repository, since a time."""
        asked = "WHERE (? IN ('', run)) AND (? IN ('', repository)) AND asked_at >= ?"
        with self._reading() as db:
            return _entries(db, asked, (run, repository, since))

    def _open_entry(self, id: int) -> Entry:
        with self._reading() as db:
            found = _entries(db, "WHERE id = ? AND state IN ('reserved', 'lost')", (id,))
        if not found:
            raise _not_open(id)
        return found[0]

    def _close(
        self,
        id: int,
        state: State,
        figures: tuple[int | None, int, int, int, int],
        words: tuple[str, str],
    ) -> None:
        with self._writing() as db:
            done = db.execute(
                "UPDATE requests SET state = ?, ended_at = ?, cost_micro = ?, fresh = ?, "
                "cached = ?, out = ?, exact = ?, outcome = ?, request_id = ? "
                "WHERE id = ? AND state IN ('reserved', 'lost')",
                (state, self._clock(), *figures, *words, id),
            )
            if done.rowcount != 1:
                raise _not_open(id)

    def _spending(self, db: sqlite3.Connection, errand: Errand) -> Spending:
        # Later than now counts too: the clock may have been set back.
        since = self._clock() - DAY_S
        run = _sum(db, "run = ?", (errand.run,))
        day = _sum(db, "asked_at > ?", (since,))
        step = Amount(0, 0)
        if errand.step:
            where = "repository = ? AND step = ? AND (run = ? OR asked_at > ?)"
            step = _sum(db, where, (errand.repository, errand.step, errand.run, since))
        return Spending(step, run, day)

    # -- the file -----------------------------------------------------------------------------

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._reading() as db:
            db.execute("BEGIN IMMEDIATE")
            try:
                yield db
            except BaseException:
                db.execute("ROLLBACK")
                raise
            db.execute("COMMIT")

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        try:
            db = open_tables(self.path)
            try:
                yield db
            finally:
                db.close()
        except (sqlite3.Error, OSError) as error:
            raise EscalationError(
                f"the ledger {self.path} cannot be used: {error}",
                hint="nothing is sent without it; free the disk, or move the file away and lose "
                "what it says was spent",
            ) from error


def _sum(db: sqlite3.Connection, where: str, values: Sequence[object]) -> Amount:
    micro, tokens = db.execute(f"SELECT {_SPENT} FROM requests WHERE {where}", values).fetchone()
    return Amount(micro, tokens)


def _entries(db: sqlite3.Connection, where: str, values: Sequence[object]) -> list[Entry]:
    rows = db.execute(f"SELECT {_COLUMNS} FROM requests {where} ORDER BY id", values)
    return [_entry(row) for row in rows]


def _entry(row: tuple[object, ...]) -> Entry:
    id, asked_at, ended_at, *rest = row
    run, repository, step, provider, model, kind, reason, state = cast(list[str], rest[:8])
    most_micro, most_tokens, cost_micro, fresh, cached, out, exact = cast(list[int], rest[8:15])
    outcome, request_id = cast(list[str], rest[15:])
    return Entry(
        id=cast(int, id),
        asked_at=cast(float, asked_at),
        ended_at=cast("float | None", ended_at),
        errand=Errand(run, repository, step, provider, model, kind, reason),
        state=cast(State, state),
        most=Amount(most_micro, most_tokens),
        cost_micro=cost_micro,
        tokens=Tokens(fresh, cached, out, bool(exact)),
        outcome=outcome,
        request_id=request_id,
    )


def _mark_lost(db: sqlite3.Connection) -> None:
    asked = "SELECT DISTINCT pid, pid_started FROM requests WHERE state = 'reserved'"
    for pid, started in db.execute(asked).fetchall():
        if not _is_running(pid, started):
            db.execute(
                "UPDATE requests SET state = 'lost', outcome = ? "
                "WHERE state = 'reserved' AND pid = ? AND pid_started = ?",
                ("the program ended before the answer", pid, started),
            )


def _this_process() -> tuple[int, float]:
    import psutil  # 42 ms

    return os.getpid(), psutil.Process().create_time()


def _is_running(pid: int, started: float) -> bool:
    import psutil

    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        return abs(float(process.create_time()) - started) < _SAME_START_S
    except (psutil.NoSuchProcess, psutil.AccessDenied):  # denied: somebody else's, ours has ended
        return False


def _not_open(id: int) -> EscalationError:
    return EscalationError(f"request {id} of the ledger is not open: it was settled or released")
