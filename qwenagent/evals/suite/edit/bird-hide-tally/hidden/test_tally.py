import pytest
from tally import TallyBoard


def test_new_board_is_empty():
    board = TallyBoard()
    assert board.total() == 0
    assert board.lines() == []
    assert board.count("Robin") == 0


def test_boards_do_not_share_their_counts():
    TallyBoard().note("Robin", 4)
    assert TallyBoard().total() == 0


def test_one_bird_unless_told_otherwise():
    board = TallyBoard()
    board.note("Robin")
    board.note("Robin", 3)
    assert board.count("Robin") == 4


def test_total_over_all_species():
    board = TallyBoard()
    board.note("Coot", 5)
    board.note("Teal", 2)
    board.note("Coot")
    assert board.total() == 8


def test_lines_are_in_alphabetical_order():
    board = TallyBoard()
    board.note("Wren", 2)
    board.note("Bittern")
    board.note("Grey Heron", 3)
    assert board.lines() == ["Bittern: 1", "Grey Heron: 3", "Wren: 2"]


@pytest.mark.parametrize("count", [0, -1])
def test_count_below_one_is_refused(count):
    board = TallyBoard()
    with pytest.raises(ValueError) as caught:
        board.note("Robin", count)
    assert str(caught.value) == "count must be at least 1"
    assert board.lines() == []


def test_asking_does_not_add_a_species():
    board = TallyBoard()
    board.note("Coot")
    board.count("Osprey")
    assert board.lines() == ["Coot: 1"]
