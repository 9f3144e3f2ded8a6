"""The tables of the ledger: the file, its versions, and how one becomes the next.

Knows no request and no money; `ledger` writes and reads them.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Sequence
from pathlib import Path

from qwenagent.errors import EscalationError

_BUSY_S = 30.0
"""How long a process waits for another one's transaction."""

MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        """CREATE TABLE requests (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            asked_at REAL NOT NULL,
            ended_at REAL,
            run TEXT NOT NULL,
            repository TEXT NOT NULL,
            step TEXT NOT NULL,
            provider TEXT NOT NULL,
            model TEXT NOT NULL,
            kind TEXT NOT NULL,
            reason TEXT NOT NULL,
            state TEXT NOT NULL CHECK (state IN ('reserved', 'settled', 'released', 'lost')),
            most_micro INTEGER CHECK (most_micro >= 0),
            most_tokens INTEGER NOT NULL CHECK (most_tokens >= 0),
            cost_micro INTEGER CHECK (cost_micro >= 0),
            fresh INTEGER NOT NULL DEFAULT 0 CHECK (fresh >= 0),
            cached INTEGER NOT NULL DEFAULT 0 CHECK (cached >= 0),
            out INTEGER NOT NULL DEFAULT 0 CHECK (out >= 0),
            exact INTEGER NOT NULL DEFAULT 1,
            outcome TEXT NOT NULL DEFAULT '',
            request_id TEXT NOT NULL DEFAULT '',
            pid INTEGER NOT NULL,
            pid_started REAL NOT NULL
        )""",
        "CREATE INDEX requests_by_time ON requests (asked_at)",
        "CREATE INDEX requests_by_run ON requests (run)",
        "CREATE INDEX requests_by_step ON requests (repository, step)",
    ),
)
"""Each brings the tables from one version to the next; none is changed once it was released."""


def open_tables(path: Path) -> sqlite3.Connection:
    """Open the file, made if need be, with tables of the version that this program knows.

    Every statement is a transaction of its own until the caller begins one.

    Raises:
        EscalationError: a newer program wrote it.
        sqlite3.Error, OSError: it cannot be opened, or is no database.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    # For the owner alone, as are the files that SQLite puts beside it.
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    db = sqlite3.connect(path, timeout=_BUSY_S, isolation_level=None)
    try:
        _use_wal(db)
        migrate(db, MIGRATIONS)
    except BaseException:
        db.close()
        raise
    return db


def _use_wal(db: sqlite3.Connection) -> None:
    """Switch to WAL, once. Two processes that do so at the same moment get an error, not a wait."""
    deadline = time.monotonic() + _BUSY_S
    while db.execute("PRAGMA journal_mode").fetchone() != ("wal",):
        try:
            db.execute("PRAGMA journal_mode = WAL")
            return  # a file system that cannot has another mode, which is as safe
        except sqlite3.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)


def migrate(db: sqlite3.Connection, migrations: Sequence[Sequence[str]]) -> None:
    """Bring the tables to the version of `migrations`, all at once or not at all.

    Raises:
        EscalationError: they are of a version that this program does not know.
    """
    if _version(db) == len(migrations):
        return
    db.execute("BEGIN IMMEDIATE")
    try:
        version = _version(db)  # another process may have done it meanwhile
        if version > len(migrations):
            raise EscalationError(
                f"the ledger has version {version}, this program knows {len(migrations)}",
                hint="use the newer qwenagent that wrote it",
            )
        for statement in (s for migration in migrations[version:] for s in migration):
            db.execute(statement)
        db.execute(f"PRAGMA user_version = {len(migrations)}")
    except BaseException:
        db.execute("ROLLBACK")
        raise
    db.execute("COMMIT")


def _version(db: sqlite3.Connection) -> int:
    return int(db.execute("PRAGMA user_version").fetchone()[0])
