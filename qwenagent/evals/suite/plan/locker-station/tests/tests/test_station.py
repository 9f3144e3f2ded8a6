import pytest
from lockers.bank import Bank
from lockers.journal import Journal
from lockers.parcels import Parcel
from lockers.station import Station, WrongCode


def station():
    return Station(Bank({1: "S", 2: "M"}), Journal())


def test_deliver_and_collect():
    halt = station()
    parcel = Parcel("P1", "S", "Ines", 4)
    code = halt.deliver(parcel)
    assert halt.collect(code, 5) == parcel
    assert halt.bank.occupied() == []


def test_journal():
    halt = station()
    code = halt.deliver(Parcel("P1", "S", "Ines", 4))
    halt.collect(code, 5)
    assert [(entry.day, entry.kind) for entry in halt.journal.entries()] == [
        (4, "stored"),
        (5, "collected"),
    ]


def test_code_works_once():
    halt = station()
    code = halt.deliver(Parcel("P1", "S", "Ines", 4))
    halt.collect(code, 5)
    with pytest.raises(WrongCode, match="not in use"):
        halt.collect(code, 5)


def test_mistyped_code():
    with pytest.raises(WrongCode, match="seven digits"):
        station().collect("12", 5)


def test_waiting():
    halt = station()
    halt.deliver(Parcel("P1", "M", "Ines", 4))
    halt.deliver(Parcel("P2", "S", "Ines", 4))
    assert (halt.waiting("Ines"), halt.waiting("Tom")) == (["P2", "P1"], [])
