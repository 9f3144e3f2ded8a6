import pytest

from cuesheet import Change, Cue, CueError, CueNumber, CueSheet, parse, render

TEXT = """\
show: Small
channels: 12
group wash: 1-3
cue 1 "a"
  wash @ 40
  8 @ full
cue 2 "b"
  5 @ 30
cue 3 "c"
  wash @ out
  3,8 @ 61
"""

ONE, TWO, THREE = CueNumber(1), CueNumber(2), CueNumber(3)


def test_whole_changes_keep_their_group():
    sheet = parse(TEXT)
    assert sheet.scale((1, 2, 3), 50) == 2
    assert sheet.cue(ONE).changes == (Change((1, 2, 3), 20, "wash"), Change((8,), 100))


def test_split_changes():
    sheet = parse(TEXT)
    assert sheet.scale((3, 8), 50) == 2
    assert sheet.cue(ONE).changes == (
        Change((1, 2), 40),
        Change((3,), 20),
        Change((8,), 50),
    )


def test_channels_that_are_out_stay_out():
    sheet = parse(TEXT)
    sheet.scale((3, 8), 50)
    assert sheet.cue(THREE).changes == (Change((1, 2, 3), 0, "wash"), Change((3, 8), 31))


def test_other_cues_stay():
    sheet = parse(TEXT)
    sheet.scale((1, 2, 3, 8), 50)
    assert sheet.cue(TWO) == parse(TEXT).cue(TWO)


def test_not_above_full():
    sheet = parse(TEXT)
    assert sheet.scale((8,), 200) == 1
    assert sheet.cue(ONE).levels()[8] == 100
    assert sheet.cue(THREE).changes[1:] == (Change((3,), 61), Change((8,), 100))


def test_rounding():
    sheet = CueSheet("Small", 12)
    sheet.add(Cue(ONE, changes=(Change((1,), 25), Change((2,), 24), Change((3,), 1))))
    sheet.scale((1, 2, 3), 50)
    assert [change.level for change in sheet.cue(ONE).changes] == [13, 12, 1]


def test_hundred_percent_changes_nothing():
    sheet = parse(TEXT)
    assert sheet.scale((1, 8), 100) == 0
    assert render(sheet) == render(parse(TEXT))


def test_change_to_the_same_level_is_not_split():
    sheet = CueSheet("Small", 12)
    sheet.add(Cue(ONE, changes=(Change((1, 2), 1),)))
    assert sheet.scale((1,), 80) == 0
    assert sheet.cue(ONE).changes == (Change((1, 2), 1),)


def test_zero_percent():
    sheet = parse(TEXT)
    assert sheet.scale((5,), 0) == 1
    assert sheet.cue(TWO).changes == (Change((5,), 0),)


def test_negative_percent():
    sheet = parse(TEXT)
    with pytest.raises(CueError) as caught:
        sheet.scale((99,), -1)
    assert str(caught.value) == "percent must not be negative"


def test_missing_channel():
    sheet = parse(TEXT)
    with pytest.raises(CueError) as caught:
        sheet.scale((1, 13), 50)
    assert str(caught.value) == "scale: channel 13 is not one of 1-12"
    assert sheet == parse(TEXT)


def test_groups_stay():
    sheet = parse(TEXT)
    sheet.scale((1, 2, 3), 50)
    assert sheet.groups == {"wash": (1, 2, 3)}
