from dataclasses import FrozenInstanceError

import pytest

from cuesheet import CueNumber, CueSheet, parse
from usage import ChannelUse, usage, usage_text

TEXT = """\
show: Small
channels: 12
cue 1 "a"
  12 @ 40
  2 @ full
cue 2 "b"
  12 @ 75
  5 @ out
cue 2.5 "c"
  12 @ 10
  2 @ out
cue 3 "d" block
  7 @ 5
"""


def test_usage():
    assert usage(parse(TEXT)) == [
        ChannelUse(channel=2, n_cues=2, highest=100, first=CueNumber(1)),
        ChannelUse(channel=7, n_cues=1, highest=5, first=CueNumber(3)),
        ChannelUse(channel=12, n_cues=3, highest=75, first=CueNumber(1)),
    ]


def test_order_of_the_fields():
    use = ChannelUse(2, 3, 40, CueNumber(1))
    assert (use.channel, use.n_cues, use.highest, use.first) == (2, 3, 40, CueNumber(1))


def test_frozen():
    use = ChannelUse(2, 3, 40, CueNumber(1))
    with pytest.raises(FrozenInstanceError):
        use.channel = 3


def test_channel_that_comes_back():
    sheet = parse("channels: 3\ncue 1\n 1 @ 5\ncue 2\n 1 @ out\ncue 3\n 1 @ 9\n")
    assert usage(sheet) == [ChannelUse(1, 2, 9, CueNumber(1))]


def test_text():
    assert usage_text(parse(TEXT)) == (
        "2: 2 cues, highest full, first in cue 1\n"
        "7: 1 cue, highest 5, first in cue 3\n"
        "12: 3 cues, highest 75, first in cue 1"
    )


def test_number_with_a_point():
    sheet = parse("channels: 3\ncue 1\ncue 1.5\n 3 @ 5\n")
    assert usage_text(sheet) == "3: 1 cue, highest 5, first in cue 1.5"


def test_no_cues():
    assert usage(CueSheet("Small", 3)) == []
    assert usage_text(CueSheet("Small", 3)) == "no channel is used"


def test_cues_in_darkness():
    sheet = parse("channels: 3\ncue 1\n 1 @ out\n")
    assert (usage(sheet), usage_text(sheet)) == ([], "no channel is used")
