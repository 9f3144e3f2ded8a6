import pytest
from rota import Person, Rota, RotaError, Shift, build_rota, day_sheet, hours_by_desk

BOTH = frozenset({"loans", "children"})
LOANS = frozenset({"loans"})


def person(name, desks=BOTH, hours=40, off=()):
    return Person(name, desks, hours, frozenset(off))


def test_one_shift():
    shift = Shift("loans", 0, 9, 13)
    assert build_rota([shift], [person("Ida")]) == Rota({shift: "Ida"}, [])


def test_person_with_the_fewest_hours_is_chosen():
    shifts = [Shift("loans", day, 9, 13) for day in range(4)]
    rota = build_rota(shifts, [person("Ida"), person("Abe")])
    assert [rota.assigned[shift] for shift in shifts] == ["Abe", "Ida", "Abe", "Ida"]
    assert (rota.hours_of("Ida"), rota.hours_of("Abe")) == (8, 8)


def test_desk_and_day_off():
    shifts = [Shift("children", 0, 9, 12), Shift("loans", 1, 9, 12)]
    rota = build_rota(shifts, [person("Abe", LOANS), person("Ida", off=[1])])
    assert [rota.assigned[shift] for shift in shifts] == ["Ida", "Abe"]


def test_hours_are_limited():
    shifts = [Shift("loans", day, 9, 13) for day in range(3)]
    rota = build_rota(shifts, [person("Ida", hours=8)])
    assert rota.hours_of("Ida") == 8
    assert rota.unfilled == [shifts[2]]


def test_two_desks_at_the_same_time_need_two_people():
    shifts = [Shift("children", 0, 9, 13), Shift("loans", 0, 9, 13)]
    rota = build_rota(shifts, [person("Ida"), person("Abe")])
    assert sorted(rota.assigned.values()) == ["Abe", "Ida"]


def test_same_hours_cannot_be_staffed_by_one_person():
    shifts = [Shift("children", 0, 9, 13), Shift("loans", 0, 9, 13)]
    rota = build_rota(shifts, [person("Ida")])
    assert rota.unfilled == [shifts[1]]


def test_shift_that_begins_during_another():
    shifts = [Shift("loans", 0, 9, 13), Shift("children", 0, 12, 16)]
    rota = build_rota(shifts, [person("Ida")])
    assert rota.assigned == {shifts[0]: "Ida"}
    assert rota.unfilled == [shifts[1]]


def test_short_shift_within_a_long_one():
    shifts = [Shift("loans", 2, 9, 17), Shift("children", 2, 14, 15)]
    rota = build_rota(shifts, [person("Ida"), person("Abe", LOANS, hours=4)])
    assert rota.assigned == {shifts[0]: "Ida"}
    assert rota.unfilled == [shifts[1]]


def test_shifts_that_touch_can_be_done_by_one_person():
    shifts = [Shift("loans", 0, 9, 13), Shift("children", 0, 13, 16)]
    rota = build_rota(shifts, [person("Ida")])
    assert rota.shifts_of("Ida") == shifts
    assert rota.unfilled == []


def test_fixed_shift_later_on_the_day_is_respected():
    fixed = Shift("children", 0, 11, 15)
    before = Shift("loans", 0, 9, 12)
    rota = build_rota([before, fixed], [person("Ida")], {fixed: "Ida"})
    assert rota == Rota({fixed: "Ida"}, [before])


def test_fixed_shift_earlier_on_the_day_is_respected():
    fixed = Shift("children", 0, 9, 12)
    after = Shift("loans", 0, 11, 15)
    rota = build_rota([fixed, after], [person("Ida"), person("Zoe")], {fixed: "Ida"})
    assert rota == Rota({fixed: "Ida", after: "Zoe"}, [])


def test_rest_after_a_late_shift():
    late = Shift("loans", 0, 16, 22)
    early = Shift("loans", 1, 8, 12)
    later = Shift("loans", 1, 13, 17)
    rota = build_rota([late, early, later], [person("Ida")])
    assert rota.shifts_of("Ida") == [late, later]
    assert rota.unfilled == [early]


def test_nine_on_the_next_day_is_rest_enough():
    late = Shift("loans", 0, 16, 22)
    early = Shift("loans", 1, 9, 12)
    assert build_rota([late, early], [person("Ida")]).unfilled == []


def test_unknown_and_double_names():
    shift = Shift("loans", 0, 9, 13)
    with pytest.raises(RotaError, match="Mon 09-13 loans: nobody is called Bo"):
        build_rota([shift], [person("Ida")], {shift: "Bo"})
    with pytest.raises(RotaError, match="two people have the same name"):
        build_rota([shift], [person("Ida"), person("Ida")])


@pytest.mark.parametrize(
    ("day", "start", "end"), [(7, 9, 12), (-1, 9, 12), (0, 12, 12), (0, 9, 25)]
)
def test_bad_shifts(day, start, end):
    with pytest.raises(RotaError):
        Shift("loans", day, start, end)


def test_day_sheet_shows_open_shifts():
    shifts = [
        Shift("loans", 5, 10, 14),
        Shift("children", 5, 12, 14),
        Shift("loans", 5, 14, 16),
        Shift("loans", 6, 11, 13),
    ]
    rota = build_rota(shifts, [person("Ida", off=[6])])
    assert day_sheet(rota, 5) == [
        "Sat 10-14 loans: Ida",
        "Sat 12-14 children: open",
        "Sat 14-16 loans: Ida",
    ]
    assert day_sheet(rota, 6) == ["Sun 11-13 loans: open"]


def test_hours_by_desk():
    shifts = [Shift("loans", 0, 9, 13), Shift("children", 1, 9, 12), Shift("loans", 2, 9, 11)]
    assert hours_by_desk(build_rota(shifts, [person("Ida")])) == {"children": 3, "loans": 6}
