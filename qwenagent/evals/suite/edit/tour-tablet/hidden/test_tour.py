import pytest
from tour import screen_text

TOUR = ["Entrance", "Glass Room", "Clock Hall", "Print Shop", "Garden"]


def test_first_room():
    assert screen_text(TOUR, 0) == "Next room: Entrance, then Glass Room."


def test_room_in_the_middle():
    assert screen_text(TOUR, 1) == "Next room: Glass Room, then Clock Hall."


def test_room_before_the_last():
    assert screen_text(TOUR, 3) == "Next room: Print Shop, then Garden."


def test_last_room():
    assert screen_text(TOUR, 4) == "Last room: Garden. The tour ends here."


def test_tour_of_one_room():
    assert screen_text(["Garden"], 0) == "Last room: Garden. The tour ends here."


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
