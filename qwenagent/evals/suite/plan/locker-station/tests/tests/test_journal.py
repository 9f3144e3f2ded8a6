import pytest
from lockers.journal import Entry, Journal


def journal():
    book = Journal()
    book.record(4, "stored", 2, "P1")
    book.record(4, "stored", 3, "P2")
    book.record(6, "collected", 2, "P1")
    return book


def test_record_returns_the_entry():
    assert Journal().record(4, "stored", 2, "P1") == Entry(4, "stored", 2, "P1")


def test_entries():
    assert [entry.number for entry in journal().entries()] == ["P1", "P2", "P1"]


def test_unknown_kind():
    with pytest.raises(ValueError, match="unknown kind: lost"):
        journal().record(7, "lost", 2, "P1")


def test_days_go_forward():
    with pytest.raises(ValueError, match="day 5"):
        journal().record(5, "stored", 2, "P3")


def test_history():
    assert [entry.kind for entry in journal().history("P1")] == ["stored", "collected"]


def test_count():
    assert (journal().count("stored"), journal().count("collected")) == (2, 1)
