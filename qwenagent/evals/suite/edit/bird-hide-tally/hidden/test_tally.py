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


def test_case_and_blanks_do_not_matter():
    board = TallyBoard()
    board.note(" Robin ")
    board.note("ROBIN", 2)
    assert board.count("robin") == 3
    assert board.count("  rOBIN ") == 3
    assert board.lines() == ["Robin: 3"]


def test_first_spelling_is_kept():
    board = TallyBoard()
    board.note("  grey Heron")
    board.note("Grey Heron")
    assert board.lines() == ["grey Heron: 2"]


def test_total_over_all_species():
    board = TallyBoard()
    board.note("Coot", 5)
    board.note("Teal", 2)
    board.note("coot")
    assert board.total() == 8


def test_most_frequent_first_then_alphabetical_without_case():
    board = TallyBoard()
    board.note("Wren", 2)
    board.note("teal", 2)
    board.note("Bittern", 2)
    board.note("Coot", 9)
    board.note("avocet", 2)
    assert board.lines() == ["Coot: 9", "avocet: 2", "Bittern: 2", "teal: 2", "Wren: 2"]


@pytest.mark.parametrize("count", [0, -1])
def test_count_below_one_is_refused(count):
    board = TallyBoard()
    with pytest.raises(ValueError) as caught:
        board.note("Robin", count)
    assert str(caught.value) == "count must be at least 1"
    assert board.lines() == []


@pytest.mark.parametrize("species", ["", "   "])
def test_empty_species_is_refused(species):
    board = TallyBoard()
    with pytest.raises(ValueError) as caught:
        board.note(species, 2)
    assert str(caught.value) == "species is empty"
    assert board.total() == 0


def test_asking_does_not_add_a_species():
    board = TallyBoard()
    board.note("Coot")
    board.count("Osprey")
    assert board.lines() == ["Coot: 1"]
