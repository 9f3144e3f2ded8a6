import pytest
from boats import BoatError, BoatFleet


def message_of(call, *args):
    with pytest.raises(BoatError) as caught:
        call(*args)
    return str(caught.value)


def test_lowest_number_of_the_size():
    fleet = BoatFleet(3, 2)
    assert fleet.take("Ana") == 1
    assert fleet.take("Ben", "large") == 4
    assert fleet.take("Cleo", "small") == 2


def test_number_that_came_back_is_used_first():
    fleet = BoatFleet(3, 0)
    for guest in ("Ana", "Ben", "Cleo"):
        fleet.take(guest)
    assert fleet.give_back("Ben") == 2
    assert fleet.give_back("Ana") == 1
    assert fleet.take("Dora") == 1
    assert fleet.take("Emil") == 2


def test_small_falls_back_to_large():
    fleet = BoatFleet(1, 2)
    assert [fleet.take(guest) for guest in ("Ana", "Ben", "Cleo")] == [1, 2, 3]
    assert message_of(fleet.take, "Dora") == "no small boat free"


def test_large_never_becomes_small():
    fleet = BoatFleet(2, 1)
    fleet.take("Ana", "large")
    assert message_of(fleet.take, "Ben", "large") == "no large boat free"
    assert fleet.free("small") == 2


def test_unknown_size_is_checked_before_the_guest():
    fleet = BoatFleet(1, 1)
    fleet.take("Ana")
    assert message_of(fleet.take, "Ana", "huge") == "unknown size: huge"
    assert message_of(fleet.free, "tiny") == "unknown size: tiny"


def test_one_boat_for_a_guest():
    fleet = BoatFleet(3, 0)
    fleet.take("Ben")
    fleet.take("Ana")
    assert message_of(fleet.take, "Ana") == "Ana already has boat 2"


def test_second_boat_is_refused_before_a_full_fleet():
    fleet = BoatFleet(1, 0)
    fleet.take("Ana")
    assert message_of(fleet.take, "Ana") == "Ana already has boat 1"


def test_guest_can_come_again():
    fleet = BoatFleet(1, 0)
    fleet.take("Ana")
    fleet.give_back("Ana")
    assert fleet.take("Ana") == 1


def test_give_back_without_boat():
    fleet = BoatFleet(1, 0)
    assert message_of(fleet.give_back, "Ana") == "Ana has no boat"
    fleet.take("Ana")
    fleet.give_back("Ana")
    assert message_of(fleet.give_back, "Ana") == "Ana has no boat"


def test_broken_boat_is_skipped_until_repaired():
    fleet = BoatFleet(2, 1)
    fleet.mark_broken(1)
    fleet.mark_broken(1)
    assert fleet.free("small") == 1
    assert fleet.take("Ana") == 2
    assert fleet.take("Ben") == 3
    fleet.repair(1)
    assert fleet.take("Cleo") == 1


def test_broken_boat_in_use_stays_with_its_guest():
    fleet = BoatFleet(1, 0)
    fleet.take("Ana")
    fleet.mark_broken(1)
    assert fleet.overview() == ["1 small Ana (broken)"]
    assert fleet.give_back("Ana") == 1
    assert fleet.free("small") == 0
    assert message_of(fleet.take, "Ben") == "no small boat free"


def test_repair_of_a_sound_boat_does_nothing():
    fleet = BoatFleet(1, 0)
    fleet.take("Ana")
    fleet.repair(1)
    assert fleet.free("small") == 0
    assert fleet.overview() == ["1 small Ana"]


@pytest.mark.parametrize("number", [0, -1, 4, 99])
def test_numbers_that_do_not_exist(number):
    fleet = BoatFleet(2, 1)
    assert message_of(fleet.mark_broken, number) == f"no boat {number}"
    assert message_of(fleet.repair, number) == f"no boat {number}"


def test_free_counts_each_size():
    fleet = BoatFleet(3, 2)
    fleet.take("Ana")
    fleet.take("Ben", "large")
    fleet.mark_broken(3)
    assert (fleet.free("small"), fleet.free("large")) == (1, 1)


def test_overview_by_number_with_the_size_of_the_boat():
    fleet = BoatFleet(10, 1)
    assert fleet.overview() == []
    fleet.take("Zoe", "large")
    for guest in ("Ana", "Ben", "Cleo", "Dora", "Emil", "Finn", "Gus", "Hal", "Ida", "Jo"):
        fleet.take(guest)
    for guest in ("Cleo", "Dora", "Emil", "Finn", "Gus", "Hal", "Ida"):
        fleet.give_back(guest)
    assert fleet.overview() == ["1 small Ana", "2 small Ben", "10 small Jo", "11 large Zoe"]


def test_overview_after_the_fallback():
    fleet = BoatFleet(0, 1)
    fleet.take("Ana", "small")
    assert fleet.overview() == ["1 large Ana"]


def test_fleet_without_boats():
    fleet = BoatFleet(0, 0)
    assert (fleet.free("small"), fleet.free("large")) == (0, 0)
    assert message_of(fleet.take, "Ana") == "no small boat free"
