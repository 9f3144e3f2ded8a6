import pytest
from tour import screen_text

TOUR = ["Entrance", "Glass Room", "Clock Hall", "Print Shop", "Garden"]
MARKED = ["Entrance", "  Glass Room * ", "Clock Hall", "Print Shop*", "Garden*"]


def test_room_in_the_middle():
    assert screen_text(TOUR, 1) == "Next room: Glass Room, then Clock Hall."


def test_first_room():
    assert screen_text(TOUR, 0) == "Next room: Entrance, then Glass Room."


def test_room_before_the_last():
    assert screen_text(TOUR, 3) == "Next room: Print Shop, then Garden, the last room."


def test_last_room():
    assert screen_text(TOUR, 4) == "Last room: Garden. The tour ends here."


def test_optional_room_comes_next():
    assert screen_text(MARKED, 1) == "Next room: Glass Room (optional), then Clock Hall."


def test_optional_room_comes_after_the_next():
    assert screen_text(MARKED, 0) == "Next room: Entrance, then Glass Room (optional)."
    assert screen_text(MARKED, 2) == "Next room: Clock Hall, then Print Shop (optional)."


def test_marked_last_room_is_never_optional():
    assert screen_text(MARKED, 3) == "Next room: Print Shop (optional), then Garden, the last room."
    assert screen_text(MARKED, 4) == "Last room: Garden. The tour ends here."


def test_blanks_are_dropped():
    assert screen_text([" A ", " B", "C "], 0) == "Next room: A, then B."
    assert screen_text([" A ", " B", "C "], 1) == "Next room: B, then C, the last room."
    assert screen_text([" A ", " B", "C "], 2) == "Last room: C. The tour ends here."


def test_tour_of_one_room():
    assert screen_text(["Garden *"], 0) == "Last room: Garden. The tour ends here."


@pytest.mark.parametrize(
    ("rooms", "index", "message"),
    [
        (TOUR, 7, "no room 7 on this tour of 5 rooms"),
        (TOUR, 5, "no room 5 on this tour of 5 rooms"),
        (TOUR, -1, "no room -1 on this tour of 5 rooms"),
        ([], 0, "no room 0 on this tour of 0 rooms"),
    ],
)
def test_no_such_room(rooms, index, message):
    with pytest.raises(IndexError) as caught:
        screen_text(rooms, index)
    assert str(caught.value) == message


def test_list_is_left_alone():
    rooms = list(MARKED)
    screen_text(rooms, 0)
    screen_text(rooms, 4)
    assert rooms == MARKED
