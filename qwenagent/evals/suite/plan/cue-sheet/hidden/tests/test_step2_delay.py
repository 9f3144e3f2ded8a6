import dataclasses

import pytest

from cuesheet import Change, Cue, CueError, CueNumber, CueSheet, compare, parse, render

ONE = CueNumber(1)

TEXT = """\
show: Small
channels: 6

cue 1 "Go" up 3 follow 5 delay 1.5 block
  1-3 @ 40
"""


def test_no_delay_is_usual():
    assert Cue(ONE).delay == 0.0


def test_last_field():
    assert [field.name for field in dataclasses.fields(Cue)][-2:] == ["note", "delay"]


def test_negative():
    with pytest.raises(CueError) as caught:
        Cue(ONE, delay=-0.5)
    assert str(caught.value) == "cue 1: delay must not be negative"


def test_duration():
    assert Cue(ONE, up=3, delay=1.5).duration() == 4.5
    assert Cue(ONE, up=3, down=7, delay=2).duration() == 9
    assert Cue(ONE, up=3).duration() == 3


def test_read():
    assert parse(TEXT).cue(ONE) == Cue(
        ONE, "Go", 3.0, None, 5.0, True, (Change((1, 2, 3), 40),), "", 1.5
    )


def test_read_anywhere_and_with_minutes():
    assert parse("channels: 6\ncue 1 delay 1:10 up 4").cue(ONE) == Cue(ONE, up=4.0, delay=70.0)


def test_read_without_a_time():
    with pytest.raises(CueError) as caught:
        parse("channels: 6\ncue 1 delay")
    assert str(caught.value) == "line 2: not a time: "


def test_written():
    assert render(parse(TEXT)) == TEXT


def test_not_written_if_there_is_none():
    sheet = CueSheet("Small", 6)
    sheet.add(Cue(ONE))
    assert render(sheet) == "show: Small\nchannels: 6\n\ncue 1\n"


def test_chain_time_counts_it():
    sheet = parse("channels: 6\ncue 1 up 3 follow 1\n 1 @ 5\ncue 2 up 4 delay 2\n 2 @ 5\n")
    assert sheet.chain_time(ONE) == 7


def test_fade_time_does_not():
    assert parse(TEXT).fade_time(ONE) == 3


def test_compared():
    changed = parse(TEXT.replace("follow 5 delay 1.5 block", "follow 6 delay 2"))
    assert compare(parse(TEXT), changed) == ["cue 1: follow, delay, block"]
