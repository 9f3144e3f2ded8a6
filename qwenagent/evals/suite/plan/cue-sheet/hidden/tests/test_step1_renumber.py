import pytest

from cuesheet import Change, Cue, CueError, CueNumber, CueSheet


def sheet(*cues):
    made = CueSheet("Small", 6)
    for cue in cues:
        made.add(cue)
    return made


FIRST = Cue(CueNumber(1), "a", 3.0, 4.0, 5.0, True, (Change((1, 2), 40),), "bell")
MIDDLE = Cue(CueNumber(1, 5), "b")
LAST = Cue(CueNumber(7), "c")


def test_new_numbers():
    cues = sheet(LAST, FIRST, MIDDLE)
    cues.renumber()
    assert cues.numbers() == [CueNumber(1), CueNumber(2), CueNumber(3)]
    assert [cue.label for cue in cues] == ["a", "b", "c"]


def test_cues_know_their_numbers():
    cues = sheet(FIRST, MIDDLE, LAST)
    cues.renumber()
    assert [cue.number for cue in cues] == cues.numbers()
    assert cues.cue(CueNumber(3)) == Cue(CueNumber(3), "c")


def test_the_rest_stays():
    cues = sheet(FIRST)
    cues.renumber(10)
    assert cues.cues() == [
        Cue(CueNumber(10), "a", 3.0, 4.0, 5.0, True, (Change((1, 2), 40),), "bell")
    ]


def test_what_is_returned():
    renumbered = sheet(LAST, FIRST, MIDDLE).renumber()
    assert list(renumbered.items()) == [
        (CueNumber(1), CueNumber(1)),
        (CueNumber(1, 5), CueNumber(2)),
        (CueNumber(7), CueNumber(3)),
    ]


def test_new_numbers_that_were_in_use():
    cues = sheet(Cue(CueNumber(1), "a"), Cue(CueNumber(2), "b"), Cue(CueNumber(3), "c"))
    cues.renumber(2)
    assert [(str(cue.number), cue.label) for cue in cues] == [("2", "a"), ("3", "b"), ("4", "c")]


def test_old_numbers_are_gone():
    cues = sheet(FIRST, MIDDLE)
    cues.renumber()
    assert CueNumber(1, 5) not in cues
    assert len(cues) == 2


def test_no_cues():
    assert sheet().renumber() == {}


def test_first_below_one():
    cues = sheet(MIDDLE)
    with pytest.raises(CueError) as caught:
        cues.renumber(0)
    assert str(caught.value) == "cue numbers begin with 1"
    assert cues.cues() == [MIDDLE]
