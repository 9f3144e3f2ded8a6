import pytest
from lockers.bank import Bank
from lockers.journal import KINDS, Entry, Journal
from lockers.parcels import Parcel
from lockers.station import Station, WrongCode

EARLY = Parcel("P1", "S", "Ines", 4, 9)
LATE = Parcel("P2", "S", "Tom", 5, 6)
PATIENT = Parcel("P3", "S", "Ada", 5, 30)


def station():
    halt = Station(Bank({1: "S", 2: "S", 3: "S"}), Journal())
    codes = [halt.deliver(parcel) for parcel in (EARLY, LATE, PATIENT)]
    return halt, codes


def test_kinds():
    assert KINDS == ("stored", "collected", "returned")


def test_parcels_in_order():
    halt, _ = station()
    assert halt.send_back(13) == [LATE, EARLY]
    assert halt.bank.occupied() == [3]


def test_journal():
    halt, _ = station()
    halt.send_back(13)
    assert halt.journal.entries()[3:] == [
        Entry(13, "returned", 2, "P2"),
        Entry(13, "returned", 1, "P1"),
    ]


def test_codes_of_returned_parcels():
    halt, codes = station()
    halt.send_back(13)
    for code in codes[:2]:
        with pytest.raises(WrongCode) as caught:
            halt.collect(code, 14)
        assert str(caught.value) == "this code is not in use"
    assert halt.collect(codes[2], 14) == PATIENT


def test_nothing_overdue():
    halt, _ = station()
    assert halt.send_back(10) == []
    assert halt.journal.count("returned") == 0


def test_only_once():
    halt, _ = station()
    halt.send_back(13)
    assert halt.send_back(13) == []
