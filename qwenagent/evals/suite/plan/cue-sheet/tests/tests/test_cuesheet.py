import pytest

from cuesheet import (
    Change,
    Cue,
    CueError,
    CueNumber,
    CueSheet,
    Move,
    SheetSyntaxError,
    check,
    compare,
    format_channels,
    format_level,
    format_seconds,
    number_between,
    parse,
    parse_channels,
    parse_level,
    parse_number,
    parse_seconds,
    render,
)

ORCHARD = """\
show: The Orchard
channels: 24
group wash: 1-6
group back: 7-9

# Act one
cue 1 "Preset" up 3
  wash @ 40
  12 @ full
cue 2 "House to half" up 5 down 7 follow 2.5
  wash @ 20
cue 2.5 "Door opens" up 0
  10,11 @ 65
cue 3 "Night" up 8 block
  note: wait for the bell
  back @ 15
"""

ONE, TWO, DOOR, NIGHT = (CueNumber(1), CueNumber(2), CueNumber(2, 5), CueNumber(3))


@pytest.fixture
def sheet():
    return parse(ORCHARD)


def small(*cues):
    sheet = CueSheet("Small", 6)
    for cue in cues:
        sheet.add(cue)
    return sheet


@pytest.mark.parametrize(
    ("text", "number"), [("7", CueNumber(7)), ("7.5", CueNumber(7, 5)), ("12.0", CueNumber(12))]
)
def test_parse_number(text, number):
    assert parse_number(text) == number


@pytest.mark.parametrize("text", ["", "x", "7.", "7.55", "-1", "0", "0.5"])
def test_not_a_number(text):
    with pytest.raises(CueError):
        parse_number(text)


def test_numbers_are_written_as_read():
    assert [str(number) for number in (ONE, DOOR)] == ["1", "2.5"]


def test_number_between():
    assert number_between(CueNumber(2), CueNumber(4)) == CueNumber(3)
    assert number_between(CueNumber(2), CueNumber(3)) == CueNumber(2, 1)
    assert number_between(CueNumber(2, 5), CueNumber(3)) == CueNumber(2, 6)


def test_no_number_left():
    with pytest.raises(CueError, match="no number left"):
        number_between(CueNumber(2, 9), CueNumber(3))
    with pytest.raises(CueError, match="no number left"):
        number_between(CueNumber(2, 1), CueNumber(2, 2))


def test_parse_channels():
    assert parse_channels("1-3, 9,2") == (1, 2, 3, 9)


@pytest.mark.parametrize("text", ["", "a", "3-1", "0", "1-", "1,,2"])
def test_not_channels(text):
    with pytest.raises(CueError):
        parse_channels(text)


def test_format_channels():
    assert format_channels([9, 1, 2, 3, 4, 7, 8]) == "1-4,7-9"
    assert format_channels([1, 2, 5]) == "1,2,5"


def test_levels():
    assert [parse_level(text) for text in ("full", "out", "35")] == [100, 0, 35]
    assert [format_level(level) for level in (100, 0, 35)] == ["full", "out", "35"]
    with pytest.raises(CueError):
        parse_level("101")


@pytest.mark.parametrize(
    ("text", "seconds"), [("4", 4.0), ("2.5", 2.5), ("1:30", 90.0), ("1:05.5", 65.5)]
)
def test_seconds(text, seconds):
    assert parse_seconds(text) == seconds
    assert format_seconds(seconds) == text


def test_times_are_not_negative():
    with pytest.raises(CueError, match="cue 1: follow must not be negative"):
        Cue(ONE, follow=-1)


def test_duration():
    assert Cue(ONE, up=3).duration() == 3
    assert Cue(ONE, up=3, down=7).duration() == 7


def test_later_changes_win():
    cue = Cue(ONE, changes=(Change((1, 2), 40), Change((2,), 70)))
    assert cue.levels() == {1: 40, 2: 70}


def test_parse(sheet):
    assert (sheet.show, sheet.n_channels, len(sheet)) == ("The Orchard", 24, 4)
    assert sheet.groups == {"wash": (1, 2, 3, 4, 5, 6), "back": (7, 8, 9)}
    assert sheet.cue(TWO) == Cue(
        TWO, "House to half", 5.0, 7.0, 2.5, False, (Change((1, 2, 3, 4, 5, 6), 20, "wash"),)
    )
    assert sheet.cue(NIGHT).note == "wait for the bell"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 0: the sheet does not say how many channels there are"),
        ("channels: many", "line 1: not a number of channels: many"),
        ("cue 1", "line 1: the number of channels has to come first"),
        ("channels: 4\n  1 @ 5", "line 2: an indented line belongs to a cue"),
        ("channels: 4\ncue 1\n  5 @ 50", "line 3: cue 1: channel 5 is not one of 1-4"),
        ("channels: 4\ncue 1 sideways 3", "line 2: unknown option: sideways"),
        ("channels: 4\ncue 1 up", "line 2: not a time: "),
        ("channels: 4\ncue 1\ncue 1", "line 3: there is a cue 1 already"),
        ("channels: 4\ncue 1\ngroup a: 1", "line 3: group a has to come before the first cue"),
    ],
)
def test_syntax_errors(text, message):
    with pytest.raises(SheetSyntaxError) as caught:
        parse(text)
    assert str(caught.value) == message


def test_render_reads_the_same_again(sheet):
    assert parse(render(sheet)) == sheet


def test_render_a_cue():
    sheet = small(Cue(ONE, "Go", 4, 5.5, 1, True, (Change((1, 2, 3), 100),), "now"))
    assert render(sheet) == (
        "show: Small\nchannels: 6\n\n"
        'cue 1 "Go" up 4 down 5.5 follow 1 block\n  note: now\n  1-3 @ full\n'
    )


def test_render_leaves_out_what_is_usual():
    assert render(small(Cue(ONE))).endswith("\ncue 1\n")


def test_order_of_cues():
    sheet = small(Cue(NIGHT), Cue(ONE), Cue(DOOR))
    assert sheet.numbers() == [ONE, DOOR, NIGHT]


def test_previous_and_next(sheet):
    assert sheet.previous(ONE) is None
    assert sheet.previous(DOOR).number == TWO
    assert sheet.next(CueNumber(2, 7)).number == NIGHT
    assert sheet.next(NIGHT) is None


def test_missing_cue(sheet):
    with pytest.raises(CueError, match=r"there is no cue 4\.5"):
        sheet.cue(CueNumber(4, 5))


def test_remove(sheet):
    assert sheet.remove(DOOR).label == "Door opens"
    assert DOOR not in sheet


def test_insert_after(sheet):
    assert sheet.insert_after(DOOR, "Wind").number == CueNumber(2, 6)
    assert sheet.insert_after(NIGHT).number == CueNumber(4)


def test_copy_to(sheet):
    assert sheet.copy_to(DOOR, CueNumber(9)).changes == sheet.cue(DOOR).changes


def test_set_level():
    sheet = small(Cue(ONE, changes=(Change((1, 2, 3), 40),)))
    sheet.set_level(ONE, (2,), 80)
    assert sheet.cue(ONE).changes == (Change((1, 3), 40), Change((2,), 80))


def test_release():
    sheet = small(Cue(ONE, changes=(Change((1, 2, 3), 40), Change((4,), 10))))
    sheet.release(ONE, (3, 4))
    assert sheet.cue(ONE).changes == (Change((1, 2), 40),)


def test_swap_channels(sheet):
    assert sheet.swap_channels(6, 12) == 2
    assert sheet.groups["wash"] == (1, 2, 3, 4, 5, 12)
    assert sheet.cue(ONE).levels()[6] == 100
    assert parse(render(sheet)) == sheet


def test_state_tracks(sheet):
    assert sheet.state(DOOR) == {**dict.fromkeys(range(1, 7), 20), 12: 100, 10: 65, 11: 65}


def test_block_starts_from_darkness(sheet):
    assert sheet.state(NIGHT) == {7: 15, 8: 15, 9: 15}


def test_moves():
    sheet = small(
        Cue(ONE, changes=(Change((1, 2), 40),)),
        Cue(TWO, changes=(Change((2, 3), 40), Change((1,), 0))),
    )
    assert sheet.moves(TWO) == [Move(1, 40, 0), Move(3, 0, 40)]


def test_fade_time(sheet):
    assert sheet.fade_time(TWO) == 7
    assert sheet.fade_time(NIGHT) == 8


def test_chain(sheet):
    assert [cue.number for cue in sheet.chain(TWO)] == [TWO, DOOR]
    assert sheet.chain_time(TWO) == 7


def test_buttons(sheet):
    assert sheet.buttons() == [ONE, TWO, NIGHT]


def test_blackouts():
    sheet = small(Cue(ONE, changes=(Change((1,), 40),)), Cue(TWO, block=True))
    assert sheet.blackouts() == [TWO]


def test_unused_channels_and_peak(sheet):
    assert sheet.unused_channels() == tuple(range(13, 25))
    assert sheet.peak() == 9


def test_find(sheet):
    assert [cue.number for cue in sheet.find("BELL")] == [NIGHT]


def test_check():
    sheet = small(
        Cue(ONE, changes=(Change((1, 2), 40), Change((2,), 50))),
        Cue(TWO, "Nothing", follow=1),
    )
    assert [str(problem) for problem in check(sheet)] == [
        "cue 1: has no label",
        "cue 1: sets channels twice: 2",
        "cue 2: moves nothing",
        "cue 2: follow, but there is no next cue",
    ]


def test_check_an_empty_sheet():
    assert [str(problem) for problem in check(small())] == ["the sheet has no cues"]


def test_compare(sheet):
    new = parse(ORCHARD)
    new.remove(DOOR)
    new.insert_after(NIGHT)
    new.set_level(ONE, (12,), 50)
    assert compare(sheet, new) == ["cue 1: levels", "cue 2.5: removed", "cue 4: added"]


def test_compare_with_itself(sheet):
    assert compare(sheet, sheet) == []
