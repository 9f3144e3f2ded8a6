import pytest
from pumps import Levels, PumpError, PumpStation, State

LEVELS = Levels(stop=40, start=100, alarm=150)


def station(*names, rest=3):
    return PumpStation(LEVELS, names or ("A", "B"), rest)


def test_nothing_runs_below_the_start_level():
    pit = station()
    assert [pit.tick(level) for level in (0, 60, 99)] == [[], [], []]


def test_one_pump_from_start_to_stop_level():
    pit = station()
    assert [pit.tick(level) for level in (100, 70, 41, 40)] == [["A"], ["A"], ["A"], []]


def test_all_pumps_at_the_alarm_level():
    pit = station("A", "B", "C")
    assert [pit.tick(level) for level in (120, 150, 110)] == [
        ["A"],
        ["A", "B", "C"],
        ["A", "B", "C"],
    ]


def test_pumps_take_turns():
    pit = station(rest=1)
    runs = []
    for _ in range(4):
        runs += pit.tick(100)
        pit.tick(30)
        pit.tick(30)
    assert runs == ["A", "B", "A", "B"]


def test_pump_rests_after_it_has_stopped():
    pit = station("A", rest=3)
    pit.tick(100)
    pit.tick(40)
    assert [pit.tick(120) for _ in range(4)] == [[], [], ["A"], ["A"]]
    assert pit.history == ["1 A running", "2 A resting", "5 A ready", "5 A running"]


def test_tripped_pump_is_replaced():
    pit = station()
    pit.tick(100)
    pit.trip("A")
    assert pit.tick(100) == ["B"]
    assert pit.out_of_service() == ["A"]


def test_pump_that_trips_while_running_stays_tripped():
    pit = station("A")
    pit.tick(100)
    pit.trip("A")
    assert [pit.tick(160) for _ in range(6)] == [[]] * 6
    assert pit.state_of("A") is State.TRIPPED


def test_pump_that_trips_while_resting_stays_tripped():
    pit = station("A", rest=3)
    pit.tick(100)
    pit.tick(40)
    pit.tick(40)
    pit.trip("A")
    assert [pit.tick(160) for _ in range(6)] == [[]] * 6
    assert pit.state_of("A") is State.TRIPPED
    assert pit.history == ["1 A running", "2 A resting", "3 A tripped"]


def test_pump_that_trips_in_the_minute_it_stops():
    pit = station("A", "B", rest=1)
    pit.tick(160)
    pit.tick(40)
    pit.trip("B")
    assert [pit.tick(160) for _ in range(3)] == [["A"]] * 3
    assert pit.out_of_service() == ["B"]


def test_reset_pump_rests_in_full():
    pit = station("A", rest=3)
    pit.trip("A")
    for _ in range(5):
        pit.tick(120)
    pit.reset("A")
    assert pit.state_of("A") is State.RESTING
    assert [pit.tick(120) for _ in range(3)] == [[], [], ["A"]]


def test_reset_soon_after_a_trip_during_the_rest():
    pit = station("A", rest=3)
    pit.tick(100)
    pit.tick(40)
    pit.tick(40)
    pit.trip("A")
    pit.tick(120)
    pit.reset("A")
    assert [pit.tick(120) for _ in range(3)] == [[], [], ["A"]]


def test_second_trip_after_a_reset():
    pit = station("A", rest=2)
    pit.trip("A")
    pit.reset("A")
    pit.tick(120)
    pit.trip("A")
    assert [pit.tick(120) for _ in range(4)] == [[]] * 4
    assert pit.out_of_service() == ["A"]


def test_reset_of_a_pump_that_is_not_tripped():
    with pytest.raises(PumpError, match="pump A is not tripped"):
        station().reset("A")


def test_unknown_pump():
    with pytest.raises(PumpError, match="no pump Z"):
        station().trip("Z")


def test_starts_are_counted():
    pit = station("A", rest=1)
    for level in (100, 120, 40, 40, 100):
        pit.tick(level)
    assert pit.starts_of("A") == 2


def test_bad_settings():
    with pytest.raises(ValueError, match="levels have to rise"):
        Levels(stop=50, start=50, alarm=100)
    with pytest.raises(ValueError, match="rest_minutes"):
        station("A", rest=0)
